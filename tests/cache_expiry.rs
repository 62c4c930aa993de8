//! When entries end: to the millisecond, under every mixture of lifetimes and clock jumps.

use std::time::Duration;

use sessile::{Cache, Class, ManualClock, Replaced, Terms, TimeToLive};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn cache_of(shards: usize) -> (Cache, ManualClock) {
    let clock = ManualClock::new();
    clock.set_ms(1_000_000_000);
    let cache = Cache::builder()
        .unlimited_entries()
        .shards(shards)
        .clock(clock.clone())
        .build()
        .expect("nothing is limited");
    (cache, clock)
}

fn left(cache: &Cache, key: &str) -> Option<Duration> {
    match cache.time_to_live(key)? {
        TimeToLive::Left(left) => Some(left),
        TimeToLive::Forever => Some(Duration::MAX),
    }
}

#[test]
fn an_entry_is_served_one_millisecond_before_its_end_and_not_at_it() {
    let lives = [
        1_u64, 2, 63, 64, 65, 4095, 4096, 4097, 1_800_000, 86_400_000,
    ];
    for (terms, name) in [
        (Terms::ttl as fn(Duration) -> Terms, "ttl"),
        (|d| Terms::forever().idle(d), "idle"),
        (|d| Terms::forever().max_age(d), "max_age"),
        (|d| Terms::ttl(d).protected(), "protected"),
    ] {
        for ms in lives {
            let (cache, clock) = cache_of(4);
            let life = Duration::from_millis(ms);
            cache.insert("id", "v", terms(life)).unwrap();
            assert_eq!(left(&cache, "id"), Some(life));
            clock.advance(life - MS);
            assert!(cache.contains("id"), "{name} {ms}");
            assert_eq!(left(&cache, "id"), Some(MS));
            clock.advance(MS);
            assert!(!cache.contains("id"), "{name} {ms}");
            assert_eq!(left(&cache, "id"), None);
            assert_eq!(cache.get("id"), None);
            assert_eq!(cache.take("id"), None);
            assert!(!cache.remove("id") && !cache.touch("id", SECOND));
            assert_eq!(
                cache.replace("id", "w", SECOND, None).unwrap(),
                Replaced::Gone
            );
            assert_eq!(cache.iter().count(), 0);
            assert_eq!(cache.get_many(&["id".into()]), [None]);
        }
    }
}

#[test]
fn reads_move_an_idle_timeout_but_neither_time_to_live_nor_maximum_age() {
    let (cache, clock) = cache_of(1);
    let terms = Terms::ttl(10 * SECOND)
        .idle(3 * SECOND)
        .max_age(20 * SECOND);
    cache.insert("id", "v", terms).unwrap();
    for _ in 0..4 {
        clock.advance(2 * SECOND);
        assert!(cache.get("id").is_some());
    }
    assert_eq!(
        left(&cache, "id"),
        Some(2 * SECOND),
        "the time to live is next"
    );
    assert!(cache.touch("id", 60 * SECOND));
    assert_eq!(
        left(&cache, "id"),
        Some(3 * SECOND),
        "the idle timeout is next"
    );
    for _ in 0..5 {
        clock.advance(2 * SECOND);
        assert!(cache.get_with("id", |_| ()).is_some());
    }
    assert_eq!(
        left(&cache, "id"),
        Some(2 * SECOND),
        "the maximum age is next"
    );
    assert!(cache.get_and_touch("id", 60 * SECOND).is_some());
    assert_eq!(left(&cache, "id"), Some(2 * SECOND), "and nothing moves it");
    clock.advance(2 * SECOND);
    assert_eq!(cache.get("id"), None);
}

#[test]
fn looking_is_not_using() {
    let (cache, clock) = cache_of(1);
    cache
        .insert("id", "v", Terms::forever().idle(2 * SECOND))
        .unwrap();
    clock.advance(SECOND);
    assert!(cache.contains("id"));
    assert_eq!(cache.iter().count(), 1);
    assert_eq!(left(&cache, "id"), Some(SECOND));
    clock.advance(SECOND);
    assert!(!cache.contains("id"));
}

