//! From a key's hash to its entry: buckets of one cache line, nine tags and nine addresses each.
//!
//! A lookup reads one line and learns both whether the key may be here and where its entry's block lies.
//! A bucket that overflowed counts the entries it sent on to other buckets, and lookups go on only
//! while that count is not zero; a removal takes its count back, so no tombstones pile up and a
//! table of constant size never needs rebuilding (the scheme of Folly's F14).
//!
//! Growing and shrinking move a few buckets per write from the old table to the new one. While
//! that goes on, lookups ask the new table first and then the old one; an entry is in exactly one.

use super::bucket::{Bucket, tag_of};
use super::prefetch::prefetch;

/// Entries per bucket on average, in eighths, beyond which the table doubles: seven eighths of nine.
const FULL_EIGHTHS: usize = 63;
/// A shard that expects more entries than this starts as if it expected these: 256 KiB of table.
/// Growing touches every entry's cold block again; starting large spares that up to a point.
const EXPECTED_MAX: usize = 32_000;
/// Buckets moved per write while resizing. A table doubles when its twin is seven eighths full
/// again, eight writes per bucket later, so four per write leave no table behind.
const MOVES: usize = 4;

#[repr(C)]
struct Table {
    buckets: Box<[Bucket]>,
    used: usize,
}

/// Where an entry was put: told to the entry, so that growing need not look at its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Put {
    /// In the bucket that the low bits of its hash name.
    Home,
    /// In a later one.
    Displaced,
}

impl Table {
    fn new(buckets: usize) -> Self {
        Self {
            buckets: vec![Bucket::EMPTY; buckets].into_boxed_slice(),
            used: 0,
        }
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        // Lossless: the mask keeps far fewer bits than a word has.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "masked to the table's size"
        )]
        let low = hash as usize;
        low & (self.buckets.len() - 1)
    }

    /// The bucket after `at` for this tag; an odd step visits every bucket of a power of two.
    #[inline]
    fn step(&self, at: usize, tag: u8) -> usize {
        (at + 2 * usize::from(tag) + 1) & (self.buckets.len() - 1)
    }

    fn find(&self, hash: u64, mut is_it: impl FnMut(u64) -> bool) -> Option<u64> {
        let mut at = self.home(hash);
        // Bounded: two buckets can hold each other's overflow, and then no count on the way is zero.
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let found = bucket.candidates(hash).find(|&address| is_it(address));
            if found.is_some() || !bucket.has_overflow() {
                return found;
            }
            at = self.step(at, tag_of(hash));
        }
        None
    }

    fn insert(&mut self, hash: u64, address: u64) -> Put {
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        let mut put = Put::Home;
        loop {
            let empty = self.buckets[at].matches(0);
            if empty != 0 {
                self.buckets[at].set(empty.trailing_zeros() as usize, tag, address);
                self.used += 1;
                return put;
            }
            self.buckets[at].add_overflow();
            at = self.step(at, tag);
            put = Put::Displaced;
        }
    }

    /// The bucket and place of the entry at `address`, and the buckets passed before it.
    fn locate(&self, hash: u64, address: u64) -> Option<(usize, usize, usize)> {
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        for hops in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let mut found = bucket.matches(tag);
            while found != 0 {
                let place = found.trailing_zeros() as usize;
                if bucket.address(place) == Some(address) {
                    return Some((at, place, hops));
                }
                found &= found - 1;
            }
            if !bucket.has_overflow() {
                return None;
            }
            at = self.step(at, tag);
        }
        None
    }

    fn remove(&mut self, hash: u64, address: u64) -> bool {
        let Some((at, place, hops)) = self.locate(hash, address) else {
            return false;
        };
        self.buckets[at].set(place, 0, 0);
        self.used -= 1;
        let tag = tag_of(hash);
        let mut passed = self.home(hash);
        for _ in 0..hops {
            self.buckets[passed].sub_overflow();
            passed = self.step(passed, tag);
        }
        true
    }

    fn replace(&mut self, hash: u64, old: u64, new: u64) -> bool {
        let Some((at, place, _)) = self.locate(hash, old) else {
            return false;
        };
        self.buckets[at].set(place, tag_of(hash), new);
        true
    }
}

/// What the index asks of the entries while it moves them to a table of another size.
pub(crate) trait Entries {
    /// The full hash of the key of the entry at `address`.
    fn hash(&self, address: u64) -> u64;
    /// Bit `bit` of that hash, if the entry lies in its home bucket and its stamp keeps the bit.
    fn home_bit(&self, address: u64, bit: u32) -> Option<u64>;
    /// Tells the entry where it was put.
    fn moved(&mut self, address: u64, put: Put);
    /// Says that the entry will be asked about soon.
    fn prefetch(&self, _address: u64) {}
}

