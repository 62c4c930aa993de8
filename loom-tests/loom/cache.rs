//! Reads, writes and sweeps of one shard.

use bytes::Bytes;
use sessile::{Cache, Replaced, TimeToLive, Version};

use crate::planted::found;
use crate::{MINUTE, MS, ModelClock, both, cache, explore, unlimited};

/// Two reads beside an overwrite.
fn overwritten(overwrite: fn(&Cache)) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = unlimited();
        cache.insert("id", "old", MINUTE).expect("no limits");
        let (seen, ()) = both(
            &cache,
            |cache| [cache.get("id"), cache.get("id")].map(|value| value.expect("never absent")),
            overwrite,
        );
        let seen = seen.each_ref().map(|value| &value[..]);
        assert!(matches!(
            seen,
            [b"old", b"old"] | [b"old", b"new"] | [b"new", b"new"]
        ));
        cache.check_invariants();
    }
}

#[test]
fn a_read_sees_the_old_value_or_the_new_one_and_never_goes_back() {
    let model = overwritten(|cache| {
        cache.insert("id", "new", MINUTE).expect("no limits");
    });
    explore("get, overwrite", 3, model);
}

#[test]
fn an_overwrite_that_removes_first_is_found_out() {
    let model = overwritten(|cache| {
        cache.remove("id");
        cache.insert("id", "new", MINUTE).expect("no limits");
    });
    found("remove, then insert", "never absent", model);
}

/// Two reads while the value ends and another takes its place.
fn ended(read: fn(&Cache) -> Option<Bytes>) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = unlimited();
        cache.insert("id", "old", 10 * MS).expect("no limits");
        let (seen, ()) = both(
            &cache,
            move |cache| [read(cache), read(cache)],
            move |cache| {
                clock.advance(10 * MS);
                assert_eq!(cache.get("id"), None, "the old value came back");
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
        let last = cache.get("id");
        assert_eq!(
            last.as_deref(),
            Some(&b"new"[..]),
            "the old value came back"
        );
        cache.check_invariants();
    }
}

#[test]
fn an_ended_entry_is_not_seen_again_whoever_overwrites_it() {
    let model = ended(|cache| cache.get("id"));
    explore("get, overwrite, expire", 3, model);
}

#[test]
fn a_read_that_writes_back_what_it_saw_is_found_out() {
    let model = ended(|cache| {
        let value = cache.get("id")?;
        cache
            .insert("id", value.clone(), 10 * MS)
            .expect("no limits");
        Some(value)
    });
    found("read, then write back", "the old value came back", model);
}

/// An entry is extended in its last millisecond, while somebody sweeps.
fn extended(
    touch: fn(&Cache) -> bool,
    pass_and_sweep: fn(&Cache, &ModelClock),
) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = unlimited();
        cache.insert("id", "v", 10 * MS).expect("no limits");
        clock.advance(9 * MS);
        let (touched, ()) = both(&cache, touch, move |cache| pass_and_sweep(cache, &clock));
        assert_eq!(cache.contains("id"), touched, "touched and gone");
        cache.maintain(10);
        assert_eq!(cache.len(), usize::from(touched));
        cache.check_invariants();
    }
}

fn touch(cache: &Cache) -> bool {
    cache.touch("id", 100 * MS)
}

fn pass_and_sweep(cache: &Cache, clock: &ModelClock) {
    clock.advance(MS);
    cache.maintain(10);
}

#[test]
fn an_extended_entry_never_dies_by_a_sweep() {
    explore("touch, sweep", 3, extended(touch, pass_and_sweep));
}

#[test]
fn a_sweep_that_judges_before_it_removes_is_found_out() {
    let stale = |cache: &Cache, clock: &ModelClock| {
        let due = cache.time_to_live("id") == Some(TimeToLive::Left(MS));
        clock.advance(MS);
        if due {
            cache.remove("id");
        }
    };
    found("stale sweep", "touched and gone", extended(touch, stale));
}