#[test]
fn touch_extends_shortens_and_ends() {
    let (cache, clock) = cache_of(1);
    cache.insert("id", "v", 10 * SECOND).unwrap();
    assert!(cache.touch("id", 100 * SECOND));
    clock.advance(99 * SECOND);
    assert!(cache.touch("id", 2 * SECOND));
    clock.advance(2 * SECOND - MS);
    assert!(cache.touch("id", 50 * SECOND) && cache.touch("id", MS));
    clock.advance(MS);
    assert!(!cache.contains("id"));
    cache.insert("id", "v", Terms::forever()).unwrap();
    assert!(cache.touch("id", Duration::ZERO));
    assert!(!cache.contains("id") && !cache.touch("id", SECOND));
    cache.insert("id", "w", Terms::forever()).unwrap();
    assert_eq!(cache.get("id").unwrap(), "w");
    assert!(cache.touch("id", SECOND), "forever becomes a second");
    clock.advance(SECOND);
    assert!(!cache.contains("id"));
}

#[test]
fn a_write_starts_all_lifetimes_again() {
    let (cache, clock) = cache_of(1);
    let terms = Terms::forever().idle(5 * SECOND).max_age(8 * SECOND);
    cache.insert("id", "v", terms).unwrap();
    clock.advance(4 * SECOND);
    cache.insert("id", "w", terms).unwrap();
    clock.advance(4 * SECOND);
    assert!(cache.get("id").is_some());
    assert_eq!(left(&cache, "id"), Some(4 * SECOND));
    assert!(matches!(
        cache.replace("id", "x", Terms::forever(), None),
        Ok(Replaced::Done(_))
    ));
    clock.advance(YEAR);
    assert!(cache.contains("id"), "the old terms are gone");
    assert!(cache.insert_if_absent("id", "y", SECOND).unwrap().is_none());
}

#[test]
fn an_ended_entry_is_absent_for_insert_if_absent() {
    let (cache, clock) = cache_of(1);
    let old = cache.insert("id", "v", SECOND).unwrap();
    clock.advance(SECOND);
    let new = cache.insert_if_absent("id", "w", SECOND).unwrap().unwrap();
    assert_ne!(old, new);
    let stats = cache.stats();
    assert_eq!(
        (stats.expired, stats.inserts, stats.updates, stats.entries),
        (1, 2, 0, 1)
    );
}

#[test]
fn memory_comes_back_in_shards_that_nobody_visits() {
    let (cache, clock) = cache_of(64);
    for number in 0..20_000_u32 {
        cache
            .insert(&number.to_le_bytes(), "value", SECOND)
            .unwrap();
    }
    cache.insert("busy", "v", Terms::forever()).unwrap();
    clock.advance(SECOND);
    let mut reads = 0;
    while cache.len() > 1 {
        assert!(cache.contains("busy"));
        cache.get("busy").unwrap();
        reads += 1;
        assert!(reads < 200_000, "{} are left", cache.len());
    }
    assert_eq!(cache.stats().expired, 20_000);
    assert_eq!(cache.bytes(), 80 + 4 + 1);
}

#[test]
fn a_storm_of_ends_in_one_tick_is_bounded_work_for_each_operation() {
    let many: u32 = if cfg!(debug_assertions) {
        100_000
    } else {
        1_000_000
    };
    let (cache, clock) = cache_of(1);
    for number in 0..many {
        cache
            .insert(&number.to_le_bytes(), "v", 60 * SECOND)
            .unwrap();
    }
    clock.advance(60 * SECOND);
    let (mut before, mut most, mut operations) = (0, 0, 0_u32);
    while before < u64::from(many) {
        match operations % 3 {
            0 => assert_eq!(cache.get(&operations.to_le_bytes()), None),
            1 => drop(cache.insert("busy", "v", YEAR).unwrap()),
            _ => assert!(!cache.contains("nobody")),
        }
        let now = cache.stats().expired;
        most = most.max(now - before);
        before = now;
        operations += 1;
        assert!(operations < many, "each operation does its share");
    }
    assert!(most <= 24 + 128 + 1, "one operation reclaimed {most}");
    assert!(!cache.maintain(0).more);
    assert_eq!(cache.len(), 1);
}

#[test]
fn maintain_keeps_to_its_budget_and_says_what_is_left() {
    let (cache, clock) = cache_of(8);
    for number in 0..5000_u32 {
        cache.insert(&number.to_le_bytes(), "v", SECOND).unwrap();
    }
    assert_eq!(cache.maintain(1000).reclaimed, 0);
    clock.advance(SECOND);
    assert_eq!(cache.maintain(0).reclaimed, 0);
    assert!(cache.maintain(0).more);
    let mut total = 0;
    let mut calls = 0;
    loop {
        let did = cache.maintain(100);
        assert!(did.reclaimed <= 100, "{did:?}");
        total += did.reclaimed;
        calls += 1;
        if !did.more {
            break;
        }
        assert!(calls < 5000);
    }
    assert_eq!((total, cache.len()), (5000, 0));
    assert!(calls >= 50);
}

