//! What all tests use: a back that answers when it is told to, and an executor of one line.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use sessile::store::{Lived, TieredBuilder, TieredStore};
use sessile::{
    Cache, CacheStore, Created, Error, ErrorKind, Loaded, ManualClock, Purged, Replaced, Result,
    SessionStore, Terms, Version,
};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Polls until it is done.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
    panic!("a future that waits for ever");
}

/// A future that is polled when the test says so, and knows whether it was woken.
pub(crate) struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    woken: Arc<Woken>,
}

struct Woken(Mutex<bool>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = true;
    }
}

impl<'a, T> Task<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self {
            future: Box::pin(future),
            woken: Arc::new(Woken(Mutex::new(false))),
        }
    }

    /// A future that was polled once and waits.
    pub(crate) fn waiting(future: impl Future<Output = T> + 'a) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_none(), "it did not wait");
        task
    }

    pub(crate) fn poll(&mut self) -> Option<T> {
        *self.woken.0.lock().unwrap() = false;
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        *self.woken.0.lock().unwrap()
    }

    /// As an executor would: polls as long as it is woken.
    pub(crate) fn run(&mut self) -> Option<T> {
        while self.is_woken() {
            if let Some(output) = self.poll() {
                return Some(output);
            }
        }
        None
    }
}

pub(crate) fn embedded(clock: &ManualClock) -> CacheStore {
    let builder = Cache::builder().unlimited_entries().clock(clock.clone());
    CacheStore::new(Arc::new(builder.build().unwrap()))
}

/// What a back does with a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// Answers at once.
    Now,
    /// Acts at once and answers when it is released.
    HoldAnswer,
    /// Acts when it is released, and answers.
    HoldCall,
    /// Fails without acting.
    Fail(ErrorKind),
    /// Acts and fails.
    FailLate(ErrorKind),
    /// Fails when it is released, without acting.
    HoldFail(ErrorKind),
    Panic,
    /// Panics when it is released.
    HoldPanic,
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    otherwise: Option<Step>,
    calls: usize,
    /// Of each call that was held: whether it is released, and whom to wake.
    held: Vec<(bool, Option<Waker>)>,
}

/// The embedded store as a durable one whose answers a test can hold back. Clones share everything.
#[derive(Clone)]
pub(crate) struct Back {
    pub(crate) inner: CacheStore,
    script: Arc<Mutex<Script>>,
    pub(crate) tells_left: bool,
}

impl Back {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        Self {
            inner: embedded(clock),
            script: Arc::default(),
            tells_left: true,
        }
    }

    /// What the next calls do, before they answer at once again.
    pub(crate) fn next(&self, steps: &[Step]) {
        self.script.lock().unwrap().steps.extend(steps);
    }

    /// What all calls do that `next` says nothing of.
    pub(crate) fn always(&self, step: Step) {
        self.script.lock().unwrap().otherwise = Some(step);
    }

    /// Calls since this was asked last.
    pub(crate) fn calls(&self) -> usize {
        std::mem::take(&mut self.script.lock().unwrap().calls)
    }

    /// Releases the call that was the `number`th to be held.
    pub(crate) fn release(&self, number: usize) {
        let waker = {
            let held = &mut self.script.lock().unwrap().held[number];
            held.0 = true;
            held.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn hold(&self) {
        let number = {
            let held = &mut self.script.lock().unwrap().held;
            held.push((false, None));
            held.len() - 1
        };
        std::future::poll_fn(|context| {
            let held = &mut self.script.lock().unwrap().held[number];
            if held.0 {
                return Poll::Ready(());
            }
            held.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    async fn call<T>(&self, act: impl Future<Output = Result<T>>) -> Result<T> {
        let step = {
            let mut script = self.script.lock().unwrap();
            script.calls += 1;
            let otherwise = script.otherwise.unwrap_or(Step::Now);
            script.steps.pop_front().unwrap_or(otherwise)
        };
        let failed = |kind| Err(Error::new(kind, "ask a back: planted"));
        match step {
            Step::Now => act.await,
            Step::HoldAnswer => {
                let answer = act.await;
                self.hold().await;
                answer
            }
            Step::HoldCall => {
                self.hold().await;
                act.await
            }
            Step::Fail(kind) => failed(kind),
            Step::FailLate(kind) => {
                act.await?;
                failed(kind)
            }
            Step::HoldFail(kind) => {
                self.hold().await;
                failed(kind)
            }
            Step::Panic => panic!("planted"),
            Step::HoldPanic => {
                self.hold().await;
                panic!("planted")
            }
        }
    }
}

impl SessionStore for Back {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.call(self.inner.load(key)).await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        let mut found = self.call(self.inner.load_left(key)).await?;
        if let Some(lived) = &mut found
            && !self.tells_left
        {
            lived.left = None;
        }
        Ok(found)
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.call(self.inner.create(key, value, terms)).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.call(self.inner.replace(key, value, terms, expected))
            .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.call(self.inner.put(key, value, terms)).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.call(self.inner.touch(key, time_to_live)).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.call(self.inner.remove(key)).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.call(self.inner.exists(key)).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.call(self.inner.purge_expired(budget)).await
    }
}

/// A tiered store on a scripted back, and the clock of both.
pub(crate) struct Kit {
    pub(crate) clock: ManualClock,
    pub(crate) back: Back,
    pub(crate) store: TieredStore<Back>,
}

impl Kit {
    /// Copies are fresh for a minute.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(set: impl FnOnce(TieredBuilder<Back>) -> TieredBuilder<Back>) -> Self {
        let clock = ManualClock::new();
        let back = Back::new(&clock);
        Self::on(clock, back, set)
    }

    /// Another node, or one whose back is not as usual.
    pub(crate) fn on(
        clock: ManualClock,
        back: Back,
        set: impl FnOnce(TieredBuilder<Back>) -> TieredBuilder<Back>,
    ) -> Self {
        let builder = TieredStore::builder(embedded(&clock), back.clone()).fresh_for(MINUTE);
        let store = set(builder).build().unwrap();
        Self { clock, back, store }
    }

    pub(crate) fn load(&self, key: &[u8]) -> Option<Loaded> {
        block_on(self.store.load(key)).unwrap()
    }

    /// What a load finds, if it is text.
    pub(crate) fn text(&self, key: &[u8]) -> Option<String> {
        let loaded = self.load(key)?;
        Some(String::from_utf8(loaded.value.to_vec()).unwrap())
    }

    pub(crate) fn put(&self, key: &[u8], value: &str) -> Version {
        let value = Bytes::copy_from_slice(value.as_bytes());
        block_on(self.store.put(key, value, Terms::ttl(10 * MINUTE))).unwrap()
    }

    /// Writes behind the store's back, as another node would.
    pub(crate) fn elsewhere(&self, key: &[u8], value: &str) -> Version {
        let value = Bytes::copy_from_slice(value.as_bytes());
        block_on(self.back.inner.put(key, value, Terms::ttl(10 * MINUTE))).unwrap()
    }
}
