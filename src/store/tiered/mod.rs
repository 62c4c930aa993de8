//! The embedded cache in front of a durable store: most loads end in this process, every write in
//! the store behind.
//!
//! - `store`: [`TieredStore`], the verbs.
//! - `front`: the copies in the cache, and how long each may be served.
//! - `traffic`: what is on its way to the back, by key; decides whose answer may become a copy.
//! - `flight`: one load that many wait for.
//! - `listen`: what other nodes changed.

mod builder;
mod failure;
mod flight;
mod front;
mod listen;
mod store;
mod traffic;

pub use builder::{TieredBuilder, WhenBackFails};
pub use store::TieredStore;
