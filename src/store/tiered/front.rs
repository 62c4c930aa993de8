//! The copies in the cache, and how long each may be served.
//!
//! ```text
//! | version | epoch | fresh until | value |      the first three 8 bytes each, little-endian
//! ```
//!
//! Before the value, because there they lie in the line of the reference count, which handing out the
//! value has to fetch anyway; behind it they were a third line of memory.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::cache::{Cache, Class, Terms, TimeToLive, Version};
use crate::store::{CacheStore, Loaded};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::{Timeline, millis};

const HEADER: usize = 24;
/// The epoch of copies that are never fresh.
const NEVER: u64 = 0;
const FIRST: u64 = 2;
/// Set while news of other nodes' changes may be missed.
const CUT_OFF: u64 = 1;

/// The cache as the tiered store uses it.
///
/// A copy ends when the cache's clock says that it is too old or that its record is over, whichever
/// is first: the cache itself sees to that. Copies of another epoch than the current one are not
/// fresh, so that all can be disowned at once.
pub(super) struct Front {
    store: CacheStore,
    fresh_ms: u64,
    /// How much longer a copy may be served where the back fails.
    grace_ms: u64,
    epoch: AtomicU64,
}

/// When the back was asked, before it could answer: what it says is counted from then.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    now: u64,
    epoch: u64,
}

/// A copy that is ready to be put into the cache.
pub(super) struct Draft {
    bytes: Bytes,
    end: u64,
}

impl Front {
    pub(super) fn new(store: CacheStore, fresh_for: Duration, grace: Duration) -> Self {
        Self {
            store,
            fresh_ms: millis(fresh_for),
            grace_ms: millis(grace),
            epoch: AtomicU64::new(FIRST),
        }
    }

    pub(super) fn store(&self) -> &CacheStore {
        &self.store
    }

    fn cache(&self) -> &Cache {
        self.store.cache()
    }

    pub(super) fn now(&self) -> u64 {
        self.cache().timeline.now()
    }

    /// Whether copies outlive their freshness, to be served where the back fails.
    pub(super) fn has_grace(&self) -> bool {
        self.grace_ms > 0
    }

    pub(super) fn epoch(&self) -> u64 {
        // Acquire pairs with the Release of `disown` and `cut_off`: whoever learned of a change by
        // other means than this word does not read an older one.
        self.epoch.load(Ordering::Acquire)
    }

    /// Call it before the back is asked.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            epoch: self.epoch(),
            now: self.now(),
        }
    }

    /// Returns the copy of `key`, if it is fresh.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8]) -> Option<Loaded> {
        let (mut value, now) = self.cache().get_timed(self.store.key(key))?;
        let [version, epoch, fresh_until] = words(&value)?;
        // Of use with a grace only: without, the cache drops copies that are no longer fresh.
        if now >= fresh_until || epoch != self.epoch() {
            return None;
        }
        value.advance(HEADER);
        Some(Loaded {
            value,
            version: Version::from_u64(version),
        })
    }

    /// Returns the copy of `key`, fresh or not.
    pub(super) fn any(&self, key: &[u8]) -> Option<Loaded> {
        let mut value = self.cache().get(self.store.key(key))?;
        let [version, ..] = words(&value)?;
        value.advance(HEADER);
        Some(Loaded {
            value,
            version: Version::from_u64(version),
        })
    }

    /// Makes a copy of a record that had `left` when the back was asked.
    pub(super) fn draft(&self, loaded: &Loaded, left: TimeToLive, asked: Asked) -> Draft {
        let left_ms = match left {
            TimeToLive::Forever => u64::MAX,
            TimeToLive::Left(left) => millis(left),
        };
        let kept_ms = self.fresh_ms.saturating_add(self.grace_ms);
        let epoch = match asked.epoch & CUT_OFF {
            0 => asked.epoch,
            _ => NEVER,
        };
        let mut bytes = BytesMut::with_capacity(HEADER + loaded.value.len());
        bytes.put_u64_le(loaded.version.to_u64());
        bytes.put_u64_le(epoch);
        bytes.put_u64_le(asked.now.saturating_add(self.fresh_ms));
        bytes.extend_from_slice(&loaded.value);
        Draft {
            bytes: bytes.freeze(),
            end: asked.now.saturating_add(left_ms.min(kept_ms)),
        }
    }

    /// Puts a copy into the cache. A cache without room for it does without.
    pub(super) fn keep(&self, key: &[u8], draft: Draft) {
        let now = self.now();
        if draft.end <= now {
            return;
        }
        // Anonymous whatever the record is: a copy that is evicted costs a load, and nobody's session.
        let class = Class::Anonymous;
        let lifetime = (draft.end.min(Timeline::END - 1), None);
        let key = self.store.key(key);
        if let Err(error) = self
            .cache()
            .put_back(key, draft.bytes, class, now, lifetime)
        {
            tracing::debug!(kind = ?error.kind(), "the front of a tiered store has no room");
        }
    }

    pub(super) fn forget(&self, key: &[u8]) {
        self.cache().remove(self.store.key(key));
    }

    /// Takes the copy of `key` out, to be kept again if a touch succeeds that was `asked` for now.
    ///
    /// No longer than it had, however much longer the record lives then: a maximum age, which a touch
    /// does not move, may end the record there.
    pub(super) fn take(&self, key: &[u8], time_to_live: Duration, asked: Asked) -> Option<Draft> {
        let found = self.cache().get_dated(self.store.key(key));
        self.forget(key);
        let found = found?;
        let end = asked.now.saturating_add(millis(time_to_live));
        Some(Draft {
            bytes: found.value,
            end: end.min(found.deadline?),
        })
    }

    /// Makes every copy stale, those that are being made included.
    pub(super) fn disown(&self) {
        self.move_epoch(|epoch| (epoch | CUT_OFF) + 1);
    }

    /// The same, and what is copied from now on is stale as well, until the next `disown`.
    pub(super) fn cut_off(&self) {
        self.move_epoch(|epoch| epoch | CUT_OFF);
    }

    fn move_epoch(&self, to: impl Fn(u64) -> u64) {
        let moved = |epoch| Some(to(epoch));
        // Release pairs with the Acquire in `epoch`. It cannot fail: there always is a next one.
        let _ = self
            .epoch
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
    }
}

/// What a record written under `terms` has left at once; `None` if its use prolongs it.
pub(super) fn left_of(terms: &Terms) -> Option<TimeToLive> {
    if terms.idle_timeout().is_some() {
        return None;
    }
    let ends = [terms.time_to_live(), terms.maximum_age()];
    let first = ends.into_iter().flatten().min();
    Some(first.map_or(TimeToLive::Forever, TimeToLive::Left))
}

/// The words of the header; `None` if this is no copy of ours.
#[inline]
fn words(bytes: &[u8]) -> Option<[u64; 3]> {
    let (words, _) = bytes.first_chunk::<HEADER>()?.as_chunks::<8>();
    let [version, epoch, fresh_until] = words else {
        return None;
    };
    Some([version, epoch, fresh_until].map(|word| u64::from_le_bytes(*word)))
}
