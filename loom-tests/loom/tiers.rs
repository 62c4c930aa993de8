//! The cache in front of a store behind it: what both together may never show.

use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use sessile::store::{Invalidations, Lived, TieredStore, TimeToLive};
use sessile::{
    Cache, CacheStore, Created, Loaded, Purged, Replaced, Result, SessionStore, Terms, Version,
};

use crate::planted::found;
use crate::{MINUTE, ModelClock, explore, roomy};

const KEY: &[u8] = b"id";
const TERMS: Terms = Terms::ttl(MINUTE);

/// A store of one record, which is its version. Its calls act in one step; before and after it,
/// others may run.
#[derive(Clone)]
struct Back {
    /// The last version given, and the record.
    state: Arc<Mutex<(u64, Option<u64>)>>,
    calls: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

impl Back {
    fn with_record() -> Self {
        Self {
            state: Arc::new(Mutex::new((1, Some(1)))),
            calls: Arc::new(AtomicUsize::new(0)),
            gate: Arc::new(Gate::new(true)),
        }
    }

    fn record(&self) -> Option<u64> {
        self.state.lock().expect("no poison").1
    }

    fn set(&self, there: bool) -> u64 {
        let mut state = self.state.lock().expect("no poison");
        state.0 += 1;
        state.1 = there.then_some(state.0);
        state.0
    }
}

/// Holds answers back until it is opened.
struct Gate(Mutex<(bool, Option<Waker>)>);

impl Gate {
    fn new(is_open: bool) -> Self {
        Self(Mutex::new((is_open, None)))
    }

