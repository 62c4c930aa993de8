//! `dashmap`: the sharded map that most hand-written session tables use.
//! It neither evicts nor reclaims.

use ahash::RandomState;
use bytes::Bytes;
use dashmap::DashMap;

use super::Cell;
use crate::clock::{Coarse, Precise, Time, Ttl};
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// A `DashMap` with a deadline beside each value.
pub struct Dash<T> {
    map: DashMap<Id, Cell, RandomState>,
    time: T,
}

macro_rules! dash {
    ($time:ty, $name:literal) => {
        impl Contender for Dash<$time> {
            type Held = Bytes;

            const NAME: &'static str = $name;
            const EVICTS: bool = false;
            const RECLAIMS: bool = false;

            fn build(_: &Plan) -> Self {
                Dash {
                    map: DashMap::with_hasher(RandomState::new()),
                    time: <$time>::start(),
                }
            }

            #[inline]
            fn get(&self, id: &Id) -> Option<Bytes> {
                let found = self.map.get(id)?;
                found.at(self.time.now()).cloned()
            }

            #[inline]
            fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
                let found = self.map.get(id)?;
                found.at(self.time.now()).map(|value| read(value))
            }

            #[inline]
            fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
                let found = self.map.get(id)?;
                let now = self.time.now();
                found.slide(now, self.time.deadline(ttl)).cloned()
            }

            #[inline]
            fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
                let cell = Cell::new(value, self.time.deadline(ttl));
                self.map.insert(*id, cell);
            }

            #[inline]
            fn remove(&self, id: &Id) {
                self.map.remove(id);
            }

            fn held(&self) -> usize {
                self.map.len()
            }
        }
    };
}

dash!(Coarse, "dashmap");
dash!(Precise, "dashmap, Instant");
