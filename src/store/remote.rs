//! What all stores outside the process share: how long one is waited for, and how often it is asked.

use std::time::Duration;

use super::random::up_to;
use crate::error::{Error, ErrorKind, Result};

/// How long a store outside the process is waited for, and how often it is asked again.
///
/// Verbs may be repeated because each write has a version of its own that its author drew: whoever
/// finds that version in the store knows that the first attempt did arrive. One thing no store without
/// fencing can rule out: an attempt that the network, or a server that stood still, holds back for
/// longer than the whole call took may yet be carried out, and a create then bring back what was
/// removed in the meantime. A pause before the next attempt is drawn evenly from zero to an upper limit
/// that doubles (full jitter), so that clients that failed together do not return together.
///
/// ```
/// use std::time::Duration;
/// use sessile::store::Patience;
///
/// let patience = Patience::new().timeout(Duration::from_millis(500)).attempts(2);
/// # let _ = patience;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    timeout: Duration,
    attempts: u32,
    pause: Duration,
}

/// The upper limit of a pause does not grow beyond this.
const PAUSE_MAX: Duration = Duration::from_millis(500);
const ATTEMPTS_MAX: u32 = 10;

impl Patience {
    /// Two seconds per attempt, three attempts, pauses from 20 ms on.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            attempts: 3,
            pause: Duration::from_millis(20),
        }
    }

    /// The longest that one attempt may take, connecting included. Default: 2 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Attempts in all, from 1 to 10; what is outside is brought inside. Default: 3.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = match attempts {
            0 => 1,
            1..=ATTEMPTS_MAX => attempts,
            _ => ATTEMPTS_MAX,
        };
        self
    }

    /// The upper limit of the first pause; half a second is the most that it grows to.
    /// Default: 20 ms.
    #[must_use]
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The longest that one attempt may take.
    #[cfg(any(feature = "redis", feature = "mongodb", feature = "__sql"))]
    pub(crate) const fn attempt_max(&self) -> Duration {
        self.timeout
    }

    /// Makes attempts until one succeeds or fails for good; the last failure is the answer.
    ///
    /// `what` says for the error what was attempted, `attempt` is told which attempt it is, from 0.
    pub(crate) async fn ask<T, F>(
        &self,
        what: &'static str,
        mut attempt: impl FnMut(u32) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let mut made = 0;
        loop {
            let outcome = tokio::time::timeout(self.timeout, attempt(made)).await;
            let error = match outcome {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(Failed::ForGood(error))) => return Err(error),
                Ok(Err(Failed::ForNow(error))) => error,
                Err(_) => Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "{what}: no answer within {:?}; see whether the server is overloaded, or allow \
                         it more time",
                        self.timeout
                    ),
                ),
            };
            made += 1;
            if made >= self.attempts {
                return Err(error);
            }
            tracing::debug!(%error, attempt = made, "a store is asked again");
            tokio::time::sleep(self.pause_before(made)?).await;
        }
    }

    fn pause_before(&self, attempt: u32) -> Result<Duration> {
        let doubled = self.pause.saturating_mul(1 << (attempt - 1).min(16));
        up_to(doubled.min(PAUSE_MAX))
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::new()
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Another attempt may succeed.
    ForNow(Error),
    /// No attempt will.
    ForGood(Error),
}
