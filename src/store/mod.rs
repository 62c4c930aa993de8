//! The store: eight verbs over opaque bytes, which whatever keeps sessions is built on.
//!
//! [`SessionStore`] is the contract, [`CacheStore`] the embedded store that keeps it at no cost,
//! [`DynStore`] any store behind one type, for programs that choose at run time. With the feature
//! `contract`, the module of that name is the suite of checks that tells whether a store of your own
//! keeps the contract too.

mod any;
mod cache;
#[cfg(feature = "__outside")]
mod clean_up;
#[cfg(feature = "contract")]
pub mod contract;
mod erased;
#[cfg(all(unix, feature = "filesystem"))]
mod file;
#[cfg(any(feature = "redis", feature = "tiered"))]
mod invalidation;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "__outside")]
mod random;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "__remote")]
mod remote;
#[cfg(feature = "__outside")]
mod span;
#[cfg(feature = "__sql")]
mod sql;
mod survey;
#[cfg(feature = "tiered")]
mod tiered;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

#[cfg(feature = "redis")]
pub use self::redis::{RedisBuilder, RedisStore};
pub use any::AnyStore;
pub use cache::CacheStore;
#[cfg(feature = "__outside")]
pub use clean_up::CleanUp;
pub use erased::DynStore;
#[cfg(all(unix, feature = "filesystem"))]
pub use file::{FileStore, FileStoreBuilder};
#[cfg(any(feature = "redis", feature = "tiered"))]
pub use invalidation::{Invalidation, InvalidationSender, Invalidations};
#[cfg(feature = "memcached")]
pub use memcached::{MemcachedBuilder, MemcachedStore};
#[cfg(feature = "mongodb")]
pub use mongodb::{MongoBuilder, MongoStore};
#[cfg(feature = "__remote")]
pub use remote::Patience;
#[cfg(feature = "__sql")]
pub use sql::{Python, SqlStore, SqlStoreBuilder};
pub use survey::{Cursor, PAGE_MAX, Page, Survey, Surveyed, page_limit};
#[cfg(feature = "tiered")]
pub use tiered::{TieredBuilder, TieredStore, WhenBackFails};

use crate::cache::Key;
pub use crate::cache::{Replaced, Terms, TimeToLive, Version};
use crate::error::Result;

