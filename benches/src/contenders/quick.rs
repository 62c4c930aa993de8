//! `quick_cache`: an evicting cache without expiry.

use std::sync::Arc;

use ahash::RandomState;
use bytes::Bytes;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::Cell;
use crate::clock::{Coarse, Precise, Time, Ttl};
use crate::contender::{Contender, Plan};
use crate::id::Id;

type Inner<V> = Cache<Id, V, UnitWeighter, RandomState, DefaultLifecycle<Id, V>>;

fn inner<V: Clone>(plan: &Plan) -> Inner<V> {
    let capacity = plan.capacity();
    Cache::with(
        plan.expected,
        capacity as u64,
        UnitWeighter,
        RandomState::new(),
        DefaultLifecycle::default(),
    )
}

/// The value with its deadline behind an `Arc`, which is what a read clones
/// and hands out: faster than cloning the value itself, and it can slide.
pub struct Quick<T> {
    cache: Inner<Arc<Cell>>,
    time: T,
}

/// A shared cell of `Quick`, read as its value.
pub struct QuickHeld(Arc<Cell>);

impl AsRef<[u8]> for QuickHeld {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.value()
    }
}

macro_rules! quick {
    ($time:ty, $name:literal) => {
        impl Contender for Quick<$time> {
            type Held = QuickHeld;

            const NAME: &'static str = $name;
            const EVICTS: bool = true;
            const RECLAIMS: bool = false;

            fn build(plan: &Plan) -> Self {
                Quick {
                    cache: inner(plan),
                    time: <$time>::start(),
                }
            }

            #[inline]
            fn get(&self, id: &Id) -> Option<QuickHeld> {
                let cell = self.cache.get(id)?;
                cell.at(self.time.now())?;
                Some(QuickHeld(cell))
            }

            #[inline]
            fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<QuickHeld> {
                let cell = self.cache.get(id)?;
                cell.slide(self.time.now(), self.time.deadline(ttl))?;
                Some(QuickHeld(cell))
            }

            #[inline]
            fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
                let cell = Cell::new(value, self.time.deadline(ttl));
                self.cache.insert(*id, Arc::new(cell));
            }

            #[inline]
            fn remove(&self, id: &Id) {
                let _older = self.cache.remove(id);
            }

            fn held(&self) -> usize {
                self.cache.len()
            }
        }
    };
}

quick!(Coarse, "quick_cache");
quick!(Precise, "quick_cache, Instant");

/// The deadline inside the cloned value: less memory, slower reads, and a
/// slide has to write the value anew.
pub struct QuickInline {
    cache: Inner<(u64, Bytes)>,
    time: Coarse,
}

impl Contender for QuickInline {
    type Held = Bytes;

    const NAME: &'static str = "quick_cache, in value";
    const EVICTS: bool = true;
    const RECLAIMS: bool = false;

    fn build(plan: &Plan) -> Self {
        QuickInline {
            cache: inner(plan),
            time: Coarse::start(),
        }
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        let (deadline, value) = self.cache.get(id)?;
        (deadline > self.time.now()).then_some(value)
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        let value = self.get(id)?;
        let deadline = self.time.deadline(ttl);
        let _gone = self.cache.replace(*id, (deadline, value.clone()), true);
        Some(value)
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        self.cache.insert(*id, (self.time.deadline(ttl), value));
    }

    #[inline]
    fn remove(&self, id: &Id) {
        let _older = self.cache.remove(id);
    }

    fn held(&self) -> usize {
        self.cache.len()
    }
}
