//! A store whose records are Django's texts, shown to sessions as bare JSON.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::StoredSession;
use crate::cookie::compat::Value;
use crate::error::{Error, Result};
use crate::store::{
    Created, Cursor, Lived, Loaded, Page, Purged, Replaced, SessionStore, Survey, Surveyed, Terms,
    Version,
};
use crate::time::{Clock, CoarseClock};

/// Shares the sessions of Django's `db`, `cache`, `cached_db` and `file` engines.
///
/// The inner store keeps what they keep: the text of `SessionBase.encode`, JSON that is packed if that
/// makes it shorter, dated and signed. Outside, a record is the JSON object alone, as sessions write it
/// when told `Layout::Bare` and `Format::Json`. Whoever reads Django's own tables, keys or files through
/// the inner store, and writes them through this one, shares sessions with Django.
///
/// A record that no key signed is absent, and so is a genuine one that cannot be read, each with a warning
/// in the log (target `sessile::security`), as in Django. Such a record is in nobody's way: `create` takes
/// its place. The verbs that show nothing of a record do not look into it, for that would cost a load and
/// count as use: `exists`, `touch`, `replace` and `remove` say of such a record that it is there.
///
/// Names of a session that Django gives a meaning to, such as `_session_expiry`, are data here; so is
/// `_permanent` to Django. What the JSON of one side has and the other lacks is refused on writing, or
/// becomes `null` on reading (`NaN` and infinities).
///
/// Versions, lifetimes and cancellation are the inner store's. Costs a signature and perhaps zlib per
/// load and per write, and on a `create` in the way of a record one more load.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use sessile::cookie::compat::django::{DjangoRecords, StoredSession};
/// use sessile::store::{CacheStore, SessionStore, Terms};
/// use sessile::Cache;
///
/// let inner = CacheStore::new(Arc::new(Cache::builder().max_entries(100).build()?));
/// let texts = StoredSession::new(["SECRET_KEY", "one of SECRET_KEY_FALLBACKS"])?;
/// let sessions = DjangoRecords::new(inner.clone(), texts.clone());
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let record = r#"{"_auth_user_id":"42"}"#;
/// sessions.put(b"key", record.into(), Terms::forever()).await?;
///
/// let stored = inner.load(b"key").await?.expect("just put").value;
/// let text = String::from_utf8(stored.to_vec()).expect("Django's texts are ASCII");
/// assert!(texts.decode(&text).get("_auth_user_id").is_some());
/// assert_eq!(sessions.load(b"key").await?.expect("just put").value, record);
/// # Ok::<(), sessile::Error>(())
/// # })?;
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct DjangoRecords<S> {
    inner: S,
    texts: StoredSession,
    clock: Arc<dyn Clock>,
}

/// A create finds an unreadable record replaced so often before it gives up and says that it is taken.
const ATTEMPTS_MAX: usize = 4;

impl<S: SessionStore> DjangoRecords<S> {
    /// Puts Django's text between `inner` and its users; `texts` has the keys and the limits.
    pub fn new(inner: S, texts: StoredSession) -> Self {
        Self {
            inner,
            texts,
            clock: Arc::new(CoarseClock),
        }
    }

    /// The clock whose [`wall_ms`](Clock::wall_ms) dates the texts. Default: the system's. Nobody asks for
    /// the age of a stored text.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The store that keeps the texts.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn sign(&self, record: &[u8]) -> Result<Bytes> {
        let Ok(Value::Map(session)) = serde_json::from_slice(record) else {
            return Err(Error::input(
                "store a session for django: the record is no JSON object; write records bare and in JSON",
            ));
        };
        let now: SystemTime = UNIX_EPOCH + Duration::from_millis(self.clock.wall_ms());
        Ok(self.texts.encode(&session, now)?.into())
    }

    /// The record of a text, if it is believed and can be read.
    fn open(&self, text: &[u8]) -> Option<Bytes> {
        // Bytes that are no text have no signature either.
        let session = self
            .texts
            .try_decode(std::str::from_utf8(text).unwrap_or_default());
        match session {
            Ok(session) => serde_json::to_vec(&Value::Map(session))
                .ok()
                .map(Bytes::from),
            Err(refused) => {
                // In a store, unlike in a cookie, a forgery is no everyday noise.
                tracing::warn!(
                    target: "sessile::security",
                    %refused,
                    "session data corrupted; the record is taken for absent"
                );
                None
            }
        }
    }
}

impl<S: SessionStore> SessionStore for DjangoRecords<S> {
    fn is_immediate(&self) -> bool {
        self.inner.is_immediate()
    }

    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        let Some(Loaded { value, version }) = self.inner.load(key).await? else {
            return Ok(None);
        };
        Ok(self.open(&value).map(|value| Loaded { value, version }))
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        let Some(Lived { loaded, left }) = self.inner.load_left(key).await? else {
            return Ok(None);
        };
        let version = loaded.version;
        let loaded = self
            .open(&loaded.value)
            .map(|value| Loaded { value, version });
        Ok(loaded.map(|loaded| Lived { loaded, left }))
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        let text = self.sign(&value)?;
        for _ in 0..ATTEMPTS_MAX {
            if let Created::Done(version) = self.inner.create(key, text.clone(), terms).await? {
                return Ok(Created::Done(version));
            }
            let there = match self.inner.load(key).await? {
                None => continue,
                Some(there) if self.open(&there.value).is_some() => return Ok(Created::Taken),
                Some(there) => there.version,
            };
            let replaced = self
                .inner
                .replace(key, text.clone(), terms, Some(there))
                .await?;
            if let Replaced::Done(version) = replaced {
                return Ok(Created::Done(version));
            }
        }
        Ok(Created::Taken)
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let text = self.sign(&value)?;
        self.inner.replace(key, text, terms, expected).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        let text = self.sign(&value)?;
        self.inner.put(key, text, terms).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.inner.touch(key, time_to_live).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.inner.remove(key).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.inner.exists(key).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.inner.purge_expired(budget).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// Records that are not believed are left out.
impl<S: Survey> Survey for DjangoRecords<S> {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        let Page { records, next } = self.inner.page(after, limit).await?;
        let open = |record: Surveyed| {
            let value = self.open(&record.value)?;
            Some(Surveyed { value, ..record })
        };
        let records = records.into_iter().filter_map(open).collect();
        Ok(Page { records, next })
    }
}

impl<S: fmt::Debug> fmt::Debug for DjangoRecords<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoRecords")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
