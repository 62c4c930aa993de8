//! Walks over a whole shard while others write: clearing, snapshots, iteration.

use sessile::{Cache, Namespace, Terms};

use crate::planted::found;
use crate::{MINUTE, both, explore, unlimited};

/// A namespace is cleared while an entry comes into it.
fn cleared(clear: fn(&Cache, Namespace) -> usize) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = unlimited();
        let space = cache.namespace("a:").expect("a short prefix");
        cache
            .insert(space.key(b"1"), "v", MINUTE)
            .expect("no limits");
        cache.insert("1", "other", MINUTE).expect("no limits");
        let (cleared, _) = both(
            &cache,
            move |cache| clear(cache, space),
            move |cache| {
                cache
                    .insert(space.key(b"2"), "v", MINUTE)
                    .expect("no limits")
            },
        );
        assert!(!cache.contains(space.key(b"1")) && cache.contains("1"));
        assert_eq!(cleared + cache.len(), 3, "one went uncounted");
        assert_eq!(cache.contains(space.key(b"2")), cleared == 1);
        cache.check_invariants();
    }
}

#[test]
fn a_cleared_namespace_holds_only_what_came_later() {
    let model = cleared(Cache::clear_namespace);
    explore("clear namespace, insert", 3, model);
}

#[test]
fn a_clearing_that_counts_before_it_clears_is_found_out() {
    let model = cleared(|cache, space| {
        let there = cache.iter().filter(|entry| entry.namespace == space);
        let there = there.count();
        cache.clear_namespace(space);
        there
    });
    found("count, then clear", "one went uncounted", model);
}

/// Everything is cleared while an entry loses its protection.
fn cleared_of_all(clear: fn(&Cache)) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = unlimited();
        let protected = Terms::ttl(MINUTE).protected();
        cache.insert("a", "1", protected).expect("no limits");
        both(&cache, clear, |cache| {
            let replaced = cache.replace("a", "2", MINUTE, None);
            let _ = replaced.expect("no limits");
        });
        // Replaced before or not at all: either way it is gone.
        assert!(!cache.contains("a"), "one slipped through");
        cache.check_invariants();
    }
}

#[test]
fn an_entry_that_changes_class_does_not_slip_through_a_clearing() {
    let model = cleared_of_all(|cache| {
        cache.clear();
    });
    explore("clear, change of class", 3, model);
}

#[test]
fn a_clearing_of_what_a_listing_showed_is_found_out() {
    let model = cleared_of_all(|cache| {
        for entry in cache.iter() {
            cache.remove(&entry.key);
        }
    });
    found("list, then remove", "slipped through", model);
}

/// A snapshot is taken while one of two entries is overwritten.
fn written_down(overwrite: fn(&Cache)) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = unlimited();
        cache.insert("id", "old", MINUTE).expect("no limits");
        cache
            .insert("stays", "v", Terms::forever())
            .expect("no limits");
        let (bytes, ()) = both(
            &cache,
            |cache| {
                let mut bytes = Vec::new();
                let done = cache
                    .snapshot(&mut bytes)
                    .expect("a vector takes everything");
                assert_eq!(done.entries, 2, "not in the snapshot");
                bytes
            },
            overwrite,
        );
        let (other, _) = unlimited();
        let restored = other.restore(&bytes[..]).expect("a whole snapshot");
        assert_eq!(restored.entries, 2);
        let value = other.get("id").expect("it was there throughout");
        assert!(&value[..] == b"old" || &value[..] == b"new");
        assert_eq!(other.get("stays").as_deref(), Some(&b"v"[..]));
    }
}

#[test]
fn a_snapshot_holds_one_of_the_values_there_were() {
    let model = written_down(|cache| {
        cache.insert("id", "new", MINUTE).expect("no limits");
    });
    explore("snapshot, overwrite", 3, model);
}

#[test]
fn an_entry_that_a_snapshot_misses_is_found_out() {
    let model = written_down(|cache| {
        cache.remove("id");
        cache.insert("id", "new", MINUTE).expect("no limits");
    });
    found(
        "remove, then insert, beside a snapshot",
        "not in the snapshot",
        model,
    );
}

/// Counts how often a walk meets the entry that stays, while others go and come.
fn walked(count: fn(&Cache) -> usize) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = unlimited();
        cache.insert("stays", "v", MINUTE).expect("no limits");
        cache.insert("goes", "v", MINUTE).expect("no limits");
        let (seen, ()) = both(&cache, count, |cache| {
            assert!(cache.remove("goes"));
            cache.insert("comes", "v", MINUTE).expect("no limits");
        });
        assert_eq!(seen, 1, "visits of the entry that stays");
        cache.check_invariants();
    }
}

#[test]
fn an_entry_that_stays_is_visited_once() {
    let model = walked(|cache| cache.iter().filter(|entry| entry.key == "stays").count());
    explore("iter, insert, remove", 3, model);
}

#[test]
fn a_walk_that_counts_places_is_found_out() {
    let model = walked(|cache| {
        let at = |place| cache.iter().nth(place);
        let entries = (0..2).filter_map(at);
        entries.filter(|entry| entry.key == "stays").count()
    });
    found("walk by place", "visits of the entry that stays", model);
}