/// Keeps records, opaque bytes under opaque keys, each for a limited time.
///
/// A key is whatever names a session to a store, better a digest of its id than the id itself. A
/// record is the session's encoded content. The store looks into neither.
///
/// # What the answers mean
/// *Absent* is a key without a record, one whose record has expired, one whose record is malformed
/// and cannot be read any more, and one that no record can have (empty, longer than 64 KiB). All
/// answer alike: `None`, `false`, [`Replaced::Gone`]. Only a write under an impossible key is
/// refused, with [`InvalidInput`](crate::ErrorKind::InvalidInput). Errors are for faults: the
/// caller's, a limit reached, a backend that does not answer.
///
/// # What the caller owes
/// - A lifetime with every write: [`Terms`] are an argument, never a setting of the store.
/// - New sessions by [`create`](Self::create), so that a guessed or repeated id cannot take over
///   somebody's record; changed ones by [`replace`](Self::replace), so that a late save does not
///   bring back a session that was signed out. [`put`](Self::put) does neither and is for callers
///   that know no record can be in the way.
/// - Nothing that must stay in one piece spread over two keys: each call is atomic, two are not.
///
/// # What the implementor owes
/// - Operations on one key are linearizable: each takes effect at one moment between its call and
///   its end, whole or not at all. Keys do not disturb each other.
/// - A record is served until its end and never at or after it, as exactly as the store's clock
///   allows. An expired record is absent to every verb, reclaimed or not.
/// - A version names one write: every write of a key has another version than the writes before it,
///   also after a removal.
/// - Terms that the store cannot keep (an idle timeout, a maximum age) are refused with
///   [`InvalidInput`](crate::ErrorKind::InvalidInput), not dropped. The class is a wish: a store
///   without classes ignores it.
/// - Every value of at most 1 MiB is accepted or refused with an error, never cut.
/// - No error, log line or `Debug` output holds a key or a value. The cause of a backend's error
///   stays in its [`source`](std::error::Error::source).
/// - No method panics, whatever the arguments.
///
/// # Cancellation
/// A future does nothing before its first poll. Dropped later, it leaves the old record or the new
/// one, never a mixture; which of the two is unknown where the store is a remote one. What it had sent
/// there on a connection of its own may even arrive after what is called later, once. The embedded
/// [`CacheStore`] does everything in the first poll.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use sessile::store::{Created, Replaced, SessionStore, Terms};
///
/// async fn sign_in(store: &impl SessionStore, key: &[u8]) -> sessile::Result<bool> {
///     let terms = Terms::ttl(Duration::from_secs(1800)).protected();
///     let Created::Done(first) = store.create(key, "user=7".into(), terms).await? else {
///         return Ok(false); // The id is taken: draw another one.
///     };
///     let saved = store.replace(key, "user=7;cart=3".into(), terms, Some(first)).await?;
///     Ok(matches!(saved, Replaced::Done(_)))
/// }
/// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
/// # let store = sessile::store::CacheStore::new(std::sync::Arc::new(cache));
/// # let mut task = std::pin::pin!(sign_in(&store, b"digest"));
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # let done = task.as_mut().poll(&mut context).map(|result| result.unwrap());
/// # assert_eq!(done, std::task::Poll::Ready(true));
/// # Ok::<(), sessile::Error>(())
/// ```
pub trait SessionStore: Send + Sync + 'static {
    /// Whether every future of this store is ready at its first poll, as an in-process store's is.
    ///
    /// Callers may then do without an executor and without boxing. The answer never changes.
    /// Default: no.
    fn is_immediate(&self) -> bool {
        false
    }

    /// Returns the record of `key` and its version, or `None`.
    ///
    /// Counts as use: an idle timeout starts again. Nothing else moves.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn load(&self, key: &[u8]) -> impl Future<Output = Result<Option<Loaded>>> + Send;

    /// As [`load`](Self::load), and says how long the record has left, if the store knows.
    ///
    /// For whoever keeps a copy of the record, such as a cache in front of this store: without
    /// [`left`](Lived::left) the copy could outlive the record. Default: `load`, with nothing known;
    /// a store that can tell in the same round trip should.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn load_left(&self, key: &[u8]) -> impl Future<Output = Result<Option<Lived>>> + Send {
        async move {
            let found = self.load(key).await?;
            Ok(found.map(|loaded| Lived { loaded, left: None }))
        }
    }

    /// Stores `value` under a key that has no record; never overwrites one.
    ///
    /// Of any number of concurrent creates of one key, one is [`Created::Done`].
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an impossible key, a lifetime of zero,
    /// terms that the store cannot keep, or a value it can never hold;
    /// [`Full`](crate::ErrorKind::Full) if a limit is reached and its owner chose to refuse
    /// newcomers; faults of the backend. Nothing was written in the first two cases.
    fn create(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
    ) -> impl Future<Output = Result<Created>> + Send;

    /// Replaces the record of `key` and keeps it under the new terms; never brings one back.
    ///
    /// With `expected`, only if nobody wrote since that version. The terms count from now: all
    /// lifetimes start again.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> impl Future<Output = Result<Replaced>> + Send;

    /// Stores `value` under `key`, whether or not there is a record, and returns its version.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn put(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
    ) -> impl Future<Output = Result<Version>> + Send;

    /// Gives the record of `key` a new time to live from now; false if there is none.
    ///
    /// The new time to live replaces the old one, longer or shorter. An idle timeout starts again, a
    /// maximum age stays where it is. Zero ends the record now. Value and version stay.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn touch(
        &self,
        key: &[u8],
        time_to_live: Duration,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Removes the record of `key`; says whether there was one. Repeating it does no harm.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn remove(&self, key: &[u8]) -> impl Future<Output = Result<bool>> + Send;

    /// Says whether `key` has a record. Does not count as use.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn exists(&self, key: &[u8]) -> impl Future<Output = Result<bool>> + Send;

    /// Reclaims expired records, at most `budget`, and says what is left.
    ///
    /// Correctness never depends on it: expired records are absent at once. A store that reclaims by
    /// itself answers that there is nothing to do. Each call does a bounded amount of work; repeated
    /// with a budget of at least one while [`Purged::more`] says so, it comes to an end.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn purge_expired(&self, budget: usize) -> impl Future<Output = Result<Purged>> + Send;

    /// Creates each of `records` whose key has none yet, and says how many those were; never overwrites.
    ///
    /// For moving sessions from store to store: what is there already may be newer. Not atomic as a
    /// whole; each record is stored or not. Cancelled or failed, it may be repeated. Default: one
    /// [`create`](Self::create) after the other; stores with a faster way bring their own.
    ///
    /// # Errors
    /// As [`create`](Self::create). Some of the records may have been stored.
    fn create_many(&self, records: Vec<NewRecord>) -> impl Future<Output = Result<usize>> + Send {
        async move {
            let mut created = 0;
            for record in records {
                let done = self.create(&record.key, record.value, record.terms).await?;
                created += usize::from(matches!(done, Created::Done(_)));
            }
            Ok(created)
        }
    }

    /// Ends connections and tasks that the store holds, after what is under way. Verbs called later
    /// fail or connect anew. Default: there is nothing to end.
    ///
    /// # Errors
    /// Faults of the backend only.
    fn close(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Puts the store behind a type that does not name it; see [`DynStore`].
    fn erase(self) -> DynStore
    where
        Self: Sized,
    {
        DynStore::new(self)
    }
}

