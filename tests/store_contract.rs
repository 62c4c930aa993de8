//! The store contract, run on the stores of this crate and on stores with one bug each.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use sessile::store::contract::{self, CHECKS, Finding, Level, Report, Subject};
use sessile::{
    Cache, CacheStore, Created, DynStore, Error, ErrorKind, Lived, Loaded, ManualClock, Purged,
    Replaced, Result, SessionStore, Terms, TimeToLive, Version,
};

#[path = "servers/row.rs"]
mod row;

use row::row;

/// Polls until it is done: all that these stores need of an executor.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Waits for one turn, as a remote store would.
async fn yield_once() {
    let mut waited = false;
    poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

fn embedded(clock: &ManualClock) -> CacheStore {
    let builder = Cache::builder().unlimited_entries().clock(clock.clone());
    CacheStore::new(Arc::new(builder.build().unwrap()))
}

/// Any store of this file, on a manual clock.
struct Case<F> {
    clock: ManualClock,
    make: F,
}

impl<S: SessionStore, F: Fn(&ManualClock) -> S + Sync> Subject for Case<F> {
    type Store = S;

    async fn fresh(&self) -> S {
        (self.make)(&self.clock)
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

fn run<S: SessionStore>(make: impl Fn(&ManualClock) -> S + Sync) -> Report {
    let clock = ManualClock::new();
    block_on(contract::run(&Case { clock, make }))
}

#[test]
fn embedded_store_keeps_the_contract() {
    let report = run(embedded);
    row(
        10,
        "`CacheStore` (`cache`)",
        "the engine itself",
        "",
        &report,
    );
    assert_eq!(report.checked().len(), CHECKS.len());
    let asked = |checked: &&contract::Checked| checked.finding == Finding::Passed;
    assert!(report.checked().iter().filter(asked).count() >= CHECKS.len() - 1);
}

#[test]
fn the_checks_let_as_much_time_pass_as_they_say() {
    let clock = ManualClock::new();
    let make = embedded;
    let case = Case { clock, make };
    block_on(contract::run(&case)).assert_kept();
    let ticks = sessile::Clock::now_ms(&case.clock);
    assert!((350..450).contains(&ticks), "{ticks} ticks");
}

#[test]
fn namespaces_of_one_cache_keep_the_contract_side_by_side() {
    let number = AtomicU32::new(0);
    let clock = ManualClock::new();
    let cache = embedded(&clock);
    let make = |_: &ManualClock| {
        let number = number.fetch_add(1, Relaxed);
        let prefix = format!("store {number}:");
        cache.clone().with_namespace(&prefix).unwrap()
    };
    // Purging reclaims in the whole cache, so other stores' records count there.
    let report = block_on(contract::run(&Case {
        clock: clock.clone(),
        make,
    }));
    let failed: Vec<_> = report
        .failed()
        .filter(|name| !name.starts_with("purge"))
        .collect();
    assert!(failed.is_empty(), "{report}");
}

#[test]
fn small_and_bounded_caches_keep_the_contract() {
    for copy_up_to in [0, 64, 1 << 20] {
        run(|clock| {
            let builder = Cache::builder()
                .max_entries(1000)
                .max_bytes(64 << 20)
                .copy_up_to(copy_up_to)
                .clock(clock.clone());
            CacheStore::new(Arc::new(builder.build().unwrap()))
        })
        .assert_kept();
    }
}

#[test]
fn erased_store_keeps_the_contract() {
    run(|clock| embedded(clock).erase()).assert_kept();
    run(|clock| -> DynStore { embedded(clock).erase().erase() }).assert_kept();
}

#[test]
fn checks_have_names_of_their_own() {
    let mut names = CHECKS.to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CHECKS.len());
    assert!(names.len() >= 35);
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bug {
    CreateOverwrites,
    ReplaceResurrects,
    ReplaceIgnoresVersion,
    TouchCreates,
    ExistsCountsAsUse,
    DropsMaximumAge,
    ExpiresLate,
    PurgeClears,
    PurgeIgnoresBudget,
    CutsKeys,
    StopsAtNul,
    WritesBeforePoll,
    LeaksKeys,
    PutsInTwoSteps,
    CreatesInTwoSteps,
    OneVersionForAll,
    PanicsOnEmptyKey,
    RemoveAlwaysTrue,
    TellsTooMuchLeft,
}

/// The embedded store with one thing wrong.
struct Buggy(CacheStore, Bug);

impl Buggy {
    fn terms(&self, terms: Terms) -> Terms {
        match self.1 {
            Bug::DropsMaximumAge => {
                let kept = terms.time_to_live().map_or(Terms::forever(), Terms::ttl);
                terms.idle_timeout().map_or(kept, |idle| kept.idle(idle))
            }
            Bug::ExpiresLate if terms.idle_timeout().is_none() => match terms.time_to_live() {
                Some(ttl) if !ttl.is_zero() => {
                    Terms::ttl(ttl.saturating_add(Duration::from_millis(1)))
                }
                _ => terms,
            },
            _ => terms,
        }
    }

    fn key<'k>(&self, key: &'k [u8]) -> &'k [u8] {
        match self.1 {
            Bug::CutsKeys => &key[..key.len().min(255)],
            Bug::StopsAtNul => key.split(|&byte| byte == 0).next().unwrap_or_default(),
            Bug::PanicsOnEmptyKey => {
                assert!(!key.is_empty());
                key
            }
            _ => key,
        }
    }

    fn leak<T>(&self, key: &[u8], answer: Result<T>) -> Result<T> {
        match answer {
            Err(error) if self.1 == Bug::LeaksKeys => Err(Error::new(
                error.kind(),
                format!("write {:?}", String::from_utf8_lossy(key)),
            )),
            answer => answer,
        }
    }
}

impl SessionStore for Buggy {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.0.load(self.key(key)).await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        let found = self.load(key).await?;
        let left = (self.1 == Bug::TellsTooMuchLeft).then_some(TimeToLive::Forever);
        Ok(found.map(|loaded| Lived { loaded, left }))
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        let (key, terms) = (self.key(key), self.terms(terms));
        match self.1 {
            Bug::CreateOverwrites => self.0.put(key, value, terms).await.map(Created::Done),
            Bug::CreatesInTwoSteps => {
                if self.0.exists(key).await? {
                    return Ok(Created::Taken);
                }
                yield_once().await;
                self.0.put(key, value, terms).await.map(Created::Done)
            }
            _ => self.leak(key, self.0.create(key, value, terms).await),
        }
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let (key, terms) = (self.key(key), self.terms(terms));
        let expected = expected.filter(|_| self.1 != Bug::ReplaceIgnoresVersion);
        let replaced = self.0.replace(key, value.clone(), terms, expected).await;
        match (self.1, replaced) {
            (Bug::ReplaceResurrects, Ok(Replaced::Gone)) => {
                self.0.put(key, value, terms).await.map(Replaced::Done)
            }
            (_, replaced) => self.leak(key, replaced),
        }
    }

    fn put(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
    ) -> impl Future<Output = Result<Version>> + Send {
        let (key, terms) = (self.key(key), self.terms(terms));
        let early = (self.1 == Bug::WritesBeforePoll)
            .then(|| self.0.cache().insert(key, value.clone(), terms));
        async move {
            if let Some(early) = early {
                return early;
            }
            if self.1 == Bug::PutsInTwoSteps {
                self.0.remove(key).await?;
                yield_once().await;
            }
            let put = self.leak(key, self.0.put(key, value, terms).await)?;
            match self.1 {
                Bug::OneVersionForAll => Ok(Version::from_u64(1)),
                _ => Ok(put),
            }
        }
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        let key = self.key(key);
        let touched = self.0.touch(key, time_to_live).await?;
        if !touched && self.1 == Bug::TouchCreates && !key.is_empty() && key.len() < 100 {
            self.0.put(key, Bytes::new(), time_to_live.into()).await?;
        }
        Ok(touched)
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        Ok(self.0.remove(self.key(key)).await? || self.1 == Bug::RemoveAlwaysTrue)
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        match self.1 {
            Bug::ExistsCountsAsUse => Ok(self.0.load(key).await?.is_some()),
            _ => self.0.exists(self.key(key)).await,
        }
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        match self.1 {
            Bug::PurgeClears => {
                self.0.cache().clear();
                Ok(Purged::default())
            }
            Bug::PurgeIgnoresBudget => self.0.purge_expired(budget + 100).await,
            _ => self.0.purge_expired(budget).await,
        }
    }
}

