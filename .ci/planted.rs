//! Bugs for the sanitizers to find: if they miss one of these, their silence elsewhere says nothing.
//!
//! Compiled by `.ci/steps/tsan.sh` and `asan.sh` with the flags of the real tests, and run test by
//! test; each test must end its process with the sanitizer's report.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;

struct Shared(UnsafeCell<u64>);

// SAFETY: a lie, which is the point.
unsafe impl Sync for Shared {}

fn write(shared: &Shared) {
    for n in 0..1000 {
        // SAFETY: none, two threads do this at once.
        unsafe { shared.0.get().write_volatile(black_box(n)) };
    }
}

#[test]
fn race_between_two_threads() {
    let shared = Arc::new(Shared(UnsafeCell::new(0)));
    let theirs = Arc::clone(&shared);
    let other = Arc::clone(&shared);
    let a = thread::spawn(move || write(&theirs));
    let b = thread::spawn(move || write(&other));
    a.join().expect("no panic in it");
    b.join().expect("no panic in it");
}

#[test]
fn race_with_the_thread_of_the_test() {
    let shared = Shared(UnsafeCell::new(0));
    thread::scope(|scope| {
        scope.spawn(|| write(&shared));
        write(&shared);
    });
}

#[test]
fn memory_used_after_free() {
    let block = black_box(Box::into_raw(Box::new(7_u64)));
    // SAFETY: none, the second line reads what the first one frees.
    drop(unsafe { Box::from_raw(block) });
    assert_eq!(unsafe { block.read_volatile() }, 7);
}

#[test]
fn memory_leaked() {
    std::mem::forget(black_box(vec![7_u8; 4096]));
}
