//! Limits: a third party never sees one too many, and no room is lost.

use std::time::Duration;

use sessile::internals::{held, shard_of};
use sessile::{Cache, Terms, WhenFull};

use crate::{both, cache, explore};

const MINUTE: Duration = Duration::from_secs(60);

/// The first four of a row of keys that fall on `shard`.
fn keys(cache: &Cache, shard: usize) -> Vec<String> {
    let names = (0..).map(|number| format!("key {number}"));
    names
        .filter(|name| shard_of(cache, name) == shard)
        .take(4)
        .collect()
}

#[test]
fn get_remove_and_insert_at_a_threshold_of_one() {
    explore("threshold of one: get, remove, insert", 3, || {
        let (cache, _) = cache(Cache::builder().max_entries(1).shards(1));
        cache.insert("a", "1", MINUTE).expect("room");
        let (seen, ()) = both(
            &cache,
            |cache| {
                let seen = cache.get("a");
                (seen, cache.remove("a"))
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
        assert_eq!(stats.removed == 1, seen.1);
        cache.check_invariants();
    });
}

#[test]
fn two_newcomers_of_two_shards_share_a_threshold_of_one() {
    explore("threshold of one: two shards", 3, || {
        let (cache, _) = cache(Cache::builder().max_entries(1).shards(2));
        let (a, b) = (keys(&cache, 0).remove(0), keys(&cache, 1).remove(0));
        both(
            &cache,
            move |cache| cache.insert(&a, "1", MINUTE).expect("the other gives way"),
            move |cache| cache.insert(&b, "2", MINUTE).expect("the other gives way"),
        );
        assert_eq!(cache.len(), 1);
        cache.check_invariants();
    });
}

#[test]
fn a_third_thread_never_sees_one_too_many() {
    explore("quota, seen by a third", 3, || {
        let (cache, _) = cache(Cache::builder().max_entries(2).shards(2));
        let (left, right) = (keys(&cache, 0), keys(&cache, 1));
        cache.insert(&left[0], "v", MINUTE).expect("room");
        cache.insert(&right[0], "v", MINUTE).expect("room");
        let for_third = loom::sync::Arc::clone(&cache);
        let third = loom::thread::spawn(move || {
            crate::roomy(|| assert!(held(&for_third).entries <= 2));
        });
        let (newcomer, gone) = (left[1].clone(), right[0].clone());
        both(
            &cache,
            move |cache| {
                cache
                    .insert(&newcomer, "v", MINUTE)
                    .expect("somebody gives way")
            },
            move |cache| cache.remove(&gone),
        );
        third.join().expect("never one too many");
        assert!(cache.contains(&left[1]));
        cache.check_invariants();
    });
}

#[test]
fn bytes_given_back_by_one_are_there_for_the_other() {
    explore("bytes", 3, || {
        let builder = Cache::builder()
            .unlimited_entries()
            .max_bytes(1024)
            .protected_bytes(100);
        let (cache, _) = cache(builder.shards(2));
        let (left, right) = (keys(&cache, 0), keys(&cache, 1));
        cache.insert(&left[0], vec![0; 800], MINUTE).expect("room");
        let (grows, shrinks) = (right[0].clone(), left[0].clone());
        both(
            &cache,
            move |cache| {
                cache
                    .insert(&grows, vec![1; 700], MINUTE)
                    .expect("the large one gives way");
                assert!(held(cache).bytes <= 1024);
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
    });
}

#[test]
fn an_anonymous_newcomer_takes_nothing_from_a_login() {
    explore("protected budget", 3, || {
        let builder = Cache::builder().max_entries(2).protected_entries(1);
        let (cache, _) = cache(
            builder
                .when_protected_full(WhenFull::EvictColdest)
                .shards(1),
        );
        cache.insert("visitor", "v", MINUTE).expect("room");
        let login = Terms::ttl(MINUTE).protected();
        both(
            &cache,
            move |cache| {
                cache
                    .insert("login", "v", login)
                    .expect("its budget is free")
            },
            |cache| {
                cache
                    .insert("flood", "v", MINUTE)
                    .expect("a visitor gives way")
            },
        );
        assert!(cache.contains("login"));
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.evicted_protected), (2, 0));
        cache.check_invariants();
    });
}
