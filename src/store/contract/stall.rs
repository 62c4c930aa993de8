//! How long a check took beyond the time it let go by: the calls, and a machine that stood still.

use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicU64, Ordering};

/// Watches one check.
pub(super) struct Watch {
    begun: Instant,
    /// Microseconds that count for nothing: asked for, or spent on making a store.
    excused_us: AtomicU64,
}

impl Watch {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            excused_us: AtomicU64::new(0),
        }
    }

    /// Does not count what `work` takes.
    pub(super) async fn spare<T>(&self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.await;
        self.excuse(begun.elapsed());
        done
    }

    /// Does not count `time` of what `work` takes; what it takes beyond that counts.
    pub(super) async fn spend(&self, time: Duration, work: impl Future<Output = ()>) {
        work.await;
        self.excuse(time);
    }

    fn excuse(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Relaxed: read when the check is over.
        self.excused_us.fetch_add(us, Ordering::Relaxed);
    }

    /// What counts so far.
    pub(super) fn stalled(&self) -> Duration {
        let excused = Duration::from_micros(self.excused_us.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(excused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::drive::poll_once;

    #[test]
    fn what_was_asked_for_does_not_count_and_the_rest_does() {
        let nap = Duration::from_millis(5);
        let watch = Watch::begin();
        std::thread::sleep(nap);
        assert!(watch.stalled() >= nap);
        let asked = async { std::thread::sleep(nap) };
        assert!(poll_once(watch.spend(Duration::ZERO, asked)).is_some());
        assert!(watch.stalled() >= 2 * nap);
        assert!(poll_once(watch.spend(Duration::from_secs(3600), async {})).is_some());
        assert_eq!(watch.stalled(), Duration::ZERO);
    }
}
