//! A lock that costs one atomic read-modify-write per critical section.
#![expect(
    unsafe_code,
    reason = "a parking mutex unlocks with a second locked instruction; a guard of our own must hand out the value"
)]
//!
//! Critical sections here are tens of nanoseconds long. A parking lock must look for sleepers when
//! it unlocks, which is a second locked instruction; this one unlocks with a plain release store
//! and lets the rare waiter look again by itself: it spins, then yields, then sleeps in growing
//! steps of at most a millisecond. Nobody is ever woken, so nothing can be woken wrongly.
//!
//! Not fair, not re-entrant: a thread that locks twice waits for itself (callers that hand the
//! guarded value to user code guard against that, see `cache::reentry`).

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Guards a value; see the module's text for what waiting costs.
// In this order: the flag shares its cache line with what the value begins with.
#[repr(C)]
pub(crate) struct Lock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out at most one guard at a time (`taken`), so sharing the lock only ever
// moves access to the value between threads, which `T: Send` allows.
unsafe impl<T: Send> Sync for Lock<T> {}

/// Proof of holding the lock; gives it back when dropped, also when a panic unwinds.
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
    // A guard given to another thread would be harmless, but nothing needs it to be `Send`.
    _here: std::marker::PhantomData<*const ()>,
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        if let Some(guard) = self.try_lock() {
            return guard;
        }
        self.wait()
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        // Acquire pairs with the Release in `Guard::drop`: what the last holder wrote is seen.
        self.taken
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            // Made only by the winner: a guard that is dropped unlocks.
            .then(|| Guard {
                lock: self,
                _here: std::marker::PhantomData,
            })
    }

    #[cold]
    fn wait(&self) -> Guard<'_, T> {
        const SPINS: u32 = 64;
        const YIELDS: u32 = 16;
        let mut round = 0_u32;
        loop {
            // Relaxed: only a hint when to try; `try_lock` does the ordering.
            if !self.taken.load(Ordering::Relaxed)
                && let Some(guard) = self.try_lock()
            {
                return guard;
            }
            round = round.saturating_add(1);
            if round < SPINS {
                std::hint::spin_loop();
            } else if round < SPINS + YIELDS {
                std::thread::yield_now();
            } else {
                // The holder lost its processor: give ours away for 16 µs up to 1 ms.
                let step = (round - SPINS - YIELDS).min(6);
                std::thread::sleep(Duration::from_micros(16 << step));
            }
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard exists, so `taken` is true and no other guard does (`try_lock` makes
        // one only by turning `taken` from false to true).
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` excludes a second borrow through this guard.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Pairs with the Acquire in `try_lock`.
        self.lock.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn counts_every_increment_of_four_threads() {
        let lock = Lock::new(0_u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        *lock.lock() += 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 80_000);
    }

    #[test]
    fn is_free_again_after_a_panic() {
        let lock = Lock::new(1);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut guard = lock.lock();
            *guard = 2;
            panic!("planted");
        }));
        assert!(caught.is_err());
        assert_eq!(*lock.try_lock().expect("the unwinding guard unlocked"), 2);
    }

    #[test]
    fn refuses_a_second_holder() {
        let lock = Lock::new(());
        let held = lock.lock();
        for _ in 0..3 {
            assert!(lock.try_lock().is_none());
        }
        drop(held);
        assert!(lock.try_lock().is_some());
    }
}
