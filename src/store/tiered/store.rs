//! The verbs of the tiered store.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::builder::TieredBuilder;
use super::failure::shared;
use super::flight::Flight;
use super::front::{Front, left_of};
use super::traffic::{Traffic, Way};
use crate::cache::{Key, Replaced, Terms, Version};
use crate::error::{Error, Fault, Result};
use crate::store::span::verb;
use crate::store::{
    CacheStore, Created, Cursor, Lived, Loaded, Page, Purged, SessionStore, Survey, check_write,
};
use crate::sync::Lock;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Keeps records in a durable store and copies of them in the cache of this process.
///
/// A load whose copy is fresh costs about what it costs the embedded cache and is ready at its first
/// poll. All else is the back's: it decides every conflict, its versions are the ones handed out, and
/// what it does not keep is refused. Clones share everything.
///
/// # What is promised
/// - On one node, operations on one key are linearizable, as the back's are. A removed record does
///   not come back out of a slow load.
/// - No copy is served past the end of its record, to the accuracy of the cache's clock. Where the back
///   does not say how long a record has left ([`load_left`](SessionStore::load_left)), only records
///   that this node wrote are copied.
/// - What another node changed may be served for at most
///   [`fresh_for`](TieredBuilder::fresh_for), or until the news of it arrives where the store
///   [listens](Self::listen). [`exists`](SessionStore::exists) and all writes ask the back, so an
///   owner's list of sessions is true and a conflict is seen.
/// - However many load one key at once, the back is asked once; all get its answer, or its error. While
///   a write of the key is under way, each asks by itself.
/// - Records with an idle timeout are not copied: the back has to see each use.
///
/// # Cost
/// A copy costs what an entry of the cache does, and 24 bytes. Give the front a namespace of its own
/// where it shares its cache. A write leaves its value in the front; ids that nobody has leave
/// nothing there and always reach the back.
///
/// # Cancellation
/// As the back's. A load or write that is dropped holds up nobody.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use sessile::store::{CacheStore, SessionStore, TieredStore};
///
/// fn in_front_of<B: SessionStore>(back: B) -> sessile::Result<TieredStore<B>> {
///     let cache = sessile::Cache::builder().max_entries(100_000).build()?;
///     TieredStore::builder(CacheStore::new(cache.into()), back)
///         .fresh_for(Duration::from_secs(5))
///         .build()
/// }
/// # let back = CacheStore::new(sessile::Cache::builder().unlimited_entries().build()?.into());
/// # let store = in_front_of(back)?;
/// # let done = std::pin::pin!(store.put(b"k", "v".into(), Duration::from_secs(9).into()))
/// #     .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
/// # assert!(done.is_ready());
/// # Ok::<(), sessile::Error>(())
/// ```
pub struct TieredStore<B>(pub(super) Arc<Shared<B>>);

pub(super) struct Shared<B> {
    pub(super) front: Front,
    back: B,
    traffic: Traffic<Flight<Answer>>,
    /// Until then the back is left alone by loads that can do without.
    spared_until: AtomicU64,
    /// How many have begun to listen so far.
    pub(super) listeners: Lock<u64>,
}

/// What a shared load answers to each of those who wait.
type Answer = Result<Option<Loaded>, Arc<Error>>;

/// How long a back that failed is left alone by loads that can do without it.
const SPARED_MS: u64 = 1000;

impl<B: SessionStore> TieredStore<B> {
    /// Begins a store that keeps its records in `back` and copies in `front`.
    pub fn builder(front: CacheStore, back: B) -> TieredBuilder<B> {
        TieredBuilder::new(front, back)
    }

    pub(super) fn assemble(
        front: CacheStore,
        back: B,
        fresh_for: Duration,
        grace: Duration,
    ) -> Self {
        Self(Arc::new(Shared {
            front: Front::new(front, fresh_for, grace),
            back,
            traffic: Traffic::new(),
            spared_until: AtomicU64::new(0),
            listeners: Lock::new(0),
        }))
    }

