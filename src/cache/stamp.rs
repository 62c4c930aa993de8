//! One 64-bit word per entry: its deadline, its policy mark and what is special about it.
//!
//! ```text
//!  63                      22 21         6   5    4     3   2    0
//! +--------------------------+------------+----+----+-----+------+
//! | deadline, ms (42 bits)   | hash bits  | D  | L  |  A  | mark |
//! +--------------------------+------------+----+----+-----+------+
//! ```
//!
//! `D`: displaced, the entry lies outside its home bucket. `L`: it has an idle timeout or an
//! absolute end, kept in the chunk's side table. `A`: its block is one apart. The hash bits are bits 8 to 23
//! of the key's hash; a growing index finds a home bucket's next bit there without hashing the key.
//!
//! The deadline is in the highest bits, so "is it still alive" is one comparison of words. The
//! deadline 0 means a free slot, or a block that is in none.

/// The largest deadline; it means "never".
pub(crate) const FOREVER: u64 = (1 << 42) - 1;

const DEADLINE_SHIFT: u32 = 22;
const HASH_SHIFT: u32 = 6;
const DISPLACED: u64 = 1 << 5;
const LIFE: u64 = 1 << 4;
const APART: u64 = 1 << 3;
const MARK: u64 = (1 << 3) - 1;

/// The lowest hash bit kept in a stamp, and one past the highest.
pub(crate) const HASH_LOW: u32 = 8;
pub(crate) const HASH_HIGH: u32 = 24;

/// See the module's text for the layout.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(crate) const FREE: Self = Self(0);

    /// `deadline` must be at least 1 and at most [`FOREVER`], so that no live stamp is 0.
    pub(crate) fn new(deadline: u64, hash: u64) -> Self {
        debug_assert!((1..=FOREVER).contains(&deadline));
        let bits = (hash >> HASH_LOW) & ((1 << (HASH_HIGH - HASH_LOW)) - 1);
        Self((deadline << DEADLINE_SHIFT) | (bits << HASH_SHIFT))
    }

    #[inline]
    pub(crate) fn is_free(self) -> bool {
        self.deadline() == 0
    }

    #[inline]
    pub(crate) fn deadline(self) -> u64 {
        self.0 >> DEADLINE_SHIFT
    }

    /// Alive at `now`: never at or after the deadline.
    #[inline]
    pub(crate) fn is_live(self, now: u64) -> bool {
        self.deadline() > now
    }

    #[inline]
    #[must_use]
    pub(crate) fn with_deadline(self, deadline: u64) -> Self {
        debug_assert!((1..=FOREVER).contains(&deadline));
        Self((self.0 & ((1 << DEADLINE_SHIFT) - 1)) | (deadline << DEADLINE_SHIFT))
    }

    #[inline]
    pub(crate) fn mark(self) -> u8 {
        self.0.to_le_bytes()[0] & 0b111
    }

    #[inline]
    #[must_use]
    pub(crate) fn with_mark(self, mark: u8) -> Self {
        Self((self.0 & !MARK) | (u64::from(mark) & MARK))
    }

    #[inline]
    pub(crate) fn has_life(self) -> bool {
        self.0 & LIFE != 0
    }

    #[inline]
    pub(crate) fn is_apart(self) -> bool {
        self.0 & APART != 0
    }

    /// Whether a hit changes nothing: the mark stands at its highest and no read moves a deadline.
    #[inline]
    pub(crate) fn is_saturated(self) -> bool {
        self.0 & (LIFE | super::policy::SATURATED as u64) == super::policy::SATURATED as u64
    }

    pub(crate) fn is_displaced(self) -> bool {
        self.0 & DISPLACED != 0
    }

    #[must_use]
    pub(crate) fn with_life(self, on: bool) -> Self {
        self.flag(LIFE, on)
    }

    #[must_use]
    pub(crate) fn with_apart(self, on: bool) -> Self {
        self.flag(APART, on)
    }

    #[must_use]
    pub(crate) fn with_displaced(self, on: bool) -> Self {
        self.flag(DISPLACED, on)
    }

    /// Bit `bit` of the key's hash, where the stamp keeps it.
    pub(crate) fn hash_bit(self, bit: u32) -> Option<u64> {
        (HASH_LOW..HASH_HIGH)
            .contains(&bit)
            .then(|| (self.0 >> (HASH_SHIFT + bit - HASH_LOW)) & 1)
    }

    fn flag(self, flag: u64, on: bool) -> Self {
        Self(if on { self.0 | flag } else { self.0 & !flag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_disturb_one_another() {
        let hash = 0x0005_a3c1_77f0_9d35;
        let stamp = Stamp::new(FOREVER, hash)
            .with_mark(0b101)
            .with_life(true)
            .with_apart(true)
            .with_displaced(true)
            .with_deadline(77);
        assert_eq!(stamp.deadline(), 77);
        assert_eq!(stamp.mark(), 0b101);
        assert!(stamp.has_life() && stamp.is_apart() && stamp.is_displaced());
        let plain = stamp
            .with_life(false)
            .with_apart(false)
            .with_displaced(false);
        assert!(!plain.has_life() && !plain.is_apart() && !plain.is_displaced());
        for bit in HASH_LOW..HASH_HIGH {
            assert_eq!(stamp.hash_bit(bit), Some((hash >> bit) & 1));
        }
        assert_eq!(stamp.hash_bit(HASH_HIGH), None);
        assert_eq!(stamp.hash_bit(HASH_LOW - 1), None);
    }

    #[test]
    fn is_dead_at_its_deadline() {
        let stamp = Stamp::new(10, 0);
        assert!(stamp.is_live(9));
        assert!(!stamp.is_live(10));
        assert!(!Stamp::FREE.is_live(0));
    }
}
