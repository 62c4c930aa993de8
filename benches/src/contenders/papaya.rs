//! `papaya`: the lock-free map. It neither evicts nor reclaims.

use ahash::RandomState;
use bytes::Bytes;
use papaya::HashMap;

use super::Cell;
use crate::clock::{Coarse, Time, Ttl};
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// A papaya `HashMap` with a deadline beside each value.
pub struct Papaya {
    map: HashMap<Id, Cell, RandomState>,
    time: Coarse,
}

impl Contender for Papaya {
    type Held = Bytes;

    const NAME: &'static str = "papaya";
    const EVICTS: bool = false;
    const RECLAIMS: bool = false;

    fn build(_: &Plan) -> Self {
        Papaya {
            map: HashMap::builder().hasher(RandomState::new()).build(),
            time: Coarse::start(),
        }
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        self.map.pin().get(id)?.at(self.time.now()).cloned()
    }

    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let map = self.map.pin();
        map.get(id)?.at(self.time.now()).map(|value| read(value))
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        let now = self.time.now();
        let map = self.map.pin();
        map.get(id)?.slide(now, now.saturating_add(ttl.ms)).cloned()
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        let cell = Cell::new(value, self.time.deadline(ttl));
        self.map.pin().insert(*id, cell);
    }

    #[inline]
    fn remove(&self, id: &Id) {
        self.map.pin().remove(id);
    }

    fn held(&self) -> usize {
        self.map.len()
    }
}
