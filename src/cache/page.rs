//! Listing one namespace page by page, from a spot that the caller keeps.
//!
//! A walk that its caller may leave cannot hold anything open, so a spot is all it keeps: numbers. They
//! suffice, because an entry stays in its slot as long as it lives and keeps its class. One that changes
//! class moves between the arenas, which are visited one after the other: towards protection it moves
//! ahead of the walk and is met there, out of it behind the walk. Therefore the anonymous entries of a
//! shard that ever had protected ones are visited again after these.

use super::cache::Cache;
use super::key::Namespace;
use super::read::left;
use super::reentry;
use super::shard::State;
use super::slab::CHUNK_SLOTS;
use super::terms::Class;
use super::walk::Entry;

/// The order in which a shard's classes are visited.
const PASSES: [Class; 3] = [Class::Anonymous, Class::Protected, Class::Anonymous];
/// Chunks that one page looks at, at most: 65,536 slots, a few milliseconds.
const CHUNKS_MAX: usize = 256;

/// Where a listing stands: a slot in a chunk, in a pass over a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    shard: u32,
    pass: u8,
    chunk: u32,
    slot: u8,
}

impl Spot {
    pub(crate) const LEN: usize = 10;

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.shard.to_le_bytes();
        let [e, f, g, h] = self.chunk.to_le_bytes();
        [a, b, c, d, self.pass, e, f, g, h, self.slot]
    }

    /// The spot of these bytes; whether the cache has it is found out by looking there.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, pass, e, f, g, h, slot] = bytes else {
            return None;
        };
        Some(Self {
            shard: u32::from_le_bytes([a, b, c, d]),
            pass,
            chunk: u32::from_le_bytes([e, f, g, h]),
            slot,
        })
    }

    fn class(self) -> Option<Class> {
        PASSES.get(usize::from(self.pass)).copied()
    }

    fn next_chunk(self, state: &State) -> Self {
        let class = self.class().unwrap_or_default();
        if self.chunk.saturating_add(1) < state.chunks(class) {
            return Self {
                chunk: self.chunk + 1,
                slot: 0,
                ..self
            };
        }
        let never_protected = state.chunks(Class::Protected) == 0;
        if usize::from(self.pass) + 1 < PASSES.len() && !never_protected {
            return Self {
                pass: self.pass + 1,
                chunk: 0,
                slot: 0,
                ..self
            };
        }
        Self {
            shard: self.shard + 1,
            ..Self::default()
        }
    }
}

impl Cache {
    /// Up to `limit` live entries of a namespace from a spot on, and the spot after them, `None` at the
    /// end.
    ///
    /// An entry that lives through all pages is seen at least once, unless it loses its protection,
    /// gets it again and so on, each time behind the walk's back. Locks one shard at a time for one
    /// chunk of 256 slots. Does not count as use.
    pub(crate) fn page(
        &self,
        namespace: Namespace,
        from: Spot,
        limit: usize,
    ) -> (Vec<Entry>, Option<Spot>) {
        let now = self.timeline.now();
        let mut entries = Vec::new();
        let mut spot = from;
        for _ in 0..CHUNKS_MAX {
            let shard = usize::try_from(spot.shard)
                .ok()
                .and_then(|at| self.shards.get(at));
            let (Some(shard), Some(class)) = (shard, spot.class()) else {
                return (entries, None);
            };
            let state = reentry::lock(&shard.state);
            if spot.chunk < state.chunks(class) {
                for id in state.chunk(class, spot.chunk) {
                    let slot = id.slot() % CHUNK_SLOTS;
                    if slot < u32::from(spot.slot) {
                        continue;
                    }
                    let cell = state
                        .cell(id)
                        .filter(|cell| cell.stamp().is_live(now) && cell.namespace() == namespace);
                    let Some(cell) = cell else { continue };
                    if entries.len() == limit {
                        let slot = u8::try_from(slot).unwrap_or(u8::MAX);
                        return (entries, Some(Spot { slot, ..spot }));
                    }
                    entries.push(Entry {
                        key: cell.copy_key(),
                        namespace,
                        value: cell.value().clone(),
                        version: self.version(cell.version()),
                        time_to_live: left(cell.stamp().deadline(), now),
                        class,
                    });
                }
            }
            spot = spot.next_chunk(&state);
        }
        (entries, Some(spot))
    }
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use std::collections::BTreeSet;

