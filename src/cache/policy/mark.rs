//! The six mark bits of a slot.

/// Reads since the last visit, saturating.
pub(crate) const READS: u8 = 0b00_0011;
/// Set by every hit and cleared only by the duel of a small cache.
pub(crate) const TOUCHED: u8 = 0b00_0100;
/// In the main part rather than in the window.
pub(crate) const MAIN: u8 = 0b00_1000;
/// Main part only: the `Ground` on which the entry was let in, until the hand has judged it. Shares its bits with `TAG`.
pub(crate) const GROUND: u8 = 0b11_0000;
/// Window only: tells the entry from an earlier tenant of its slot that still has a place in the ring.
pub(crate) const TAG: u8 = 0b11_0000;
pub(crate) const TAG_SHIFT: u32 = 4;

/// The mark after a hit.
#[must_use]
pub(crate) const fn hit(mark: u8) -> u8 {
    let reads = mark & READS;
    let more = if reads == READS { reads } else { reads + 1 };
    (mark & !READS) | more | TOUCHED
}

/// Whether an entry with this mark is in the main part.
pub(crate) const fn in_main(mark: u8) -> bool {
    mark & MAIN != 0
}
