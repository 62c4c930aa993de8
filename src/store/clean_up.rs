//! Reclaiming expired records from time to time, for stores whose engine does not.

use std::convert::Infallible;
use std::time::Duration;

use super::SessionStore;
use super::random::up_to;

/// Reclaims expired records in the background, in bounded batches.
///
/// Expired records are never served, reclaimed or not: this gives their room back. Files and databases
/// need it; caches, Redis, memcached and MongoDB do it by themselves and answer that there is nothing to
/// do. Several nodes may run it on one store: each pause is drawn from half to one and a half times the
/// interval, so that they do not keep meeting.
///
/// ```no_run
/// use std::time::Duration;
/// use sessile::store::{AnyStore, CleanUp};
///
/// # fn spawn(store: AnyStore) {
/// // Ends when the task is aborted or the runtime shuts down.
/// tokio::spawn(async move { CleanUp::new().every(Duration::from_secs(60)).run(&store).await });
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CleanUp {
    every: Duration,
    batch: usize,
    batches: u32,
}

impl CleanUp {
    /// Every five minutes, at most a hundred batches of a thousand records.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            every: Duration::from_secs(300),
            batch: 1000,
            batches: 100,
        }
    }

    /// How often, on average. Default: five minutes; less than a second is taken for a second.
    #[must_use]
    pub const fn every(mut self, interval: Duration) -> Self {
        self.every = match interval.as_secs() {
            0 => Duration::from_secs(1),
            _ => interval,
        };
        self
    }

    /// Records per batch, at least one. Default: 1000.
    #[must_use]
    pub const fn batch(mut self, records: usize) -> Self {
        self.batch = match records {
            0 => 1,
            _ => records,
        };
        self
    }

    /// Batches each time, at least one; what is left waits for the next time. Default: 100.
    #[must_use]
    pub const fn batches(mut self, batches: u32) -> Self {
        self.batches = match batches {
            0 => 1,
            _ => batches,
        };
        self
    }

    /// Cleans up until the future is dropped, beginning with a pause. Needs tokio's timer.
    ///
    /// A store that fails is logged as a warning and asked again the next time.
    pub async fn run(self, store: &impl SessionStore) -> Infallible {
        loop {
            // Without randomness the pause is the interval itself.
            let extra = up_to(self.every).unwrap_or(self.every / 2);
            tokio::time::sleep(self.every / 2 + extra).await;
            self.once(store).await;
        }
    }

    async fn once(self, store: &impl SessionStore) {
        for _ in 0..self.batches {
            match store.purge_expired(self.batch).await {
                Ok(purged) if purged.more => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "expired sessions could not be purged");
                    return;
                }
            }
        }
    }
}

impl Default for CleanUp {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Terms;
    use crate::store::CacheStore;
    use crate::{Cache, ManualClock};

    #[tokio::test(start_paused = true)]
    async fn expired_records_go_in_batches_and_the_living_stay() {
        let clock = ManualClock::new();
        let cache = Cache::builder().unlimited_entries().clock(clock.clone());
        let store = CacheStore::new(cache.build().expect("valid").into());
        for n in 0..500_u32 {
            let ttl = Duration::from_secs(if n < 400 { 10 } else { 100_000 });
            let key = n.to_le_bytes();
            store
                .put(&key, "v".into(), Terms::ttl(ttl))
                .await
                .expect("room");
        }
        clock.advance(Duration::from_secs(60));
        let clean_up = CleanUp::new().every(Duration::from_secs(10)).batch(50);
        let some_rounds = tokio::time::timeout(Duration::from_secs(120), clean_up.run(&store));
        assert!(some_rounds.await.is_err(), "it never ends by itself");
        assert_eq!(store.cache().stats().entries, 100);
    }

    #[test]
    fn absurd_settings_are_brought_inside() {
        let clean_up = CleanUp::new().every(Duration::ZERO).batch(0).batches(0);
        assert_eq!(
            (clean_up.every, clean_up.batch, clean_up.batches),
            (Duration::from_secs(1), 1, 1)
        );
    }
}
