//! How long a copy is served: fresh enough, and never past the end of its record.

use std::time::Duration;

use sessile::store::TieredStore;
use sessile::{Cache, CacheStore, ManualClock, SessionStore, Terms};

use crate::kit::{Back, Kit, MINUTE, MS, SECOND, Step, Task, block_on, embedded};

/// Loads and says whether the back was asked, and whether there was a record.
fn asked(kit: &Kit, key: &[u8]) -> (bool, bool) {
    kit.back.calls();
    let found = kit.load(key).is_some();
    (kit.back.calls() > 0, found)
}

#[test]
fn the_back_is_asked_when_a_copy_is_no_longer_fresh() {
    let kit = Kit::new();
    kit.elsewhere(b"loaded", "v");
    kit.put(b"written", "v");
    assert_eq!(asked(&kit, b"loaded"), (true, true));
    kit.clock.advance(MINUTE - MS);
    for key in [b"loaded".as_slice(), b"written"] {
        assert_eq!(asked(&kit, key), (false, true));
    }
    kit.clock.advance(MS);
    for key in [b"loaded".as_slice(), b"written"] {
        assert_eq!(asked(&kit, key), (true, true));
        assert_eq!(asked(&kit, key), (false, true));
    }
}

#[test]
fn by_default_that_is_a_second() {
    let clock = ManualClock::new();
    let back = Back::new(&clock);
    let store = TieredStore::builder(embedded(&clock), back.clone());
    let store = store.build().unwrap();
    block_on(store.put(b"k", "v".into(), Terms::ttl(MINUTE))).unwrap();
    block_on(back.inner.remove(b"k")).unwrap();
    clock.advance(SECOND - MS);
    assert!(block_on(store.load(b"k")).unwrap().is_some());
    clock.advance(MS);
    assert!(block_on(store.load(b"k")).unwrap().is_none());
}

#[test]
fn a_copy_ends_with_its_record() {
    let kit = Kit::new();
    let short = |key: &[u8]| block_on(kit.back.inner.put(key, "v".into(), Terms::ttl(5 * SECOND)));
    short(b"loaded").unwrap();
    block_on(
        kit.store
            .put(b"written", "v".into(), Terms::ttl(3 * SECOND)),
    )
    .unwrap();
    let aged = Terms::ttl(MINUTE).max_age(3 * SECOND);
    block_on(kit.store.put(b"aged", "v".into(), aged)).unwrap();
    kit.clock.advance(2 * SECOND);
    assert_eq!(asked(&kit, b"loaded"), (true, true));
    kit.clock.advance(SECOND - MS);
    for key in [b"loaded".as_slice(), b"written", b"aged"] {
        assert_eq!(asked(&kit, key), (false, true));
    }
    kit.clock.advance(MS);
    for key in [b"written".as_slice(), b"aged"] {
        assert_eq!(asked(&kit, key), (true, false));
    }
    kit.clock.advance(2 * SECOND - MS);
    assert_eq!(asked(&kit, b"loaded"), (false, true));
    kit.clock.advance(MS);
    assert_eq!(asked(&kit, b"loaded"), (true, false));
}

#[test]
fn time_counts_from_the_question_and_not_from_the_answer() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "v");
    kit.back.next(&[Step::HoldAnswer, Step::HoldAnswer]);
    let mut load = Task::waiting(kit.store.load(b"k"));
    kit.clock.advance(MINUTE / 2);
    kit.back.release(0);
    assert!(load.run().unwrap().unwrap().is_some());
    kit.clock.advance(MINUTE / 2 - MS);
    assert_eq!(asked(&kit, b"k"), (false, true));
    kit.clock.advance(MS);

    // An answer that took longer than that leaves no copy at all.
    let mut load = Task::waiting(kit.store.load(b"k"));
    kit.clock.advance(MINUTE);
    kit.back.release(1);
    assert!(load.run().unwrap().unwrap().is_some());
    assert_eq!(asked(&kit, b"k"), (true, true));

    // Nor does the answer to a write.
    kit.back.next(&[Step::HoldAnswer]);
    let mut write = Task::waiting(kit.store.put(b"w", "v".into(), Terms::ttl(2 * MINUTE)));
    kit.clock.advance(MINUTE);
    kit.back.release(2);
    write.run().unwrap().unwrap();
    assert_eq!(asked(&kit, b"w"), (true, true));
}

#[test]
fn what_the_back_does_not_tell_the_end_of_is_not_copied() {
    let clock = ManualClock::new();
    let mut back = Back::new(&clock);
    back.tells_left = false;
    let kit = Kit::on(clock, back, |it| it);
    kit.elsewhere(b"loaded", "v");
    kit.put(b"written", "v");
    for _ in 0..2 {
        assert_eq!(asked(&kit, b"loaded"), (true, true));
        assert_eq!(asked(&kit, b"written"), (false, true));
    }
}

