//! Sessions in Redis or Valkey: one node, Sentinel, Cluster.
//!
//! [`store`](self::store) has the verbs, `form` how keys and records lie in the database, `scripts`
//! what takes more than one command. Below them `link` is the connection, `target` whom it is opened
//! to, `address` the URLs that say so, `fault` what the driver's errors mean; beside them `tracking`
//! follows what others change and `listing` goes through everything.

mod address;
mod builder;
mod command;
mod fault;
mod form;
mod lifetime;
mod link;
mod listing;
mod scripts;
mod store;
mod target;
mod tracking;
mod verbs;

pub use builder::RedisBuilder;
pub use store::RedisStore;
