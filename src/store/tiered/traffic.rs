//! What is on its way to the back, by key; decides whose answer may become a copy.
//!
//! A key is here only while an operation on it is under way, so nothing here needs a lifetime or can be
//! evicted. The rule that keeps a removed record from coming back out of a slow load:
//!
//! - a write disowns the load that is under way, before it asks the back;
//! - loads that come while a write is under way go to the back by themselves and leave no copy;
//! - a write leaves a copy only if no other one was under way at any moment of it, because the back may
//!   have taken them in another order than their answers come in.

use std::collections::HashMap;
use std::sync::Arc;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Lock, default_shards, hash_state};

/// The operations under way; `F` is a load that can be shared.
pub(super) struct Traffic<F> {
    shards: Box<[Shard<F>]>,
    hash: ahash::RandomState,
    numbers: AtomicU64,
}

type Shard<F> = Lock<HashMap<Box<[u8]>, Underway<F>, ahash::RandomState>>;

/// What is under way for one key.
enum Underway<F> {
    Load(Shared<F>),
    Writes {
        count: usize,
        /// Two were under way at once, or another node wrote meanwhile: none may leave a copy.
        crossed: bool,
    },
}

struct Shared<F> {
    number: u64,
    epoch: u64,
    flight: Arc<F>,
    waiters: usize,
}

/// How a load has to go.
pub(super) enum Way<'a, F, R> {
    /// With others, or first of all; `Seat` says that somebody waits.
    Shared(Arc<F>, Seat<'a, F>),
    /// To the back, without a copy.
    Alone,
    /// Not at all: this was found.
    Found(R),
}

/// Somebody waits for a load that is under way.
pub(super) struct Seat<'a, F> {
    traffic: &'a Traffic<F>,
    key: &'a [u8],
    number: u64,
}

/// A write that is under way.
pub(super) struct Writing<'a, F> {
    traffic: &'a Traffic<F>,
    key: &'a [u8],
}

impl<F> Traffic<F> {
    pub(super) fn new() -> Self {
        let hash = hash_state();
        let shard = |_| Lock::new(HashMap::with_hasher(hash.clone()));
        Self {
            shards: (0..default_shards()).map(shard).collect(),
            numbers: AtomicU64::new(0),
            hash,
        }
    }

    fn shard(&self, key: &[u8]) -> &Shard<F> {
        let hash = self.hash.hash_one(key) >> 32;
        let hash = usize::try_from(hash).expect("an address has at least 32 bits");
        &self.shards[hash % self.shards.len()]
    }

    /// How many keys have something under way.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Joins the load of `key` that is under way, if it began in this `epoch`; otherwise looks again
    /// with `find`, and begins one. `begin` is told the number to land with.
    pub(super) fn load<'a, R>(
        &'a self,
        key: &'a [u8],
        epoch: u64,
        find: impl FnOnce() -> Option<R>,
        begin: impl FnOnce(u64) -> F,
    ) -> Way<'a, F, R> {
        let seat = |number| Seat {
            traffic: self,
            key,
            number,
        };
        let mut shard = self.shard(key).lock();
        match shard.get_mut(key) {
            Some(Underway::Writes { .. }) => return Way::Alone,
            Some(Underway::Load(shared)) if shared.epoch == epoch => {
                shared.waiters += 1;
                return Way::Shared(Arc::clone(&shared.flight), seat(shared.number));
            }
            Some(Underway::Load(_)) | None => {}
        }
        // One that landed since the caller looked is found here: it leaves its copy under this lock.
        if let Some(found) = find() {
            return Way::Found(found);
        }
        // Relaxed: only has to differ from other numbers.
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let flight = Arc::new(begin(number));
        let shared = Shared {
            number,
            epoch,
            flight: Arc::clone(&flight),
            waiters: 1,
        };
        let old = shard.insert(key.into(), Underway::Load(shared));
        drop(shard);
        drop(old);
        Way::Shared(flight, seat(number))
    }

    /// Ends the load of this number and calls `keep`, unless it was disowned.
    pub(super) fn land(&self, key: &[u8], number: u64, keep: impl FnOnce()) {
        let mut shard = self.shard(key).lock();
        let landed = match shard.get(key) {
            Some(Underway::Load(shared)) if shared.number == number => shard.remove(key),
            _ => None,
        };
        if landed.is_some() {
            keep();
        }
        drop(shard);
        drop(landed);
    }

    /// Announces a write, before the back is asked.
    pub(super) fn write<'a>(&'a self, key: &'a [u8]) -> Writing<'a, F> {
        let alone = Underway::Writes {
            count: 1,
            crossed: false,
        };
        let mut shard = self.shard(key).lock();
        let disowned = match shard.get_mut(key) {
            Some(Underway::Writes { count, crossed }) => {
                *count += 1;
                *crossed = true;
                None
            }
            Some(load) => Some(std::mem::replace(load, alone)),
            None => shard.insert(key.into(), alone),
        };
        drop(shard);
        drop(disowned);
        Writing { traffic: self, key }
    }

    /// Another node wrote: nothing that is under way may leave a copy.
    pub(super) fn cross(&self, key: &[u8]) {
        let mut shard = self.shard(key).lock();
        let disowned = match shard.get_mut(key) {
            Some(Underway::Writes { crossed, .. }) => {
                *crossed = true;
                None
            }
            Some(Underway::Load(_)) => shard.remove(key),
            None => None,
        };
        drop(shard);
        drop(disowned);
    }
}

impl<F> Writing<'_, F> {
    /// Calls `keep` if the write was alone all the time.
    pub(super) fn keep(self, keep: impl FnOnce()) {
        let shard = self.traffic.shard(self.key).lock();
        if let Some(Underway::Writes { crossed: false, .. }) = shard.get(self.key) {
            keep();
        }
    }
}

impl<F> Drop for Writing<'_, F> {
    fn drop(&mut self) {
        let mut shard = self.traffic.shard(self.key).lock();
        if let Some(Underway::Writes { count, .. }) = shard.get_mut(self.key) {
            *count -= 1;
            if *count == 0 {
                shard.remove(self.key);
            }
        }
    }
}

impl<F> Seat<'_, F> {
    /// Takes the load off the list, so that the next one begins anew.
    pub(super) fn disown(&self) {
        self.traffic.land(self.key, self.number, || ());
    }
}

/// A load that nobody waits for any more is given up: it would be an old answer when somebody comes.
impl<F> Drop for Seat<'_, F> {
    fn drop(&mut self) {
        let mut shard = self.traffic.shard(self.key).lock();
        let left = match shard.get_mut(self.key) {
            Some(Underway::Load(shared)) if shared.number == self.number => {
                shared.waiters -= 1;
                shared.waiters == 0
            }
            _ => false,
        };
        let given_up = left.then(|| shard.remove(self.key));
        drop(shard);
        drop(given_up);
    }
}
