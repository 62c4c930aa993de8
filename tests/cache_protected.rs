//! The protected class: its budget, who can evict it, and who cannot.

use std::time::Duration;

use sessile::{Builder, Cache, Class, ErrorKind, ManualClock, Terms, WhenFull};

const MINUTE: Duration = Duration::from_secs(60);
const VISITOR: Terms = Terms::ttl(MINUTE);
const LOGIN: Terms = Terms::ttl(MINUTE).protected();

fn key(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

fn builder(shards: usize) -> Builder {
    Cache::builder()
        .max_entries(100)
        .protected_entries(40)
        .shards(shards)
}

#[test]
fn anonymous_pressure_evicts_no_protected_entry() {
    for shards in [1, 8, 64] {
        let cache = builder(shards).build().unwrap();
        for number in 0..40 {
            cache.insert(&key(number), "login", LOGIN).unwrap();
        }
        for number in 1000..6000 {
            cache.insert(&key(number), "visitor", VISITOR).unwrap();
            assert!(cache.contains(&key(number)));
        }
        assert!((0..40).all(|number| cache.contains(&key(number))));
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.protected_entries), (100, 40));
        assert_eq!((stats.evicted, stats.evicted_protected), (4940, 0));
    }
}

#[test]
fn anonymous_entries_may_use_what_the_protected_class_leaves_until_it_wants_it() {
    for shards in [1, 64] {
        let cache = builder(shards).build().unwrap();
        for number in 0..100 {
            cache.insert(&key(number), "visitor", VISITOR).unwrap();
        }
        assert_eq!((cache.len(), cache.stats().evicted), (100, 0));
        for number in 1000..1040 {
            cache.insert(&key(number), "login", LOGIN).unwrap();
        }
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.protected_entries), (100, 40));
        assert_eq!((stats.evicted, stats.evicted_protected), (40, 0));
    }
}

#[test]
fn a_full_class_refuses_newcomers_and_keeps_everybody() {
    for shards in [1, 64] {
        let cache = builder(shards).build().unwrap();
        for number in 0..60 {
            cache
                .insert(&key(1000 + number), "visitor", VISITOR)
                .unwrap();
        }
        for number in 0..40 {
            cache.insert(&key(number), "login", LOGIN).unwrap();
        }
        let error = cache.insert(&key(40), "login", LOGIN).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(
            error.to_string().contains("WhenFull::EvictColdest"),
            "{error}"
        );
        assert!(!cache.contains(&key(40)));
        assert!(cache.insert_if_absent(&key(41), "login", LOGIN).is_err());
        let promoted = cache.replace(&key(1000), "login", LOGIN, None);
        assert_eq!(promoted.unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(
            cache.get(&key(1000)).unwrap(),
            "visitor",
            "nothing was changed"
        );
        cache.insert(&key(3), "again", LOGIN).unwrap();
        let stats = cache.stats();
        assert_eq!((stats.refused, stats.evicted, stats.entries), (3, 0, 100));
        assert!(cache.remove(&key(0)));
        cache.insert(&key(40), "login", LOGIN).unwrap();
    }
}

#[test]
fn a_full_class_evicts_its_own_coldest_if_that_was_chosen() {
    for shards in [1, 8, 64] {
        let choice = WhenFull::EvictColdest;
        let cache = builder(shards).when_protected_full(choice).build().unwrap();
        for number in 1000..1060 {
            cache.insert(&key(number), "visitor", VISITOR).unwrap();
        }
        for number in 0..500 {
            cache.insert(&key(number), "login", LOGIN).unwrap();
            assert!(cache.contains(&key(number)));
        }
        let stats = cache.stats();
        assert_eq!(
            (stats.protected_entries, stats.evicted_protected),
            (40, 460)
        );
        assert_eq!(stats.evicted, 460, "visitors are not made to pay");
        assert!((1000..1060).all(|number| cache.contains(&key(number))));
    }
}

#[test]
fn an_ended_protected_entry_makes_room_in_a_full_class() {
    for shards in [1, 64] {
        let clock = ManualClock::new();
        let cache = builder(shards).clock(clock.clone()).build().unwrap();
        for number in 0..40 {
            cache.insert(&key(number), "login", LOGIN).unwrap();
        }
        clock.advance(MINUTE);
        for number in 100..140 {
            cache.insert(&key(number), "login", LOGIN).unwrap();
        }
        let stats = cache.stats();
        assert_eq!((stats.refused, stats.expired, stats.entries), (0, 40, 40));
    }
}

#[test]
fn a_login_moves_a_visitor_into_the_protected_class_and_back() {
    for shards in [1, 64] {
        for len in [10, 3000] {
            let clock = ManualClock::new();
            let cache = builder(shards).clock(clock.clone()).build().unwrap();
            for number in 0..100 {
                cache.insert(&key(number), vec![0; len], VISITOR).unwrap();
            }
            for number in 0..40 {
                cache.insert(&key(number), vec![1; len], LOGIN).unwrap();
            }
            let stats = cache.stats();
            assert_eq!(
                (stats.entries, stats.protected_entries, stats.evicted),
                (100, 40, 0)
            );
            assert_eq!(stats.protected_bytes, 40 * (80 + 4 + len as u64));
            assert_eq!(stats.updates, 40);
            for number in 0..20 {
                cache
                    .insert(&key(number), vec![2; len + 1], VISITOR)
                    .unwrap();
            }
            assert_eq!(cache.stats().protected_entries, 20);
            let protected = cache.iter().filter(|entry| entry.class == Class::Protected);
            assert_eq!(protected.count(), 20);
            #[cfg(feature = "__internals")]
            cache.check_invariants();
            clock.advance(MINUTE);
            while cache.maintain(1000).more {}
            let stats = cache.stats();
            assert_eq!(
                (stats.entries, stats.bytes, stats.protected_bytes),
                (0, 0, 0)
            );
        }
    }
}

#[test]
fn protected_bytes_are_a_budget_of_their_own() {
    let cache = Cache::builder()
        .unlimited_entries()
        .max_bytes(10_000)
        .protected_bytes(4_000)
        .build()
        .unwrap();
    for number in 0..40 {
        cache.insert(&key(number), [0; 16].to_vec(), LOGIN).unwrap();
    }
    assert_eq!(cache.stats().protected_bytes, 4_000);
    assert_eq!(
        cache.insert(&key(40), "", LOGIN).unwrap_err().kind(),
        ErrorKind::Full
    );
    for number in 100..1000 {
        cache
            .insert(&key(number), [0; 16].to_vec(), VISITOR)
            .unwrap();
    }
    let stats = cache.stats();
    assert_eq!((stats.bytes, stats.protected_bytes), (10_000, 4_000));
    let error = cache.insert(&key(0), vec![0; 5000], LOGIN).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidInput,
        "larger than the whole class"
    );
    let error = cache.insert(&key(0), [0; 17].to_vec(), LOGIN).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "one byte more than is left");
    assert_eq!(cache.get(&key(0)).unwrap().len(), 16);
}

#[test]
fn a_cache_too_small_for_a_protected_entry_says_so_at_once() {
    for choice in [WhenFull::Refuse, WhenFull::EvictColdest] {
        let cache = Cache::builder()
            .max_entries(1)
            .when_protected_full(choice)
            .build()
            .unwrap();
        let error = cache.insert("id", "login", LOGIN).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(
            error.to_string().contains("protected_entries"),
            "{choice:?}: {error}"
        );
        cache.insert("id", "visitor", VISITOR).unwrap();
    }
}
