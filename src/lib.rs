//! The in-process session store: a lock-sharded cache with timing-wheel expiry, exact thresholds
//! and zero-copy values, behind one small store trait.

pub mod cache;
pub mod error;
pub mod store;
mod sync;
pub mod time;

/// What tests outside the crate need to see, and nobody else.
#[doc(hidden)]
#[cfg(feature = "__internals")]
pub mod internals;

pub use cache::{
    Builder, Cache, Cause, Class, Entry, Key, Maintained, Namespace, Removal, Replaced, Restored,
    Snapshot, Stats, Terms, TimeToLive, Version, WhenFull,
};
pub use error::{Error, ErrorKind, Fault, Result};
pub use store::{CacheStore, Created, DynStore, Loaded, Purged, SessionStore};
pub use time::{Clock, CoarseClock, ManualClock, PreciseClock};
