//! An in-process session store: a lock-sharded cache of bytes with exact expiry, exact thresholds
//! and zero-copy values, behind one small store trait.
//!
//! ```
//! use std::time::Duration;
//! use sessile::{Cache, Terms};
//!
//! let cache = Cache::builder().max_entries(10_000).build()?;
//! let half_an_hour = Duration::from_secs(1800);
//! cache.insert("session id", "cart=3", Terms::forever().idle(half_an_hour))?;
//! assert_eq!(cache.get("session id").as_deref(), Some(&b"cart=3"[..]));
//! # Ok::<(), sessile::Error>(())
//! ```
//!
//! | to | see |
//! |---|---|
//! | build and use a cache | [`Cache`], [`Builder`], [`Terms`] |
//! | keep several applications apart | [`Namespace`] |
//! | put it behind the session trait | [`store::SessionStore`], [`CacheStore`] |
//! | choose a store at run time | [`DynStore`] |
//! | write a store and prove it | `store::contract` (feature `contract`) |
//! | give each client a session | `session::Sessions` (feature `session`) |
//! | carry sessions over a restart | [`Cache::snapshot_to_file`], [`Cache::restore_from_file`] |
//! | test with time in your hand | [`ManualClock`] |

pub mod cache;
#[cfg(feature = "session")]
pub mod codec;
#[cfg(feature = "cookie")]
pub mod cookie;
pub mod error;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "session")]
pub mod id;
#[cfg(feature = "session")]
pub mod session;
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
#[cfg(feature = "session")]
pub use id::SessionId;
#[cfg(feature = "session")]
pub use session::{LazySession, Session, Sessions};
pub use store::{CacheStore, Created, DynStore, Lived, Loaded, Purged, SessionStore};
pub use time::{Clock, CoarseClock, ManualClock, PreciseClock};

/// The README's example must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
