//! A value that was handed out stays as it was, whatever becomes of its entry and of the cache.
//!
//! Key, deadline and handle of an entry lie in the allocation of its value, which readers keep alive: the
//! sanitizers run these, because what goes wrong there may go unnoticed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sessile::{Cache, ManualClock, Terms};

/// Short keys are packed; longer ones lie before their value.
const KEYS: [&str; 3] = [
    "id",
    "Jx2kq0cJq7yHn1pYb6vKzw",
    "longer than the keys that are packed",
];
/// Around the classes of sizes, and beyond what is copied.
const SIZES: &[usize] = match cfg!(miri) {
    true => &[0, 200, 5000],
    false => &[0, 1, 8, 9, 200, 512, 513, 1024, 5000],
};
const HELD: u16 = 64;
/// Many times as many as are held, but under Miri, which takes minutes as it is.
const NEWCOMERS: u16 = if cfg!(miri) { 80 } else { 1_000 };

fn value(size: usize, fill: u8) -> Vec<u8> {
    vec![fill; size]
}

fn each(run: impl Fn(&Cache, &str, &[u8])) {
    for key in KEYS {
        for &size in SIZES {
            let builder = Cache::builder().max_entries(HELD.into()).shards(1);
            let cache = builder.build().expect("valid");
            let first = value(size, 1);
            cache
                .insert(key, first.clone(), Terms::forever())
                .expect("within the limit");
            run(&cache, key, &first);
            #[cfg(feature = "__internals")]
            cache.check_invariants();
        }
    }
}

#[test]
fn values_outlive_removal_replacement_clearing_and_eviction() {
    each(|cache, key, first| {
        let held = cache.get(key).unwrap();
        assert!(cache.remove(key));
        assert_eq!(held, first);

        cache
            .insert(key, value(first.len() + 1, 2), Terms::forever())
            .unwrap();
        let second = cache.get(key).unwrap();
        cache
            .insert(key, value(first.len(), 3), Terms::forever())
            .unwrap();
        assert_eq!(second, value(first.len() + 1, 2));

        let third = cache.take(key).unwrap();
        cache.insert(key, third.clone(), Terms::forever()).unwrap();
        let from_walk: Vec<_> = cache.iter().collect();
        let mut newcomers = Vec::new();
        for number in 0..NEWCOMERS {
            cache
                .insert(&number.to_le_bytes(), "newcomer", Terms::forever())
                .unwrap();
            if number == 50 {
                // Not a use: nothing keeps these.
                newcomers.extend(cache.iter().filter(|entry| entry.value == "newcomer"));
            }
        }
        assert!(cache.stats().evicted >= u64::from(NEWCOMERS - HELD));
        assert!(newcomers.iter().any(|entry| !cache.contains(&entry.key)));
        cache.clear();
        assert!(newcomers.iter().all(|entry| entry.value == "newcomer"));
        assert_eq!(third, value(first.len(), 3));
        assert_eq!(
            (&from_walk[0].key[..], &from_walk[0].value),
            (key.as_bytes(), &third)
        );
    });
}

#[test]
fn values_outlive_the_cache_and_expiry() {
    for key in KEYS {
        for &size in SIZES {
            let clock = ManualClock::new();
            let builder = Cache::builder().unlimited_entries().clock(clock.clone());
            let cache = builder.build().unwrap();
            cache
                .insert(key, value(size, 7), Duration::from_secs(1))
                .unwrap();
            let (a, b) = (cache.get(key).unwrap(), cache.get(key).unwrap());
            clock.advance(Duration::from_secs(2));
            cache.maintain(1_000);
            assert_eq!(cache.len(), 0);
            assert_eq!(a, value(size, 7));
            drop((a, cache));
            assert_eq!(b, value(size, 7));
        }
    }
}

#[test]
fn the_last_holder_may_be_another_thread() {
    for key in KEYS {
        for &size in SIZES {
            let cache = Arc::new(Cache::builder().unlimited_entries().build().unwrap());
            cache.insert(key, value(size, 1), Terms::forever()).unwrap();
            let readers: Vec<_> = (0..3)
                .map(|_| {
                    let cache = Arc::clone(&cache);
                    std::thread::spawn(move || {
                        let mut seen = Vec::new();
                        while let Some(held) = cache.get(key) {
                            assert!(held.iter().all(|&byte| byte == held[0]));
                            seen = vec![held];
                        }
                        seen
                    })
                })
                .collect();
            for fill in 2..60 {
                cache
                    .insert(key, value(size, fill), Terms::forever())
                    .unwrap();
            }
            cache.remove(key);
            for reader in readers {
                for held in reader.join().unwrap() {
                    assert_eq!(held.len(), size);
                    assert!(held.iter().all(|&byte| byte == held[0]));
                }
            }
            #[cfg(feature = "__internals")]
            cache.check_invariants();
        }
    }
}

#[test]
fn a_value_of_the_callers_own_is_given_back_when_its_entry_goes() {
    struct Owner {
        bytes: Vec<u8>,
        _held: Arc<()>,
    }
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    for key in KEYS {
        let cache = Cache::builder().unlimited_entries().build().unwrap();
        let held = Arc::new(());
        let value = Bytes::from_owner(Owner {
            bytes: value(5000, 1),
            _held: Arc::clone(&held),
        });
        let at = value.as_ptr();
        cache.insert(key, value, Terms::forever()).unwrap();
        assert_eq!(cache.get(key).unwrap().as_ptr(), at, "kept, not copied");
        assert_eq!(Arc::strong_count(&held), 2);
        cache.remove(key);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