    /// The store that the records lie in.
    #[must_use]
    pub fn back(&self) -> &B {
        &self.0.back
    }

    /// The store that the copies lie in; its records are not what was stored.
    #[must_use]
    pub fn front(&self) -> &CacheStore {
        self.0.front.store()
    }

    /// How many keys have an operation under way that the back has not answered.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.traffic.len()
    }
}

impl<B: SessionStore> Shared<B> {
    /// Boxed: what a load needs that asks the back would make every hot one's future ten times as
    /// large.
    #[cold]
    fn load_boxed<'a>(
        self: &'a Arc<Self>,
        key: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<Option<Loaded>>> + Send + 'a>> {
        Box::pin(verb("tiered", "load", self.load(key)))
    }

    /// A load without a fresh copy.
    async fn load(self: &Arc<Self>, key: &[u8]) -> Result<Option<Loaded>> {
        if !Key::from(key).is_possible() {
            return Ok(None);
        }
        if let Some(loaded) = self.spare(key) {
            return Ok(Some(loaded));
        }
        loop {
            let epoch = self.front.epoch();
            let find = || self.front.fresh(key);
            let begin = |number| Flight::new(Self::fly(Arc::clone(self), key.into(), number));
            let (flight, seat) = match self.traffic.load(key, epoch, find, begin) {
                Way::Shared(flight, seat) => (flight, seat),
                Way::Alone => return self.or_copy(key, self.back.load(key).await),
                Way::Found(loaded) => return Ok(Some(loaded)),
            };
            match flight.wait().await {
                Some(answer) => return self.or_copy(key, answer.map_err(shared)),
                // The back panicked under another waiter, who tells of it.
                None => seat.disown(),
            }
        }
    }

    /// Asks the back for all who wait, and leaves a copy.
    async fn fly(self: Arc<Self>, key: Box<[u8]>, number: u64) -> Answer {
        let asked = self.front.asked();
        let answer = self.back.load_left(&key).await;
        let draft = match &answer {
            Ok(Some(lived)) => lived.left.map(|left| (&lived.loaded, left)),
            _ => None,
        };
        let draft = draft.map(|(loaded, left)| self.front.draft(loaded, left, asked));
        self.traffic.land(&key, number, || match (draft, &answer) {
            (Some(draft), _) => self.front.keep(&key, draft),
            // It stands in for the back.
            (None, Err(_)) => {}
            (None, Ok(_)) => self.front.forget(&key),
        });
        Ok(answer?.map(|lived| lived.loaded))
    }

    /// What stands in for a back that has just failed.
    fn spare(&self, key: &[u8]) -> Option<Loaded> {
        // Relaxed: a load that misses the mark asks the back; no other memory is ordered by it.
        let is_spared =
            self.front.has_grace() && self.front.now() < self.spared_until.load(Ordering::Relaxed);
        is_spared.then(|| self.front.any(key))?
    }

    /// The answer, or a copy in the place of an error, if that was asked for.
    fn or_copy(&self, key: &[u8], answer: Result<Option<Loaded>>) -> Result<Option<Loaded>> {
        match answer {
            Err(error) if self.stands_in(&error) => match self.front.any(key) {
                None => Err(error),
                found => Ok(found),
            },
            answer => answer,
        }
    }

    /// Whether copies may stand in for a back that failed with this error.
    fn stands_in(&self, error: &Error) -> bool {
        if !self.front.has_grace() || error.kind().fault() != Fault::Backend {
            return false;
        }
        tracing::warn!(kind = ?error.kind(), "a tiered store serves copies: its back failed");
        let until = self.front.now().saturating_add(SPARED_MS);
        // Relaxed: as in `spare`.
        self.spared_until.store(until, Ordering::Relaxed);
        true
    }

    /// Another node changed the record of `key`.
    pub(super) fn forget(&self, key: &[u8]) {
        // In this order: a load that lands before is forgotten, one that lands later is not kept.
        self.traffic.cross(key);
        self.front.forget(key);
    }

    /// A write of `value`: the back's answer, and a copy if `written` finds a version in it.
    async fn write<T>(
        &self,
        key: &[u8],
        value: &Bytes,
        terms: &Terms,
        write: impl Future<Output = Result<T>>,
        written: impl FnOnce(&T) -> Option<Version>,
    ) -> Result<T> {
        check_write(key, terms)?;
        let writing = self.traffic.write(key);
        // Gone until the back has answered: what it will answer to others meanwhile is what holds,
        // and if no answer comes, nobody knows what does.
        self.front.forget(key);
        let asked = self.front.asked();
        let answer = write.await?;
        if let (Some(version), Some(left)) = (written(&answer), left_of(terms)) {
            let value = value.clone();
            let draft = self.front.draft(&Loaded { value, version }, left, asked);
            writing.keep(|| self.front.keep(key, draft));
        }
        Ok(answer)
    }
}

