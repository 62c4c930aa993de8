//! From a key's hash to its slot: buckets of one cache line, twelve tags and twelve slots each.
//!
//! A lookup reads one line and learns both whether the key may be here and where its entry lies.
//! A bucket that overflowed counts the entries it sent on to other buckets, and lookups go on only
//! while that count is not zero; a removal takes its count back, so no tombstones pile up and a
//! table of constant size never needs rebuilding (the scheme of Folly's F14).
//!
//! Growing and shrinking move a few buckets per write from the old table to the new one. While
//! that goes on, lookups ask the new table first and then the old one; an entry is in exactly one.

use super::prefetch::prefetch;

/// Entries per bucket.
const SLOTS: usize = 12;
/// Entries per bucket on average, in twelfths, beyond which the table doubles: ten of twelve.
const FULL: usize = 10;
/// A shard that expects more entries than this starts as if it expected these: 256 KiB of table.
/// Growing touches every entry's cold slot again; starting large spares that up to a point.
const EXPECTED_MAX: usize = 1 << 15;
/// Buckets moved per write while resizing. A table doubles when its twin is ten twelfths full
/// again, ten writes per bucket later, so four per write leave no table behind.
const MOVES: usize = 4;

/// `head` holds the twelve tags in its low bytes (0: empty) and the overflow count in its top four.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    head: [u64; 2],
    slots: [u32; SLOTS],
}

const EMPTY: Bucket = Bucket {
    head: [0; 2],
    slots: [0; SLOTS],
};

/// One, where the overflow count lies in the second word.
const OVERFLOW: u64 = 1 << 32;

impl Bucket {
    /// Bit `i` is set if slot `i` has this tag.
    #[inline]
    fn matches(&self, tag: u8) -> u32 {
        super::tags::equal_bytes(self.head, tag) & 0xfff
    }

    /// Whether an entry that belongs here lies in another bucket.
    #[inline]
    pub(crate) fn has_overflow(&self) -> bool {
        self.head[1] >= OVERFLOW
    }

    fn add_overflow(&mut self) {
        self.head[1] += OVERFLOW;
    }

    fn sub_overflow(&mut self) {
        debug_assert!(self.has_overflow());
        self.head[1] -= OVERFLOW;
    }

    /// The slots under this hash's tag.
    #[inline(always)]
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> {
        let mut found = self.matches(tag_of(hash));
        std::iter::from_fn(move || {
            if found == 0 {
                return None;
            }
            // `matches` sets no bit beyond the slots.
            let slot = self.slots.get(found.trailing_zeros() as usize).copied();
            found &= found - 1;
            slot
        })
    }

    /// The tags, in the order of their slots.
    fn tags(&self) -> impl Iterator<Item = u8> + use<> {
        self.head.into_iter().flat_map(u64::to_le_bytes).take(SLOTS)
    }

    fn set(&mut self, at: usize, tag: u8, slot: u32) {
        let shift = at % 8 * 8;
        let word = &mut self.head[at / 8];
        *word = (*word & !(0xff << shift)) | (u64::from(tag) << shift);
        self.slots[at] = slot;
    }
}

