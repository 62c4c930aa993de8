//! A bucket of the index: one cache line of nine tags, an overflow count and nine addresses.
//!
//! ```text
//! | tags (9 of 8 bits) | overflow (8) | addresses (9 of 48) |
//! ```
//!
//! A tag is 0 where there is no entry. The overflow count is the number of entries that came by on their way
//! to other buckets.

/// Entries per bucket.
const SLOTS: usize = 9;

/// One cache line: nine tags (0: empty), the overflow count, nine addresses of 48 bits.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Bucket([u8; 64]);

/// Where the overflow count lies.
const OVERFLOW: usize = SLOTS;
/// Two bytes before the first address: an address is read as the upper six bytes of a word.
const WORDS: usize = 8;

impl Bucket {
    pub(super) const EMPTY: Self = Self([0; 64]);

    /// Bit `i` is set if entry `i` has this tag.
    #[inline(always)]
    pub(super) fn matches(&self, tag: u8) -> u32 {
        let (words, _) = self.0.as_chunks::<8>();
        let head = [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])];
        super::tags::equal_bytes(head, tag) & ((1 << SLOTS) - 1)
    }

    #[inline(always)]
    pub(super) fn address(&self, at: usize) -> Option<u64> {
        let word = self.0.get(WORDS + 6 * at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*word) >> 16)
    }

    /// Whether an entry that belongs here lies in another bucket.
    #[inline(always)]
    pub(crate) fn has_overflow(&self) -> bool {
        self.0[OVERFLOW] != 0
    }

    // A count that reached its end stays there: lookups then go on for nothing until the table is made anew.
    pub(super) fn add_overflow(&mut self) {
        self.0[OVERFLOW] = self.0[OVERFLOW].saturating_add(1);
    }

    pub(super) fn sub_overflow(&mut self) {
        debug_assert!(self.has_overflow());
        if self.0[OVERFLOW] != u8::MAX {
            self.0[OVERFLOW] -= 1;
        }
    }

    /// The entries under this hash's tag.
    #[inline(always)]
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = u64> {
        let mut found = self.matches(tag_of(hash));
        std::iter::from_fn(move || {
            if found == 0 {
                return None;
            }
            // `matches` sets no bit beyond the entries.
            let address = self.address(found.trailing_zeros() as usize);
            found &= found - 1;
            address
        })
    }

    /// Tags and addresses of all entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u8, u64)> {
        (0..SLOTS).filter_map(|at| {
            let tag = self.0[at];
            (tag != 0).then_some((tag, self.address(at)?))
        })
    }

    pub(super) fn set(&mut self, at: usize, tag: u8, address: u64) {
        let bytes = address.to_le_bytes();
        let (low, high) = bytes.split_at(6);
        debug_assert_eq!(high, [0, 0], "addresses are of 48 bits");
        self.0[at] = tag;
        let first = WORDS + 2 + 6 * at;
        self.0[first..first + 6].copy_from_slice(low);
    }

    /// Forgets its entries, not that others lie further on.
    pub(super) fn empty(&mut self) {
        let overflow = self.0[OVERFLOW];
        *self = Self::EMPTY;
        self.0[OVERFLOW] = overflow;
    }
}

/// The tag of a hash: bits 46 to 53, never 0.
#[inline]
pub(super) fn tag_of(hash: u64) -> u8 {
    let [.., tag, _] = (hash << 2).to_le_bytes();
    tag.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_disturb_one_another() {
        let mut bucket = Bucket::EMPTY;
        let tag = |at: usize| 200 + u8::try_from(at).expect("nine places");
        let address = |at: usize| 0xffff_0123_4560 + at as u64;
        for at in (0..SLOTS).rev() {
            bucket.set(at, tag(at), address(at));
            bucket.add_overflow();
        }
        for at in 0..SLOTS {
            assert_eq!(bucket.address(at), Some(address(at)));
            assert_eq!(bucket.matches(tag(at)), 1 << at);
        }
        assert_eq!(bucket.address(SLOTS), None);
        assert_eq!(bucket.matches(0), 0, "no place is empty");
        let all: Vec<_> = (0..SLOTS).map(|at| (tag(at), address(at))).collect();
        assert_eq!(bucket.entries().collect::<Vec<_>>(), all);
        bucket.empty();
        assert_eq!(bucket.entries().count(), 0);
        for _ in 0..SLOTS {
            assert!(bucket.has_overflow(), "emptying forgets no overflow");
            bucket.sub_overflow();
        }
        assert!(!bucket.has_overflow());
    }

    #[test]
    fn an_overflow_count_that_reached_its_end_stays_there() {
        let mut bucket = Bucket::EMPTY;
        (0..300).for_each(|_| bucket.add_overflow());
        (0..300).for_each(|_| bucket.sub_overflow());
        assert!(bucket.has_overflow());
    }
}
