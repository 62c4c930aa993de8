//! Blocking work off the executor's threads, and what becomes of it when nobody waits any more.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::atomic::{AtomicU8, Ordering};

/// Calls that work at one time; more wait. Each keeps up to five files open.
pub(super) const AT_ONCE: usize = 64;

const OPEN: u8 = 0;
const USED: u8 = 1;
const WITHDRAWN: u8 = 2;

/// The caller's consent to a write: either the write uses it, or the caller withdraws it, not both.
///
/// A future that is dropped withdraws it. So its write has taken its locks and is about to take effect,
/// before anything that is asked for later, or it never takes effect.
pub(super) struct Consent(Arc<AtomicU8>);

impl Consent {
    /// Consent that nobody withdraws.
    pub(super) fn given() -> Self {
        Self(Arc::new(AtomicU8::new(OPEN)))
    }

    /// Uses the consent; to be called with all locks held, right before the write.
    pub(super) fn make_use(&self) -> Result<()> {
        // Nothing is published by it: what the two sides share is only who came first.
        match self
            .0
            .compare_exchange(OPEN, USED, Ordering::Relaxed, Ordering::Relaxed)
        {
            Err(WITHDRAWN) => Err(Error::new(
                ErrorKind::Unavailable,
                "write to a file store: the caller gave up",
            )),
            _ => Ok(()),
        }
    }
}

struct WithdrawnOnDrop(Arc<AtomicU8>);

impl Drop for WithdrawnOnDrop {
    fn drop(&mut self) {
        let _ = self
            .0
            .compare_exchange(OPEN, WITHDRAWN, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Does `work` on a thread for blocking work; without a tokio runtime, on this one.
pub(super) async fn run<T: Send + 'static>(
    slots: &Arc<Semaphore>,
    work: impl FnOnce(&Consent) -> Result<T> + Send + 'static,
) -> Result<T> {
    let consent = Consent::given();
    let _guard = WithdrawnOnDrop(Arc::clone(&consent.0));
    let Ok(handle) = Handle::try_current() else {
        return work(&consent);
    };
    let slot = Arc::clone(slots).acquire_owned().await;
    let slot = slot.map_err(|error| ended().with_source(error))?;
    // Threads for blocking work are in no span of their own accord.
    let span = tracing::Span::current();
    let task = handle.spawn_blocking(move || {
        // Kept until the work is done, which dropping the future does not end.
        let _slot = slot;
        span.in_scope(|| work(&consent))
    });
    task.await.map_err(|error| ended().with_source(error))?
}

fn ended() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "use a file store: the runtime is shutting down or the work panicked",
    )
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn consent_is_used_or_withdrawn_and_not_both() {
        let consent = Consent::given();
        drop(WithdrawnOnDrop(Arc::clone(&consent.0)));
        assert!(consent.make_use().is_err());
        let consent = Consent::given();
        consent.make_use().expect("nobody withdrew it");
        drop(WithdrawnOnDrop(Arc::clone(&consent.0)));
        consent.make_use().expect("it was used before");
    }
}
