//! What the policy keeps of an entry: a mark of three bits in its stamp, which a read finds and sets anyway, and a seat
//! of three bits in a column beside the slots, where a newcomer moves on without a look at its block.

/// Mark: reads since the last visit, saturating.
pub(crate) const READS: u8 = 0b011;
/// Mark: set by every hit and cleared only by the duel of a small cache.
pub(crate) const TOUCHED: u8 = 0b100;

/// Seat: in the main part rather than in the window.
pub(crate) const MAIN: u8 = 0b100;
/// Seat: in the main part the ground on which the entry was let in, until the hand has judged it; in the window a tag,
/// which tells the entry from an earlier tenant of its slot that still has a place in the ring.
pub(crate) const GROUND: u8 = 0b011;

/// The mark after a hit.
#[must_use]
pub(crate) const fn hit(mark: u8) -> u8 {
    let reads = mark & READS;
    let more = if reads == READS { reads } else { reads + 1 };
    (mark & !READS) | more | TOUCHED
}

/// Whether an entry with this seat is in the main part.
pub(crate) const fn in_main(seat: u8) -> bool {
    seat & MAIN != 0
}
