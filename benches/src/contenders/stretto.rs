//! `stretto`: expiry in buckets of a second, admission that may refuse, and
//! two threads of its own. It stores hashes in place of keys.

use std::borrow::Borrow;
use std::hash::Hash;

use ahash::RandomState;
use bytes::Bytes;
use stretto::{Cache, DefaultCacheCallback, DefaultCoster, DefaultUpdateValidator, KeyBuilder};

use crate::clock::Ttl;
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// The 128 bits under which stretto files an id, from the hash that the other
/// contenders use as well: faster than the pair it ships with.
#[derive(Default)]
pub(super) struct Hashes {
    index: RandomState,
    conflict: RandomState,
}

impl KeyBuilder for Hashes {
    type Key = Id;

    #[inline]
    fn hash_index<Q>(&self, key: &Q) -> u64
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.index.hash_one(key)
    }

    #[inline]
    fn hash_conflict<Q>(&self, key: &Q) -> u64
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.conflict.hash_one(key)
    }
}

type Inner = Cache<
    Id,
    Bytes,
    Hashes,
    DefaultCoster<Bytes>,
    DefaultUpdateValidator<Bytes>,
    DefaultCacheCallback<Bytes>,
    RandomState,
>;

/// Stretto with a lifetime per entry; a slide puts the value anew.
pub struct Stretto(Inner);

impl Contender for Stretto {
    type Held = Bytes;

    const NAME: &'static str = "stretto";
    const EVICTS: bool = true;
    const RECLAIMS: bool = true;

    fn build(plan: &Plan) -> Self {
        let capacity = plan.capacity();
        let cost = i64::try_from(capacity).unwrap_or(i64::MAX);
        let cache = Cache::builder(capacity * 10, cost)
            .set_key_builder(Hashes::default())
            .set_ignore_internal_cost(true)
            .set_hasher(RandomState::new())
            .finalize()
            .expect("stretto takes any capacity above 0");
        Stretto(cache)
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        self.0.get(id).map(|found| found.value().clone())
    }

    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.get(id).map(|found| read(found.value()))
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        let value = self.get(id)?;
        self.0.insert_with_ttl(*id, value.clone(), 1, ttl.duration);
        Some(value)
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        self.0.insert_with_ttl(*id, value, 1, ttl.duration);
    }

    #[inline]
    fn remove(&self, id: &Id) {
        self.0.remove(id);
    }

    fn held(&self) -> usize {
        self.settle();
        self.0.len()
    }

    fn settle(&self) {
        // An error only says that the background thread has ended.
        let _ended = self.0.wait();
    }
}