/// Checks what every store refuses before it writes: an impossible key, a lifetime of zero.
///
/// For authors of stores; [`CacheStore`] does the same.
///
/// # Errors
/// [`InvalidInput`](crate::ErrorKind::InvalidInput), with a text that does not hold the key.
///
/// ```
/// use sessile::store::{Terms, check_write};
/// assert!(check_write(b"digest", &Terms::forever()).is_ok());
/// assert!(check_write(b"", &Terms::forever()).is_err());
/// ```
pub fn check_write(key: &[u8], terms: &Terms) -> Result<()> {
    Key::from(key).check()?;
    terms.check()
}

/// A record that was found.
///
/// `Debug` shows the value's length and not the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The bytes that were stored.
    pub value: Bytes,
    /// Names the write that stored them, for [`SessionStore::replace`].
    pub version: Version,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("value_bytes", &self.value.len())
            .field("version", &self.version)
            .finish()
    }
}

/// A record that was found, and how long it will be there; [`SessionStore::load_left`] returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lived {
    /// The record.
    pub loaded: Loaded,
    /// What the record has left at some moment between the call and its answer, whether it is used
    /// or not: never more than that, less only by what the store rounds. `None` if the store cannot
    /// say, because it does not know or because use prolongs the record (an idle timeout).
    pub left: Option<TimeToLive>,
}

/// What became of a [`SessionStore::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Created {
    /// The record is stored, under this version.
    Done(Version),
    /// The key has a record, which stays as it is.
    Taken,
}

/// A record to be stored, for [`SessionStore::create_many`].
///
/// `Debug` shows lengths and neither key nor value.
#[derive(Clone)]
pub struct NewRecord {
    /// The key.
    pub key: Bytes,
    /// The bytes to store.
    pub value: Bytes,
    /// How long.
    pub terms: Terms,
}

impl fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord")
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .field("terms", &self.terms)
            .finish()
    }
}

/// What a [`SessionStore::purge_expired`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Purged {
    /// Records reclaimed by this call.
    pub removed: usize,
    /// Whether calling again may reclaim more.
    pub more: bool,
}
