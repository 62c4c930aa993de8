//! What comes back, and into which cache.

use std::sync::atomic::{AtomicBool, Ordering};

use sessile::{Cache, Terms, WhenFull};

use super::times::left;
use super::{SECOND, bytes_of, cache, cache_at};

#[test]
fn namespaces_classes_and_every_size_survive() {
    let old = cache();
    let new = cache();
    // Numbered otherwise in the new cache.
    for prefix in ["unrelated:", "reset:", "session:"] {
        new.namespace(prefix).unwrap();
    }
    let prefixes = ["", "session:", "reset:", "schl\u{fc}ssel:"];
    let sizes = [0, 1, 200, 1023, 1024, 1025, 300_000];
    for prefix in prefixes {
        let namespace = old.namespace(prefix).unwrap();
        for size in sizes {
            let value = vec![size.to_string().as_bytes()[0]; size];
            let key = size.to_string();
            let terms = match size % 2 {
                0 => Terms::forever().protected(),
                _ => Terms::forever(),
            };
            old.insert(namespace.key(key.as_bytes()), value, terms)
                .unwrap();
        }
    }
    let longest = vec![b'k'; 64 * 1024];
    old.insert(&longest, "v", Terms::forever()).unwrap();
    let restored = new.restore(&bytes_of(&old)[..]).unwrap();
    assert_eq!(restored.entries, 29);
    assert_eq!(new.get(&longest).unwrap(), "v");
    for prefix in prefixes {
        let namespace = new.namespace(prefix).unwrap();
        for size in sizes {
            let key = size.to_string();
            let value = new.get(namespace.key(key.as_bytes())).unwrap();
            assert_eq!(value, vec![key.as_bytes()[0]; size], "{prefix}{size}");
        }
    }
    let (before, after) = (old.stats(), new.stats());
    assert_eq!(before.entries, after.entries);
    assert_eq!(before.bytes, after.bytes);
    assert_eq!(before.protected_entries, after.protected_entries);
    assert_eq!(before.protected_bytes, after.protected_bytes);
}

#[test]
fn an_empty_cache_is_a_snapshot_too() {
    let bytes = bytes_of(&cache());
    let new = cache();
    let restored = new.restore(&bytes[..]).unwrap();
    assert_eq!(
        (restored.entries, restored.expired, restored.refused),
        (0, 0, 0)
    );
    assert!(new.is_empty());
}

#[test]
fn restored_entries_overwrite_live_ones_and_leave_others() {
    let old = cache();
    old.insert("both", "old", Terms::forever()).unwrap();
    let new = cache();
    let version = new.insert("both", "new", Terms::forever()).unwrap();
    new.insert("other", "stays", Terms::forever()).unwrap();
    new.restore(&bytes_of(&old)[..]).unwrap();
    let (value, now) = new.get_versioned("both").unwrap();
    assert_eq!(value, "old");
    assert_ne!(now, version);
    assert_eq!(new.get("other").unwrap(), "stays");
}

#[test]
fn a_smaller_cache_keeps_its_limits() {
    let old = cache();
    for number in 0..200_u8 {
        let terms = match number % 2 {
            0 => Terms::forever().protected(),
            _ => Terms::forever(),
        };
        old.insert(&[number], vec![7; 100], terms).unwrap();
    }
    old.insert("large", vec![7; 1 << 20], Terms::forever())
        .unwrap();
    let bytes = bytes_of(&old);
    for choice in [WhenFull::Refuse, WhenFull::EvictColdest] {
        let new = Cache::builder()
            .max_entries(50)
            .max_bytes(64 * 1024)
            .protected_entries(20)
            .when_protected_full(choice)
            .build()
            .unwrap();
        let restored = new.restore(&bytes[..]).unwrap();
        let stats = new.stats();
        assert!(stats.entries <= 50 && stats.bytes <= 64 * 1024);
        assert_eq!(stats.protected_entries, 20);
        assert_eq!(restored.entries + restored.refused, 201);
        let refused = match choice {
            WhenFull::Refuse => 81,
            WhenFull::EvictColdest => 1,
        };
        assert_eq!(restored.refused, refused);
        #[cfg(feature = "__internals")]
        new.check_invariants();
    }
}

