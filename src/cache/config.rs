//! What a cache is built from, checked once.

use super::block::Block;
use super::cache::Cache;
use super::events::{Listen, Listener, Removal};
use super::quota::{Amount, Quota, UNLIMITED};
use super::shard::ENTRY_OVERHEAD;
use super::terms::WhenFull;
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Clock, Timeline};

/// More entries than this in one process are taken for a mistake: 2^40.
const ENTRIES_MAX: u64 = 1 << 40;
/// More bytes than this in one process are taken for a mistake: 2^50.
const BYTES_MAX: u64 = 1 << 50;
const SHARDS_MAX: usize = 1024;
const COPY_MAX: usize = 1 << 20;
const QUEUE_MAX: usize = 1 << 24;
/// Entries per shard below which more shards would only make eviction choose among too few.
const ENTRIES_PER_SHARD: u64 = 512;

/// Builds a [`Cache`]; [`Cache::builder`] makes one.
///
/// The number of entries must be limited by [`Builder::max_entries`] or said to be unlimited by
/// [`Builder::unlimited_entries`]; everything else has a default.
///
/// ```
/// use sessile::{Cache, WhenFull};
///
/// let cache = Cache::builder()
///     .max_entries(200_000)
///     .max_bytes(256 << 20)
///     .protected_entries(150_000)
///     .when_protected_full(WhenFull::EvictColdest)
///     .build()?;
/// assert!(cache.is_empty());
/// # Ok::<(), sessile::Error>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    entries: Option<Limit>,
    bytes: Limit,
    protected_entries: Option<u64>,
    protected_bytes: Option<u64>,
    when_protected_full: WhenFull,
    shards: Option<usize>,
    copy_up_to: usize,
    clock: Option<Box<dyn Clock>>,
    listener: Option<Listen>,
    listener_queue: usize,
}

