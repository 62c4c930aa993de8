//! The cache of this project.

use bytes::Bytes;
use sessile::Cache;

use crate::clock::Ttl;
use crate::contender::{Contender, Plan};
use crate::id::Id;

/// `sessile::Cache`, as its builder makes it.
pub struct Ours(pub Cache);

impl Contender for Ours {
    type Held = Bytes;

    const NAME: &'static str = "sessile";
    const EVICTS: bool = true;
    const RECLAIMS: bool = true;

    fn build(plan: &Plan) -> Self {
        let builder = Cache::builder();
        let builder = match plan.limit {
            Some(limit) => builder.max_entries(limit),
            None => builder.unlimited_entries(),
        };
        Ours(builder.build().expect("the plan states a usable limit"))
    }

    #[inline]
    fn get(&self, id: &Id) -> Option<Bytes> {
        self.0.get(&id.0)
    }

    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.get_with(&id.0, read)
    }

    #[inline]
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Bytes> {
        self.0.get_and_touch(&id.0, ttl.duration)
    }

    #[inline]
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl) {
        self.0
            .insert(&id.0, value, ttl.duration)
            .expect("a 22-byte id and a small value are valid input");
    }

    #[inline]
    fn remove(&self, id: &Id) {
        self.0.remove(&id.0);
    }

    fn held(&self) -> usize {
        self.0.len()
    }
}
