//! The store contract, run on the stores of this crate; `planted` runs it on stores with one bug each.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use sessile::store::contract::{self, CHECKS, Finding, Level, Report, Subject};
use sessile::{Cache, CacheStore, Created, DynStore, ErrorKind, ManualClock, SessionStore, Terms};

#[path = "store_contract/buggy.rs"]
mod buggy;
#[path = "store_contract/planted.rs"]
mod planted;
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