#[derive(Clone, Copy)]
enum Limit {
    Unlimited,
    At(u64),
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            entries: None,
            bytes: Limit::Unlimited,
            protected_entries: None,
            protected_bytes: None,
            when_protected_full: WhenFull::default(),
            shards: None,
            copy_up_to: 1024,
            clock: None,
            listener: None,
            listener_queue: 1 << 16,
        }
    }

    /// Holds at most `entries` entries, whatever their keys (Flask's `SESSION_FILE_THRESHOLD`).
    ///
    /// From 1 to 2^40. Nothing live is evicted while fewer are held, and never is one more held. What has
    /// expired goes first: a write at the limit looks for it everywhere, up to 1,024 steps, before it evicts.
    /// The index is made for that many at once, about 8 bytes each, up to 16 MiB for 64 shards.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.entries = Some(Limit::At(entries as u64));
        self
    }

    /// Holds any number of entries: only expiry and removal free memory.
    pub fn unlimited_entries(mut self) -> Self {
        self.entries = Some(Limit::Unlimited);
        self
    }

    /// Holds at most `bytes` charged bytes: keys, values and 80 for each entry. Default: unlimited.
    ///
    /// From 1024 to 2^50. A single anonymous value must fit into what the protected class leaves over.
    /// The memory of a value that a reader still holds after its removal is the
    /// reader's and no longer charged.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.bytes = Limit::At(bytes);
        self
    }

    /// Holds any number of bytes: the default, said aloud.
    pub fn unlimited_bytes(mut self) -> Self {
        self.bytes = Limit::Unlimited;
        self
    }

    /// Lets protected entries take at most `entries` of the limit. Default: nine tenths of it.
    ///
    /// Must be below `max_entries`, so that an anonymous newcomer always finds room. What the
    /// protected class does not use, anonymous entries may use until it wants it.
    pub fn protected_entries(mut self, entries: usize) -> Self {
        self.protected_entries = Some(entries as u64);
        self
    }

    /// Lets protected entries take at most `bytes` of the limit. Default: nine tenths of it.
    pub fn protected_bytes(mut self, bytes: u64) -> Self {
        self.protected_bytes = Some(bytes);
        self
    }

    /// What happens to a protected newcomer when its class is full. Default: [`WhenFull::Refuse`].
    pub fn when_protected_full(mut self, choice: WhenFull) -> Self {
        self.when_protected_full = choice;
        self
    }

    /// Splits the cache into this many independently locked shards, a power of two up to 1024.
    ///
    /// Default: eight per core, at least 64, but fewer while a shard would hold less than 512
    /// entries, so that a small threshold is one shard and its eviction order exact.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Copies values up to this length once, when they are written. Default: 1024 bytes.
    ///
    /// A copied value lies in one allocation with its key and its reference count, and cannot keep
    /// a larger buffer alive that it was a slice of. A longer value is kept as it came.
    pub fn copy_up_to(mut self, bytes: usize) -> Self {
        self.copy_up_to = bytes;
        self
    }

    /// Asks this clock for the time. Default: [`CoarseClock`](crate::time::CoarseClock).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Calls `listener` with every entry that leaves, on a thread of its own.
    ///
    /// Events are queued, 65,536 at most (see [`Builder::listener_queue`]); when the queue is full
    /// they are counted in [`Stats::events_lost`](crate::Stats) instead. Panics are contained.
    pub fn listener(mut self, listener: impl Fn(Removal) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Queues at most this many events for the listener, from 1 to 2^24. Default: 65,536.
    pub fn listener_queue(mut self, events: usize) -> Self {
        self.listener_queue = events;
        self
    }

    /// Builds the cache.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if a value is zero or absurd, if
    /// the protected budget leaves no room for others, or if no entry limit was stated;
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the listener's thread cannot start, or if the
    /// allocator tags the upper bits of addresses, as Android's does on 64-bit ARM.
    pub fn build(self) -> Result<Cache> {
        self.build_where(Block::sample_address())
    }

    /// Builds the cache on a system that allocates at such addresses.
    fn build_where(self, sample_address: u64) -> Result<Cache> {
        if !Block::is_nameable(sample_address) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "build a cache: this system's allocator tags addresses above their 48 bits, as Android's does \
                 on 64-bit ARM; use an allocator that does not",
            ));
        }
        let limits = self.limits()?;
        let shards = self.shard_count(&limits)?;
        if self.copy_up_to > COPY_MAX {
            return Err(refuse(
                "copy_up_to",
                self.copy_up_to as u64,
                0,
                COPY_MAX as u64,
            ));
        }
        if self.listener_queue == 0 || self.listener_queue > QUEUE_MAX {
            let (value, most) = (self.listener_queue as u64, QUEUE_MAX as u64);
            return Err(refuse("listener_queue", value, 1, most));
        }
        let room = self.room(&limits, shards);
        let listener = match self.listener {
            Some(listen) => Some(Listener::start(listen, self.listener_queue)?),
            None => None,
        };
        let timeline = match self.clock {
            Some(clock) => Timeline::of(clock),
            None => Timeline::coarse(),
        };
        Ok(Cache::assemble(super::cache::Parts {
            shards,
            room,
            quota: Quota::new(limits),
            timeline,
            listener,
            when_protected_full: self.when_protected_full,
            copy_up_to: self.copy_up_to,
        }))
    }

    fn limits(&self) -> Result<Amount> {
        let entries = match self.entries {
            None => {
                return Err(Error::config(
                    "build a cache: no entry limit is stated; call max_entries, or \
                     unlimited_entries if that is meant",
                ));
            }
            Some(Limit::Unlimited) => UNLIMITED,
            Some(Limit::At(entries)) => checked("max_entries", entries, 1, ENTRIES_MAX)?,
        };
        let bytes = match self.bytes {
            Limit::Unlimited => UNLIMITED,
            Limit::At(bytes) => checked("max_bytes", bytes, 1024, BYTES_MAX)?,
        };
        Ok(Amount {
            entries,
            bytes,
            protected_entries: share("protected_entries", self.protected_entries, entries)?,
            protected_bytes: share("protected_bytes", self.protected_bytes, bytes)?,
        })
    }

    /// How many entries of each class one shard will about hold, where eviction can happen at all.
    fn room(&self, limits: &Amount, shards: usize) -> [Option<usize>; 2] {
        if limits.entries == UNLIMITED && limits.bytes == UNLIMITED {
            return [None, None];
        }
        let share = |entries: u64| {
            // A limit in bytes alone allows at most so many entries.
            let most = entries.min(limits.bytes / ENTRY_OVERHEAD);
            usize::try_from(most).unwrap_or(usize::MAX) / shards
        };
        let protected = match self.when_protected_full {
            WhenFull::Refuse => None,
            WhenFull::EvictColdest => Some(share(limits.protected_entries)),
        };
        [Some(share(limits.entries)), protected]
    }

    fn shard_count(&self, limits: &Amount) -> Result<usize> {
        if let Some(shards) = self.shards {
            if shards == 0 || shards > SHARDS_MAX || !shards.is_power_of_two() {
                return Err(Error::config(format!(
                    "build a cache: shards is {shards}; it must be a power of two from 1 to \
                     {SHARDS_MAX}"
                )));
            }
            return Ok(shards);
        }
        let most = limits.entries.min(limits.bytes / (4 * ENTRY_OVERHEAD));
        let mut shards = crate::sync::default_shards();
        while shards > 1 && most / (shards as u64) < ENTRIES_PER_SHARD {
            shards /= 2;
        }
        Ok(shards)
    }
}

/// The protected class's share of a limit: stated, or nine tenths; always less than the whole.
fn share(name: &str, stated: Option<u64>, limit: u64) -> Result<u64> {
    match stated {
        None if limit == UNLIMITED => Ok(UNLIMITED),
        None => Ok(limit - limit.div_ceil(10).max(1)),
        Some(0) => Err(refuse(name, 0, 1, limit.saturating_sub(1))),
        Some(stated) if stated >= limit => Err(Error::config(format!(
            "build a cache: {name} is {stated}, which leaves nothing of the limit of {limit} to \
             others; state less than the limit"
        ))),
        Some(stated) => Ok(stated),
    }
}

fn checked(name: &str, value: u64, least: u64, most: u64) -> Result<u64> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(refuse(name, value, least, most))
}

fn refuse(name: &str, value: u64, least: u64, most: u64) -> Error {
    Error::config(format!(
        "build a cache: {name} is {value}; it must be from {least} to {most}, and unlimited is \
         said by its own method"
    ))
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn an_allocator_that_tags_its_addresses_is_refused_and_no_other() {
        let build = |address| Builder::new().unlimited_entries().build_where(address);
        for untagged in [8, 0x7fff_ffff_fff8, 0xffff_ffff_fff8] {
            assert!(build(untagged).is_ok(), "{untagged:#x}");
        }
        // One past the last, and what Android's allocator and memory tags make of an address.
        for tagged in [1 << 48, 0xb400_0078_1234_5678, 0x0100_0078_1234_5678] {
            let error = build(tagged).expect_err("the index has no room for the tag");
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{tagged:#x}");
            let text = error.to_string();
            for words in ["tags addresses", "use an allocator that does not"] {
                assert!(text.contains(words), "{text}");
            }
        }
    }
}