#[test]
fn the_back_sees_each_use_of_a_record_with_an_idle_timeout() {
    let kit = Kit::new();
    let terms = Terms::forever().idle(10 * SECOND);
    block_on(kit.store.put(b"written", "v".into(), terms)).unwrap();
    block_on(kit.back.inner.put(b"loaded", "v".into(), terms)).unwrap();
    for _ in 0..10 {
        kit.clock.advance(9 * SECOND);
        assert_eq!(asked(&kit, b"written"), (true, true));
        assert_eq!(asked(&kit, b"loaded"), (true, true));
    }
    kit.clock.advance(10 * SECOND);
    assert_eq!(asked(&kit, b"written"), (true, false));
}

#[test]
fn a_touch_keeps_the_copy_no_longer_than_it_had() {
    let kit = Kit::new();
    kit.put(b"k", "v");
    kit.clock.advance(MINUTE / 2);
    // Longer: fresh as long as before.
    assert!(block_on(kit.store.touch(b"k", 30 * MINUTE)).unwrap());
    kit.clock.advance(MINUTE / 2 - MS);
    assert_eq!(asked(&kit, b"k"), (false, true));
    kit.clock.advance(MS);
    assert_eq!(asked(&kit, b"k"), (true, true));
    // Shorter: over when the record is.
    assert!(block_on(kit.store.touch(b"k", SECOND)).unwrap());
    kit.clock.advance(SECOND - MS);
    assert_eq!(asked(&kit, b"k"), (false, true));
    kit.clock.advance(MS);
    assert_eq!(asked(&kit, b"k"), (true, false));
    // A maximum age that the touch does not move ends the copy, too.
    let aged = Terms::ttl(SECOND).max_age(10 * SECOND);
    block_on(kit.store.put(b"aged", "v".into(), aged)).unwrap();
    for _ in 0..10 {
        assert!(block_on(kit.store.touch(b"aged", MINUTE)).unwrap());
        assert!(kit.load(b"aged").is_some());
        kit.clock.advance(SECOND);
    }
    assert_eq!(asked(&kit, b"aged"), (true, false));
}

#[test]
fn a_touch_that_fails_leaves_no_copy() {
    let kit = Kit::new();
    kit.put(b"k", "v");
    kit.back
        .next(&[Step::FailLate(sessile::ErrorKind::Timeout)]);
    assert!(block_on(kit.store.touch(b"k", Duration::ZERO)).is_err());
    assert_eq!(asked(&kit, b"k"), (true, false));
}

#[test]
fn copies_are_the_first_to_go_and_no_record_goes_with_them() {
    let clock = ManualClock::new();
    let cache = Cache::builder().max_entries(100).clock(clock.clone());
    let front = CacheStore::new(cache.build().unwrap().into());
    let back = embedded(&clock);
    let store = TieredStore::builder(front, back).fresh_for(MINUTE);
    let store = store.build().unwrap();
    let login = Terms::ttl(MINUTE).protected();
    block_on(store.put(b"login", "v".into(), login)).unwrap();
    for number in 0..10_000_u32 {
        let terms = Terms::ttl(MINUTE);
        block_on(store.put(&number.to_le_bytes(), "v".into(), terms)).unwrap();
    }
    assert!(store.front().cache().len() <= 100);
    assert_eq!(store.front().cache().stats().protected_entries, 0);
    assert!(block_on(store.load(b"login")).unwrap().is_some());
    for number in 0..10_000_u32 {
        assert!(
            block_on(store.load(&number.to_le_bytes()))
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn what_others_put_into_the_front_is_no_record() {
    let kit = Kit::new();
    let cache = kit.store.front().cache();
    for len in [0, 1, 23, 24, 100] {
        cache.insert("k", vec![7; len], MINUTE).unwrap();
        assert!(kit.load(b"k").is_none());
    }
}

#[test]
fn values_of_every_size_come_back_from_the_front() {
    let kit = Kit::new();
    for len in [0, 1, 24, 63, 64, 65, 1000, 4096, 100_000, 1 << 20] {
        let value: Vec<u8> = (0..=250).cycle().take(len).collect();
        block_on(
            kit.store
                .put(b"k", value.clone().into(), Terms::ttl(MINUTE)),
        )
        .unwrap();
        kit.back.calls();
        let loaded = kit.load(b"k").unwrap();
        assert_eq!(loaded.value, value);
        // What was handed out stays as it is.
        kit.put(b"k", "other");
        assert_eq!(loaded.value, value);
        assert_eq!(kit.back.calls(), 1);
    }
}