#[test]
fn a_large_value_does_not_keep_its_block_alive() {
    let old = cache();
    old.insert("large", vec![7; 5000], Terms::forever())
        .unwrap();
    old.insert("larger", vec![8; 200_000], Terms::forever())
        .unwrap();
    let new = cache();
    new.restore(&bytes_of(&old)[..]).unwrap();
    let (a, b) = (new.get("large").unwrap(), new.get("larger").unwrap());
    let apart = a.as_ptr().addr().abs_diff(b.as_ptr().addr());
    assert!(apart > 5000 + 100, "both lie in one buffer");
    assert_eq!((a.len(), b.len()), (5000, 200_000));
}

#[test]
fn what_stays_is_in_every_snapshot_taken_under_traffic() {
    let old = Cache::builder()
        .unlimited_entries()
        .shards(8)
        .build()
        .unwrap();
    let value = |number: u32| format!("{number};").repeat(1 + number as usize % 300);
    for number in 0..3000_u32 {
        old.insert(&number.to_le_bytes(), value(number), Terms::forever())
            .unwrap();
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2_u32 {
            let (old, stop) = (&old, &stop);
            scope.spawn(move || {
                let mut number = thread;
                while !stop.load(Ordering::Relaxed) {
                    number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let key = (3000 + number % 3000).to_le_bytes();
                    match number % 7 {
                        0 => drop(old.remove(&key)),
                        1 => drop(old.get(&key)),
                        _ => {
                            let text = value(3000 + number % 3000);
                            let terms = match number % 2 {
                                0 => Terms::ttl(600 * SECOND).idle(60 * SECOND).protected(),
                                _ => Terms::forever(),
                            };
                            old.insert(&key, text, terms).unwrap();
                        }
                    }
                }
            });
        }
        for _ in 0..10 {
            let bytes = bytes_of(&old);
            let new = cache();
            assert!(new.restore(&bytes[..]).unwrap().entries >= 3000);
            for number in 0..3000_u32 {
                assert_eq!(new.get(&number.to_le_bytes()).unwrap(), value(number));
            }
            for entry in &new {
                let number = u32::from_le_bytes(entry.key.as_ref().try_into().unwrap());
                assert_eq!(entry.value, value(number));
            }
            #[cfg(feature = "__internals")]
            new.check_invariants();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// One entry in format 1, as it was written when that format was new.
const FIRST_FORMAT: &str = "\
    9353455353494c4501000000e8eb665e6f010000761e65f6010000003d0000009e13eb880008007365737369\
    6f6e3a01030100020000000400000048d6675e6f010000a813705e6f01000060ea000000000000ffffffffff\
    ffffff696463617274020000001c000000e8d837150100000000000000010000000000000001000000000000\
    004e9a131c";

#[test]
fn the_first_format_stays_readable() {
    let (cache, _) = cache_at(1);
    let sessions = cache.namespace("session:").unwrap();
    let terms = Terms::ttl(600 * SECOND).idle(60 * SECOND).protected();
    cache.insert(sessions.key(b"id"), "cart", terms).unwrap();
    let hex: String = bytes_of(&cache)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, FIRST_FORMAT);
    let bytes: Vec<u8> = (0..FIRST_FORMAT.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&FIRST_FORMAT[at..at + 2], 16).unwrap())
        .collect();
    let (new, _) = cache_at(11);
    assert_eq!(new.restore(&bytes[..]).unwrap().entries, 1);
    let sessions = new.namespace("session:").unwrap();
    assert_eq!(new.time_to_live(sessions.key(b"id")), left(50));
    assert_eq!(new.get(sessions.key(b"id")).unwrap(), "cart");
    assert_eq!(new.stats().protected_entries, 1);
}