#[test]
fn a_touch_that_answers_before_it_touches_is_found_out() {
    let hasty = |cache: &Cache| {
        let there = cache.contains("id");
        cache.touch("id", 100 * MS);
        there
    };
    let model = extended(hasty, pass_and_sweep);
    found("hasty touch", "touched and gone", model);
}

type Swap = fn(&Cache, Version, &'static str) -> Replaced;

/// Two compare-and-swaps that expect the same version.
fn swapped(swap: Swap) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = unlimited();
        let seen = cache.insert("id", "v", MINUTE).expect("no limits");
        let answers = both(
            &cache,
            move |cache| swap(cache, seen, "a"),
            move |cache| swap(cache, seen, "b"),
        );
        let (winner, value) = match answers {
            (Replaced::Done(winner), Replaced::Conflict(seen)) => {
                assert_eq!(winner, seen);
                (winner, "a")
            }
            (Replaced::Conflict(seen), Replaced::Done(winner)) => {
                assert_eq!(winner, seen);
                (winner, "b")
            }
            answers => panic!("not one winner: {answers:?}"),
        };
        assert_eq!(cache.get_versioned("id"), Some((value.into(), winner)));
        cache.check_invariants();
    }
}

#[test]
fn of_two_compare_and_swaps_one_wins() {
    let model = swapped(|cache, seen, value| {
        let done = cache.replace("id", value, MINUTE, Some(seen));
        done.expect("no limits")
    });
    explore("two compare-and-swaps", 3, model);
}

#[test]
fn a_compare_and_swap_made_of_a_read_and_a_write_is_found_out() {
    let model = swapped(|cache, seen, value| {
        let (_, current) = cache.get_versioned("id").expect("nobody removes it");
        if current != seen {
            return Replaced::Conflict(current);
        }
        Replaced::Done(cache.insert("id", value, MINUTE).expect("no limits"))
    });
    found("compare, then write", "not one winner", model);
}

/// Somebody comes by a shard where an entry has ended, while it is written anew.
fn helped(help: fn(&Cache)) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = unlimited();
        cache.insert("id", "old", MS).expect("no limits");
        clock.advance(MS);
        both(&cache, help, |cache| {
            cache.insert("id", "new", MINUTE).expect("no limits")
        });
        let last = cache.get("id");
        assert_eq!(last.as_deref(), Some(&b"new"[..]), "the new one was taken");
        let stats = cache.stats();
        assert_eq!((stats.expired, stats.entries), (1, 1));
        cache.check_invariants();
    }
}

#[test]
fn a_helper_does_not_reclaim_what_a_writer_just_wrote() {
    let model = helped(|cache| assert!(!cache.contains("other")));
    explore("help, insert", 3, model);
}

#[test]
fn a_helper_that_judges_before_it_reclaims_is_found_out() {
    let model = helped(|cache| {
        if !cache.contains("id") {
            cache.remove("id");
        }
    });
    found("stale helper", "the new one was taken", model);
}

/// One thread takes an entry, another removes it.
fn taken(take: fn(&Cache) -> Option<Bytes>) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = cache(Cache::builder().max_entries(5).shards(1));
        cache.insert("id", "v", MINUTE).expect("room");
        let (taken, removed) = both(&cache, take, |cache| cache.remove("id"));
        assert_ne!(taken.is_some(), removed, "not one of the two had it");
        assert!(cache.is_empty());
        cache.check_invariants();
    }
}

#[test]
fn a_take_and_a_remove_do_not_both_succeed() {
    explore("take, remove", 3, taken(|cache| cache.take("id")));
}

#[test]
fn a_take_made_of_a_read_and_a_remove_is_found_out() {
    let model = taken(|cache| {
        let value = cache.get("id");
        cache.remove("id");
        value
    });
    found("read, then remove", "not one of the two had it", model);
}
