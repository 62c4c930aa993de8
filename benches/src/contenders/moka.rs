//! `moka`: the cache with the widest set of expiry, by `Expiry` (a lifetime
//! per entry) and by `time_to_idle` (one idle time for all).

use std::time::{Duration, Instant};

use ahash::RandomState;
use bytes::Bytes;
use moka::Expiry;
use moka::sync::Cache;

use crate::clock::Ttl;
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// A value and the lifetime that moka's `Expiry` reads from it.
#[derive(Clone)]
pub struct Entry {
    ttl: Duration,
    value: Bytes,
}

impl AsRef<[u8]> for Entry {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.value
    }
}

/// The lifetime of each entry; a read starts it anew where sessions slide.
struct Lifetimes {
    sliding: bool,
}

impl Expiry<Id, Entry> for Lifetimes {
    fn expire_after_create(&self, _: &Id, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_read(
        &self,
        _: &Id,
        entry: &Entry,
        _: Instant,
        left: Option<Duration>,
        _: Instant,
    ) -> Option<Duration> {
        if self.sliding { Some(entry.ttl) } else { left }
    }

    fn expire_after_update(
        &self,
        _: &Id,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// Moka with a lifetime per entry.
pub struct MokaExpiry(Cache<Id, Entry, RandomState>);

impl Contender for MokaExpiry {
    type Held = Entry;

    const NAME: &'static str = "moka Expiry";
    const EVICTS: bool = true;
    const RECLAIMS: bool = true;

    fn build(plan: &Plan) -> Self {
        let mut builder = Cache::builder().expire_after(Lifetimes {
            sliding: plan.sliding,
        });
        if let Some(limit) = plan.limit {
            builder = builder.max_capacity(limit as u64);
        }
        MokaExpiry(builder.build_with_hasher(RandomState::new()))
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Entry> {
        self.0.get(id)
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, _: Ttl) -> Option<Entry> {
        self.0.get(id)
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        let ttl = ttl.duration;
        self.0.insert(*id, Entry { ttl, value });
    }

    #[inline]
    fn remove(&self, id: &Id) {
        self.0.invalidate(id);
    }

    fn held(&self) -> usize {
        self.0.run_pending_tasks();
        usize::try_from(self.0.entry_count()).unwrap_or(usize::MAX)
    }

    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}

/// Moka with one idle time for all entries: every read slides.
pub struct MokaIdle(Cache<Id, Bytes, RandomState>);

impl Contender for MokaIdle {
    type Held = Bytes;

    const NAME: &'static str = "moka idle";
    const EVICTS: bool = true;
    const RECLAIMS: bool = true;

    fn build(plan: &Plan) -> Self {
        let mut builder = Cache::builder().time_to_idle(plan.ttl.duration);
        if let Some(limit) = plan.limit {
            builder = builder.max_capacity(limit as u64);
        }
        MokaIdle(builder.build_with_hasher(RandomState::new()))
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        self.0.get(id)
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, _: Ttl) -> Option<Bytes> {
        self.0.get(id)
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, _: Ttl) {
        self.0.insert(*id, value);
    }

    #[inline]
    fn remove(&self, id: &Id) {
        self.0.invalidate(id);
    }

    fn held(&self) -> usize {
        self.0.run_pending_tasks();
        usize::try_from(self.0.entry_count()).unwrap_or(usize::MAX)
    }

    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}
