//! Flask-Session: the session's id in the cookie, its data in a store as MessagePack or JSON.
//!
//! In the store the record's key is a prefix, `session:` unless set, and the id.
//! Version 0.6 and older, and the file system and cachelib stores of all versions, keep pickles,
//! which are refused.

mod id;
mod msgpack;
mod record;

pub use id::SignedId;
pub use record::{Format, Record};
