//! The limits: never exceeded, and nothing live goes while there is room.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sessile::{Cache, ErrorKind, ManualClock, Terms};

const MINUTE: Duration = Duration::from_secs(60);

/// The entries and bytes that a walk finds. Unlike `len`, `bytes` and `stats`, whose sums are cut to the
/// limits, it can find too many. While nobody writes it is exact: in these tests all that is held lives.
fn walked(cache: &Cache) -> (u64, u64) {
    cache.iter().fold((0, 0), |(entries, bytes), entry| {
        let charge = 80 + entry.key.len() + entry.value.len();
        (entries + 1, bytes + charge as u64)
    })
}

/// So few entries of a single shard a walk sees in one step, and one more too.
const ONE_STEP: usize = 255;

/// The entries and bytes held at one moment, while others write. Without the tests' own door into the
/// cache they are known only of a single shard that a walk visits in one step; nothing of others.
fn held(cache: &Cache, _shards: usize, _max: usize) -> (u64, u64) {
    #[cfg(feature = "__internals")]
    {
        let held = sessile::internals::held(cache);
        (held.entries, held.bytes)
    }
    #[cfg(not(feature = "__internals"))]
    match _shards == 1 && _max <= ONE_STEP {
        true => walked(cache),
        false => (0, 0),
    }
}

fn key(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

#[test]
fn five_hundred_means_five_hundred_at_every_number_of_shards() {
    for shards in [1, 2, 64, 1024] {
        let cache = Cache::builder()
            .max_entries(500)
            .shards(shards)
            .build()
            .unwrap();
        for number in 0..500 {
            cache.insert(&key(number), "v", MINUTE).unwrap();
            assert_eq!(cache.len(), number as usize + 1, "no early eviction");
        }
        assert!((0..500).all(|number| cache.contains(&key(number))));
        for number in 500..3000 {
            cache.insert(&key(number), "v", MINUTE).unwrap();
            assert_eq!(cache.len(), 500);
            assert!(
                cache.contains(&key(number)),
                "a newcomer is readable at once"
            );
            if number % 100 == 0 {
                assert_eq!(walked(&cache).0, 500);
            }
        }
        let stats = cache.stats();
        assert_eq!(
            (stats.evicted, stats.refused, stats.entries),
            (2500, 0, 500)
        );
    }
}

#[test]
fn overwriting_at_the_limit_evicts_nobody() {
    for shards in [1, 64] {
        let cache = Cache::builder()
            .max_entries(100)
            .shards(shards)
            .build()
            .unwrap();
        for round in 0..20_u32 {
            for number in 0..100 {
                cache
                    .insert(&key(number), vec![0; round as usize * 200], MINUTE)
                    .unwrap();
            }
        }
        assert_eq!((walked(&cache).0, cache.stats().evicted), (100, 0));
    }
}

#[test]
fn a_limit_of_one_keeps_the_newest() {
    for shards in [1, 2, 64] {
        let cache = Cache::builder()
            .max_entries(1)
            .shards(shards)
            .build()
            .unwrap();
        for number in 0..200 {
            cache.insert(&key(number), "v", MINUTE).unwrap();
            assert!(cache.contains(&key(number)));
            assert_eq!(walked(&cache).0, 1);
        }
    }
}

#[test]
fn bytes_are_counted_to_the_byte() {
    for shards in [1, 64] {
        let max = 100_000_u64;
        let cache = Cache::builder()
            .unlimited_entries()
            .max_bytes(max)
            .shards(shards)
            .build()
            .unwrap();
        for number in 0..1000_u32 {
            cache.insert(&key(number), vec![1; 16], MINUTE).unwrap();
            assert_eq!(
                cache.bytes(),
                u64::from(number + 1) * 100,
                "no early eviction"
            );
        }
        assert_eq!(cache.stats().evicted, 0);
        for number in 0..2000_u32 {
            let len = (number * 37 % 5000) as usize;
            cache
                .insert(&key(number * 7), vec![2; len], MINUTE)
                .unwrap();
            if number % 8 == 0 {
                let (_, bytes) = walked(&cache);
                assert!(bytes <= max && bytes == cache.bytes(), "{bytes}");
            }
            assert_eq!(cache.get(&key(number * 7)).unwrap().len(), len);
        }
        assert!(cache.stats().evicted > 0);
    }
}

#[test]
fn what_grows_at_the_limit_keeps_nobody_from_giving_way() {
    for keys in [4_u64, 6, 10] {
        let cache = Cache::builder()
            .unlimited_entries()
            .max_bytes(20_000)
            .protected_bytes(100)
            .shards(1)
            .build()
            .unwrap();
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % below
        };
        for step in 0..20_000 {
            let key = random(keys).to_le_bytes();
            if random(3) > 0 {
                cache.get(&key);
                continue;
            }
            // Two or three fit: most writes find the rest in the way, some find nothing else than themselves.
            let value = vec![0; usize::try_from(random(9000)).unwrap()];
            let done = cache.insert(&key, value, MINUTE);
            assert!(done.is_ok(), "write {step} among {keys} keys: {done:?}");
        }
    }
}

