//! A value with its deadline beside it, for peers without expiry.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;

/// A value and the time at which it ends. The deadline is atomic so that a
/// sliding read stays one lookup under the peer's read lock: that was faster
/// than a plain deadline written under its write lock, for each of them.
#[derive(Debug)]
pub struct Cell {
    deadline: AtomicU64,
    value: Bytes,
}

impl Cell {
    /// A value that ends at `deadline`.
    #[must_use]
    pub fn new(value: Bytes, deadline: u64) -> Cell {
        Cell {
            deadline: AtomicU64::new(deadline),
            value,
        }
    }

    /// The value, unless it has ended at `now`.
    #[inline]
    #[must_use]
    pub fn at(&self, now: u64) -> Option<&Bytes> {
        (self.deadline.load(Relaxed) > now).then_some(&self.value)
    }

    /// The value, unless it has ended at `now`; it then ends at `deadline`.
    #[inline]
    pub fn slide(&self, now: u64, deadline: u64) -> Option<&Bytes> {
        let live = self.at(now)?;
        self.deadline.store(deadline, Relaxed);
        Some(live)
    }

    /// The value, ended or not.
    #[must_use]
    pub fn value(&self) -> &Bytes {
        &self.value
    }
}