/// A table being emptied.
struct Old {
    table: Table,
    /// The first bucket not yet moved.
    next: usize,
}

/// See the module's text.
#[repr(C)]
pub(crate) struct Index {
    table: Table,
    /// The table being emptied into `table`, and the first bucket of it not yet moved.
    // Boxed: it is rarely there, and what every read looks at should share a cache line.
    old: Option<Box<Old>>,
    least: usize,
}

impl Index {
    /// An index that holds `expected` entries before it grows, and never shrinks below that.
    pub(crate) fn new(expected: usize) -> Self {
        let least = (expected.min(EXPECTED_MAX) * 8 / FULL_EIGHTHS + 1).next_power_of_two();
        Self {
            table: Table::new(least),
            old: None,
            least,
        }
    }

    /// Entries held.
    pub(crate) fn len(&self) -> usize {
        self.table.used + self.old.as_ref().map_or(0, |old| old.table.used)
    }

    /// The bucket where `hash` belongs: nearly all entries lie in theirs.
    ///
    /// What is not found there may be elsewhere if the bucket overflowed or the index is being
    /// resized; see [`Index::find_further`]. Two steps, because the first is then a straight line: a
    /// loop over buckets around it cost thirty instructions on every read.
    #[inline(always)]
    pub(crate) fn home(&self, hash: u64) -> &Bucket {
        &self.table.buckets[self.table.home(hash)]
    }

    /// The table that new entries go to.
    #[inline]
    pub(crate) fn buckets(&self) -> &[Bucket] {
        &self.table.buckets
    }