    use super::super::terms::Terms;
    use super::*;

    fn key(n: u32) -> Vec<u8> {
        format!("key {n}").into_bytes()
    }

    fn walk(cache: &Cache, limit: usize, mut between: impl FnMut()) -> Vec<Entry> {
        let (mut seen, mut from) = (Vec::new(), Some(Spot::default()));
        while let Some(spot) = from {
            let (entries, next) = cache.page(Namespace::DEFAULT, spot, limit);
            assert!(entries.len() <= limit);
            seen.extend(entries);
            between();
            from = next;
        }
        seen
    }

    #[test]
    fn each_entry_is_listed_once_whatever_the_limit() {
        let builder = Cache::builder().unlimited_entries().shards(4);
        let cache = builder.build().expect("valid");
        for n in 0..3_000 {
            let terms = Terms::forever();
            cache.insert(&key(n), "v", terms).expect("unlimited");
        }
        for limit in [1, 7, 256, 1000] {
            let seen = walk(&cache, limit, || ());
            let keys: BTreeSet<_> = seen.iter().map(|entry| entry.key.clone()).collect();
            assert_eq!((seen.len(), keys.len()), (3_000, 3_000), "limit {limit}");
        }
    }

    #[test]
    fn whoever_lives_throughout_is_listed_while_others_come_go_and_change_class() {
        let builder = Cache::builder().unlimited_entries().shards(2);
        let cache = builder.build().expect("valid");
        let put = |n: u32, terms: Terms| cache.insert(&key(n), "v", terms).expect("unlimited");
        for n in 0..2_000 {
            put(
                n,
                if n % 2 == 0 {
                    Terms::forever()
                } else {
                    Terms::forever().protected()
                },
            );
        }
        let mut turn = 0;
        let seen = walk(&cache, 50, || {
            // Each entry of the first thousand changes class once, at some time of the walk.
            for n in turn * 20..(turn + 1) * 20 {
                if n < 1_000 {
                    let was_protected = n % 2 == 1;
                    put(
                        n,
                        if was_protected {
                            Terms::forever()
                        } else {
                            Terms::forever().protected()
                        },
                    );
                }
                cache.remove(&key(10_000 + n));
                put(20_000 + n, Terms::forever());
            }
            turn += 1;
        });
        let keys: BTreeSet<Vec<u8>> = seen.iter().map(|entry| entry.key.to_vec()).collect();
        let missed: Vec<u32> = (0..2_000).filter(|&n| !keys.contains(&key(n))).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn a_page_looks_at_a_bounded_number_of_slots_and_at_its_namespace_only() {
        let cache = Cache::builder().unlimited_entries().build().expect("valid");
        let other = cache.namespace("other:").expect("a prefix");
        for n in 0..100_u32 {
            cache
                .insert(&key(n), "v", Terms::forever())
                .expect("unlimited");
            cache
                .insert(other.key(&key(n)), "w", Terms::forever())
                .expect("unlimited");
        }
        let (mut seen, mut from) = (0, Some(Spot::default()));
        while let Some(spot) = from {
            let (entries, next) = cache.page(other, spot, 30);
            assert!(
                entries
                    .iter()
                    .all(|entry| entry.namespace == other && entry.value == "w")
            );
            (seen, from) = (seen + entries.len(), next);
        }
        assert_eq!(seen, 100);
    }

    #[test]
    fn foreign_spots_end_the_walk_or_go_on_and_never_panic() {
        let cache = Cache::builder().unlimited_entries().build().expect("valid");
        cache.insert("a", "v", Terms::forever()).expect("unlimited");
        for bytes in [[255; Spot::LEN], [1, 0, 0, 0, 0, 255, 255, 255, 255, 255]] {
            let spot = Spot::from_bytes(&bytes).expect("ten bytes");
            assert_eq!(spot.to_bytes(), bytes);
            let _ = cache.page(Namespace::DEFAULT, spot, 10);
        }
        assert_eq!(Spot::from_bytes(b"short"), None);
    }
}