impl<B: SessionStore> SessionStore for TieredStore<B> {
    #[inline]
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        if let Some(loaded) = self.0.front.fresh(key) {
            return Ok(Some(loaded));
        }
        self.0.load_boxed(key).await
    }

    /// Asks the back, always.
    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        verb("tiered", "load_left", async move {
            self.0.back.load_left(key).await
        })
        .await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        verb("tiered", "create", async move {
            let create = self.0.back.create(key, value.clone(), terms);
            let written = |created: &Created| match created {
                Created::Done(version) => Some(*version),
                Created::Taken => None,
            };
            self.0.write(key, &value, &terms, create, written).await
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
        verb("tiered", "replace", async move {
            let replace = self.0.back.replace(key, value.clone(), terms, expected);
            let written = |replaced: &Replaced| match replaced {
                Replaced::Done(version) => Some(*version),
                Replaced::Gone | Replaced::Conflict(_) => None,
            };
            self.0.write(key, &value, &terms, replace, written).await
        })
        .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        verb("tiered", "put", async move {
            let put = self.0.back.put(key, value.clone(), terms);
            let written = |version: &Version| Some(*version);
            self.0.write(key, &value, &terms, put, written).await
        })
        .await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        verb("tiered", "touch", async move {
            let shared = &self.0;
            let writing = shared.traffic.write(key);
            let asked = shared.front.asked();
            let copy = shared.front.take(key, time_to_live, asked);
            let touched = shared.back.touch(key, time_to_live).await?;
            if let (true, Some(copy)) = (touched, copy) {
                writing.keep(|| shared.front.keep(key, copy));
            }
            Ok(touched)
        })
        .await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        verb("tiered", "remove", async move {
            let _writing = self.0.traffic.write(key);
            self.0.front.forget(key);
            self.0.back.remove(key).await
        })
        .await
    }

    /// Asks the back, always; a copy stands in for it where that was chosen.
    async fn exists(&self, key: &[u8]) -> Result<bool> {
        verb("tiered", "exists", async move {
            match self.0.back.exists(key).await {
                Ok(false) => {
                    self.0.forget(key);
                    Ok(false)
                }
                Err(error) if self.0.stands_in(&error) => match self.0.front.any(key) {
                    Some(_) => Ok(true),
                    None => Err(error),
                },
                answer => answer,
            }
        })
        .await
    }

    /// Reclaims in both; the records are the back's, and so is the count.
    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        verb("tiered", "purge_expired", async move {
            let copies = self.0.front.store().cache().maintain(budget);
            let purged = self.0.back.purge_expired(budget).await?;
            Ok(Purged {
                more: purged.more || copies.more,
                ..purged
            })
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        verb("tiered", "close", async move { self.0.back.close().await }).await
    }
}

/// The records are the back's.
impl<B: Survey> Survey for TieredStore<B> {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        verb("tiered", "page", async move {
            self.0.back.page(after, limit).await
        })
        .await
    }
}

impl<B> Clone for TieredStore<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for TieredStore<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredStore").finish_non_exhaustive()
    }
}
