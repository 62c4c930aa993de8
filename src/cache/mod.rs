//! The engine: a lock-sharded cache of bytes with exact limits and exact expiry.
//!
//! It is synchronous, needs no thread of its own, and knows nothing of sessions. From the outside in:
//! [`Cache`] hashes a key and picks a shard (`cache`, `read`, `write`, `room`, `walk`); a shard is
//! one lock around an `index` from hash to entry, the `slab` of slots, the timing `wheel` and the
//! eviction `policy`, one set of the latter three per class of entries (`shard`); an entry is a
//! `block`, and a `cell` is how it is seen under the lock. ARCHITECTURE.md tells why each is as it is
//! and what was measured.

mod block;
mod bucket;
#[expect(
    clippy::module_inception,
    reason = "the folder is the engine, the file its face"
)]
mod cache;
mod cell;
#[cfg(any(test, feature = "__internals"))]
mod check;
mod config;
mod events;
mod find;
mod index;
mod key;
mod leave;
#[cfg(feature = "__internals")]
pub(crate) mod lone;
mod packed;
mod page;
mod policy;
mod prefetch;
mod quota;
mod read;
mod reentry;
mod room;
mod shard;
mod slab;
mod snapshot;
mod stamp;
mod stats;
mod table;
mod tags;
mod terms;
mod views;
mod walk;
pub(crate) mod wheel;
mod write;

pub use cache::Cache;
pub use config::Builder;
pub use events::Removal;
pub use key::{KEY_MAX, Key, Namespace};
pub(crate) use page::Spot;
pub(crate) use read::left;
pub use room::Maintained;
pub use shard::ENTRY_OVERHEAD;
#[cfg(feature = "__internals")]
pub use snapshot::decode_snapshot;
pub use snapshot::{Restored, Snapshot};
pub use stats::Stats;
pub use terms::{Cause, Class, Replaced, Terms, TimeToLive, Version, WhenFull};
pub use walk::{Entry, Iter};
