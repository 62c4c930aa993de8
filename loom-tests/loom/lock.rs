//! The protocol of `src/sync/lock.rs`, copied: one flag taken by compare-exchange, given back by a
//! plain store. Loom checks that the two orderings named there suffice, and that weaker ones do not.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

use crate::explore;
use crate::planted::found;

struct Lock {
    taken: AtomicBool,
    value: UnsafeCell<u64>,
    take: Ordering,
    give: Ordering,
}

impl Lock {
    /// One critical section: adds one.
    fn add(&self) {
        while self
            .taken
            .compare_exchange(false, true, self.take, Ordering::Relaxed)
            .is_err()
        {
            loom::thread::yield_now();
        }
        self.value.with_mut(
            #[expect(
                unsafe_code,
                reason = "loom's cell hands out a pointer, as the lock's does"
            )]
            |value| {
                // SAFETY: `taken` was turned from false to true by this thread alone; that this is
                // enough is what the model shows, and loom panics where it is not.
                unsafe { *value += 1 }
            },
        );
        self.taken.store(false, self.give);
    }
}

// SAFETY: access to `value` happens only between taking and giving back, see `add`.
#[expect(unsafe_code, reason = "a copy of the lock's own promise")]
unsafe impl Sync for Lock {}

fn model(take: Ordering, give: Ordering) -> impl Fn() + Sync + Send {
    move || {
        let lock = Arc::new(Lock {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(0),
            take,
            give,
        });
        let threads: Vec<_> = (0..1)
            .map(|_| {
                let lock = Arc::clone(&lock);
                loom::thread::spawn(move || lock.add())
            })
            .collect();
        lock.add();
        for thread in threads {
            thread.join().expect("no data race");
        }
        lock.add();
        let sum = lock.value.with(
            #[expect(unsafe_code, reason = "as in `add`")]
            |value| {
                // SAFETY: every other thread has been joined.
                unsafe { *value }
            },
        );
        assert_eq!(sum, 3);
    }
}

#[test]
fn acquire_and_release_suffice() {
    explore(
        "lock protocol",
        3,
        model(Ordering::Acquire, Ordering::Release),
    );
}

#[test]
fn a_lock_given_back_relaxed_is_found_out() {
    let given = model(Ordering::Acquire, Ordering::Relaxed);
    found("lock given back relaxed", "Causality violation", given);
    let taken = model(Ordering::Relaxed, Ordering::Release);
    found("lock taken relaxed", "Causality violation", taken);
}
