//! The embedded store: the cache behind the store's contract.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{
    Created, Cursor, Lived, Loaded, Page, Purged, SessionStore, Survey, Surveyed, page_limit,
};
#[cfg(feature = "tiered")]
use crate::cache::Key;
use crate::cache::{Cache, Namespace, Replaced, Spot, Terms, TimeToLive, Version, left};
use crate::error::{Error, Result};

/// Keeps records in a [`Cache`] of this process.
///
/// Its futures are ready at the first poll, need no executor and allocate nothing of their own;
/// dropped before that poll, they have done nothing. Clones share the cache, and so may stores with
/// different namespaces. What the cache's limits evict is absent to the store.
///
/// ```
/// use std::sync::Arc;
/// use sessile::Cache;
/// use sessile::store::CacheStore;
///
/// let cache = Arc::new(Cache::builder().max_entries(200_000).build()?);
/// let sessions = CacheStore::new(Arc::clone(&cache)).with_namespace("session:")?;
/// let resets = CacheStore::new(cache).with_namespace("password-reset:")?;
/// assert!(Arc::ptr_eq(sessions.cache(), resets.cache()));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct CacheStore {
    cache: Arc<Cache>,
    namespace: Namespace,
}

impl CacheStore {
    /// Makes a store of all keys in the cache's default namespace.
    #[must_use]
    pub fn new(cache: Arc<Cache>) -> Self {
        Self {
            cache,
            namespace: Namespace::DEFAULT,
        }
    }

    /// Moves the store into the namespace of `prefix`, where it meets no keys but its own.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) as [`Cache::namespace`].
    pub fn with_namespace(self, prefix: &str) -> Result<Self> {
        let namespace = self.cache.namespace(prefix)?;
        Ok(Self { namespace, ..self })
    }

    /// The cache that the records lie in.
    #[must_use]
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The key under which the cache has the record of `key`.
    #[cfg(feature = "tiered")]
    #[inline]
    pub(super) fn key<'k>(&self, key: &'k [u8]) -> Key<'k> {
        self.namespace.key(key)
    }
}

/// Nothing is awaited in here, so each body runs whole in the first poll, and not before it.
impl SessionStore for CacheStore {
    #[inline]
    fn is_immediate(&self) -> bool {
        true
    }

    #[inline]
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        let found = self.cache.get_versioned(self.namespace.key(key));
        Ok(found.map(|(value, version)| Loaded { value, version }))
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        // Before the read: what is left then ends where the entry does, however long this takes.
        let now = self.cache.timeline.now();
        let found = self.cache.get_dated(self.namespace.key(key));
        Ok(found.map(|dated| Lived {
            loaded: Loaded {
                value: dated.value,
                version: dated.version,
            },
            left: dated.deadline.map(|deadline| left(deadline, now)),
        }))
    }

    #[inline]
    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        let key = self.namespace.key(key);
        Ok(match self.cache.insert_if_absent(key, value, terms)? {
            Some(version) => Created::Done(version),
            None => Created::Taken,
        })
    }

    #[inline]
    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let key = self.namespace.key(key);
        self.cache.replace(key, value, terms, expected)
    }

    #[inline]
    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.cache.insert(self.namespace.key(key), value, terms)
    }

    #[inline]
    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        Ok(self.cache.touch(self.namespace.key(key), time_to_live))
    }

    #[inline]
    async fn remove(&self, key: &[u8]) -> Result<bool> {
        Ok(self.cache.remove(self.namespace.key(key)))
    }

    #[inline]
    async fn exists(&self, key: &[u8]) -> Result<bool> {
        Ok(self.cache.contains(self.namespace.key(key)))
    }

    /// Reclaims in the whole cache, whichever namespace the records are in. Looking for expired
    /// records is work too and counts towards `budget`; see [`Cache::maintain`].
    #[inline]
    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        let done = self.cache.maintain(budget);
        Ok(Purged {
            removed: done.reclaimed,
            more: done.more,
        })
    }
}

/// Lists the records of the store's namespace. A page looks at 65,536 slots of the cache at most, so it
/// may be empty where most slots belong to other namespaces.
///
/// A record that loses its protection and gets it again, more than once during the walk and each time
/// behind its back, may be missed.
impl Survey for CacheStore {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        let from = match after {
            None => Spot::default(),
            Some(cursor) => Spot::from_bytes(cursor.as_bytes()).ok_or_else(|| {
                Error::input("list a cache: the cursor is not one of a cache's; begin without one")
            })?,
        };
        let (entries, next) = self.cache.page(self.namespace, from, page_limit(limit));
        let records = entries
            .into_iter()
            .map(|entry| Surveyed {
                key: entry.key,
                value: entry.value,
                version: entry.version,
                left: match entry.time_to_live {
                    TimeToLive::Forever => None,
                    TimeToLive::Left(left) => Some(left),
                },
            })
            .collect();
        Ok(Page {
            records,
            next: next.map(|spot| Cursor::new(spot.to_bytes().to_vec())),
        })
    }
}

impl fmt::Debug for CacheStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheStore")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