    /// Asks for that bucket's line.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(self.home(hash));
    }

    /// The entry under `hash` that `is_it` recognises, looked for everywhere.
    pub(crate) fn find_further(
        &self,
        hash: u64,
        mut is_it: impl FnMut(u64) -> bool,
    ) -> Option<u64> {
        self.table
            .find(hash, &mut is_it)
            .or_else(|| self.old.as_ref()?.table.find(hash, is_it))
    }

    /// Puts the entry at `address` under `hash`, where it must not be yet. Moves up to four buckets if
    /// resizing.
    pub(crate) fn insert(&mut self, hash: u64, address: u64, entries: &mut impl Entries) {
        let put = self.table.insert(hash, address);
        entries.moved(address, put);
        let len = self.len();
        let buckets = self.table.buckets.len();
        if self.old.is_some() {
            self.move_some(entries);
        } else if len * 8 > buckets * FULL_EIGHTHS {
            self.resize(buckets * 2);
        }
    }

    /// Puts the entry at `new` in the place of the one at `old`, of the same key; false if that was not there.
    pub(crate) fn replace(&mut self, hash: u64, old: u64, new: u64) -> bool {
        self.table.replace(hash, old, new)
            || (self.old.as_mut()).is_some_and(|o| o.table.replace(hash, old, new))
    }

    /// Takes the entry at `address` out from under `hash`; false if it was not there.
    pub(crate) fn remove(&mut self, hash: u64, address: u64, entries: &mut impl Entries) -> bool {
        let removed = self.table.remove(hash, address)
            || (self.old.as_mut()).is_some_and(|old| old.table.remove(hash, address));
        let len = self.len();
        let buckets = self.table.buckets.len();
        if self.old.is_some() {
            self.move_some(entries);
        } else if buckets > self.least && len * 64 < buckets * FULL_EIGHTHS {
            // An eighth of full: a quarter-full table of half the size has room to breathe.
            self.resize(buckets / 2);
        }
        removed
    }

    fn resize(&mut self, buckets: usize) {
        let table = std::mem::replace(&mut self.table, Table::new(buckets));
        self.old = Some(Box::new(Old { table, next: 0 }));
    }

    /// Whether entries still have to move from an old table to the new one.
    #[inline]
    pub(crate) fn is_resizing(&self) -> bool {
        self.old.is_some()
    }

    /// Moves a few buckets, if resizing.
    ///
    /// Reads do their share too: a cache that is filled and then only read would otherwise ask two
    /// tables for ever, which doubled the time of a read.
    pub(crate) fn move_some(&mut self, entries: &mut impl Entries) {
        let Some(Old { table: old, next }) = self.old.as_deref_mut() else {
            return;
        };
        let old_buckets = old.buckets.len();
        let grows = self.table.buckets.len() > old_buckets;
        let bit = old_buckets.trailing_zeros();
        for _ in 0..MOVES {
            let Some(bucket) = old.buckets.get_mut(*next) else {
                break;
            };
            let moving = *bucket;
            // Entries that overflowed from here lie further on.
            bucket.empty();
            // All at once: each lies where it likes.
            moving
                .entries()
                .for_each(|(_, address)| entries.prefetch(address));
            for (tag, address) in moving.entries() {
                let low = if grows {
                    entries.home_bit(address, bit)
                } else {
                    entries.home_bit(address, super::stamp::HASH_LOW).map(|_| 0)
                };
                let hash = match low {
                    // All that a table needs of a hash: home bits and tag.
                    Some(high_bit) => *next as u64 | high_bit << bit | u64::from(tag) << 46,
                    None => entries.hash(address),
                };
                let put = self.table.insert(hash, address);
                entries.moved(address, put);
                old.used -= 1;
            }
            *next += 1;
        }
        if *next >= old.buckets.len() {
            debug_assert_eq!(old.used, 0);
            self.old = None;
        }
    }

    /// All entries held, for the recount in `check_invariants`.
    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn check(&self, mut seen: impl FnMut(u64)) {
        let old = self.old.as_ref().map(|old| &old.table);
        for table in std::iter::once(&self.table).chain(old) {
            let mut used = 0;
            for bucket in &table.buckets {
                for (_, address) in bucket.entries() {
                    seen(address);
                    used += 1;
                }
            }
            assert_eq!(used, table.used);
            if used == 0 && self.old.is_none() {
                assert!(table.buckets.iter().all(|bucket| !bucket.has_overflow()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// Entries by number, with their hashes; every second one is far from home and forgets its bits.
    struct Hashes {
        hashes: Vec<u64>,
        displaced: HashMap<u64, bool>,
    }

    impl Entries for Hashes {
        fn hash(&self, entry: u64) -> u64 {
            self.hashes[usize::try_from(entry).expect("small")]
        }
        fn home_bit(&self, entry: u64, bit: u32) -> Option<u64> {
            let home = !self.displaced[&entry];
            (home && (8..21).contains(&bit)).then(|| self.hash(entry) >> bit & 1)
        }
        fn moved(&mut self, entry: u64, put: Put) {
            self.displaced.insert(entry, put == Put::Displaced);
        }
    }

    fn mix(n: u64) -> u64 {
        let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    #[test]
    fn finds_all_entries_at_every_size_up_and_down() {
        let count = 60_000_u64;
        let mut entries = Hashes {
            hashes: (0..count).map(|n| mix(n + 1)).collect(),
            displaced: HashMap::new(),
        };
        let mut index = Index::new(0);
        for entry in 0..count {
            index.insert(entries.hash(entry), entry, &mut entries);
            if entry % 997 == 0 {
                for earlier in (0..=entry).step_by(61) {
                    let is_it = |s| s == earlier;
                    let hash = entries.hash(earlier);
                    assert_eq!(index.find_further(hash, is_it), Some(earlier));
                }
            }
        }
        assert_eq!(index.len() as u64, count);
        for entry in 0..count {
            assert!(index.remove(entries.hash(entry), entry, &mut entries));
            assert!(!index.remove(entries.hash(entry), entry, &mut entries));
        }
        index.check(|_| panic!("nothing is left"));
        assert!(index.table.buckets.len() <= 2);
    }

    #[test]
    fn churn_at_constant_size_never_resizes_nor_leaves_tombstones() {
        let mut entries = Hashes {
            hashes: (0..400_000).map(|n| mix(n + 9)).collect(),
            displaced: HashMap::new(),
        };
        let mut index = Index::new(0);
        let held = 5_000_u64;
        for entry in 0..held {
            index.insert(entries.hash(entry), entry, &mut entries);
        }
        let buckets = index.table.buckets.len();
        for entry in held..400_000 {
            let gone = entry - held;
            assert!(index.remove(entries.hash(gone), gone, &mut entries));
            index.insert(entries.hash(entry), entry, &mut entries);
            assert_eq!(index.table.buckets.len(), buckets);
        }
        assert_eq!(index.len() as u64, held);
    }

    #[test]
    fn equal_hashes_are_told_apart_by_the_caller() {
        let mut entries = Hashes {
            hashes: vec![42; 100],
            displaced: HashMap::new(),
        };
        let mut index = Index::new(0);
        for entry in 0..100 {
            index.insert(42, entry, &mut entries);
        }
        for entry in 0..100 {
            let is_it = |s| s == entry;
            assert_eq!(index.find_further(42, is_it), Some(entry));
        }
        for entry in (0..100).rev() {
            assert!(index.remove(42, entry, &mut entries));
        }
        assert_eq!(index.len(), 0);
    }
}
