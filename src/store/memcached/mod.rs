//! Sessions in memcached, over its meta protocol.
//!
//! [`MemcachedStore`] is the store, [`MemcachedBuilder`] its settings. Below them, each in a file of
//! its own: what is asked and what is answered on the wire, one connection, a bounded pool of them per
//! server, which server has a key, what a key is called there, and what stands before a value.

mod address;
mod bare;
mod builder;
mod connection;
mod distribution;
mod name;
mod native;
mod pool;
mod record;
mod reply;
mod request;
mod stamp;
mod store;

pub use builder::MemcachedBuilder;
pub use store::MemcachedStore;
