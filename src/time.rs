//! Clocks: the coarse one of production, the manual one of tests, and what the cache makes of them.

use std::sync::Arc;
use std::time::{Duration, Instant};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sync::{Lock, atomic::Ordering};

/// Tells the time to a cache, in whole milliseconds.
///
/// `now_ms` counts from an arbitrary beginning and decides expiry; it should not jump, but a cache
/// survives it: backward steps count as no time at all, forward steps as time that has passed.
/// `wall_ms` counts from the Unix epoch and is asked only by snapshots, whose deadlines outlive the
/// process.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since an arbitrary, fixed beginning.
    fn now_ms(&self) -> u64;

    /// Milliseconds since the Unix epoch.
    fn wall_ms(&self) -> u64;
}

/// The operating system's coarse monotonic clock: the default.
///
/// One call costs about 5 ns, without a system call or a thread. It lags behind the true time by at
/// most one timer tick of the kernel (1 to 10 ms, commonly 4), so an entry may be served that much
/// past its deadline by a precise clock, never by this one. Where the system has no such clock,
/// [`Instant`] takes its place (about 20 to 30 ns, no lag). Time during which the machine is
/// suspended is not counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct CoarseClock;

impl Clock for CoarseClock {
    #[inline]
    fn now_ms(&self) -> u64 {
        coarse_ms()
    }

    // Precise: a cookie that another program on this machine has just signed must not seem to come
    // from the future.
    fn wall_ms(&self) -> u64 {
        wall_ms()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn coarse_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    // Uptime is never negative, and nanoseconds are below 10^9.
    #[expect(clippy::cast_sign_loss, reason = "see above")]
    let (seconds, nanos) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds * 1000 + nanos / 1_000_000
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn coarse_ms() -> u64 {
    PreciseClock.now_ms()
}

/// The monotonic clock of the standard library: no lag, four times the cost of the coarse one.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreciseClock;

impl Clock for PreciseClock {
    fn now_ms(&self) -> u64 {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        millis(START.get_or_init(Instant::now).elapsed())
    }

    fn wall_ms(&self) -> u64 {
        wall_ms()
    }
}

/// The standard library's way takes forty instructions more, and a request asks three times.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn wall_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let part = |number| u64::try_from(number).unwrap_or(0);
    part(now.tv_sec) * 1000 + part(now.tv_nsec) / 1_000_000
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, millis)
}

/// Whole milliseconds of a duration, saturating.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that moves only when told to, for tests and simulations.
///
/// Clones share one time. Its wall clock is the same time counted from 2020-01-01, so a test can
/// carry a snapshot from one cache to another.
///
/// ```
/// use std::time::Duration;
/// use sessile::{Cache, ManualClock};
///
/// let clock = ManualClock::new();
/// let cache = Cache::builder().unlimited_entries().clock(clock.clone()).build()?;
/// cache.insert("id", "cart", Duration::from_secs(60))?;
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(cache.get("id"), None);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<std::sync::atomic::AtomicU64>);

/// 2020-01-01T00:00:00Z, where a manual clock's wall time begins.
const MANUAL_WALL_START_MS: u64 = 1_577_836_800_000;

impl ManualClock {
    /// Makes a clock that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward; saturates at the end of time.
    pub fn advance(&self, by: Duration) {
        self.set_ms(self.now_ms().saturating_add(millis(by)));
    }

    /// Moves the clock back, as a broken machine might; saturates at zero.
    pub fn rewind(&self, by: Duration) {
        self.set_ms(self.now_ms().saturating_sub(millis(by)));
    }

    /// Sets the clock.
    pub fn set_ms(&self, now_ms: u64) {
        // Release pairs with the Acquire in `now_ms`: who sees the time sees what preceded it.
        self.0.store(now_ms, Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn wall_ms(&self) -> u64 {
        MANUAL_WALL_START_MS.saturating_add(self.now_ms())
    }
}

/// The smallest backward movement that counts as a step of the clock rather than as a late reader.
const STEP_MS: u64 = 1000;

/// A cache's own time: milliseconds since it was built, never decreasing, below [`Timeline::END`].
pub(crate) struct Timeline {
    source: Source,
    start: u64,
}

enum Source {
    /// Monotonic by the kernel's promise, and shared by nobody: no state to keep.
    Coarse,
    Other {
        clock: Box<dyn Clock>,
        followed: Box<Lock<Followed>>,
    },
}

/// Where a clock that may jump was last seen, and how far our time is ahead of it.
struct Followed {
    latest: u64,
    lead: u64,
}

impl Timeline {
    /// One past the last representable time: 139 years after the cache was built.
    pub(crate) const END: u64 = (1 << 42) - 1;

    pub(crate) fn coarse() -> Self {
        Self {
            source: Source::Coarse,
            start: coarse_ms().saturating_sub(1),
        }
    }

    pub(crate) fn of(clock: Box<dyn Clock>) -> Self {
        let now = clock.now_ms();
        Self {
            source: Source::Other {
                clock,
                followed: Box::new(Lock::new(Followed {
                    latest: now,
                    lead: 1,
                })),
            },
            start: now,
        }
    }

    /// Now, at least 1 and below [`Timeline::END`].
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match &self.source {
            Source::Coarse => (coarse_ms() - self.start).min(Self::END - 1),
            Source::Other { clock, followed } => self.follow(clock.as_ref(), followed),
        }
    }

    /// Turns the readings of a clock that may jump into time that only goes on.
    ///
    /// A reading less than a second behind the latest one is taken for jitter: time stands still. A
    /// larger backward step moves `lead` by what the clock lost. The clock is read under the lock,
    /// so that readings are compared in the order they were taken.
    fn follow(&self, clock: &dyn Clock, followed: &Lock<Followed>) -> u64 {
        let mut followed = followed.lock();
        let reading = clock.now_ms();
        if reading.saturating_add(STEP_MS) < followed.latest {
            followed.lead = followed.lead.saturating_add(followed.latest - reading);
            followed.latest = reading;
        } else {
            followed.latest = followed.latest.max(reading);
        }
        let now = followed.latest.saturating_add(followed.lead);
        now.saturating_sub(self.start).clamp(1, Self::END - 1)
    }

    /// The Unix time in milliseconds, for deadlines that outlive the process.
    pub(crate) fn wall(&self) -> u64 {
        match &self.source {
            Source::Coarse => wall_ms(),
            Source::Other { clock, .. } => clock.wall_ms(),
        }
    }
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn backward_steps_count_as_no_time_and_forward_steps_as_time() {
        let clock = ManualClock::new();
        clock.set_ms(1_000_000);
        let timeline = Timeline::of(Box::new(clock.clone()));
        let start = timeline.now();
        clock.advance(Duration::from_millis(5));
        assert_eq!(timeline.now(), start + 5);
        clock.rewind(Duration::from_millis(900_000));
        assert_eq!(timeline.now(), start + 5);
        clock.advance(Duration::from_millis(7));
        assert_eq!(timeline.now(), start + 12);
        clock.set_ms(u64::MAX);
        assert_eq!(timeline.now(), Timeline::END - 1);
    }

    #[test]
    fn coarse_clock_does_not_run_backwards() {
        let timeline = Timeline::coarse();
        let mut last = timeline.now();
        assert!(last >= 1);
        for _ in 0..10_000 {
            let now = timeline.now();
            assert!(now >= last);
            last = now;
        }
    }
}
