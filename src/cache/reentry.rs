//! Turns a deadlock into a panic: user code that runs under a shard's lock must not call the cache.

use std::cell::Cell;

use crate::sync::{Guard, Lock};

std::thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, the thread runs user code under a lock. Remembers whether it did before.
pub(crate) struct Inside(bool);

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

#[inline]
pub(crate) fn enter() -> Inside {
    Inside(INSIDE.replace(true))
}

/// Takes a shard's lock, but does not wait for one from inside user code.
///
/// A free lock is taken without asking in release builds: what cannot wait cannot deadlock.
#[inline]
pub(crate) fn lock<T>(lock: &Lock<T>) -> Guard<'_, T> {
    if cfg!(debug_assertions) {
        refuse_inside();
    }
    if cfg!(not(any(sessile_loom, sessile_shuttle)))
        && let Some(guard) = lock.try_lock()
    {
        return guard;
    }
    refuse_inside();
    lock.lock()
}

#[inline]
fn refuse_inside() {
    if INSIDE.get() {
        refuse();
    }
}

#[cold]
fn refuse() {
    panic!("a closure given to the cache called the cache, which would wait for itself");
}
