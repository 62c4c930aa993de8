//! Limits: a third party never sees one too many, and no room is lost.

use sessile::internals::held;
use sessile::{Builder, Cache, Replaced, Terms, WhenFull};

use crate::planted::found;
use crate::{MINUTE, both, cache, explore, keys};

/// Of one place, one thread removes the holder while another comes.
fn one_place(remove: fn(&Cache, &str) -> bool) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = cache(Cache::builder().max_entries(1).shards(1));
        cache.insert("a", "1", MINUTE).expect("room");
        let (seen, ()) = both(
            &cache,
            move |cache| {
                let seen = cache.get("a");
                (seen, remove(cache, "a"))
            },
            |cache| {
                cache
                    .insert("b", "2", MINUTE)
                    .expect("evicts or finds room");
                assert!(cache.contains("b"));
                assert!(cache.len() <= 1);
            },
        );
        assert!(seen.0.is_none_or(|value| value == "1"));
        assert!(cache.contains("b") && !cache.contains("a"));
        let stats = cache.stats();
        assert_eq!(stats.removed + stats.evicted, 1);
        assert_eq!(stats.removed == 1, seen.1, "removed by whom?");
        cache.check_invariants();
    }
}

#[test]
fn get_remove_and_insert_at_a_threshold_of_one() {
    let model = one_place(|cache, key| cache.remove(key));
    explore("threshold of one: get, remove, insert", 3, model);
}

#[test]
fn a_remove_that_claims_an_eviction_is_found_out() {
    let model = one_place(|cache, key| {
        let there = cache.contains(key);
        cache.remove(key);
        there
    });
    found("look, then remove", "removed by whom?", model);
}

type End = fn(&Cache, &str);

/// A session is ended and begun anew at once; there is a place for it and for its neighbour.
fn ended_and_begun(end: End) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = cache(Cache::builder().max_entries(2).shards(2));
        let (a, b) = (keys(&cache, 0).remove(0), keys(&cache, 1).remove(0));
        cache.insert(&a, "1", crate::MS).expect("room");
        cache.insert(&b, "1", MINUTE).expect("room");
        let (ending, beginning) = (a.clone(), a);
        both(
            &cache,
            move |cache| {
                clock.advance(crate::MS);
                end(cache, &ending);
            },
            move |cache| {
                let begun = cache.insert(&beginning, "2", MINUTE);
                begun.expect("there is a place for it");
            },
        );
        assert!(cache.contains(&b), "the neighbour gave way to nobody");
        assert_eq!(cache.stats().evicted, 0);
        cache.check_invariants();
    }
}

#[test]
fn whoever_leaves_costs_no_neighbour_its_place() {
    let ends: [(&str, End); 4] = [
        ("remove", |cache, key| {
            cache.remove(key);
        }),
        ("sweep", |cache, _| {
            cache.maintain(10);
        }),
        ("clear", |cache, key| {
            cache.retain(|other, _| other.bytes() != key.as_bytes());
        }),
        ("overwrite", |cache, key| {
            cache.insert(key, "3", MINUTE).expect("there is a place");
        }),
    ];
    for (name, end) in ends {
        let model = ended_and_begun(end);
        explore(&format!("two places: {name}, insert"), 3, model);
    }
}

#[test]
fn an_end_that_keeps_a_place_for_itself_is_found_out() {
    let model = ended_and_begun(|cache, key| {
        cache.remove(key);
        cache.insert("kept for itself", "", MINUTE).expect("evicts");
        cache.remove("kept for itself");
    });
    found("place kept while leaving", "gave way to nobody", model);
}

type Insert = fn(&Cache, &str);

/// Two newcomers of two shards and one place for them.
fn two_for_one(limit: fn(Builder) -> Builder, insert: Insert) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = cache(limit(Cache::builder()).shards(2));
        let (a, b) = (keys(&cache, 0).remove(0), keys(&cache, 1).remove(0));
        both(
            &cache,
            move |cache| insert(cache, &a),
            move |cache| insert(cache, &b),
        );
        assert_eq!(cache.len(), 1, "one place");
        cache.check_invariants();
    }
}

#[test]
fn two_newcomers_of_two_shards_share_a_threshold_of_one() {
    let model = two_for_one(
        |builder| builder.max_entries(1),
        |cache, key| {
            cache.insert(key, "v", MINUTE).expect("the other gives way");
        },
    );
    explore("threshold of one: two shards", 3, model);
}

#[test]
fn a_threshold_kept_by_looking_first_is_found_out() {
    let model = two_for_one(Builder::unlimited_entries, |cache, key| {
        if !cache.is_empty() {
            cache.clear();
        }
        cache.insert(key, "v", MINUTE).expect("no limits");
    });
    found("look, then insert", "one place", model);
}

