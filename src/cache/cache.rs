//! The cache: shards behind one hash, and what they share.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crossbeam::utils::CachePadded;

use super::bucket::Bucket;
use super::config::Builder;
use super::events::Listener;
use super::key::{Key, Namespace, Namespaces};
use super::prefetch::Hint;
use super::quota::{Amount, Quota};
use super::reentry;
use super::shard::{Context, Dead, State, hash_of};
use super::stats::Stats;
use super::terms::{Version, WhenFull};
use crate::error::Result;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Guard, Lock};
use crate::time::Timeline;

/// An in-process store of bytes under keys, with exact limits and exact expiry.
///
/// Share it between threads in an [`Arc`](std::sync::Arc) or a `static`; every method takes
/// `&self`. Keys are bytes or text, values anything that turns into
/// [`Bytes`](bytes::Bytes), lifetimes a [`Duration`](std::time::Duration) or [`Terms`](crate::Terms).
///
/// # Concurrency
/// Operations on one key are linearizable. Each takes one shard's lock for some tens of
/// nanoseconds; no lock is held while values are dropped or a listener is called. Closures given
/// to [`Cache::get_with`] and [`Cache::retain`] run under a shard's lock: they must be short and must
/// not call the cache (which panics rather than deadlocks).
///
/// # Memory
/// An entry costs its key, its value and 76 bytes (measured with 22-byte keys and 200-byte values,
/// one million entries). Expired entries are reclaimed by whatever operations go on, a bounded
/// number each, in all shards; without any traffic call [`Cache::maintain`] now and then.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use sessile::{Cache, Terms};
///
/// let cache = Cache::builder().max_entries(10_000).build()?;
/// let sessions = cache.namespace("session:")?;
/// let key = sessions.key(b"Jx2kq0cJq7yHn1pYb6vKzw");
/// cache.insert(key, "cart=3", Terms::forever().idle(Duration::from_secs(1800)))?;
/// assert_eq!(cache.get(key).as_deref(), Some(&b"cart=3"[..]));
/// # Ok::<(), sessile::Error>(())
/// ```
pub struct Cache {
    pub(crate) shards: Box<[CachePadded<Shard>]>,
    pub(crate) hasher: ahash::RandomState,
    pub(crate) timeline: Timeline,
    pub(crate) quota: Quota,
    pub(crate) when_protected_full: WhenFull,
    pub(crate) copy_up_to: usize,
    pub(crate) namespaces: Namespaces,
    pub(crate) listener: Option<Listener>,
    /// The shard that the next helper looks at.
    pub(crate) cursor: CachePadded<AtomicUsize>,
    /// The latest time at which no shard had anything due: before a live entry is evicted, nothing
    /// expired may be left.
    pub(crate) swept_at: CachePadded<AtomicU64>,
}

/// One shard: what may be read without the lock, and the rest.
// In this order: all that a read needs of its shard lies in the first two cache lines.
#[repr(C)]
pub(crate) struct Shard {
    /// Not later than the first deadline in the shard; written under the lock, read by anybody.
    pub(crate) next_due: AtomicU64,
    /// Where the index lies.
    pub(crate) table: Hint,
    pub(crate) state: Lock<State>,
}

/// What the builder hands over.
pub(crate) struct Parts {
    pub(crate) shards: usize,
    /// About how many entries of each class a shard will hold, if the class can be evicted.
    pub(crate) room: [Option<usize>; 2],
    pub(crate) quota: Quota,
    pub(crate) timeline: Timeline,
    pub(crate) listener: Option<Listener>,
    pub(crate) when_protected_full: WhenFull,
    pub(crate) copy_up_to: usize,
}

