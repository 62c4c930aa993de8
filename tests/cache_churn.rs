//! Keys come and go for long while the number held stays: lookups must still end and still find.

use std::sync::mpsc::channel;
use std::time::Duration;

use sessile::{Cache, Terms};

/// Fails if `run` does not return: a lookup that goes round in circles holds its shard's lock.
fn ends(run: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        run();
        let _ = sender.send(());
    });
    // What ends at all ends sooner, on any machine.
    let limit = Duration::from_secs(600);
    assert!(
        receiver.recv_timeout(limit).is_ok(),
        "failed or never ended"
    );
}

#[test]
fn lookups_end_at_every_size_however_many_keys_have_passed_through() {
    ends(|| {
        for held in [
            1_u32, 2, 7, 8, 9, 10, 15, 16, 18, 19, 31, 32, 63, 64, 80, 160,
        ] {
            let cache = Cache::builder()
                .unlimited_entries()
                .shards(1)
                .build()
                .unwrap();
            for number in 0..20_000_u32 {
                cache
                    .insert(&number.to_le_bytes(), "v", Terms::forever())
                    .unwrap();
                assert!(!cache.contains(&(number + 1_000_000).to_le_bytes()));
                if let Some(gone) = number.checked_sub(held) {
                    assert!(cache.remove(&gone.to_le_bytes()));
                    assert!(!cache.contains(&gone.to_le_bytes()));
                }
                assert!(cache.contains(&number.to_le_bytes()));
            }
            for number in 20_000 - held..20_000 {
                assert!(cache.contains(&number.to_le_bytes()), "{held}");
            }
            #[cfg(feature = "__internals")]
            cache.check_invariants();
        }
    });
}

#[test]
fn growing_and_shrinking_by_turns_loses_nothing() {
    ends(|| {
        let cache = Cache::builder()
            .unlimited_entries()
            .shards(1)
            .build()
            .unwrap();
        let mut random = 1_u64;
        let mut held = std::collections::BTreeSet::new();
        for turn in 0..40_u64 {
            let target = (turn * 7919) % 3000;
            while held.len() as u64 != target {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(turn);
                let key = (random >> 40) % 4000;
                let bytes = key.to_le_bytes();
                if (held.len() as u64) < target {
                    cache.insert(&bytes, "v", Terms::forever()).unwrap();
                    held.insert(key);
                } else {
                    assert_eq!(cache.remove(&bytes), held.remove(&key));
                }
                assert_eq!(cache.len(), held.len());
            }
            for key in 0..4000_u64 {
                assert_eq!(
                    cache.contains(&key.to_le_bytes()),
                    held.contains(&key),
                    "{key}"
                );
            }
            #[cfg(feature = "__internals")]
            cache.check_invariants();
        }
    });
}
