//! Any store behind one type, for programs that choose their backend at run time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Created, Lived, Loaded, NewRecord, Purged, SessionStore};
use crate::cache::{Replaced, Terms, Version};
use crate::error::Result;

/// A store whose type is not known before run time; [`SessionStore::erase`] makes one.
///
/// Clones share the store. Costs one allocation and one indirect call per operation; code that can
/// name its store should take `impl SessionStore` instead. Cancellation is the inner store's.
///
/// ```
/// use std::sync::Arc;
/// use sessile::Cache;
/// use sessile::store::{CacheStore, DynStore, SessionStore};
///
/// fn open(backend: &str) -> sessile::Result<DynStore> {
///     match backend {
///         "memory" => {
///             let cache = Cache::builder().max_entries(10_000).build()?;
///             Ok(CacheStore::new(Arc::new(cache)).erase())
///         }
///         // ... others, each a store of its own type
///         _ => Err(sessile::Error::new(
///             sessile::ErrorKind::InvalidConfig,
///             "open a store: no such backend; say memory",
///         )),
///     }
/// }
/// assert!(open("memory").is_ok());
/// ```
#[derive(Clone)]
pub struct DynStore(Arc<dyn Erased>);

impl DynStore {
    pub(super) fn new(store: impl SessionStore) -> Self {
        Self(Arc::new(store))
    }

    pub(super) fn sharing<S: SessionStore>(store: &Arc<S>) -> Self {
        Self(Arc::clone(store) as Arc<dyn Erased>)
    }
}

pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// [`SessionStore`] with futures that a trait object can name.
trait Erased: Send + Sync + 'static {
    fn load<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, Option<Loaded>>;
    fn load_left<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, Option<Lived>>;
    fn create<'a>(&'a self, key: &'a [u8], value: Bytes, terms: Terms) -> Boxed<'a, Created>;
    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Boxed<'a, Replaced>;
    fn put<'a>(&'a self, key: &'a [u8], value: Bytes, terms: Terms) -> Boxed<'a, Version>;
    fn touch<'a>(&'a self, key: &'a [u8], time_to_live: Duration) -> Boxed<'a, bool>;
    fn remove<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, bool>;
    fn exists<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, bool>;
    fn purge_expired(&self, budget: usize) -> Boxed<'_, Purged>;
    fn create_many(&self, records: Vec<NewRecord>) -> Boxed<'_, usize>;
    fn close(&self) -> Boxed<'_, ()>;
    fn is_immediate(&self) -> bool;
}

impl<S: SessionStore> Erased for S {
    fn load<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, Option<Loaded>> {
        Box::pin(SessionStore::load(self, key))
    }

    fn load_left<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, Option<Lived>> {
        Box::pin(SessionStore::load_left(self, key))
    }

    fn create<'a>(&'a self, key: &'a [u8], value: Bytes, terms: Terms) -> Boxed<'a, Created> {
        Box::pin(SessionStore::create(self, key, value, terms))
    }

    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Boxed<'a, Replaced> {
        Box::pin(SessionStore::replace(self, key, value, terms, expected))
    }

    fn put<'a>(&'a self, key: &'a [u8], value: Bytes, terms: Terms) -> Boxed<'a, Version> {
        Box::pin(SessionStore::put(self, key, value, terms))
    }

    fn touch<'a>(&'a self, key: &'a [u8], time_to_live: Duration) -> Boxed<'a, bool> {
        Box::pin(SessionStore::touch(self, key, time_to_live))
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, bool> {
        Box::pin(SessionStore::remove(self, key))
    }

    fn exists<'a>(&'a self, key: &'a [u8]) -> Boxed<'a, bool> {
        Box::pin(SessionStore::exists(self, key))
    }

    fn purge_expired(&self, budget: usize) -> Boxed<'_, Purged> {
        Box::pin(SessionStore::purge_expired(self, budget))
    }

    fn create_many(&self, records: Vec<NewRecord>) -> Boxed<'_, usize> {
        Box::pin(SessionStore::create_many(self, records))
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(SessionStore::close(self))
    }

    fn is_immediate(&self) -> bool {
        SessionStore::is_immediate(self)
    }
}

impl SessionStore for DynStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.0.load(key).await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        self.0.load_left(key).await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.0.create(key, value, terms).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.0.replace(key, value, terms, expected).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.0.put(key, value, terms).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.0.touch(key, time_to_live).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.0.remove(key).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.0.exists(key).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.0.purge_expired(budget).await
    }

    async fn create_many(&self, records: Vec<NewRecord>) -> Result<usize> {
        self.0.create_many(records).await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }

    fn is_immediate(&self) -> bool {
        self.0.is_immediate()
    }

    /// Returns the store as it is: it is erased already.
    fn erase(self) -> Self {
        self
    }
}

impl fmt::Debug for DynStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynStore").finish_non_exhaustive()
    }
}
