//! `foyer-memory`: an evicting cache without expiry, with several policies.

use std::marker::PhantomData;

use ahash::RandomState;
use bytes::Bytes;
use foyer_memory::{
    Cache, CacheBuilder, CacheEntry, CacheProperties, EvictionConfig, LruConfig, S3FifoConfig,
};

use super::Cell;
use crate::clock::{Coarse, Time, Ttl};
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// A foyer cache with a deadline beside each value and the policy `P`.
pub struct Foyer<P> {
    cache: Cache<Id, Cell, RandomState, CacheProperties>,
    time: Coarse,
    policy: PhantomData<fn() -> P>,
}

/// The S3-FIFO policy, foyer's cheapest on reads.
pub struct S3;
/// The LRU policy, foyer's default.
pub struct Lru;
/// Foyer with S3-FIFO.
pub type FoyerS3 = Foyer<S3>;
/// Foyer with LRU.
pub type FoyerLru = Foyer<Lru>;

/// A foyer entry, read as its value: what foyer hands out is its own handle.
pub struct FoyerHeld(CacheEntry<Id, Cell, RandomState, CacheProperties>);

impl AsRef<[u8]> for FoyerHeld {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.value().value()
    }
}

macro_rules! foyer {
    ($policy:ty, $config:expr, $name:literal) => {
        impl Contender for Foyer<$policy> {
            type Held = FoyerHeld;

            const NAME: &'static str = $name;
            const EVICTS: bool = true;
            const RECLAIMS: bool = false;

            fn build(plan: &Plan) -> Self {
                let config: EvictionConfig = $config.into();
                Foyer {
                    cache: CacheBuilder::new(plan.capacity())
                        .with_hash_builder(RandomState::new())
                        .with_eviction_config(config)
                        .build(),
                    time: Coarse::start(),
                    policy: PhantomData,
                }
            }

            #[inline]
            fn get(&self, id: &Id) -> Option<FoyerHeld> {
                let entry = self.cache.get(id)?;
                entry.value().at(self.time.now())?;
                Some(FoyerHeld(entry))
            }

            #[inline]
            fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<FoyerHeld> {
                let now = self.time.now();
                let entry = self.cache.get(id)?;
                entry.value().slide(now, now.saturating_add(ttl.ms))?;
                Some(FoyerHeld(entry))
            }

            #[inline]
            fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
                let cell = Cell::new(value, self.time.deadline(ttl));
                let _entry = self.cache.insert(*id, cell);
            }

            #[inline]
            fn remove(&self, id: &Id) {
                let _older = self.cache.remove(id);
            }

            fn held(&self) -> usize {
                self.cache.entries()
            }
        }
    };
}

foyer!(S3, S3FifoConfig::default(), "foyer S3-FIFO");
foyer!(Lru, LruConfig::default(), "foyer LRU");
