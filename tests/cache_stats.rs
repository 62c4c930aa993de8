//! The counters add up, and nothing that is printed gives a secret away.

use std::error::Error as _;
use std::time::Duration;

use sessile::{Cache, ErrorKind, Key, ManualClock, Replaced, Stats, Terms};

const MINUTE: Duration = Duration::from_secs(60);

/// Everything that ever came in is still there or left for a counted reason.
fn assert_sum(stats: &Stats) {
    let left = stats.removed + stats.expired + stats.evicted + stats.cleared;
    assert_eq!(stats.inserts, stats.entries + left, "{stats:?}");
}

#[test]
fn each_verb_counts_what_its_documentation_says() {
    let clock = ManualClock::new();
    let cache = Cache::builder()
        .unlimited_entries()
        .clock(clock.clone())
        .build()
        .unwrap();
    assert_eq!(cache.stats(), Stats::default());
    cache.insert("id", "v", MINUTE).unwrap();
    cache.insert("id", "w", MINUTE).unwrap();
    assert_eq!((cache.stats().inserts, cache.stats().updates), (1, 1));
    cache.get("id");
    cache.get_versioned("id");
    cache.get_with("id", |_| ());
    let _ = cache.get_many(&["id".into(), "none".into()]);
    cache.touch("id", MINUTE);
    cache.get_and_touch("id", MINUTE);
    assert_eq!((cache.stats().hits, cache.stats().misses), (6, 1));
    cache.contains("id");
    cache.contains("none");
    cache.time_to_live("id");
    let _ = cache.iter().count();
    assert_eq!(
        (cache.stats().hits, cache.stats().misses),
        (6, 1),
        "looking is no read"
    );
    cache.get("none");
    cache.touch("none", MINUTE);
    assert_eq!((cache.stats().hits, cache.stats().misses), (6, 3));
    assert!((cache.stats().hit_ratio() - 6.0 / 9.0).abs() < 1e-9);
    cache.remove("id");
    cache.remove("id");
    assert_eq!(cache.stats().removed, 1);
    cache.insert("a", "v", MINUTE).unwrap();
    cache.insert("b", "v", MINUTE).unwrap();
    cache.clear();
    cache.insert("c", "v", MINUTE).unwrap();
    clock.advance(MINUTE);
    cache.maintain(100);
    let stats = cache.stats();
    assert_eq!((stats.cleared, stats.expired, stats.entries), (2, 1, 0));
    assert_sum(&stats);
}

#[test]
fn take_and_a_replace_that_finds_its_entry_are_reads_too() {
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    cache.insert("id", "v", MINUTE).unwrap();
    assert!(matches!(
        cache.replace("id", "w", MINUTE, None),
        Ok(Replaced::Done(_))
    ));
    assert_eq!(cache.stats().hits, 1, "replace");
    cache.take("id");
    assert_eq!(cache.stats().hits, 2, "take");
    cache.take("id");
    assert_eq!(cache.stats().misses, 1, "a take that finds none");
}

#[test]
fn the_sum_holds_after_a_mixture_of_everything() {
    let clock = ManualClock::new();
    let cache = Cache::builder()
        .max_entries(300)
        .protected_entries(50)
        .max_bytes(60_000)
        .shards(8)
        .clock(clock.clone())
        .build()
        .unwrap();
    for number in 0..20_000_u32 {
        let key = (number.wrapping_mul(2_654_435_761) % 1000).to_le_bytes();
        let mut terms = Terms::ttl(Duration::from_millis(u64::from(number % 997) + 1));
        if number % 7 == 0 {
            terms = terms.protected();
        }
        let _ = cache.insert(&key, vec![0; (number % 300) as usize], terms);
        match number % 11 {
            0 => drop(cache.take(&key)),
            1 => drop(cache.replace(&key, "short", terms, None)),
            2 => clock.advance(Duration::from_millis(5)),
            3 => drop(cache.insert_if_absent(&key, "short", terms)),
            _ => {}
        }
        if number % 1000 == 0 {
            cache.retain(|key, _| key.bytes()[0] % 4 != 0);
            assert_sum(&cache.stats());
        }
    }
    let stats = cache.stats();
    assert_sum(&stats);
    assert_eq!(
        (stats.entries, stats.bytes),
        (cache.len() as u64, cache.bytes())
    );
    assert!(stats.expired > 0 && stats.evicted > 0, "{stats:?}");
    assert!(stats.cleared > 0 && stats.removed > 0, "{stats:?}");
    #[cfg(feature = "__internals")]
    cache.check_invariants();
}

#[test]
fn nothing_printed_holds_a_key_or_a_value() {
    const KEY: &str = "c2VjcmV0LXNlc3Npb24taWQ";
    const VALUE: &str = "hunter2-is-the-password";
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let cache = Cache::builder()
        .max_entries(10)
        .max_bytes(5000)
        .protected_entries(1)
        .listener(move |removal| {
            let _ = sender
                .lock()
                .expect("no panics")
                .send(format!("{removal:?}"));
        })
        .build()
        .unwrap();
    cache
        .insert(KEY, VALUE, Terms::forever().protected())
        .unwrap();
    let mut shown = vec![
        format!("{cache:?}"),
        format!("{:?}", Cache::builder()),
        format!("{:?}", Key::from(KEY)),
        format!("{:?}", cache.iter()),
        format!("{:?}", cache.iter().next().unwrap()),
        format!("{:?}", cache.stats()),
        format!("{:?}", cache.get_versioned(KEY).unwrap().1),
        format!("{:?}", cache.namespace("c2VjcmV0").unwrap()),
    ];
    let long = KEY.repeat(4000);
    for error in [
        cache.insert(&long, VALUE, MINUTE).unwrap_err(),
        cache.insert(KEY, VALUE.repeat(1000), MINUTE).unwrap_err(),
        cache.insert(KEY, VALUE, Duration::ZERO).unwrap_err(),
        cache
            .insert("other", VALUE, Terms::forever().protected())
            .unwrap_err(),
        cache.namespace(&long).unwrap_err(),
    ] {
        assert!(error.source().is_none());
        assert_ne!(error.kind(), ErrorKind::InvalidConfig);
        shown.push(format!("{error} {error:?}"));
    }
    cache.remove(KEY);
    cache.flush_listener();
    shown.push(receiver.recv().unwrap());
    for text in shown {
        assert!(
            !text.contains("c2VjcmV0") && !text.contains("hunter2"),
            "{text}"
        );
        let bytes = format!("{:?}", KEY.as_bytes());
        assert!(!text.contains(&bytes[1..20]), "{text}");
    }
}
