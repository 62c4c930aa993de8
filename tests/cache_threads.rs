//! Many threads at once, every verb, then a recount of everything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sessile::{Cache, CoarseClock, ManualClock, Replaced, Terms, Version};

const MINUTE: Duration = Duration::from_secs(60);
const THREADS: u64 = 4;

/// Says that an answer does not matter.
fn answered<T>(_: T) {}

fn operations() -> u64 {
    if cfg!(debug_assertions) {
        15_000
    } else {
        200_000
    }
}

fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n ^ n >> 27
}

fn terms(random: u64) -> Terms {
    let ms = Duration::from_millis(1 + random % 50);
    let terms = match random % 5 {
        0 => Terms::ttl(ms),
        1 => Terms::forever().idle(ms),
        2 => Terms::ttl(ms)
            .idle(ms / 2 + Duration::from_millis(1))
            .max_age(ms * 2),
        3 => Terms::ttl(MINUTE),
        _ => Terms::forever(),
    };
    if random % 16 == 15 {
        terms.protected()
    } else {
        terms
    }
}

/// One random verb; whatever is read must be what was written under that key.
fn act(cache: &Cache, random: u64) {
    let key = ((random >> 8) % 400).to_le_bytes();
    let value = || {
        let mut value = key.to_vec();
        value.resize(8 + (random >> 20) as usize % 1500, key[0]);
        value
    };
    let verify = |value: &[u8]| {
        assert_eq!(value[..8], key);
        assert!(value[8..].iter().all(|&byte| byte == key[0]), "torn");
    };
    let terms = terms(random >> 32);
    match random % 16 {
        0..=3 => answered(cache.get(&key).map(|value| verify(&value))),
        4 => answered(cache.get_with(&key, verify)),
        5 => answered(
            cache
                .get_and_touch(&key, MINUTE)
                .map(|value| verify(&value)),
        ),
        6 => answered(cache.touch(&key, Duration::from_millis(random >> 40 & 63))),
        7 => answered(cache.take(&key).map(|value| verify(&value))),
        8 => answered(cache.remove(&key)),
        9 => answered(cache.insert_if_absent(&key, value(), terms)),
        10 => {
            if let Some((seen, version)) = cache.get_versioned(&key) {
                verify(&seen);
                let _ = cache.replace(&key, value(), terms, Some(version));
            }
        }
        11 => match random >> 48 & 255 {
            0 => answered(cache.clear()),
            1 => answered(cache.retain(|key, _| key.bytes()[0] % 3 != 0)),
            2 => assert!(cache.iter().all(|entry| entry.key[..] == entry.value[..8])),
            3 => answered(cache.maintain(64)),
            _ => {
                let other = ((random >> 50) % 400).to_le_bytes();
                let values = cache.get_many(&[(&key).into(), (&other).into()]);
                if let Some(value) = &values[0] {
                    verify(value);
                }
            }
        },
        _ => answered(cache.insert(&key, value(), terms)),
    }
}

fn storm(cache: &Cache, tick: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        let hammer = |thread| {
            let tick = &tick;
            scope.spawn(move || {
                let mut state = thread;
                for number in 0..operations() {
                    act(cache, mix(&mut state));
                    tick(number);
                }
            })
        };
        join((0..THREADS).map(hammer).collect());
    });
    let stats = cache.stats();
    let left = stats.removed + stats.expired + stats.evicted + stats.cleared;
    assert_eq!(stats.inserts, stats.entries + left, "{stats:?}");
    #[cfg(feature = "__internals")]
    cache.check_invariants();
}

#[test]
fn without_limits() {
    for shards in [1, 64] {
        let clock = ManualClock::new();
        let cache = Cache::builder()
            .unlimited_entries()
            .shards(shards)
            .clock(clock.clone())
            .build()
            .unwrap();
        storm(&cache, |number| {
            if number % 50 == 0 {
                clock.advance(Duration::from_millis(1));
            }
        });
        clock.advance(Duration::from_secs(3600));
        cache.retain(|_, _| false);
        while cache.maintain(1000).more {}
        assert_eq!((cache.len(), cache.bytes()), (0, 0));
    }
}

#[test]
fn with_every_limit_and_a_real_clock() {
    for shards in [1, 64] {
        let cache = Cache::builder()
            .max_entries(100)
            .max_bytes(80_000)
            .protected_entries(20)
            .shards(shards)
            .clock(CoarseClock)
            .build()
            .unwrap();
        storm(&cache, |number| {
            // A sum over several shards is no one moment's picture; one shard's is.
            if number % 64 == 0 && shards == 1 {
                let stats = cache.stats();
                assert!(stats.entries <= 100 && stats.bytes <= 80_000, "{stats:?}");
                assert!(stats.protected_entries <= 20);
            }
            #[cfg(feature = "__internals")]
            if number % 64 == 0 {
                let held = sessile::internals::held(&cache);
                assert!(held.entries <= 100 && held.bytes <= 80_000, "{held:?}");
                assert!(held.protected_entries <= 20, "{held:?}");
            }
        });
    }
}

#[test]
fn of_many_compare_and_swaps_each_step_is_taken_once() {
    let cache = Cache::builder()
        .unlimited_entries()
        .shards(1)
        .build()
        .unwrap();
    cache.insert("sum", vec![0; 8], MINUTE).unwrap();
    let conflicts = AtomicU64::new(0);
    let each = operations() / 10;
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..each {
                    loop {
                        let (value, seen): (_, Version) = cache.get_versioned("sum").unwrap();
                        let sum = u64::from_le_bytes(value[..].try_into().unwrap()) + 1;
                        let sum = sum.to_le_bytes().to_vec();
                        match cache.replace("sum", sum, MINUTE, Some(seen)).unwrap() {
                            Replaced::Done(_) => break,
                            Replaced::Conflict(_) => conflicts.fetch_add(1, Ordering::Relaxed),
                            Replaced::Gone => panic!("nobody removes it"),
                        };
                    }
                }
            });
        }
    });
    let value = cache.get("sum").unwrap();
    assert_eq!(
        u64::from_le_bytes(value[..].try_into().unwrap()),
        THREADS * each
    );
    assert_eq!(cache.stats().updates, THREADS * each);
}

#[test]
fn of_many_creators_one_wins() {
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    let wins = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let create = |_| {
            scope.spawn(|| {
                for number in 0..operations() / 10 {
                    let made = cache.insert_if_absent(&number.to_le_bytes(), "v", MINUTE);
                    wins.fetch_add(u64::from(made.unwrap().is_some()), Ordering::Relaxed);
                }
            })
        };
        join((0..THREADS).map(create).collect());
    });
    assert_eq!(wins.into_inner(), operations() / 10);
}

/// Joins by handle: ThreadSanitizer sees that, and not the scope's own waiting.
fn join(threads: Vec<std::thread::ScopedJoinHandle<'_, ()>>) {
    for thread in threads {
        thread.join().expect("no thread panics");
    }
}