impl Cache {
    /// Starts building a cache.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn assemble(parts: Parts) -> Self {
        let hasher = crate::sync::hash_state();
        let [a, b, c, d, ..] = hash_of(&hasher, &Key::from("versions")).to_le_bytes();
        // Somewhere, so that versions kept across a restart do not match by accident.
        let first_version = u32::from_le_bytes([a, b, c, d]);
        let shard = |_| {
            let state = State::new(parts.room, first_version);
            CachePadded::new(Shard {
                next_due: AtomicU64::new(u64::MAX),
                table: Hint::new(state.index.buckets()),
                state: Lock::new(state),
            })
        };
        Self {
            shards: (0..parts.shards).map(shard).collect(),
            hasher,
            timeline: parts.timeline,
            quota: parts.quota,
            when_protected_full: parts.when_protected_full,
            copy_up_to: parts.copy_up_to,
            namespaces: Namespaces::new(),
            listener: parts.listener,
            cursor: CachePadded::new(AtomicUsize::new(0)),
            swept_at: CachePadded::new(AtomicU64::new(0)),
        }
    }

    /// Returns the namespace of `prefix`, the same one for the same prefix; "" is the default one.
    ///
    /// Prefixes are kept for the cache's lifetime and cost two bytes per entry. Call it when the
    /// application starts, not per request.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the prefix is longer than 1024 bytes or
    /// 65,535 others exist.
    pub fn namespace(&self, prefix: &str) -> Result<Namespace> {
        self.namespaces.intern(prefix)
    }

    /// Returns what the cache did and holds. Takes every shard's lock once, one after another.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for shard in &self.shards {
            let state = reentry::lock(&shard.state);
            state.reads.add_to(&mut stats);
            state.counts.add_to(&mut stats);
        }
        let held = self.held();
        stats.entries = held.entries;
        stats.bytes = held.bytes;
        stats.protected_entries = held.protected_entries;
        stats.protected_bytes = held.protected_bytes;
        stats.events_lost = self.listener.as_ref().map_or(0, Listener::lost);
        stats
    }

    /// What all shards hold, one after another. An entry that leaves one shard while its successor
    /// enters another may be counted twice; the true sum never exceeds a limit, so the answer does
    /// not either.
    fn held(&self) -> Amount {
        let mut held = Amount::default();
        for shard in &self.shards {
            held.add(reentry::lock(&shard.state).held());
        }
        self.quota.clamp(held)
    }

    /// Returns the number of entries held, expired ones not yet reclaimed included.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.held().entries).unwrap_or(usize::MAX)
    }

    /// Says whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes charged for what is held: keys, values and 80 bytes for each entry.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.held().bytes
    }

    /// Waits until the listener, if there is one, has been told of every removal so far; called by the
    /// listener, returns at once.
    pub fn flush_listener(&self) {
        if let Some(listener) = &self.listener {
            listener.flush();
        }
    }

    #[inline]
    pub(crate) fn hash(&self, key: &Key<'_>) -> u64 {
        hash_of(&self.hasher, key)
    }

    #[inline]
    pub(crate) fn shard(&self, hash: u64) -> &Shard {
        // The top ten bits; at most 1024 shards, a power of two.
        let at = (hash >> 54) as usize & (self.shards.len() - 1);
        &self.shards[at]
    }

    #[inline]
    pub(crate) fn context(&self, now: u64) -> Context<'_> {
        Context {
            hasher: &self.hasher,
            now,
        }
    }

    pub(crate) fn version(&self, number: u32) -> Version {
        Version::from_u64(u64::from(number))
    }

    /// Reports and drops what left; call it without any lock held.
    ///
    /// A value's destructor may be user code and panic. The others are dropped all the same, each outside of
    /// that unwinding, where a second panic would end the process; then the first panic goes on.
    #[inline]
    pub(crate) fn bury(&self, dead: impl IntoIterator<Item = Dead>) {
        let mut panicked = None;
        for dead in dead {
            let buried = catch_unwind(AssertUnwindSafe(|| match &self.listener {
                Some(listener) => listener.tell(dead),
                None => drop(dead),
            }));
            if let Err(panic) = buried {
                panicked.get_or_insert(panic);
            }
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }

    /// Recounts everything; call it while nothing else uses the cache.
    ///
    /// # Panics
    /// Panics at the first disagreement between what the cache believes and what it holds.
    #[doc(hidden)]
    #[cfg(any(test, feature = "__internals"))]
    pub fn check_invariants(&self) {
        let context = self.context(self.timeline.now());
        let mut held = Amount::default();
        for shard in &self.shards {
            let state = reentry::lock(&shard.state);
            super::check::state(&state, context);
            held.add(state.held());
            // Relaxed: read under the lock that it is written under.
            // A deadline that had passed when it was filed waits for the time it was filed at.
            let latest = state.first_deadline().max(context.now);
            let next_due = shard.next_due.load(Ordering::Relaxed);
            assert!(next_due <= latest, "a shard is looked at in time");
        }
        self.quota.check(held);
    }
}

impl Shard {
    /// Makes sure that somebody looks at the shard at `due`; the caller holds the lock.
    ///
    /// Relaxed: the word is a hint when to look; what is found is read under the lock.
    #[inline]
    pub(crate) fn look_at(&self, due: u64) {
        if due < self.next_due.load(Ordering::Relaxed) {
            self.next_due.store(due, Ordering::Relaxed);
        }
    }

    /// After a sweep: when to look next.
    pub(crate) fn looked(&self, state: &Guard<'_, State>) {
        self.next_due.store(state.next_due(), Ordering::Relaxed);
    }

    /// Asks for the line of the index where `hash` belongs.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        // Masked to the table's size.
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        self.table.prefetch::<Bucket>(hash as usize);
    }

    #[inline]
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.next_due.load(Ordering::Relaxed) <= now
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("shards", &self.shards.len())
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}