    fn open(&self) {
        let waker = {
            let mut gate = self.0.lock().expect("no poison");
            gate.0 = true;
            gate.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn passed(&self) {
        std::future::poll_fn(|context| {
            let mut gate = self.0.lock().expect("no poison");
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl SessionStore for Back {
    async fn load(&self, _: &[u8]) -> Result<Option<Loaded>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let record = self.record();
        self.gate.passed().await;
        Ok(record.map(|version| Loaded {
            value: Bytes::new(),
            version: Version::from_u64(version),
        }))
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        let left = Some(TimeToLive::Left(MINUTE));
        let found = self.load(key).await?;
        Ok(found.map(|loaded| Lived { loaded, left }))
    }

    async fn create(&self, _: &[u8], _: Bytes, _: Terms) -> Result<Created> {
        Ok(Created::Taken)
    }

    async fn replace(&self, _: &[u8], _: Bytes, _: Terms, _: Option<Version>) -> Result<Replaced> {
        Ok(Replaced::Gone)
    }

    async fn put(&self, _: &[u8], _: Bytes, _: Terms) -> Result<Version> {
        Ok(Version::from_u64(self.set(true)))
    }

    async fn touch(&self, _: &[u8], _: Duration) -> Result<bool> {
        Ok(self.record().is_some())
    }

    async fn remove(&self, _: &[u8]) -> Result<bool> {
        self.set(false);
        Ok(true)
    }

    async fn exists(&self, _: &[u8]) -> Result<bool> {
        Ok(self.record().is_some())
    }

    async fn purge_expired(&self, _: usize) -> Result<Purged> {
        Ok(Purged::default())
    }
}

fn front() -> CacheStore {
    let clock = ModelClock(Arc::new(loom::sync::atomic::AtomicU64::new(100_000)));
    let cache = Cache::builder().unlimited_entries().shards(1).clock(clock);
    CacheStore::new(cache.build().expect("a valid configuration").into())
}

fn tiered(back: &Back) -> TieredStore<Back> {
    let builder = TieredStore::builder(front(), back.clone());
    builder.fresh_for(MINUTE).build().expect("valid")
}

struct Unpark(loom::thread::Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the future; one that is never woken is a deadlock, which loom reports.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(std::sync::Arc::new(Unpark(loom::thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        loom::thread::park();
    }
}

fn version(store: &impl SessionStore) -> Option<u64> {
    let found = block_on(store.load(KEY)).expect("the back never fails");
    found.map(|loaded| loaded.version.to_u64())
}

/// Runs `a` and `b` in threads of their own, and waits for both.
fn both<S: Clone + Send + 'static, A: 'static, B>(
    store: &S,
    a: impl FnOnce(&S) -> A + 'static,
    b: impl FnOnce(&S) -> B,
) -> (A, B) {
    let for_a = store.clone();
    let a = loom::thread::spawn(move || roomy(move || a(&for_a)));
    let b = b(store);
    (a.join().expect("no assertion fails"), b)
}

/// A load beside a removal.
fn removed<S: SessionStore + Clone>(make: impl Fn(&Back) -> S) -> impl Fn() {
    move || {
        let back = Back::with_record();
        let store = make(&back);
        let (seen, ()) = both(&store, version, |store| {
            assert!(block_on(store.remove(KEY)).expect("the back never fails"));
            assert_eq!(version(store), None, "the removed record came back");
        });
        assert!(matches!(seen, None | Some(1)));
        assert_eq!(version(&store), None, "the removed record came back");
    }
}

#[test]
fn a_removed_record_does_not_come_back_out_of_a_load() {
    explore("tiers: load, remove", 4, removed(tiered));
}

#[test]
fn crossing_writes_leave_what_the_back_has() {
    explore("tiers: put, put", 4, || {
        let back = Back::with_record();
        let store = tiered(&back);
        let put = |store: &TieredStore<Back>| {
            let put = block_on(store.put(KEY, Bytes::new(), TERMS));
            let put = put.expect("the back never fails").to_u64();
            // Whatever is seen now is this write or a later one.
            assert!(version(store).is_some_and(|seen| seen >= put));
        };
        both(&store, put, put);
        assert_eq!(version(&store), back.record());
        assert_eq!(store.under_way(), 0);
    });
}

#[test]
fn two_loads_are_one_question() {
    explore("tiers: load, load", 4, || {
        let back = Back::with_record();
        let store = tiered(&back);
        let seen = both(&store, version, version);
        assert_eq!(seen, (Some(1), Some(1)));
        assert_eq!(back.calls.load(Ordering::Relaxed), 1);
        assert_eq!(store.under_way(), 0);
    });
}

/// A load that waits for a gate which the other thread opens, after it gave a load of its own up.
fn gated() -> impl Fn() {
    || {
        let mut back = Back::with_record();
        back.gate = Arc::new(Gate::new(false));
        let gate = Arc::clone(&back.gate);
        let store = tiered(&back);
        let (seen, ()) = both(&store, version, |store| {
            {
                // As first or second of those who wait: whoever polls last has the back's waker.
                let mut load = pin!(store.load(KEY));
                let mut context = Context::from_waker(Waker::noop());
                assert!(load.as_mut().poll(&mut context).is_pending());
            }
            gate.open();
        });
        assert_eq!(seen, Some(1));
        assert_eq!(store.under_way(), 0);
    }
}

#[test]
fn a_waiter_is_woken_whoever_else_gives_up() {
    explore("tiers: load, load given up, answer", 4, gated());
}

#[test]
fn news_beside_a_load_leaves_no_old_copy() {
    explore("tiers: load, news of a removal", 4, || {
        let back = Back::with_record();
        let elsewhere = back.clone();
        let store = tiered(&back);
        let (sender, news) = Invalidations::channel(4);
        let mut listening = Box::pin(store.listen(news));
        let mut listen = move || {
            let mut context = Context::from_waker(Waker::noop());
            assert!(listening.as_mut().poll(&mut context).is_pending());
        };
        listen();
        both(&store, version, |_| {
            elsewhere.set(false);
            sender.key(KEY.into());
            listen();
        });
        assert_eq!(version(&store), None, "an old copy was left");
    });
}

/// A tier as one writes it first: a load leaves its copy whatever happened since it asked.
#[derive(Clone)]
struct Naive(CacheStore, Back);

impl SessionStore for Naive {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        if let Some(loaded) = self.0.load(key).await? {
            return Ok(Some(loaded));
        }
        let found = self.1.load(key).await?;
        if let Some(found) = &found {
            self.0.put(key, found.value.clone(), TERMS).await?;
        }
        Ok(found)
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.1.create(key, value, terms).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.1.replace(key, value, terms, expected).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.1.put(key, value, terms).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.1.touch(key, time_to_live).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.0.remove(key).await?;
        let removed = self.1.remove(key).await?;
        self.0.remove(key).await?;
        Ok(removed)
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.1.exists(key).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.1.purge_expired(budget).await
    }
}

#[test]
fn a_tier_that_fills_whatever_happened_is_found_out() {
    let model = removed(|back| Naive(front(), back.clone()));
    found("fill without a look", "the removed record came back", model);
}