#[test]
fn what_can_never_fit_is_refused_and_evicts_nobody() {
    let cache = Cache::builder()
        .unlimited_entries()
        .max_bytes(10_000)
        .build()
        .unwrap();
    for number in 0..50 {
        cache.insert(&key(number), "v", MINUTE).unwrap();
    }
    let error = cache.insert("large", vec![0; 10_000], MINUTE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("max_bytes"), "{error}");
    assert_eq!(walked(&cache).0, 50);
}

#[test]
fn the_expired_go_before_the_living_in_whatever_shard_they_are() {
    for shards in [1, 8, 64] {
        let clock = ManualClock::new();
        let cache = Cache::builder()
            .max_entries(200)
            .shards(shards)
            .clock(clock.clone())
            .build()
            .unwrap();
        for number in 0..100 {
            cache
                .insert(&key(number), "stays", Terms::forever())
                .unwrap();
        }
        for number in 100..200 {
            cache.insert(&key(number), "ends", MINUTE).unwrap();
        }
        clock.advance(MINUTE);
        for number in 200..300 {
            cache.insert(&key(number), "new", Terms::forever()).unwrap();
        }
        assert_eq!(cache.stats().evicted, 0, "{shards} shards");
        assert!(
            (0..100)
                .chain(200..300)
                .all(|number| cache.contains(&key(number)))
        );
        cache.insert(&key(300), "one more", MINUTE).unwrap();
        assert_eq!(cache.stats().evicted, 1);
    }
}

#[test]
fn an_entry_ended_by_touch_goes_before_the_living() {
    for shards in [1, 8, 64] {
        let cache = Cache::builder()
            .max_entries(100)
            .shards(shards)
            .clock(ManualClock::new())
            .build()
            .unwrap();
        for number in 0..101 {
            cache.insert(&key(number), "v", MINUTE).unwrap();
        }
        let victim = (0..101)
            .find(|&number| cache.contains(&key(number)))
            .unwrap();
        assert!(cache.touch(&key(victim), Duration::ZERO));
        cache.insert(&key(101), "v", MINUTE).unwrap();
        assert_eq!(
            cache.stats().evicted,
            1,
            "{shards} shards: only the one before"
        );
    }
}

/// Four threads write as fast as they can while a fifth samples what is held.
fn hammer(cache: &Cache, operations: u32, value: impl Fn(u32) -> usize + Sync, check: impl Fn()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let value = &value;
        let done = &done;
        let writers: Vec<_> = (0..4_u32)
            .map(|thread| {
                scope.spawn(move || {
                    for number in 0..operations {
                        let name = number.wrapping_mul(2_654_435_761).wrapping_add(thread) % 3000;
                        cache
                            .insert(&key(name), vec![1; value(number)], MINUTE)
                            .expect("somebody gives way");
                        if number % 16 == 0 {
                            cache.remove(&key(name));
                        }
                    }
                })
            })
            .collect();
        let ended = scope.spawn(move || {
            let failed = writers
                .into_iter()
                .filter_map(|writer| writer.join().err())
                .count();
            // Stored before anything can fail, or the sampler would go on for ever.
            done.store(true, Ordering::Release);
            assert_eq!(failed, 0, "no writer fails");
        });
        while !done.load(Ordering::Acquire) {
            check();
        }
        // By handle, because ThreadSanitizer does not see the scope's own waiting.
        ended.join().expect("no writer fails");
    });
    check();
}

#[test]
fn no_sampler_ever_sees_one_entry_too_many() {
    for (shards, max) in [(1, ONE_STEP), (64, 500)] {
        let cache = Cache::builder()
            .max_entries(max)
            .shards(shards)
            .build()
            .unwrap();
        hammer(
            &cache,
            20_000,
            |_| 10,
            || {
                let (entries, _) = held(&cache, shards, max);
                assert!(entries <= max as u64, "{entries}");
            },
        );
        #[cfg(feature = "__internals")]
        cache.check_invariants();
        for number in 10_000..10_600 {
            cache.insert(&key(number), "v", MINUTE).unwrap();
        }
        assert_eq!(walked(&cache).0, max as u64, "no room was lost on the way");
    }
}

#[test]
fn no_sampler_ever_sees_a_byte_too_many() {
    for (shards, most) in [(1, ONE_STEP), (64, 1000)] {
        let max = 200_000;
        let builder = Cache::builder().max_entries(most).max_bytes(max);
        let cache = builder.shards(shards).build().unwrap();
        let value = |number: u32| (number % 1500) as usize;
        hammer(&cache, 10_000, value, || {
            let (entries, bytes) = held(&cache, shards, most);
            let within = bytes <= max && entries <= most as u64;
            assert!(within, "{entries} {bytes}");
        });
        #[cfg(feature = "__internals")]
        cache.check_invariants();
        assert!(walked(&cache).1 <= max);
    }
}
