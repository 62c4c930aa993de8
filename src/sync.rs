//! The one door to locks, atomics and threads, so that loom and shuttle see every shared step.
//!
//! Three worlds share this file: the real one (the standard library's atomics and parking_lot's
//! mutex), `cfg(sessile_loom)` and `cfg(sessile_shuttle)`, where the model checker's twins take
//! their place. Everything that two threads can touch is built from the names exported here.
//!
//! A [`Lock`] is not re-entrant: a thread that locks twice waits for itself (callers that hand the
//! guarded value to user code guard against that, see `cache::reentry`). A panic leaves it free.

#[cfg(not(any(sessile_loom, sessile_shuttle)))]
mod imp {
    // One byte before the value. A lock of our own that wakes nobody saved the second locked instruction,
    // and lost all the same (ARCHITECTURE.md, "What was measured").
    pub(crate) use parking_lot::{Mutex as Lock, MutexGuard as Guard};
    pub(crate) use std::sync::atomic;
}

#[cfg(any(sessile_loom, sessile_shuttle))]
mod imp {
    #[cfg(sessile_loom)]
    use loom::sync as model;
    #[cfg(all(sessile_shuttle, not(sessile_loom)))]
    use shuttle::sync as model;

    pub(crate) use model::MutexGuard as Guard;
    pub(crate) use model::atomic;

    /// The model checker's mutex under the face of parking_lot's.
    pub(crate) struct Lock<T>(model::Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(model::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Guard<'_, T> {
            self.0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        }

        pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

pub(crate) use imp::{Guard, Lock, atomic};

/// An atomic word that no result depends on, so that no model checker need look at it.
pub(crate) use std::sync::atomic::AtomicUsize as HintWord;

/// Held while an application's closure runs, which may take long and may ask for it again: other
/// threads sleep, the same one gets it. No model checker looks at it.
#[cfg(feature = "http")]
pub(crate) use parking_lot::ReentrantMutex as Reentrant;

/// Keys the hash of client-chosen bytes; constant under a model checker, which must replay.
pub(crate) fn hash_state() -> ahash::RandomState {
    if cfg!(any(sessile_loom, sessile_shuttle)) {
        ahash::RandomState::with_seeds(1, 2, 3, 4)
    } else {
        ahash::RandomState::new()
    }
}

/// Says how many shards a cache gets when its builder is not told: eight per core, at least 64.
///
/// With fewer, two clients meet more often; sixteen read no faster (ARCHITECTURE.md).
pub(crate) fn default_shards() -> usize {
    if cfg!(any(sessile_loom, sessile_shuttle)) {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(8, std::num::NonZero::get);
    (cores * 8).next_power_of_two().clamp(64, 1024)
}

/// Lets other threads run; after a hundred turns in vain, for 100 microseconds.
pub(crate) fn wait_a_turn(turns: u32) {
    if turns <= 100 || cfg!(any(sessile_loom, sessile_shuttle)) {
        yield_now();
    } else {
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
}

fn yield_now() {
    #[cfg(sessile_loom)]
    loom::thread::yield_now();
    #[cfg(all(sessile_shuttle, not(sessile_loom)))]
    shuttle::thread::yield_now();
    #[cfg(not(any(sessile_loom, sessile_shuttle)))]
    std::thread::yield_now();
}
