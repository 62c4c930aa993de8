//! Asks the processor for a line of memory before it is needed.
//!
//! Evicting follows a chain of cold lines: slot, bucket, count of the value's block. Which entry is next is
//! known one eviction earlier, so each asks for the lines of the next one: a tenth of a look-aside cache's
//! time. A plain read instead would hold up all that follows until the line has come.
#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(
        unsafe_code,
        reason = "there is no safe way to ask for a line: reading it waits for it"
    )
)]

/// Asks for the line where `value` begins.
#[inline(always)]
pub(super) fn prefetch<T>(value: &T) {
    line(std::ptr::from_ref(value).cast());
}

/// Asks for the line where `bytes` begin, which of a block is that of its reference count.
#[inline(always)]
pub(super) fn prefetch_bytes(bytes: &[u8]) {
    line(bytes.as_ptr());
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
