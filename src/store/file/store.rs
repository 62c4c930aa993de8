//! The store's face: what it promises, and the way from a future to blocking work.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::builder::FileStoreBuilder;
use super::task::{Consent, run};
use super::verbs::Files;
use crate::cache::{Replaced, Terms, Version};
use crate::error::Result;
use crate::store::span::verb;
use crate::store::{
    Created, Cursor, Lived, Loaded, Page, Purged, SessionStore, Survey, page_limit,
};

/// Keeps each record in a file of its own, in a directory for this purpose alone.
///
/// For one machine: threads and processes may share the directory, which must be on a local file system
/// with locks (`flock`). Clones share the store.
///
/// # Files
/// The directory has up to 256 buckets, made when first needed; a record's file is named by the BLAKE3
/// digest of its key, so no key can name a path and no listing tells one. (The key itself is in the file,
/// for [`Survey`].) Files under other names are never touched. The directory must be this user's and
/// writable for nobody else; links in it are not followed.
///
/// # What it promises
/// - Operations on one key are linearizable, among processes too. Reads take no lock.
/// - A record is served whole or not at all: a file is written beside its place and renamed into it. What
///   cannot be read as a whole record is absent, is logged once as a warning, and is set aside under the
///   suffix `.damaged`, which a sweep removes after a day. What a later version of this crate wrote is
///   absent too, and left alone.
/// - An acknowledged write survives the process, and the machine unless
///   [`durable`](FileStoreBuilder::durable) is off.
/// - Never more than [`threshold`](FileStoreBuilder::threshold) records lie in the directory, however many
///   processes write, if all have that threshold. The expired are evicted first, then whoever was written
///   or touched longest ago; reads do not count, because a read writes nothing. A touch by another process
///   is noticed when its record would be evicted; that another process shortened a life is not.
/// - A killed writer leaves at most a file that no one reads, and a sweep removes it.
///
/// The system's wall clock decides what has expired: deadlines outlive the process. Set back, it prolongs
/// lives; set forward, it ends them.
///
/// Idle timeouts and maximum ages are refused. A value has at most 16 MiB. Every 32nd record written sweeps
/// over 128 files, so a store that is never purged does not grow without end.
///
/// # Cost
/// A load is about six system calls, a write about thirty and, if durable, two waits for the disk. The work
/// is done on tokio's threads for blocking work, 64 calls at a time; outside a tokio runtime it is done in
/// the first poll, on the calling thread. ARCHITECTURE.md has figures.
///
/// # Cancellation
/// A future that is dropped has taken effect, is taking effect before anything that is asked for later, or
/// never will.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use sessile::store::{FileStore, SessionStore, Terms};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("sessions");
/// let store = FileStore::builder(path).threshold(10_000).open()?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let hour = Duration::from_secs(3600);
/// store.put(b"digest", "user=7".into(), Terms::ttl(hour)).await?;
/// let found = store.load(b"digest").await?;
/// assert_eq!(found.map(|found| found.value), Some("user=7".into()));
/// # Ok::<(), sessile::Error>(())
/// # })?;
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct FileStore {
    pub(super) files: Arc<Files>,
    pub(super) slots: Arc<Semaphore>,
}

impl FileStore {
    /// Begins the settings of a store in the directory at `path`.
    pub fn builder(path: impl Into<PathBuf>) -> FileStoreBuilder {
        FileStoreBuilder::new(path.into())
    }

    async fn work<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Files, &Consent) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.files);
        let done = run(&self.slots, move |consent| work(&files, consent));
        verb("filesystem", name, done).await
    }
}

impl SessionStore for FileStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        let key = key.to_vec();
        let found = self.work("load", move |files, _| files.load(&key)).await?;
        Ok(found.map(|lived| lived.loaded))
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        let key = key.to_vec();
        self.work("load_left", move |files, _| files.load(&key))
            .await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        let key = key.to_vec();
        self.work("create", move |files, consent| {
            files.create(&key, &value, &terms, consent)
        })
        .await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let key = key.to_vec();
        self.work("replace", move |files, consent| {
            files.replace(&key, &value, &terms, expected, consent)
        })
        .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        let key = key.to_vec();
        self.work("put", move |files, consent| {
            files.put(&key, &value, &terms, consent)
        })
        .await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        let key = key.to_vec();
        self.work("touch", move |files, consent| {
            files.touch(&key, time_to_live, consent)
        })
        .await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        let key = key.to_vec();
        self.work("remove", move |files, consent| files.remove(&key, consent))
            .await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        let key = key.to_vec();
        self.work("exists", move |files, _| files.exists(&key))
            .await
    }

    /// Goes on where the last call stopped and looks at 4096 files at most, which takes some tens of
    /// milliseconds; also sets damaged files aside and removes what killed writers have left.
    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.work("purge_expired", move |files, _| files.purge(budget))
            .await
    }
}

/// Lists records in the order of their digests. A page opens 4096 files at most and ends when its values
/// have 8 MiB.
impl Survey for FileStore {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        let limit = page_limit(limit);
        self.work("page", move |files, _| files.page(after.as_ref(), limit))
            .await
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field(
                "threshold",
                &self.files.limit.as_ref().map(|limit| limit.most),
            )
            .field("durable", &self.files.durable)
            .finish_non_exhaustive()
    }
}