#[test]
fn every_planted_bug_is_caught_by_the_check_of_that_name() {
    for (bug, check) in [
        (Bug::CreateOverwrites, "create_never_overwrites"),
        (
            Bug::ReplaceResurrects,
            "replace_after_remove_never_resurrects",
        ),
        (
            Bug::ReplaceIgnoresVersion,
            "replace_with_old_version_conflicts",
        ),
        (Bug::TouchCreates, "touch_never_creates"),
        (Bug::ExistsCountsAsUse, "exists_does_not_restart_idle"),
        (Bug::DropsMaximumAge, "maximum_age_holds_against_use"),
        (Bug::ExpiresLate, "lives_until_its_end_and_not_at_it"),
        (Bug::PurgeClears, "purge_keeps_the_living"),
        (Bug::PurgeIgnoresBudget, "purge_stays_in_its_budget"),
        (Bug::CutsKeys, "longest_key_works"),
        (Bug::StopsAtNul, "keys_are_any_bytes"),
        (Bug::WritesBeforePoll, "unpolled_future_does_nothing"),
        (Bug::LeaksKeys, "errors_name_no_key_or_value"),
        (Bug::PutsInTwoSteps, "dropped_put_leaves_old_or_new"),
        (Bug::CreatesInTwoSteps, "concurrent_creates_have_one_winner"),
        (Bug::OneVersionForAll, "every_write_has_its_own_version"),
        (Bug::PanicsOnEmptyKey, "impossible_keys_are_absent"),
        (Bug::RemoveAlwaysTrue, "remove_says_whether_there_was_one"),
        (Bug::TellsTooMuchLeft, "left_is_what_the_record_has_left"),
    ] {
        let report = run(|clock| Buggy(embedded(clock), bug));
        let caught = report.failed().any(|name| name == check);
        assert!(caught, "{bug:?} was not caught by {check}\n{report}");
    }
}

