//! A store that waits before and after each operation, as a remote one would, and fails on demand.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use sessile::{
    CacheStore, Created, Error, ErrorKind, Loaded, Purged, Replaced, Result, SessionStore, Terms,
    Version,
};

#[derive(Clone)]
pub(crate) struct Slow {
    inner: CacheStore,
    /// Calls so far.
    pub(crate) calls: Arc<AtomicU64>,
    /// The call that times out, after it was carried out.
    pub(crate) times_out: Arc<AtomicU64>,
}

impl Slow {
    pub(crate) fn new(inner: CacheStore) -> Self {
        Self {
            inner,
            calls: Arc::default(),
            times_out: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// Records in the store.
    pub(crate) fn held(&self) -> usize {
        self.inner.cache().len()
    }

    /// Records that a load finds.
    pub(crate) fn held_live(&self) -> usize {
        self.inner.cache().iter().count()
    }

    async fn around<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        wait().await;
        let output = operation.await;
        wait().await;
        if self.times_out.load(Ordering::Relaxed) == call {
            return Err(Error::new(ErrorKind::Timeout, "ask a store: planted"));
        }
        output
    }
}

/// Waits for one turn.
pub(crate) async fn wait() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl SessionStore for Slow {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.around(self.inner.load(key)).await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.around(self.inner.create(key, value, terms)).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.around(self.inner.replace(key, value, terms, expected))
            .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.around(self.inner.put(key, value, terms)).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.around(self.inner.touch(key, time_to_live)).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.around(self.inner.remove(key)).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.around(self.inner.exists(key)).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.inner.purge_expired(budget).await
    }
}
