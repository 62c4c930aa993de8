//! A store that fails when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sessile::store::{Created, Loaded, Purged, Replaced, SessionStore, Terms, Version};
use sessile::{CacheStore, Error, ErrorKind, Result};

/// The embedded store behind a switch.
#[derive(Clone)]
pub(crate) struct Shaky {
    pub(crate) store: CacheStore,
    pub(crate) is_broken: Arc<AtomicBool>,
}

impl Shaky {
    pub(crate) fn new(store: CacheStore) -> Self {
        Self {
            store,
            is_broken: Arc::default(),
        }
    }

    pub(crate) fn break_down(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        match self.is_broken.load(Ordering::Relaxed) {
            true => Err(Error::new(
                ErrorKind::Io,
                "use a store: it was broken on purpose",
            )),
            false => Ok(()),
        }
    }
}

impl SessionStore for Shaky {
    fn is_immediate(&self) -> bool {
        true
    }

    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.check()?;
        self.store.load(key).await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.check()?;
        self.store.create(key, value, terms).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.check()?;
        self.store.replace(key, value, terms, expected).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.check()?;
        self.store.put(key, value, terms).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.check()?;
        self.store.touch(key, time_to_live).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.check()?;
        self.store.remove(key).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.check()?;
        self.store.exists(key).await
    }

    /// Always broken.
    async fn purge_expired(&self, _: usize) -> Result<Purged> {
        Err(Error::new(ErrorKind::Io, "purge a store: it cannot"))
    }
}