/// A store that declares less than everything.
struct Plain<'a>(&'a Case<fn(&ManualClock) -> CacheStore>);

impl Subject for Plain<'_> {
    type Store = CacheStore;

    async fn fresh(&self) -> CacheStore {
        self.0.fresh().await
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }

    fn level(&self) -> Level {
        Level::new().without_idle().value_up_to(4096).key_up_to(250)
    }
}

#[test]
fn what_a_store_lacks_is_not_asked_but_must_be_refused() {
    let clock = ManualClock::new();
    let make: fn(&ManualClock) -> CacheStore = embedded;
    let report = block_on(contract::run(&Plain(&Case { clock, make })));
    let failed: Vec<_> = report.failed().collect();
    // The embedded store has idle timeouts, so it does not refuse them as this level must.
    assert_eq!(failed, ["lifetimes_it_lacks_are_refused"], "{report}");
    let skipped = |checked: &&contract::Checked| matches!(checked.finding, Finding::NotApplicable(why) if why.contains("idle"));
    assert_eq!(report.checked().iter().filter(skipped).count(), 6);
}

#[test]
fn creates_on_many_threads_have_one_winner() {
    let clock = ManualClock::new();
    for round in 0..200_u32 {
        let store = embedded(&clock);
        let wins = |number: u32| {
            let store = store.clone();
            move || {
                let value = Bytes::from(number.to_string());
                let terms = Terms::ttl(Duration::from_secs(60));
                let created = block_on(store.create(b"k", value, terms)).unwrap();
                matches!(created, Created::Done(_))
            }
        };
        let threads: Vec<_> = (0..4).map(|n| std::thread::spawn(wins(n))).collect();
        let winners = threads.into_iter().map(|t| t.join().unwrap());
        assert_eq!(winners.filter(|&won| won).count(), 1, "round {round}");
    }
}

#[test]
fn a_full_protected_class_is_an_error_of_its_own_kind() {
    let cache = Cache::builder()
        .max_entries(10)
        .protected_entries(2)
        .build()
        .unwrap();
    let store = CacheStore::new(Arc::new(cache));
    let terms = Terms::forever().protected();
    let create = |key: &'static [u8]| block_on(store.create(key, Bytes::new(), terms));
    assert!(matches!(create(b"a"), Ok(Created::Done(_))));
    assert!(matches!(create(b"b"), Ok(Created::Done(_))));
    assert_eq!(create(b"c").unwrap_err().kind(), ErrorKind::Full);
}
