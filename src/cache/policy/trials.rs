//! Grounds for a place in the main part, and which of them prove worthwhile.
//!
//! One read while waiting, or a late return after eviction, means much in one stream and nothing in another. Entries
//! let in on such a ground carry it in their seat until the hand first reaches them; whether they were read by then
//! decides if the ground goes on being accepted.

/// Grounds for a place in the main part that have to prove worthwhile; the others, two reads in the window or a
/// return soon after eviction, always are.
pub(crate) const UNDOUBTED: u8 = 0;
/// Read once in the window.
pub(crate) const SINGLE: u8 = 1;
/// Came back in the middle third of the ghosts' depth.
pub(crate) const LATE: u8 = 2;
/// Came back in the last third.
pub(crate) const LATEST: u8 = 3;

/// One in this many is let in even on grounds that do badly, to notice when they stop doing so.
const SAMPLE: u32 = 8;
/// Share, of 65536, of the entries let in on one ground that must be read again for it to stand.
const WORTHWHILE: u32 = 25_000;
/// Trials the running share remembers, as a power of two.
const TRIALS_SHIFT: u32 = 6;

/// What became of the entries let in on doubtful grounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trials {
    /// Running share, of 65536, of the entries let in on each ground that were read again.
    success: [u32; 3],
    doubted: u32,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            success: [WORTHWHILE; 3],
            doubted: 0,
        }
    }
}

impl Trials {
    /// Whether entries are let into the main part on this ground.
    pub(crate) fn stands(&mut self, ground: u8) -> bool {
        let Some(success) = usize::from(ground)
            .checked_sub(1)
            .and_then(|at| self.success.get(at))
        else {
            return true;
        };
        if *success >= WORTHWHILE {
            return true;
        }
        self.doubted = self.doubted.wrapping_add(1);
        self.doubted.is_multiple_of(SAMPLE)
    }

    /// Learns whether an entry let in on this ground was read again.
    pub(crate) fn judge(&mut self, ground: u8, read: bool) {
        let Some(success) = usize::from(ground)
            .checked_sub(1)
            .and_then(|at| self.success.get_mut(at))
        else {
            return;
        };
        *success -= *success >> TRIALS_SHIFT;
        if read {
            *success += 65_536 >> TRIALS_SHIFT;
        }
    }
}