#[test]
fn a_forward_jump_of_years_ends_what_it_passed_and_nothing_else() {
    let (cache, clock) = cache_of(4);
    for (key, terms) in [
        ("second", Terms::ttl(SECOND)),
        ("year", Terms::ttl(YEAR)),
        ("decade", Terms::ttl(10 * YEAR).protected()),
        ("forever", Terms::forever()),
    ] {
        cache.insert(key, key, terms).unwrap();
    }
    clock.advance(9 * YEAR);
    assert!(!cache.contains("second") && !cache.contains("year"));
    assert_eq!(left(&cache, "decade"), Some(YEAR));
    assert!(cache.contains("forever"));
    while cache.maintain(100).more {}
    assert_eq!(cache.len(), 2);
    cache.insert("new", "v", SECOND).unwrap();
    clock.advance(SECOND);
    assert!(!cache.contains("new"));
    let classes: Vec<Class> = cache.iter().map(|entry| entry.class).collect();
    assert_eq!(classes.len(), 2);
}

#[test]
fn a_backward_jump_neither_prolongs_nor_revives() {
    let (cache, clock) = cache_of(4);
    cache.insert("short", "v", SECOND).unwrap();
    cache.insert("long", "v", 10 * SECOND).unwrap();
    clock.advance(SECOND);
    assert!(!cache.contains("short"));
    clock.rewind(Duration::from_secs(900_000));
    assert!(!cache.contains("short"), "what has ended stays ended");
    assert_eq!(
        left(&cache, "long"),
        Some(9 * SECOND),
        "a backward step is no time"
    );
    clock.advance(9 * SECOND - MS);
    assert!(cache.contains("long"));
    clock.advance(MS);
    assert!(!cache.contains("long"));
    cache.insert("new", "v", SECOND).unwrap();
    clock.rewind(500 * MS);
    assert_eq!(
        left(&cache, "new"),
        Some(SECOND),
        "a small step back: time stands still"
    );
    clock.advance(1500 * MS);
    assert!(!cache.contains("new"));
}

#[test]
fn shortening_over_and_over_does_not_pile_up_work() {
    let (cache, clock) = cache_of(1);
    for number in 0..64_u32 {
        cache.insert(&number.to_le_bytes(), "v", YEAR).unwrap();
    }
    for round in 0..2000_u64 {
        for number in 0..64_u32 {
            let ttl = Duration::from_millis(10_000_000 - 2 * round - u64::from(number % 2));
            assert!(cache.touch(&number.to_le_bytes(), ttl));
        }
    }
    clock.advance(YEAR);
    let did = cache.maintain(2000);
    assert_eq!(
        (did.reclaimed, did.more),
        (64, false),
        "a step per entry and per filing"
    );
}

#[test]
fn whatever_verb_is_called_in_one_shard_the_others_get_their_memory_back() {
    type Verb = fn(&Cache);
    let verbs: [(&str, Verb); 5] = [
        ("get", |cache| drop(cache.get("nobody"))),
        ("get_many", |cache| {
            drop(cache.get_many(&["nobody".into()]));
        }),
        ("remove", |cache| assert!(!cache.remove("nobody"))),
        ("take", |cache| assert!(cache.take("nobody").is_none())),
        ("a write that is refused", |cache| {
            let replaced = cache.replace("nobody", "v", SECOND, None);
            assert_eq!(replaced.expect("valid"), Replaced::Gone);
        }),
    ];
    for (name, verb) in verbs {
        let clock = ManualClock::new();
        let builder = Cache::builder().unlimited_entries().shards(8);
        let cache = builder.clock(clock.clone()).build().expect("a cache");
        for number in 0..800_u32 {
            let key = number.to_le_bytes();
            cache.insert(&key, "v", SECOND).expect("no limits");
        }
        clock.advance(SECOND);
        // Every 64th looks after one of eight shards, 128 steps a time.
        (0..64 * 8 * 4).for_each(|_| verb(&cache));
        assert_eq!(cache.len(), 0, "{name}");
    }
}
