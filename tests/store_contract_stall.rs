//! The store contract on a machine that stands still.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use sessile::store::contract::{self, Level, Subject};
use sessile::{Cache, CacheStore, ManualClock};

/// A machine that stands still once, when a record is half way to its end.
struct Stalling {
    clock: ManualClock,
    is_real: bool,
    stalls: AtomicU32,
}

impl Subject for Stalling {
    type Store = CacheStore;

    async fn fresh(&self) -> CacheStore {
        let builder = Cache::builder()
            .unlimited_entries()
            .clock(self.clock.clone());
        CacheStore::new(Arc::new(builder.build().unwrap()))
    }

    async fn pass(&self, time: Duration) {
        const STALL: Duration = Duration::from_millis(50);
        self.clock.advance(time);
        if self.stalls.fetch_add(1, Relaxed) == 0 {
            std::thread::sleep(STALL);
            self.clock.advance(STALL);
        }
    }

    fn level(&self) -> Level {
        match self.is_real {
            true => Level::new().real_clock(),
            false => Level::new(),
        }
    }
}

#[tokio::test]
async fn on_a_real_clock_a_check_that_stood_still_is_repeated() {
    for is_real in [true, false] {
        let subject = Stalling {
            clock: ManualClock::new(),
            is_real,
            stalls: AtomicU32::new(0),
        };
        let report = contract::run(&subject).await;
        assert_eq!(report.is_kept(), is_real, "{report}");
    }
}
