//! The clocks from which peers without expiry of their own read their time.

use std::time::{Duration, Instant};

use sessile::time::{Clock, CoarseClock};

/// A lifetime, stated once in both units so that no contender converts it
/// inside a timed loop.
#[derive(Clone, Copy, Debug)]
pub struct Ttl {
    /// For the contenders that take a `Duration`.
    pub duration: Duration,
    /// For the deadlines kept in milliseconds.
    pub ms: u64,
    /// For the deadlines kept in nanoseconds.
    pub ns: u64,
}

impl Ttl {
    /// A lifetime of so many milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Ttl {
        Ttl {
            duration: Duration::from_millis(ms),
            ms,
            ns: ms * 1_000_000,
        }
    }
}

/// A source of time for a deadline kept beside a value.
pub trait Time: Send + Sync + 'static {
    /// A clock that counts from about now.
    fn start() -> Self;
    /// The time in the unit of this clock.
    fn now(&self) -> u64;
    /// The time at which something with this lifetime ends.
    fn deadline(&self, ttl: Ttl) -> u64;
}

/// The same coarse clock that the cache itself uses by default.
#[derive(Default)]
pub struct Coarse(CoarseClock);

impl Time for Coarse {
    fn start() -> Self {
        Coarse::default()
    }

    #[inline]
    fn now(&self) -> u64 {
        self.0.now_ms()
    }

    #[inline]
    fn deadline(&self, ttl: Ttl) -> u64 {
        self.now().saturating_add(ttl.ms)
    }
}

/// What most hand-written expiry does: `Instant::now()` on every read.
pub struct Precise(Instant);

impl Time for Precise {
    fn start() -> Self {
        Precise(Instant::now())
    }

    #[inline]
    fn now(&self) -> u64 {
        let since = self.0.elapsed();
        since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos())
    }

    #[inline]
    fn deadline(&self, ttl: Ttl) -> u64 {
        self.now().saturating_add(ttl.ns)
    }
}
