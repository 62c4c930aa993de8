//! From a key's hash to its entry: buckets of one cache line, nine tags and nine addresses each.
//!
//! A lookup reads one line and learns both whether the key may be here and where its entry's block lies.
//!
//! Growing and shrinking go in steps, one per write: first the new table is written, a few pages at a time, then
//! a few buckets at a time move over. While they move, lookups ask the new table first and then the old one;
//! an entry is in exactly one.

use super::bucket::Bucket;
use super::prefetch::prefetch;
pub(crate) use super::table::Put;
use super::table::Table;

/// Entries per bucket on average, in eighths, beyond which the table doubles: seven eighths of nine.
const FULL_EIGHTHS: usize = 63;
/// A shard that expects more entries than this starts as if it expected these: 256 KiB of table.
/// Growing touches every entry's cold block again; starting large spares that up to a point.
const EXPECTED_MAX: usize = 32_000;
/// Buckets moved per write while resizing. A table doubles when its twin is seven eighths full
/// again, eight writes per bucket later, so four per write leave no table behind.
const MOVES: usize = 4;
/// Buckets of a new table written per write: 16 KiB. Written by one insert, the table of a shard of a large
/// cache is megabytes that the system has to find page by page. Not fewer: pages touched together lie together,
/// and processors look up such neighbours as one.
const WRITES: usize = 256;

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
    first: usize,
}

/// A table being written.
struct Next {
    /// Those written so far; there is room for all.
    written: Vec<Bucket>,
    buckets: usize,
}

impl Next {
    fn write_some(&mut self) {
        let len = self.buckets.min(self.written.len() + WRITES);
        self.written.resize(len, Bucket::EMPTY);
    }

    fn is_written(&self) -> bool {
        self.written.len() == self.buckets
    }
}

/// See the module's text.
#[repr(C)]
pub(crate) struct Index {
    table: Table,
    /// The table being emptied into `table`, and the first bucket of it not yet moved.
    // Boxed: it is rarely there, and what every read looks at should share a cache line.
    old: Option<Box<Old>>,
    least: usize,
    /// The table that will take the place of `table`; never there together with `old`.
    next: Option<Box<Next>>,
}

impl Index {
    /// An index that holds `expected` entries before it grows, and never shrinks below that.
    pub(crate) fn new(expected: usize) -> Self {
        let least = (expected.min(EXPECTED_MAX) * 8 / FULL_EIGHTHS + 1).next_power_of_two();
        Self {
            table: Table::new(least),
            old: None,
            least,
            next: None,
        }
    }

