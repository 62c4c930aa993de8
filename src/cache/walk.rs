//! Verbs that visit every entry: chunk by chunk, never holding a lock for long.

use std::fmt;

use bytes::Bytes;

use super::cache::Cache;
use super::cell::Cell;
use super::key::{Key, Namespace};
use super::quota::Amount;
use super::read::left;
use super::reentry;
use super::shard::{CLASSES, Dead, Id, State};
use super::terms::{Cause, Class, TimeToLive, Version};

/// An entry as [`Cache::iter`] shows it; `Debug` hides key and value.
#[derive(Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The key, without its namespace.
    pub key: Bytes,
    /// The key's namespace.
    pub namespace: Namespace,
    /// The value, sharing the stored buffer.
    pub value: Bytes,
    /// The version of its last write.
    pub version: Version,
    /// How long it had left when it was visited.
    pub time_to_live: TimeToLive,
    /// Its class.
    pub class: Class,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("namespace", &self.namespace)
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .field("time_to_live", &self.time_to_live)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

/// Where a walk stands: a chunk of a class of a shard. Chunks never move, so an entry that is there
/// throughout is visited; one that changes class meanwhile may be visited twice or, when it loses
/// protection, be missed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    shard: usize,
    class: usize,
    chunk: u32,
}

/// How often one shard is walked again because entries changed class there meanwhile.
const REPEATS_MAX: u32 = 16;

impl Place {
    /// Where the walk over the same shard begins.
    fn first(self) -> Self {
        let shard = self.shard;
        Self {
            shard,
            ..Self::default()
        }
    }

    fn is_first(self) -> bool {
        self.class == 0 && self.chunk == 0
    }
}

impl Cache {
    /// Visits all live entries, weakly consistent with what goes on meanwhile.
    ///
    /// An entry that is there throughout is visited once, as it is at that moment; one that comes
    /// or goes may be visited or not; one that loses its protection meanwhile may be missed. Locks
    /// one shard at a time for 256 slots. Does not count as use.
    ///
    /// ```
    /// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
    /// cache.insert("a", "1", sessile::Terms::forever())?;
    /// cache.insert("b", "2", sessile::Terms::forever())?;
    /// let mut values: Vec<_> = cache.iter().map(|entry| entry.value).collect();
    /// values.sort();
    /// assert_eq!(values, ["1", "2"]);
    /// # Ok::<(), sessile::Error>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            cache: self,
            place: Some(Place::default()),
            batch: Vec::new(),
        }
    }

    /// Removes every entry; returns how many. What is there throughout goes, whoever writes to it meanwhile;
    /// entries that come meanwhile may stay.
    pub fn clear(&self) -> usize {
        self.clear_where(|_, _| true)
    }

    /// Removes every entry of a namespace; returns how many. Entries written meanwhile may stay.
    ///
    /// Visits all entries of the cache: O(entries), in steps of 256.
    pub fn clear_namespace(&self, namespace: Namespace) -> usize {
        self.clear_where(|state, id| {
            state
                .cell(id)
                .is_some_and(|cell| cell.namespace() == namespace)
        })
    }

    /// Removes the live entries for which `keep` answers false; returns how many.
    ///
    /// `keep` runs under a shard's lock, see [`Cache::get_with`] for what that means. If it panics,
    /// what it has answered so far is carried out up to the last batch of 256.
    pub fn retain(&self, mut keep: impl FnMut(Key<'_>, &[u8]) -> bool) -> usize {
        self.clear_where(|state, id| {
            state.cell(id).is_some_and(|cell| {
                let _inside = reentry::enter();
                cell.with_key(|key| !keep(key, cell.value()))
            })
        })
    }

    /// An entry that is there throughout is asked about in the end. One that changes class may slip from a
    /// chunk not yet visited into one that was, so a shard where that happened is walked again.
    fn clear_where(&self, mut goes: impl FnMut(&State, Id) -> bool) -> usize {
        let mut cleared = 0;
        let mut place = Some(Place::default());
        let mut moved = 0;
        let mut repeats = 0;
        while let Some(at) = place {
            let now = self.timeline.now();
            let shard = &self.shards[at.shard];
            let mut dead = Vec::new();
            let mut room = Amount::default();
            let mut state = reentry::lock(&shard.state);
            if at.is_first() {
                moved = state.moved;
            }
            place = self.after(at, &state);
            if place.is_none_or(|next| next.shard != at.shard) {
                if moved != state.moved && repeats < REPEATS_MAX {
                    repeats += 1;
                    place = Some(at.first());
                } else {
                    repeats = 0;
                }
            }
            let class = CLASSES[at.class];
            let context = self.context(state.at(now));
            // What has ended already goes with it, but is not counted as cleared.
            let going: Vec<(Id, Cause)> = state
                .chunk(class, at.chunk)
                .filter_map(|id| match state.stamp(id).is_live(context.now) {
                    true => goes(&state, id).then_some((id, Cause::Cleared)),
                    false => Some((id, Cause::Expired)),
                })
                .collect();
            for (id, cause) in going {
                let (block, freed) = state.take_out(id, context);
                match cause {
                    Cause::Cleared => {
                        state.counts.cleared += 1;
                        cleared += 1;
                    }
                    _ => state.counts.expired += 1,
                }
                room.add(freed);
                dead.push(Dead { block, cause });
            }
            self.quota.give(room);
            drop(state);
            self.bury(dead);
        }
        cleared
    }

    /// The place after `at`; `state` is that of its shard.
    pub(crate) fn after(&self, at: Place, state: &State) -> Option<Place> {
        if at.chunk + 1 < state.chunks(CLASSES[at.class]) {
            let chunk = at.chunk + 1;
            return Some(Place { chunk, ..at });
        }
        if at.class + 1 < CLASSES.len() {
            let class = at.class + 1;
            return Some(Place {
                class,
                chunk: 0,
                ..at
            });
        }
        (at.shard + 1 < self.shards.len()).then(|| Place {
            shard: at.shard + 1,
            ..Place::default()
        })
    }

    /// The live entries at a place, and the next place.
    pub(crate) fn batch(&self, at: Place, entries: &mut Vec<Entry>) -> Option<Place> {
        let now = self.timeline.now();
        self.look(at, now, |_, id, cell| {
            entries.push(Entry {
                key: cell.copy_key(),
                namespace: cell.namespace(),
                value: cell.value().clone(),
                version: self.version(cell.version()),
                time_to_live: left(cell.stamp().deadline(), now),
                class: id.class(),
            });
        })
    }

    /// Calls `see` with the entries at a place that live at `now`, under the shard's lock, and
    /// returns the next place.
    pub(crate) fn look(
        &self,
        at: Place,
        now: u64,
        mut see: impl FnMut(&State, Id, Cell<'_>),
    ) -> Option<Place> {
        let state = reentry::lock(&self.shards[at.shard].state);
        for id in state.chunk(CLASSES[at.class], at.chunk) {
            let cell = state.cell(id).filter(|cell| cell.stamp().is_live(now));
            if let Some(cell) = cell {
                see(&state, id, cell);
            }
        }
        self.after(at, &state)
    }
}

/// Visits the entries of a cache; [`Cache::iter`] makes one.
pub struct Iter<'a> {
    cache: &'a Cache,
    place: Option<Place>,
    batch: Vec<Entry>,
}

impl Iterator for Iter<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(entry) = self.batch.pop() {
                return Some(entry);
            }
            let at = self.place?;
            self.place = self.cache.batch(at, &mut self.batch);
        }
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a Cache {
    type Item = Entry;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
