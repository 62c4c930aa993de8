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
        for chunk in 0..state.chunks(class) {
            for id in state.chunk(class, chunk) {
                let cell = state.cell(id).expect("it is there");
                assert_eq!(cell.id(), id, "it knows where it is");
                // A block in two slots would know one of them only.
                addresses.insert(cell.address());
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
                let is_filed = filings.get(&group).is_some_and(|f| f.contains(&filed));
                assert!(is_filed, "from where its group says");
            }
        }
    }
    let mut indexed = 0;
    state.index().check(|address| {
        assert!(
            addresses.contains(&address),
            "the index names an entry that exists"
        );
        indexed += 1;
    });
    assert_eq!(indexed, addresses.len(), "and each of them once");
    assert_eq!(held, state.held(), "what is held is counted");
}

/// For planted damage: `recount` must panic, with these words.
#[cfg(test)]
pub(crate) fn refused(words: &str, recount: impl FnOnce()) {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let Err(panic) = catch_unwind(AssertUnwindSafe(recount)) else {
        panic!("nobody noticed: {words}");
    };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let found = text.is_some_and(|text| text.contains(words));
    assert!(found, "{words}: something else was noticed, {text:?}");
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::cache::block::Block;
    use crate::cache::find::Residents;
    use crate::cache::key::Key;
    use crate::cache::shard::Id;
    use crate::cache::stamp::Stamp;
    use crate::cache::terms::{Class, Terms};
    use crate::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    const DEADLINE: u64 = 1000;
    const CLASS: Class = Class::Anonymous;

    /// A shard with one entry that ends, and what tests break in it.
    struct Subject<'a> {
        state: State,
        context: Context<'a>,
        hash: u64,
        id: Id,
        /// A block in no slot; it lives as long as the index that may name it.
        stray: Block,
    }

    impl<'a> Subject<'a> {
        fn new(context: Context<'a>) -> Self {
            let key = Key::from("key");
            let hash = hash_of(context.hasher, &key);
            let mut state = State::new([None; 2], 0);
            let block = Block::copy(&key, b"value");
            state.place(CLASS, hash, (DEADLINE, None), block, context);
            Self {
                state,
                context,
                hash,
                id: Id::new(CLASS, 0),
                stray: Block::copy(&Key::from("stray"), b"value"),
            }
        }

        fn address(&self) -> u64 {
            self.state.cell(self.id).expect("it is there").address()
        }

        /// Names an address in the index where no key leads.
        fn index(&mut self, address: u64) {
            let mut residents = Residents::new(&self.state.arenas, self.context);
            // Another bit of the tag.
            let hash = self.hash ^ 1 << 47;
            self.state.index.insert(hash, address, &mut residents);
        }

        fn set_group(&mut self, due: u64, filed: Option<u16>) {
            let slab = &mut self.state.arenas.of_mut(CLASS).slab;
            let (_, before) = slab.group(0).expect("its chunk exists");
            slab.set_group(0, due, filed.unwrap_or(before));
        }
    }

    #[test]
    fn the_recount_finds_what_is_broken() {
        type Damage = fn(&mut Subject<'_>);
        let damages: [(&str, Damage); 9] = [
            // Of the slab's own recount; those of wheel and index are what the sound ones need.
            ("in a slot, so stamped", |subject| {
                let cell = subject.state.cell(subject.id).expect("it is there");
                cell.set_stamp(Stamp::FREE);
            }),
            ("it knows where it is", |subject| {
                let cell = subject.state.cell(subject.id).expect("it is there");
                cell.set_id(Id::new(CLASS, 7));
            }),
            ("found under its key", |subject| {
                let address = subject.address();
                let mut residents = Residents::new(&subject.state.arenas, subject.context);
                let index = &mut subject.state.index;
                assert!(index.remove(subject.hash, address, &mut residents));
            }),
            ("an entry that ends is on the wheel", |subject| {
                subject.set_group(DEADLINE, Some(UNFILED));
            }),
            ("and comes up in time", |subject| {
                subject.set_group(DEADLINE + 1, None);
            }),
            ("from where its group says", |subject| {
                subject.state.arenas.of_mut(CLASS).wheel.empty();
            }),
            ("the index names an entry that exists", |subject| {
                subject.index(subject.stray.cell().address());
            }),
            ("and each of them once", |subject| {
                subject.index(subject.address());
            }),
            ("what is held is counted", |subject| {
                subject.state.held.add(Amount::of(CLASS, 1));
            }),
        ];
        let hasher = &crate::sync::hash_state();
        for (words, damage) in damages {
            let mut subject = Subject::new(Context { hasher, now: 0 });
            state(&subject.state, subject.context);
            damage(&mut subject);
            refused(words, || state(&subject.state, subject.context));
        }
    }

    #[test]
    fn the_recount_of_a_cache_asks_shards_limits_and_clocks() {
        type Damage = fn(&Cache);
        let damages: [(&str, Damage); 3] = [
            ("what is held is counted", |cache| {
                let mut state = cache.shards[0].state.lock();
                state.held.add(Amount::of(CLASS, 1));
            }),
            ("a shard is looked at in time", |cache| {
                cache.shards[0].next_due.store(u64::MAX, Relaxed);
            }),
            ("a meter tells what is held", |cache| {
                let one = Amount::of(CLASS, 1);
                (cache.quota.fill(&mut Amount::default(), one)).expect("there is room");
            }),
        ];
        for (words, damage) in damages {
            let cache = Cache::builder().shards(1).max_entries(100).build();
            let cache = cache.expect("a valid configuration");
            let hour = Terms::ttl(Duration::from_secs(3600));
            cache.insert("key", "value", hour).expect("there is room");
            cache.check_invariants();
            damage(&cache);
            refused(words, || cache.check_invariants());
        }
    }
}
