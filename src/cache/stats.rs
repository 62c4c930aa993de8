//! Counters: plain numbers under each shard's lock, summed when asked for.

/// What a cache did since it was built, and what it holds now.
///
/// Always counted: a count is an addition to a cache line that the operation owns anyway. Summing
/// visits every shard in turn, so numbers of different shards belong to slightly different moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Reads that found a live entry: `get*`, `touch`, `take`, `remove` and `replace`.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Entries put in under a key that had none.
    pub inserts: u64,
    /// Entries whose value was replaced.
    pub updates: u64,
    /// Entries that `remove` or `take` took out.
    pub removed: u64,
    /// Entries reclaimed because their time was up.
    pub expired: u64,
    /// Entries evicted to make room, both classes.
    pub evicted: u64,
    /// Of those, protected ones.
    pub evicted_protected: u64,
    /// Entries that `clear`, `clear_namespace` or `retain` took out.
    pub cleared: u64,
    /// Newcomers refused because the protected class was full.
    pub refused: u64,
    /// Removals that the listener was not told of, because its queue was full.
    pub events_lost: u64,
    /// Entries held now, expired ones that were not reclaimed yet included.
    pub entries: u64,
    /// Of those, protected ones.
    pub protected_entries: u64,
    /// Bytes charged for what is held: keys, values and 80 bytes for each entry.
    pub bytes: u64,
    /// Of those, for protected entries.
    pub protected_bytes: u64,
}

impl Stats {
    /// The share of reads that hit, from 0 to 1; 0 if there were none.
    ///
    /// ```
    /// let mut stats = sessile::Stats::default();
    /// assert_eq!(stats.hit_ratio(), 0.0);
    /// stats.hits = 3;
    /// stats.misses = 1;
    /// assert_eq!(stats.hit_ratio(), 0.75);
    /// ```
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let reads = self.hits + self.misses;
        if reads == 0 {
            return 0.0;
        }
        self.hits as f64 / reads as f64
    }
}

/// One shard's reads: counted apart from the rest, beside what every read looks at.
#[derive(Default)]
pub(crate) struct Reads {
    all: u64,
    misses: u64,
}

/// One shard's share of [`Stats`], its reads excepted.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) inserts: u64,
    pub(crate) updates: u64,
    pub(crate) removed: u64,
    pub(crate) expired: u64,
    pub(crate) evicted: u64,
    pub(crate) evicted_protected: u64,
    pub(crate) cleared: u64,
    pub(crate) refused: u64,
}

/// One operation in this many also looks after a shard other than its own.
const TURN: u64 = 64;

impl Reads {
    /// Counts a read before its outcome is known; true when it is this caller's turn to look after
    /// another shard.
    #[inline]
    pub(crate) fn begin(&mut self) -> bool {
        self.all += 1;
        self.all.is_multiple_of(TURN)
    }

    /// Counts the read that has begun as one that found nothing.
    #[inline]
    pub(crate) fn miss(&mut self) {
        self.misses += 1;
    }

    /// Counts a read that is over, likewise.
    #[inline]
    pub(crate) fn count(&mut self, hit: bool) -> bool {
        self.misses += u64::from(!hit);
        self.begin()
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.hits += self.all - self.misses;
        stats.misses += self.misses;
    }
}

impl Counts {
    /// Counts an insert or update, likewise.
    #[inline]
    pub(crate) fn wrote(&mut self, new: bool) -> bool {
        let count = if new {
            &mut self.inserts
        } else {
            &mut self.updates
        };
        *count += 1;
        *count % TURN == 0
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.inserts += self.inserts;
        stats.updates += self.updates;
        stats.removed += self.removed;
        stats.expired += self.expired;
        stats.evicted += self.evicted;
        stats.evicted_protected += self.evicted_protected;
        stats.cleared += self.cleared;
        stats.refused += self.refused;
    }
}
