//! Sessions in a database: SQLite in this process, or a PostgreSQL, MariaDB or MySQL server.
//!
//! [`SqlStore`] is one type for all of them; the address decides. Read `store` for the contract's
//! verbs and `verbs` for what they ask of a connection. `builder` has what can be chosen, `address`
//! and `target` read and check it. `texts` has the statements, `words` the phrases in them, `dialect` what the
//! engines say differently, `statement` binds the values. `link` is one connection, `pool` lends them out, `fault` says
//! what went wrong. `keys` and `write` fit ours to the columns. `migrate`, `bulk` and `page` are for
//! administration.

mod address;
mod builder;
mod bulk;
mod dialect;
mod fault;
mod keys;
mod link;
mod migrate;
mod page;
mod pool;
mod statement;
mod store;
mod target;
mod texts;
mod verbs;
mod words;
mod write;

pub use builder::{Python, SqlStoreBuilder};
pub use store::SqlStore;
