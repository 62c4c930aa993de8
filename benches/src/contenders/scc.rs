//! `scc`: maps with a lock per bucket of 32. The `HashMap` neither evicts nor
//! reclaims; the `HashCache` evicts within a bucket and reclaims nothing.

use ahash::RandomState;
use bytes::Bytes;
use scc::{HashCache, HashMap};

use super::Cell;
use crate::clock::{Coarse, Time, Ttl};
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// An `scc::HashMap` with a deadline beside each value.
pub struct SccMap {
    map: HashMap<Id, Cell, RandomState>,
    time: Coarse,
}

impl Contender for SccMap {
    type Held = Bytes;

    const NAME: &'static str = "scc HashMap";
    const EVICTS: bool = false;
    const RECLAIMS: bool = false;

    fn build(_: &Plan) -> Self {
        SccMap {
            map: HashMap::with_hasher(RandomState::new()),
            time: Coarse::start(),
        }
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        let now = self.time.now();
        self.map.read_sync(id, |_, cell| cell.at(now).cloned())?
    }

    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let now = self.time.now();
        self.map
            .read_sync(id, |_, cell| cell.at(now).map(|value| read(value)))?
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        let now = self.time.now();
        let deadline = now.saturating_add(ttl.ms);
        self.map
            .read_sync(id, |_, cell| cell.slide(now, deadline).cloned())?
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        let cell = Cell::new(value, self.time.deadline(ttl));
        let _older = self.map.upsert_sync(*id, cell);
    }

    #[inline]
    fn remove(&self, id: &Id) {
        let _older = self.map.remove_sync(id);
    }

    fn held(&self) -> usize {
        self.map.len()
    }
}

/// An `scc::HashCache` with a deadline beside each value. Its reads go through
/// `get_sync`, which is what keeps its order of use up to date.
pub struct SccCache {
    map: HashCache<Id, Cell, RandomState>,
    time: Coarse,
}

impl Contender for SccCache {
    type Held = Bytes;

    const NAME: &'static str = "scc HashCache";
    const EVICTS: bool = true;
    const RECLAIMS: bool = false;

    fn build(plan: &Plan) -> Self {
        SccCache {
            map: HashCache::with_capacity_and_hasher(0, plan.capacity(), RandomState::new()),
            time: Coarse::start(),
        }
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        let now = self.time.now();
        self.map.get_sync(id)?.get().at(now).cloned()
    }

    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let now = self.time.now();
        self.map
            .get_sync(id)?
            .get()
            .at(now)
            .map(|value| read(value))
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        let now = self.time.now();
        let deadline = now.saturating_add(ttl.ms);
        self.map.get_sync(id)?.get().slide(now, deadline).cloned()
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        let cell = Cell::new(value, self.time.deadline(ttl));
        // An evicted entry comes back here and is dropped outside the lock.
        let _evicted = self.map.entry_sync(*id).put_entry(cell);
    }

    #[inline]
    fn remove(&self, id: &Id) {
        let _older = self.map.remove_sync(id);
    }

    fn held(&self) -> usize {
        self.map.len()
    }
}