    /// Entries held.
    #[cfg(test)]
    fn len(&self) -> usize {
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

    /// Puts the entry at `address` under `hash`, where it must not be yet. Does a step of a change of size.
    pub(crate) fn insert(&mut self, hash: u64, address: u64, entries: &mut impl Entries) {
        let put = self.table.insert(hash, address);
        entries.moved(address, put);
        let buckets = self.table.buckets.len();
        if self.is_changing() {
            self.change_some(entries);
        } else if self.table.used * 8 > buckets * FULL_EIGHTHS {
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
        let buckets = self.table.buckets.len();
        if self.is_changing() {
            self.change_some(entries);
        } else if buckets > self.least && self.table.used * 64 < buckets * FULL_EIGHTHS {
            // An eighth of full: a quarter-full table of half the size has room to breathe.
            self.resize(buckets / 2);
        }
        removed
    }

    fn resize(&mut self, buckets: usize) {
        self.next = Some(Box::new(Next {
            written: Vec::with_capacity(buckets),
            buckets,
        }));
        self.write_some();
    }

    /// Whether a new table is being written or filled.
    #[inline]
    fn is_changing(&self) -> bool {
        self.old.is_some() || self.next.is_some()
    }

    /// A write's share of the change.
    fn change_some(&mut self, entries: &mut impl Entries) {
        if self.next.is_some() {
            self.write_some();
        } else {
            self.move_some(entries);
        }
    }

    fn write_some(&mut self) {
        if let Some(next) = &mut self.next {
            next.write_some();
        }
        if let Some(next) = self.next.take_if(|next| next.is_written()) {
            let written = Table {
                buckets: next.written.into_boxed_slice(),
                used: 0,
            };
            let table = std::mem::replace(&mut self.table, written);
            self.old = Some(Box::new(Old { table, first: 0 }));
        }
    }

    /// Whether entries have to move from an old table to the new one.
    #[inline]
    pub(crate) fn is_resizing(&self) -> bool {
        self.old.is_some()
    }

    /// Moves a few buckets, if entries have to move.
    ///
    /// Reads do their share too: a cache that is filled and then only read would otherwise ask two
    /// tables for ever, which doubled the time of a read.
    pub(crate) fn move_some(&mut self, entries: &mut impl Entries) {
        let Some(Old { table: old, first }) = self.old.as_deref_mut() else {
            return;
        };
        let old_buckets = old.buckets.len();
        let grows = self.table.buckets.len() > old_buckets;
        let bit = old_buckets.trailing_zeros();
        for _ in 0..MOVES {
            let Some(bucket) = old.buckets.get_mut(*first) else {
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
                    Some(high_bit) => *first as u64 | high_bit << bit | u64::from(tag) << 46,
                    None => entries.hash(address),
                };
                let put = self.table.insert(hash, address);
                entries.moved(address, put);
                old.used -= 1;
            }
            *first += 1;
        }
        if *first >= old.buckets.len() {
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
            assert_eq!(used, table.used, "a table counts its entries");
            if used == 0 && self.old.is_none() {
                let is_clear = table.buckets.iter().all(|bucket| !bucket.has_overflow());
                assert!(is_clear, "nothing has overflowed from an empty table");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::check::refused;
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

    impl Hashes {
        fn of(numbers: std::ops::Range<u64>) -> Self {
            Self {
                hashes: numbers.map(mix).collect(),
                displaced: HashMap::new(),
            }
        }
    }

    fn mix(n: u64) -> u64 {
        let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    #[test]
    fn finds_all_entries_at_every_size_up_and_down() {
        let count = 60_000_u64;
        let mut entries = Hashes::of(1..count + 1);
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
    fn no_write_does_more_than_a_step_of_growing_or_shrinking() {
        let count = 60_000_u64;
        let mut entries = Hashes::of(5..count + 5);
        let mut index = Index::new(0);
        let mut steps = 0;
        // Buckets still to be written and to be moved.
        let left = |index: &Index| {
            let next = index.next.as_ref();
            let old = index.old.as_ref();
            (
                next.map_or(0, |next| next.buckets - next.written.len()),
                old.map_or(0, |old| old.table.buckets.len() - old.first),
            )
        };
        let mut before = (0, 0);
        let mut see = |index: &Index| {
            let (to_write, to_move) = left(index);
            assert!(index.next.is_none() || index.old.is_none());
            match before {
                // A change that begins is told by what it has written already.
                (0, 0) => {
                    let begun = index.next.as_ref().map_or(0, |next| next.written.len());
                    let whole = index.old.as_ref().map(|_| index.table.buckets.len());
                    assert!(begun.max(whole.unwrap_or(0)) <= WRITES);
                }
                (write, 0) => assert!(write - to_write <= WRITES),
                (_, moving) => assert!(moving - to_move <= MOVES),
            }
            steps += u32::from(before.0 > 0 && to_write > 0);
            before = (to_write, to_move);
        };
        for entry in 0..count {
            index.insert(entries.hash(entry), entry, &mut entries);
            see(&index);
            // What came while the table was written is found as well.
            let is_it = |e| e == entry;
            assert_eq!(index.find_further(entries.hash(entry), is_it), Some(entry));
        }
        for entry in 0..count {
            assert!(index.remove(entries.hash(entry), entry, &mut entries));
            see(&index);
        }
        assert!(steps > 50, "tables were written in steps");
        assert!(!index.is_changing() && index.table.buckets.len() <= 2);
    }

    #[test]
    fn churn_at_constant_size_never_resizes_nor_leaves_tombstones() {
        let mut entries = Hashes::of(9..400_009);
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

    #[test]
    fn the_recount_finds_what_is_broken() {
        type Damage = fn(&mut Index);
        let damages: [(&str, Damage); 2] = [
            ("a table counts its entries", |index| index.table.used += 1),
            ("nothing has overflowed from an empty table", |index| {
                index.table.buckets[0].add_overflow();
            }),
        ];
        for (words, damage) in damages {
            let mut index = Index::new(0);
            index.check(|_| ());
            damage(&mut index);
            refused(words, || index.check(|_| ()));
        }
    }
}
