//! Reads, writes, sweeps and walks of one shard.

use sessile::{Replaced, Terms};

use crate::{MS, both, cache, explore, unlimited};

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn a_read_sees_the_old_value_or_the_new_one_and_never_goes_back() {
    explore("get, overwrite", 3, || {
        let (cache, _) = unlimited();
        cache.insert("id", "old", MINUTE).expect("no limits");
        let (seen, _) = both(
            &cache,
            |cache| [cache.get("id"), cache.get("id")].map(|value| value.expect("never absent")),
            |cache| cache.insert("id", "new", MINUTE).expect("no limits"),
        );
        let seen = seen.each_ref().map(|value| &value[..]);
        assert!(matches!(
            seen,
            [b"old", b"old"] | [b"old", b"new"] | [b"new", b"new"]
        ));
        cache.check_invariants();
    });
}

#[test]
fn an_ended_entry_is_not_seen_again_whoever_overwrites_it() {
    explore("get, overwrite, expire", 3, || {
        let (cache, clock) = unlimited();
        cache.insert("id", "old", 10 * MS).expect("no limits");
        let (seen, ()) = both(
            &cache,
            |cache| [cache.get("id"), cache.get("id")],
            move |cache| {
                clock.advance(10 * MS);
                assert_eq!(cache.get("id"), None);
                cache.insert("id", "new", 10 * MS).expect("no limits");
            },
        );
        let seen = seen.each_ref().map(|value| value.as_deref());
        // Once it has ended or was replaced, the old value does not come back.
        assert!(
            !matches!(seen, [None | Some(b"new"), Some(b"old")]),
            "{seen:?}"
        );
        assert!(!matches!(seen, [Some(b"new"), None]), "{seen:?}");
        assert_eq!(cache.get("id").as_deref(), Some(&b"new"[..]));
        cache.check_invariants();
    });
}

#[test]
fn an_extended_entry_never_dies_by_a_sweep() {
    explore("touch, sweep", 3, || {
        let (cache, clock) = unlimited();
        cache.insert("id", "v", 10 * MS).expect("no limits");
        clock.advance(9 * MS);
        let (touched, _) = both(
            &cache,
            |cache| cache.touch("id", 100 * MS),
            move |cache| {
                clock.advance(MS);
                cache.maintain(10)
            },
        );
        assert_eq!(cache.contains("id"), touched);
        cache.maintain(10);
        assert_eq!(cache.len(), usize::from(touched));
        cache.check_invariants();
    });
}

#[test]
fn of_two_compare_and_swaps_one_wins() {
    explore("two compare-and-swaps", 3, || {
        let (cache, _) = unlimited();
        let seen = cache.insert("id", "v", MINUTE).expect("no limits");
        let swap = move |value: &'static str| {
            move |cache: &sessile::Cache| {
                let done = cache.replace("id", value, MINUTE, Some(seen));
                done.expect("no limits")
            }
        };
        let answers = both(&cache, swap("a"), swap("b"));
        let (winner, value) = match answers {
            (Replaced::Done(winner), Replaced::Conflict(seen)) => {
                assert_eq!(winner, seen);
                (winner, "a")
            }
            (Replaced::Conflict(seen), Replaced::Done(winner)) => {
                assert_eq!(winner, seen);
                (winner, "b")
            }
            answers => panic!("{answers:?}"),
        };
        assert_eq!(cache.get_versioned("id"), Some((value.into(), winner)));
        cache.check_invariants();
    });
}

#[test]
fn a_helper_does_not_reclaim_what_a_writer_just_wrote() {
    explore("help, insert", 3, || {
        let (cache, clock) = unlimited();
        cache.insert("id", "old", MS).expect("no limits");
        clock.advance(MS);
        let (_, _) = both(
            &cache,
            |cache| cache.contains("other"),
            |cache| cache.insert("id", "new", MINUTE).expect("no limits"),
        );
        assert_eq!(cache.get("id").as_deref(), Some(&b"new"[..]));
        let stats = cache.stats();
        assert_eq!((stats.expired, stats.entries), (1, 1));
        cache.check_invariants();
    });
}

#[test]
fn a_cleared_namespace_holds_only_what_came_later() {
    explore("clear namespace, insert", 3, || {
        let (cache, _) = unlimited();
        let space = cache.namespace("a:").expect("a short prefix");
        cache
            .insert(space.key(b"1"), "v", MINUTE)
            .expect("no limits");
        cache.insert("1", "other", MINUTE).expect("no limits");
        let (cleared, _) = both(
            &cache,
            move |cache| cache.clear_namespace(space),
            move |cache| {
                cache
                    .insert(space.key(b"2"), "v", MINUTE)
                    .expect("no limits")
            },
        );
        assert!(!cache.contains(space.key(b"1")) && cache.contains("1"));
        assert_eq!(cleared + cache.len(), 3);
        assert_eq!(cache.contains(space.key(b"2")), cleared == 1);
        cache.check_invariants();
    });
}

#[test]
fn a_snapshot_holds_one_of_the_values_there_were() {
    explore("snapshot, overwrite", 3, || {
        let (cache, _) = unlimited();
        cache.insert("id", "old", MINUTE).expect("no limits");
        cache
            .insert("stays", "v", Terms::forever())
            .expect("no limits");
        let (bytes, _) = both(
            &cache,
            |cache| {
                let mut bytes = Vec::new();
                let done = cache
                    .snapshot(&mut bytes)
                    .expect("a vector takes everything");
                assert_eq!(done.entries, 2);
                bytes
            },
            |cache| cache.insert("id", "new", MINUTE).expect("no limits"),
        );
        let (other, _) = unlimited();
        assert_eq!(
            other.restore(&bytes[..]).expect("a whole snapshot").entries,
            2
        );
        let value = other.get("id").expect("it was there throughout");
        assert!(&value[..] == b"old" || &value[..] == b"new");
        assert_eq!(other.get("stays").as_deref(), Some(&b"v"[..]));
    });
}

#[test]
fn an_entry_that_stays_is_visited_once() {
    explore("iter, insert, remove", 3, || {
        let (cache, _) = unlimited();
        cache.insert("goes", "v", MINUTE).expect("no limits");
        cache.insert("stays", "v", MINUTE).expect("no limits");
        let (seen, ()) = both(
            &cache,
            |cache| cache.iter().filter(|entry| entry.key == "stays").count(),
            |cache| {
                assert!(cache.remove("goes"));
                cache.insert("comes", "v", MINUTE).expect("no limits");
            },
        );
        assert_eq!(seen, 1);
        cache.check_invariants();
    });
}

#[test]
fn a_take_and_a_remove_do_not_both_succeed() {
    explore("take, remove", 3, || {
        let (cache, _) = cache(sessile::Cache::builder().max_entries(5).shards(1));
        cache.insert("id", "v", MINUTE).expect("room");
        let (taken, removed) = both(&cache, |cache| cache.take("id"), |cache| cache.remove("id"));
        assert_ne!(taken.is_some(), removed);
        assert!(cache.is_empty());
        cache.check_invariants();
    });
}
