//! A global allocator that counts live heap bytes and allocations, while told to.
#![expect(
    unsafe_code,
    reason = "a global allocator cannot be written without it; every call goes on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// The system's allocator with a count of the bytes asked for and not yet
/// given back, and of the times somebody asked. Throughput is measured with the count switched off, which
/// leaves one read of a shared flag per call.
pub struct Counting;

static COUNTED: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Starts the counts from 0, or stops them. What was allocated before the start
/// and is freed after it counts as negative: start before what is measured.
pub fn count(on: bool) {
    if on {
        CALLS.store(0, Relaxed);
    }
    LIVE.store(0, Relaxed);
    COUNTED.store(on, Relaxed);
}

/// The bytes counted now; layouts as asked for, without the allocator's own
/// rounding and headers.
#[must_use]
pub fn live() -> i64 {
    LIVE.load(Relaxed)
}

/// Allocations counted since the last start; one that grows or shrinks counts
/// again. They stay readable after the count was stopped.
#[must_use]
pub fn allocations() -> u64 {
    CALLS.load(Relaxed)
}

#[inline]
fn note(bytes: usize, sign: i64) {
    if COUNTED.load(Relaxed) {
        LIVE.fetch_add(sign * bytes as i64, Relaxed);
        CALLS.fetch_add(u64::from(sign > 0), Relaxed);
    }
}

// SAFETY: every method hands its arguments unchanged to `System`, which keeps
// the contract of `GlobalAlloc`; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(layout.size(), -1);
        // SAFETY: `block` came from `System` through this allocator with this
        // layout, as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), -1);
        note(size, 1);
        // SAFETY: `block` came from `System` through this allocator with this
        // layout, and the caller promises a valid new size.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[global_allocator]
    static HEAP: Counting = Counting;

    /// Far more than what other tests hold meanwhile; nobody writes to it.
    const LARGE: usize = 1 << 28;

    #[test]
    fn what_is_held_is_counted_until_it_is_given_back() {
        let close_to = |held: i64| held - LARGE as i64 / 2..held + LARGE as i64 / 2;
        count(true);
        let mut held: Vec<u8> = black_box(Vec::with_capacity(LARGE));
        assert!(close_to(LARGE as i64).contains(&live()));
        held.reserve_exact(2 * LARGE);
        assert!(close_to(2 * LARGE as i64).contains(&live()));
        drop(black_box(held));
        assert!(close_to(0).contains(&live()));
        assert!(allocations() >= 2);
        count(false);
        let held: Vec<u8> = black_box(Vec::with_capacity(LARGE));
        assert_eq!(live(), 0, "nothing is counted that was not to be");
        drop(held);
    }
}
