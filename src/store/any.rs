//! The store that a configuration names: the embedded cache without a detour, or any other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::erased::Boxed;
use super::{
    CacheStore, Created, Cursor, DynStore, Lived, Loaded, NewRecord, Page, Purged, SessionStore,
    Survey,
};
use crate::cache::{Cache, Replaced, Terms, Version};
use crate::error::{Error, Result};

/// A store that was chosen at run time, and what it is called.
///
/// Like [`DynStore`], but the embedded cache costs nothing more than a branch: its futures are not
/// boxed and are ready at the first poll. Clones share the store.
///
/// ```
/// use sessile::store::{AnyStore, CacheStore, SessionStore};
///
/// let cache = sessile::Cache::builder().max_entries(10_000).build()?;
/// let store = AnyStore::from(CacheStore::new(cache.into()));
/// assert_eq!(store.name(), "cache");
/// assert!(store.is_immediate());
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyStore {
    name: Arc<str>,
    kind: Kind,
    front: Option<Arc<Cache>>,
    back: Option<Box<AnyStore>>,
}

#[derive(Clone)]
enum Kind {
    Cache(CacheStore),
    Other(DynStore),
    Listed(DynStore, Arc<dyn Lists>),
}

/// [`Survey`] with a future that a trait object can name.
trait Lists: Send + Sync {
    fn page(&self, after: Option<Cursor>, limit: usize) -> Boxed<'_, Page>;
}

impl<S: Survey> Lists for S {
    fn page(&self, after: Option<Cursor>, limit: usize) -> Boxed<'_, Page> {
        Box::pin(Survey::page(self, after, limit))
    }
}

impl AnyStore {
    /// Takes any store, under the name that configurations and messages have for it.
    pub fn new(name: &str, store: impl SessionStore) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Other(store.erase()),
            front: None,
            back: None,
        }
    }

    /// As [`AnyStore::new`], for a store that can list its records.
    pub fn listed(name: &str, store: impl Survey) -> Self {
        let store = Arc::new(store);
        Self {
            name: name.into(),
            kind: Kind::Listed(DynStore::sharing(&store), store),
            front: None,
            back: None,
        }
    }

    /// Names the cache that stands before the store, for its statistics.
    #[must_use]
    pub fn with_front(mut self, cache: Arc<Cache>) -> Self {
        self.front = Some(cache);
        self
    }

    /// Names the store behind it, which decides where the two differ.
    #[must_use]
    pub fn with_back(mut self, back: Self) -> Self {
        self.back = Some(Box::new(back));
        self
    }

    /// The store that decides: the one behind a cache, or this one.
    #[must_use]
    pub fn deciding(&self) -> &Self {
        self.back.as_deref().unwrap_or(self)
    }

    /// The embedded cache that serves reads: the store itself, or what stands before it.
    #[must_use]
    pub fn cache(&self) -> Option<&Arc<Cache>> {
        self.front.as_ref()
    }

    /// Whether [`Survey::page`] can list its records.
    #[must_use]
    pub fn can_list(&self) -> bool {
        !matches!(self.deciding().kind, Kind::Other(_))
    }

    /// What the store is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The embedded cache, if it is one and nothing is behind it.
    #[must_use]
    pub fn as_cache(&self) -> Option<&CacheStore> {
        match &self.kind {
            Kind::Cache(store) => Some(store),
            Kind::Other(_) | Kind::Listed(..) => None,
        }
    }
}

impl From<CacheStore> for AnyStore {
    fn from(store: CacheStore) -> Self {
        Self {
            name: "cache".into(),
            front: Some(Arc::clone(store.cache())),
            kind: Kind::Cache(store),
            back: None,
        }
    }
}

/// Awaits a verb of whichever store it is.
macro_rules! ask {
    ($self:ident, $verb:ident ( $($argument:expr),* )) => {
        match &$self.kind {
            Kind::Cache(store) => store.$verb($($argument),*).await,
            Kind::Other(store) | Kind::Listed(store, _) => store.$verb($($argument),*).await,
        }
    };
}

impl SessionStore for AnyStore {
    fn is_immediate(&self) -> bool {
        match &self.kind {
            Kind::Cache(store) => store.is_immediate(),
            Kind::Other(store) | Kind::Listed(store, _) => store.is_immediate(),
        }
    }

    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        ask!(self, load(key))
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        ask!(self, load_left(key))
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        ask!(self, create(key, value, terms))
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        ask!(self, replace(key, value, terms, expected))
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        ask!(self, put(key, value, terms))
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        ask!(self, touch(key, time_to_live))
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        ask!(self, remove(key))
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        ask!(self, exists(key))
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        ask!(self, purge_expired(budget))
    }

    async fn create_many(&self, records: Vec<NewRecord>) -> Result<usize> {
        ask!(self, create_many(records))
    }

    async fn close(&self) -> Result<()> {
        ask!(self, close())
    }
}

/// Refused with [`InvalidInput`](crate::ErrorKind::InvalidInput) by a store that cannot list; see
/// [`AnyStore::can_list`].
impl Survey for AnyStore {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        match &self.kind {
            Kind::Cache(store) => Survey::page(store, after, limit).await,
            Kind::Listed(_, lists) => lists.page(after, limit).await,
            Kind::Other(_) => Err(Error::input(format!(
                "list records: the store {} cannot list what it holds; ask for single sessions, or \
                 for an owner's",
                self.name
            ))),
        }
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyStore").field(&self.name).finish()
    }
}