/// The tag of a hash: bits 46 to 53, never 0.
#[inline]
fn tag_of(hash: u64) -> u8 {
    let [.., tag, _] = (hash << 2).to_le_bytes();
    tag.max(1)
}

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
            buckets: vec![EMPTY; buckets].into_boxed_slice(),
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

    fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        // Bounded: two buckets can hold each other's overflow, and then no count on the way is zero.
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let found = bucket.candidates(hash).find(|&slot| is_it(slot));
            if found.is_some() || !bucket.has_overflow() {
                return found;
            }
            at = self.step(at, tag_of(hash));
        }
        None
    }

    fn insert(&mut self, hash: u64, slot: u32) -> Put {
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        let mut put = Put::Home;
        loop {
            let empty = self.buckets[at].matches(0);
            if empty != 0 {
                self.buckets[at].set(empty.trailing_zeros() as usize, tag, slot);
                self.used += 1;
                return put;
            }
            self.buckets[at].add_overflow();
            at = self.step(at, tag);
            put = Put::Displaced;
        }
    }

    /// The bucket and place of the entry in `slot`, and the buckets passed before it.
    fn locate(&self, hash: u64, slot: u32) -> Option<(usize, usize, usize)> {
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        for hops in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let mut found = bucket.matches(tag);
            while found != 0 {
                let place = found.trailing_zeros() as usize;
                if bucket.slots.get(place) == Some(&slot) {
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

    fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let Some((at, place, hops)) = self.locate(hash, slot) else {
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
}

/// What the index asks of the slab while it moves entries to a table of another size.
pub(crate) trait Entries {
    /// The full hash of the key in `slot`; costs a cache miss.
    fn hash(&self, slot: u32) -> u64;
    /// Bit `bit` of that hash, if the entry lies in its home bucket and its stamp keeps the bit.
    fn home_bit(&self, slot: u32, bit: u32) -> Option<u64>;
    /// Tells the entry where it was put.
    fn moved(&mut self, slot: u32, put: Put);
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
        let least = (expected.min(EXPECTED_MAX) / FULL + 1).next_power_of_two();
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

    /// The slot under `hash` that `is_it` recognises, looked for everywhere.
    pub(crate) fn find_further(
        &self,
        hash: u64,
        mut is_it: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        self.table
            .find(hash, &mut is_it)
            .or_else(|| self.old.as_ref()?.table.find(hash, is_it))
    }

    /// Puts `slot` under `hash`, where it must not be yet. Moves up to four buckets if resizing.
    pub(crate) fn insert(&mut self, hash: u64, slot: u32, entries: &mut impl Entries) {
        let put = self.table.insert(hash, slot);
        entries.moved(slot, put);
        let len = self.len();
        let buckets = self.table.buckets.len();
        if self.old.is_some() {
            self.move_some(entries);
        } else if len > buckets * FULL {
            self.resize(buckets * 2);
        }
    }

    /// Takes `slot` out from under `hash`; false if it was not there.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32, entries: &mut impl Entries) -> bool {
        let removed = self.table.remove(hash, slot)
            || self
                .old
                .as_mut()
                .is_some_and(|old| old.table.remove(hash, slot));
        let len = self.len();
        let buckets = self.table.buckets.len();
        if self.old.is_some() {
            self.move_some(entries);
        } else if buckets > self.least && len * 8 < buckets * FULL {
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
            // The overflow count stays: entries that overflowed from here lie further on.
            bucket.head = [0, moving.head[1] & !(OVERFLOW - 1)];
            for (tag, slot) in moving.tags().zip(moving.slots) {
                if tag == 0 {
                    continue;
                }
                let low = if grows {
                    entries.home_bit(slot, bit)
                } else {
                    entries.home_bit(slot, super::stamp::HASH_LOW).map(|_| 0)
                };
                let hash = match low {
                    // All that a table needs of a hash: home bits and tag.
                    Some(high_bit) => *next as u64 | high_bit << bit | u64::from(tag) << 46,
                    None => entries.hash(slot),
                };
                let put = self.table.insert(hash, slot);
                entries.moved(slot, put);
                old.used -= 1;
            }
            *next += 1;
        }
        if *next >= old.buckets.len() {
            debug_assert_eq!(old.used, 0);
            self.old = None;
        }
    }

    /// All slots held, for the recount in `check_invariants`.
    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn check(&self, mut seen: impl FnMut(u32)) {
        let old = self.old.as_ref().map(|old| &old.table);
        for table in std::iter::once(&self.table).chain(old) {
            let mut used = 0;
            for bucket in &table.buckets {
                for (tag, slot) in bucket.tags().zip(bucket.slots) {
                    if tag != 0 {
                        seen(slot);
                        used += 1;
                    }
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

    /// Slots with their hashes; every second one is far from home and forgets its bits.
    struct Hashes {
        hashes: Vec<u64>,
        displaced: HashMap<u32, bool>,
    }

    impl Entries for Hashes {
        fn hash(&self, slot: u32) -> u64 {
            self.hashes[slot as usize]
        }
        fn home_bit(&self, slot: u32, bit: u32) -> Option<u64> {
            let home = !self.displaced[&slot];
            (home && (8..21).contains(&bit)).then(|| self.hash(slot) >> bit & 1)
        }
        fn moved(&mut self, slot: u32, put: Put) {
            self.displaced.insert(slot, put == Put::Displaced);
        }
    }

    fn mix(n: u64) -> u64 {
        let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    #[test]
    fn finds_all_entries_at_every_size_up_and_down() {
        let count = 60_000_u32;
        let mut entries = Hashes {
            hashes: (0..u64::from(count)).map(|n| mix(n + 1)).collect(),
            displaced: HashMap::new(),
        };
        let mut index = Index::new(0);
        for slot in 0..count {
            index.insert(entries.hash(slot), slot, &mut entries);
            if slot % 997 == 0 {
                for earlier in (0..=slot).step_by(61) {
                    let is_it = |s| s == earlier;
                    let hash = entries.hash(earlier);
                    assert_eq!(index.find_further(hash, is_it), Some(earlier));
                }
            }
        }
        assert_eq!(index.len(), count as usize);
        for slot in 0..count {
            assert!(index.remove(entries.hash(slot), slot, &mut entries));
            assert!(!index.remove(entries.hash(slot), slot, &mut entries));
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
        let held = 5_000_u32;
        for slot in 0..held {
            index.insert(entries.hash(slot), slot, &mut entries);
        }
        let buckets = index.table.buckets.len();
        for slot in held..400_000 {
            let gone = slot - held;
            assert!(index.remove(entries.hash(gone), gone, &mut entries));
            index.insert(entries.hash(slot), slot, &mut entries);
            assert_eq!(index.table.buckets.len(), buckets);
        }
        assert_eq!(index.len(), held as usize);
    }

    #[test]
    fn equal_hashes_are_told_apart_by_the_caller() {
        let mut entries = Hashes {
            hashes: vec![42; 100],
            displaced: HashMap::new(),
        };
        let mut index = Index::new(0);
        for slot in 0..100 {
            index.insert(42, slot, &mut entries);
        }
        for slot in 0..100 {
            let is_it = |s| s == slot;
            assert_eq!(index.find_further(42, is_it), Some(slot));
        }
        for slot in (0..100).rev() {
            assert!(index.remove(42, slot, &mut entries));
        }
        assert_eq!(index.len(), 0);
    }
}
