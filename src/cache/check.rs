//! Recounts a shard from scratch and compares it with what the shard believes.

use std::collections::{HashMap, HashSet};

use super::cell::Cell;
use super::quota::Amount;
use super::shard::{Context, State, hash_of};
use super::slab::Slab;
use super::wheel::UNFILED;

/// # Panics
/// Panics at the first disagreement.
pub(crate) fn state(state: &State, context: Context<'_>) {
    let mut held = Amount::default();
    let mut addresses = HashSet::new();
    for class in super::shard::CLASSES {
        let arena = state.arena(class);
        arena.slab.check();
        let mut filings: HashMap<u32, HashSet<u16>> = HashMap::new();
        arena.wheel.check(|group, filed| {
            filings.entry(group).or_default().insert(filed);
        });
        let mut live = 0;
        for chunk in 0..state.chunks(class) {
            for id in state.chunk(class, chunk) {
                live += 1;
                let cell = state.cell(id).expect("it is there");
                assert_eq!(cell.id(), id, "it knows where it is");
                assert!(addresses.insert(cell.address()));
                held.add(Amount::of(class, state.charge_of(id)));
                let stamp = state.stamp(id);
                let found = cell.with_key(|key| {
                    let hash = hash_of(context.hasher, &key);
                    state.find(hash, &key).map(Cell::id)
                });
                assert_eq!(found, Some(id), "found under its key");
                if stamp.deadline() == super::stamp::FOREVER {
                    continue;
                }
                let group = Slab::group_of(id.slot());
                let (due, filed) = arena.slab.group(group).expect("its chunk exists");
                assert_ne!(filed, UNFILED, "an entry that ends is on the wheel");
                assert!(due <= stamp.deadline(), "and comes up in time");
                assert!(filings.get(&group).is_some_and(|f| f.contains(&filed)));
            }
        }
        assert_eq!(live, arena.slab.live());
    }
    let mut indexed = 0;
    state.index().check(|address| {
        assert!(
            addresses.contains(&address),
            "the index names an entry that exists"
        );
        indexed += 1;
    });
    assert_eq!(indexed, addresses.len());
    assert_eq!(held, state.held());
}
