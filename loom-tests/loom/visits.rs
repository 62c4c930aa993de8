//! What every 64th operation does for a shard that is not its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sessile::{Cache, Key, TimeToLive};

use crate::planted::found;
use crate::{MINUTE, MS, ModelClock, both, cache, explore, first_keys, keys};

/// A millisecond passes, then an operation on the second key comes by the first one's shard.
type Visit = fn(&Cache, &ModelClock, [&str; 2]);
/// Extends an entry; false if it has ended.
type Extend = fn(&Cache, &str) -> bool;

/// Operations before the one whose turn it is.
const BEFORE: usize = 63;

/// Does all but the last operation on `key`, whose shard has seen none: the next read or overwrite has its turn.
fn approach(cache: &Cache, key: &str) {
    for _ in 0..=BEFORE {
        cache.insert(key, "v", MINUTE).expect("room");
    }
    let _ = cache.get_many(&[Key::from(key); BEFORE]);
}

/// Two entries of one shard have a millisecond left: one is extended, while an operation in the other shard has
/// its turn. Counts in `visits` how often the visitor has reclaimed the one that was not.
fn visited(visit: Visit, extend: Extend, visits: Arc<AtomicUsize>) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = cache(Cache::builder().max_entries(8).shards(2));
        // The first visit is to the first shard.
        let (there, here) = (keys(&cache, 0), keys(&cache, 1));
        for id in &there[..2] {
            cache.insert(id, "v", 10 * MS).expect("room");
        }
        approach(&cache, &here[0]);
        clock.advance(9 * MS);
        let (id, other) = (there[0].clone(), there[0].clone());
        let own = here[0].clone();
        let (extended, ()) = both(
            &cache,
            move |cache| extend(cache, &id),
            move |cache| visit(cache, &clock, [&other, &own]),
        );
        let stats = cache.stats();
        let gone = stats.expired + stats.removed;
        assert_eq!(stats.inserts, stats.entries + gone, "lost count");
        // Whoever extends it in time finds nothing due on his way.
        visits.fetch_add(
            usize::from(extended && stats.expired == 1),
            Ordering::Relaxed,
        );
        assert_eq!(cache.contains(&there[0]), extended, "extended and gone");
        cache.maintain(10);
        assert_eq!(cache.len(), 1 + usize::from(extended));
        cache.check_invariants();
    }
}

/// Explores `visit` beside `extend`, and demands that the visitor was there.
fn explore_visit(name: &str, visit: Visit, extend: Extend) {
    let visits = Arc::new(AtomicUsize::new(0));
    explore(name, 3, visited(visit, extend, Arc::clone(&visits)));
    assert_ne!(visits.load(Ordering::Relaxed), 0, "nobody came by");
}

fn touch(cache: &Cache, id: &str) -> bool {
    cache.touch(id, 100 * MS)
}

fn replace(cache: &Cache, id: &str) -> bool {
    let replaced = cache.replace(id, "new", 100 * MS, None);
    matches!(replaced.expect("room"), sessile::Replaced::Done(_))
}

#[test]
fn an_extended_entry_never_dies_by_a_visit() {
    let read: Visit = |cache, clock, [_, own]| {
        clock.advance(MS);
        assert!(cache.get(own).is_some());
    };
    let write: Visit = |cache, clock, [_, own]| {
        clock.advance(MS);
        cache.insert(own, "w", MINUTE).expect("nothing to pay");
    };
    explore_visit("touch, visit by a read", read, touch);
    explore_visit("touch, visit by a write", write, touch);
    explore_visit("replace, visit by a read", read, replace);
    explore_visit("replace, visit by a write", write, replace);
}

#[test]
fn a_visitor_that_judges_before_it_reclaims_is_found_out() {
    let stale: Visit = |cache, clock, [id, _]| {
        let due = cache.time_to_live(id) == Some(TimeToLive::Left(MS));
        clock.advance(MS);
        if due {
            cache.remove(id);
        }
    };
    let model = visited(stale, touch, Arc::default());
    found("stale visit", "extended and gone", model);
}

/// More than an operation reclaims in its own shard.
const ENDED: usize = 30;

/// Two operations of two shards have their turns at once, and both shards are due. Counts in `visits` how often
/// both visitors have finished what was due.
fn mutual(act: fn(&Cache, &str), visits: Arc<AtomicUsize>) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = cache(Cache::builder().unlimited_entries().shards(2));
        let shards = [0, 1].map(|shard| first_keys(&cache, shard, 1 + ENDED));
        for keys in &shards {
            approach(&cache, &keys[0]);
            for key in &keys[1..=ENDED] {
                cache.insert(key, "v", MS).expect("no limits");
            }
        }
        clock.advance(MS);
        let [a, b] = [0, 1].map(|shard: usize| shards[shard][0].clone());
        both(
            &cache,
            move |cache| act(cache, &a),
            move |cache| act(cache, &b),
        );
        let all = cache.stats().expired == 2 * ENDED as u64;
        visits.fetch_add(usize::from(all), Ordering::Relaxed);
        cache.maintain(10 * ENDED);
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.expired), (2, 2 * ENDED as u64));
        cache.check_invariants();
    }
}

#[test]
fn two_that_visit_each_other_do_not_wait_for_each_other() {
    let visits = Arc::new(AtomicUsize::new(0));
    let read = |cache: &Cache, key: &str| assert!(cache.get(key).is_some());
    explore("mutual visits", 3, mutual(read, Arc::clone(&visits)));
    assert_ne!(visits.load(Ordering::Relaxed), 0, "nobody came by");
}