type Evict = fn(&Cache, &str, &str);

/// A newcomer to a full cache, a removal, and a third thread that counts.
fn counted(limit: fn(Builder) -> Builder, insert: Evict) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = cache(limit(Cache::builder()).shards(2));
        let (left, right) = (keys(&cache, 0), keys(&cache, 1));
        cache.insert(&left[0], "v", MINUTE).expect("room");
        cache.insert(&right[0], "v", MINUTE).expect("room");
        let for_third = loom::sync::Arc::clone(&cache);
        let third = loom::thread::spawn(move || {
            crate::roomy(|| assert!(held(&for_third).entries <= 2, "one too many"));
        });
        let (newcomer, eldest) = (left[1].clone(), left[0].clone());
        let gone = right[0].clone();
        both(
            &cache,
            move |cache| insert(cache, &newcomer, &eldest),
            move |cache| cache.remove(&gone),
        );
        third.join().expect("never one too many");
        assert!(cache.contains(&left[1]));
        cache.check_invariants();
    }
}

#[test]
fn a_third_thread_never_sees_one_too_many() {
    let model = counted(
        |builder| builder.max_entries(2),
        |cache, newcomer, _| {
            cache
                .insert(newcomer, "v", MINUTE)
                .expect("somebody gives way");
        },
    );
    explore("quota, seen by a third", 3, model);
}

#[test]
fn a_threshold_put_right_afterwards_is_found_out() {
    let model = counted(Builder::unlimited_entries, |cache, newcomer, eldest| {
        cache.insert(newcomer, "v", MINUTE).expect("no limits");
        cache.remove(eldest);
    });
    found("insert, then evict", "one too many", model);
}

/// One entry shrinks while another needs its room; neither must exceed 1,024 bytes.
fn bytes(limit: fn(Builder) -> Builder) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = cache(limit(Cache::builder().unlimited_entries()).shards(2));
        let (left, right) = (keys(&cache, 0), keys(&cache, 1));
        cache.insert(&left[0], vec![0; 800], MINUTE).expect("room");
        let (grows, shrinks) = (right[0].clone(), left[0].clone());
        both(
            &cache,
            move |cache| {
                cache
                    .insert(&grows, vec![1; 700], MINUTE)
                    .expect("the large one gives way");
                assert!(held(cache).bytes <= 1024, "too many bytes");
            },
            move |cache| {
                cache
                    .insert(&shrinks, vec![2; 10], MINUTE)
                    .expect("smaller than before")
            },
        );
        assert!(held(&cache).bytes <= 1024);
        assert!(cache.contains(&right[0]) || cache.contains(&left[0]));
        cache.check_invariants();
    }
}

#[test]
fn bytes_given_back_by_one_are_there_for_the_other() {
    let model = bytes(|builder| builder.max_bytes(1024).protected_bytes(100));
    explore("bytes", 3, model);
}

#[test]
fn a_byte_limit_that_is_not_kept_is_found_out() {
    let model = bytes(|builder| builder.max_bytes(2048).protected_bytes(100));
    found("twice the bytes", "too many bytes", model);
}

/// A login beside an anonymous newcomer, in a cache of two.
fn login(write: fn(&Cache, Terms)) -> impl Fn() + Sync + Send {
    move || {
        let builder = Cache::builder().max_entries(2).protected_entries(1);
        let (cache, _) = cache(
            builder
                .when_protected_full(WhenFull::EvictColdest)
                .shards(1),
        );
        cache.insert("visitor", "v", MINUTE).expect("room");
        // In use, so that a newcomer is the colder of the two.
        assert!(cache.get("visitor").is_some());
        let terms = Terms::ttl(MINUTE).protected();
        both(
            &cache,
            move |cache| write(cache, terms),
            |cache| {
                cache
                    .insert("flood", "v", MINUTE)
                    .expect("a visitor gives way")
            },
        );
        assert!(cache.contains("login"), "logged out by a flood");
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.evicted_protected), (2, 0));
        cache.check_invariants();
    }
}

#[test]
fn an_anonymous_newcomer_takes_nothing_from_a_login() {
    let model = login(|cache, terms| {
        cache
            .insert("login", "v", terms)
            .expect("its budget is free");
    });
    explore("protected budget", 3, model);
}

#[test]
fn a_login_protected_in_a_second_step_is_found_out() {
    let model = login(|cache, terms| {
        cache.insert("login", "v", MINUTE).expect("room");
        // What went in between is not brought back.
        let promoted = cache.replace("login", "v", terms, None);
        assert!(!matches!(promoted, Ok(Replaced::Conflict(_)) | Err(_)));
    });
    found("insert, then protect", "logged out by a flood", model);
}
