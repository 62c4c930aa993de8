//! Asks the processor for a line of memory before it is needed.
//!
//! Evicting follows a chain of cold lines: block and bucket. Which entry is next is known one eviction
//! earlier, so each asks for the lines of the next one: a tenth of a look-aside cache's time. A plain read
//! instead would hold up all that follows until the line has come.
#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(
        unsafe_code,
        reason = "there is no safe way to ask for a line: reading it waits for it"
    )
)]

use crate::sync::HintWord;
use crate::sync::atomic::Ordering;

/// Where a table lies, for those who do not hold its lock: what they compute from it they only ask for.
///
/// Relaxed, and two words that may not belong together: the worst that comes of it is a line nobody wanted.
pub(crate) struct Hint {
    first: HintWord,
    mask: HintWord,
}

impl Hint {
    pub(super) fn new<T>(table: &[T]) -> Self {
        Self {
            first: HintWord::new(table.as_ptr().addr()),
            mask: HintWord::new(table.len().wrapping_sub(1)),
        }
    }

    /// Follows the table to where it lies now.
    #[inline(always)]
    pub(super) fn follow<T>(&self, table: &[T]) {
        let (first, mask) = (table.as_ptr().addr(), table.len().wrapping_sub(1));
        // Asked first: a store would take the line from whoever reads the shard just now.
        if self.first.load(Ordering::Relaxed) != first || self.mask.load(Ordering::Relaxed) != mask
        {
            self.first.store(first, Ordering::Relaxed);
            self.mask.store(mask, Ordering::Relaxed);
        }
    }

    /// Asks for the line of the element at `at`, which is taken modulo the table's length.
    #[inline(always)]
    pub(super) fn prefetch<T>(&self, at: usize) {
        let at = (at & self.mask.load(Ordering::Relaxed)).wrapping_mul(size_of::<T>());
        let first = self.first.load(Ordering::Relaxed);
        line(std::ptr::without_provenance(first.wrapping_add(at)));
    }
}

/// Asks for the line at an address.
#[inline(always)]
pub(crate) fn prefetch<T>(at: *const T) {
    line(at.cast());
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn line(at: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint: it reads nothing into the program and faults at no address. It
    // needs SSE, which every x86-64 processor has.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
fn line(_: *const u8) {}
