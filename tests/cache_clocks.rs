//! Clocks that panic: whoever asked hears of it, and the cache stays sound.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sessile::{Builder, Cache, Clock, ManualClock, Namespace, Terms};

const SOON: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
/// The places of every cache here.
const PLACES: usize = 100;

fn panics<R>(run: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

fn key(number: usize) -> [u8; 8] {
    number.to_le_bytes()
}

/// A clock that panics once, when it was asked so often.
#[derive(Clone, Default)]
struct Moody {
    clock: ManualClock,
    /// Questions until it panics, that one included; 0 for never.
    left: Arc<AtomicU64>,
}

impl Moody {
    fn ask(&self) {
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        if left == 1 {
            // Without a word: what is planted need not be told.
            resume_unwind(Box::new("planted"));
        }
    }
}

impl Clock for Moody {
    fn now_ms(&self) -> u64 {
        self.ask();
        self.clock.now_ms()
    }

    fn wall_ms(&self) -> u64 {
        self.ask();
        self.clock.wall_ms()
    }
}

/// The cache adds up, finds and keeps, and has lost no room.
fn check(cache: &Cache) {
    #[cfg(feature = "__internals")]
    cache.check_invariants();
    cache.insert("after", "v", MINUTE).expect("somebody goes");
    assert_eq!(cache.get("after").as_deref(), Some(&b"v"[..]));
    cache.clear();
    let before = cache.stats().evicted;
    for number in 0..PLACES {
        cache.insert(&key(number), "v", MINUTE).expect("room");
    }
    assert_eq!(cache.stats().evicted, before, "no room was lost");
    assert_eq!(cache.iter().count(), PLACES);
}

fn timed(builder: Builder, clock: &Moody) -> Cache {
    let builder = builder.max_entries(PLACES).protected_entries(1);
    builder.clock(clock.clone()).build().expect("valid")
}

/// Every verb that asks for the time, so often that it looks after other shards too.
fn every_verb(cache: &Cache, snapshot: &[u8]) {
    let _ = cache.restore(snapshot);
    let _ = cache.snapshot(Vec::new());
    let _ = cache.iter().count();
    let _ = cache.maintain(1000);
    let _ = cache.retain(|key, _| key.bytes().len() == 1);
    let _ = cache.clear_namespace(Namespace::DEFAULT);
    for number in 0..70 {
        let key = key(number);
        let _ = cache.insert(&key, "v", MINUTE);
        let _ = cache.insert_if_absent(&key, "v", MINUTE);
        let _ = cache.replace(&key, "v", Terms::ttl(MINUTE).protected(), None);
        let _ = cache.get(&key);
        let _ = cache.get_versioned(&key);
        let _ = cache.get_with(&key, <[u8]>::len);
        let _ = cache.get_many(&[(&key).into()]);
        let _ = cache.get_and_touch(&key, MINUTE);
        let _ = cache.touch(&key, SOON);
        let _ = cache.contains(&key);
        let _ = cache.time_to_live(&key);
        let _ = cache.remove(&key);
        let _ = cache.take(&key);
    }
}

#[test]
fn a_clock_that_panics_once_harms_nobody() {
    let other = timed(Cache::builder(), &Moody::default());
    let mut snapshot = Vec::new();
    for key in ["a", "b", "c"] {
        other.insert(key, "v", MINUTE).unwrap();
    }
    other.snapshot(&mut snapshot).unwrap();
    for shards in [1, 8] {
        let mut asked = 0;
        loop {
            let clock = Moody::default();
            let cache = timed(Cache::builder().shards(shards), &clock);
            for number in 0..PLACES {
                let life = if number % 2 == 0 { SOON } else { MINUTE };
                cache.insert(&key(1000 + number), "v", life).unwrap();
            }
            clock.clock.advance(SOON);
            clock.left.store(asked + 1, Ordering::SeqCst);
            let panicked = panics(|| every_verb(&cache, &snapshot));
            if !panicked {
                break;
            }
            check(&cache);
            // Every verb's first question, then some of the others.
            asked += if asked < 130 { 1 } else { 17 };
        }
        assert!(asked > 13 * 70, "no verb goes without asking: {asked}");
    }
}

#[test]
fn a_clock_that_panics_while_a_cache_is_built_leaves_no_thread_behind() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let clock = Moody::default();
    clock.left.store(1, Ordering::SeqCst);
    let builder = Cache::builder().listener(move |_| assert!(Arc::strong_count(&held) > 0));
    assert!(panics(|| timed(builder, &clock)));
    assert_eq!(Arc::strong_count(&alive), 1, "the listener is gone");
}
