//! A `HashMap` behind one `parking_lot::Mutex`: the plainest table there is.
//! It neither evicts nor reclaims.

use std::collections::HashMap;

use ahash::RandomState;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::clock::{Coarse, Time, Ttl};
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// One map, one lock; its holder may write, so the deadline is a plain number.
pub struct Locked {
    map: Mutex<HashMap<Id, (u64, Bytes), RandomState>>,
    time: Coarse,
}

impl Contender for Locked {
    type Held = Bytes;

    const NAME: &'static str = "Mutex<HashMap>";
    const EVICTS: bool = false;
    const RECLAIMS: bool = false;

    fn build(_: &Plan) -> Self {
        Locked {
            map: Mutex::new(HashMap::with_hasher(RandomState::new())),
            time: Coarse::start(),
        }
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        let now = self.time.now();
        let map = self.map.lock();
        let (deadline, value) = map.get(id)?;
        (*deadline > now).then(|| value.clone())
    }

    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let now = self.time.now();
        let map = self.map.lock();
        let (deadline, value) = map.get(id)?;
        (*deadline > now).then(|| read(value))
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        let now = self.time.now();
        let mut map = self.map.lock();
        let (deadline, value) = map.get_mut(id)?;
        (*deadline > now).then(|| {
            *deadline = now.saturating_add(ttl.ms);
            value.clone()
        })
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        let deadline = self.time.deadline(ttl);
        // The older value is dropped after the lock is free again.
        let _older = self.map.lock().insert(*id, (deadline, value));
    }

    #[inline]
    fn remove(&self, id: &Id) {
        let _older = self.map.lock().remove(id);
    }

    fn held(&self) -> usize {
        self.map.lock().len()
    }
}
