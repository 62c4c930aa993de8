//! The store contract, on fast, slow and erased backs.

use std::time::Duration;

use sessile::store::contract::{self, Finding, Level, Subject};
use sessile::store::{DynStore, Survey, TieredBuilder, TieredStore};
use sessile::{CacheStore, ManualClock, SessionStore};

use crate::kit::{Back, MINUTE, Step, block_on, embedded};
use crate::row::row;
use crate::verbs;

struct Case<F> {
    clock: ManualClock,
    make: F,
    level: Level,
}

impl<S: SessionStore, F: Fn(&ManualClock) -> S + Sync> Subject for Case<F> {
    type Store = S;

    async fn fresh(&self) -> S {
        (self.make)(&self.clock)
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn level(&self) -> Level {
        self.level
    }
}

fn run<S: SessionStore>(make: impl Fn(&ManualClock) -> S + Sync) -> contract::Report {
    let (clock, level) = (ManualClock::new(), Level::new());
    block_on(contract::run(&Case { clock, make, level }))
}

fn tiered<B: SessionStore>(
    clock: &ManualClock,
    back: B,
    set: impl FnOnce(TieredBuilder<B>) -> TieredBuilder<B>,
) -> TieredStore<B> {
    set(TieredStore::builder(embedded(clock), back))
        .build()
        .unwrap()
}

#[test]
fn keeps_all_that_its_back_keeps() {
    for fresh_for in [Duration::ZERO, Duration::from_millis(3), MINUTE] {
        let report = run(|clock| {
            let back: CacheStore = embedded(clock);
            tiered(clock, back, |it| it.fresh_for(fresh_for))
        });
        let weakened =
            "others' changes are seen after `fresh_for` at most, or as soon as the news arrives";
        row(
            50,
            "`TieredStore` (`tiered`)",
            "the cache; Redis by `sessile serve`",
            weakened,
            &report,
        );
        let passed = |checked: &&contract::Checked| checked.finding == Finding::Passed;
        let passed = report.checked().iter().filter(passed).count();
        // Only what stores are asked that lack something is left out.
        assert_eq!(passed, contract::CHECKS.len() - 1, "{report}");
    }
}

#[test]
fn keeps_it_on_an_erased_back_and_erased_itself() {
    run(|clock| tiered(clock, embedded(clock).erase(), |it| it)).assert_kept();
    run(|clock| -> DynStore { tiered(clock, embedded(clock), |it| it).erase() }).assert_kept();
}

#[test]
fn keeps_it_with_a_front_that_is_always_full() {
    run(|clock| {
        let cache = sessile::Cache::builder().max_entries(1).shards(1);
        let cache = cache.clock(clock.clone()).build().unwrap();
        let builder = TieredStore::builder(CacheStore::new(cache.into()), embedded(clock));
        builder.fresh_for(MINUTE).build().unwrap()
    })
    .assert_kept();
}

/// Keeps a back's calls waiting for two polls each: whoever waits wakes itself.
mod slow {
    use std::time::Duration;

    use bytes::Bytes;
    use sessile::store::Lived;
    use sessile::{
        CacheStore, Created, Loaded, Purged, Replaced, Result, SessionStore, Terms, Version,
    };

    pub(super) struct Slow(pub(super) CacheStore);

    async fn turn() {
        let mut waited = false;
        std::future::poll_fn(|context| match std::mem::replace(&mut waited, true) {
            true => std::task::Poll::Ready(()),
            false => {
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        })
        .await;
    }

    async fn around<T>(act: impl Future<Output = T>) -> T {
        turn().await;
        let answer = act.await;
        turn().await;
        answer
    }

    impl SessionStore for Slow {
        async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
            around(self.0.load(key)).await
        }

        async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
            around(self.0.load_left(key)).await
        }

        async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
            around(self.0.create(key, value, terms)).await
        }

        async fn replace(
            &self,
            key: &[u8],
            value: Bytes,
            terms: Terms,
            expected: Option<Version>,
        ) -> Result<Replaced> {
            around(self.0.replace(key, value, terms, expected)).await
        }

        async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
            around(self.0.put(key, value, terms)).await
        }

        async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
            around(self.0.touch(key, time_to_live)).await
        }

        async fn remove(&self, key: &[u8]) -> Result<bool> {
            around(self.0.remove(key)).await
        }

        async fn exists(&self, key: &[u8]) -> Result<bool> {
            around(self.0.exists(key)).await
        }

        async fn purge_expired(&self, budget: usize) -> Result<Purged> {
            around(self.0.purge_expired(budget)).await
        }
    }
}

#[test]
fn keeps_it_on_a_slow_back() {
    run(|clock| {
        let back = slow::Slow(embedded(clock));
        tiered(clock, back, |it| it.fresh_for(MINUTE))
    })
    .assert_kept();
}

#[test]
fn keeps_it_on_a_back_that_does_not_tell_what_is_left() {
    let report = run(|clock| {
        let mut back = Back::new(clock);
        back.tells_left = false;
        back.always(Step::Now);
        tiered(clock, back, |it| it.fresh_for(MINUTE))
    });
    // It tells no more than its back: that check has nothing to say of "nothing".
    report.assert_kept();
}

#[test]
fn each_verb_but_a_hot_read_runs_in_a_span_that_tells_no_secret() {
    let clock = ManualClock::new();
    let store = tiered(&clock, embedded(&clock), |it| it.fresh_for(Duration::ZERO));
    let also = async {
        let _ = store.page(None, 10).await.unwrap();
        store.close().await.unwrap();
    };
    block_on(verbs::check("tiered", &store, &["page", "close"], also));
}
