//! Destructors that panic: whoever drops the value hears of it, and the cache stays sound.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use sessile::{Cache, ManualClock, Removal, Terms};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// The places of every cache here.
const PLACES: usize = 100;

fn panics<R>(run: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// Says that an answer does not matter.
fn answered<T>(_: T) {}

/// Panics without a word: what is planted need not be told.
fn planted() -> ! {
    resume_unwind(Box::new("planted"))
}

/// A value too long to be copied, whose destructor panics, unless one has panicked already: a second panic
/// meanwhile would be the end of the process, whoever dropped it.
struct Bomb(Vec<u8>);

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            planted();
        }
    }
}

fn bomb() -> Bytes {
    Bytes::from_owner(Bomb(vec![7; 2000]))
}

/// A value whose destructor panics whatever else goes on.
struct Mine(Vec<u8>);

impl AsRef<[u8]> for Mine {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        planted();
    }
}

#[test]
fn of_several_destructors_that_panic_at_once_the_first_is_heard_and_the_process_goes_on() {
    let clock = ManualClock::new();
    let builder = Cache::builder().max_entries(PLACES).shards(1);
    let cache = builder.clock(clock.clone()).build().expect("a cache");
    for ended in [false, true] {
        for number in 0..3 {
            let mine = Bytes::from_owner(Mine(vec![7; 2000]));
            cache.insert(&key(number), mine, SECOND).expect("room");
        }
        if ended {
            clock.advance(SECOND);
            assert!(panics(|| cache.maintain(100)));
        } else {
            assert!(panics(|| cache.clear()));
        }
        assert!(cache.is_empty());
    }
    check(&cache);
}

/// A bounded cache, its clock, and a bomb in it that ends before everything else.
fn armed(shards: usize, clock: &ManualClock) -> Cache {
    let builder = Cache::builder().max_entries(PLACES).protected_entries(1);
    let builder = builder.shards(shards).clock(clock.clone());
    let cache = builder.build().expect("a valid configuration");
    cache.insert("bomb", bomb(), SECOND).expect("there is room");
    cache
}

fn key(number: usize) -> [u8; 8] {
    number.to_le_bytes()
}

fn fill(cache: &Cache, entries: usize) {
    for number in 0..entries {
        cache.insert(&key(number), "v", MINUTE).expect("room");
    }
}

/// The cache adds up, finds and keeps, and has lost no room.
fn check(cache: &Cache) {
    #[cfg(feature = "__internals")]
    cache.check_invariants();
    cache.insert("after", "v", MINUTE).expect("somebody goes");
    assert_eq!(cache.get("after").as_deref(), Some(&b"v"[..]));
    assert_eq!(cache.get_with("after", <[u8]>::len), Some(1));
    while cache.maintain(1000).more {}
    cache.clear();
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
    let before = cache.stats().evicted;
    fill(cache, PLACES);
    assert_eq!(cache.stats().evicted, before, "no room was lost");
    assert_eq!(cache.iter().count(), PLACES);
    #[cfg(feature = "__internals")]
    cache.check_invariants();
}

#[test]
fn a_destructor_that_panics_reaches_whoever_dropped_its_value_and_harms_nobody() {
    type Verb = fn(&Cache, &ManualClock);
    let verbs: [(&str, Verb); 16] = [
        ("insert", |cache, _| {
            answered(cache.insert("bomb", "v", MINUTE))
        }),
        ("insert for another class", |cache, _| {
            answered(cache.insert("bomb", "v", Terms::forever().protected()))
        }),
        ("replace", |cache, _| {
            answered(cache.replace("bomb", "v", MINUTE, None))
        }),
        ("remove", |cache, _| answered(cache.remove("bomb"))),
        ("take", |cache, _| answered(cache.take("bomb"))),
        ("clear", |cache, _| answered(cache.clear())),
        ("retain", |cache, _| {
            answered(cache.retain(|key, _| key.bytes() != b"bomb"))
        }),
        ("eviction", |cache, _| fill(cache, 3 * PLACES)),
        ("the newcomer is refused", |cache, _| {
            answered(cache.insert_if_absent("bomb", bomb(), MINUTE))
        }),
        ("the newcomer's class is full", |cache, _| {
            let login = Terms::forever().protected();
            let _ = cache.insert("login", "v", login);
            let _ = cache.insert("second", bomb(), login);
        }),
        ("the newcomer's key is impossible", |cache, _| {
            answered(cache.insert("", bomb(), MINUTE))
        }),
        ("an unrelated reader reclaims it", |cache, clock| {
            clock.advance(SECOND);
            (0..10_000).for_each(|_| answered(cache.get("nobody")));
        }),
        ("an unrelated writer reclaims it", |cache, clock| {
            clock.advance(SECOND);
            (0..1000).for_each(|_| fill(cache, 10));
        }),
        ("a writer at the limit reclaims it", |cache, clock| {
            fill(cache, PLACES - 1);
            clock.advance(SECOND);
            fill(cache, PLACES + 1);
        }),
        ("its successor reclaims it", |cache, clock| {
            clock.advance(SECOND);
            let _ = cache.insert_if_absent("bomb", "v", MINUTE);
            while cache.maintain(1).more {}
        }),
        ("maintain", |cache, clock| {
            clock.advance(SECOND);
            let _ = cache.maintain(1000);
        }),
    ];
    for shards in [1, 8] {
        for (name, verb) in verbs {
            let clock = ManualClock::new();
            let cache = armed(shards, &clock);
            assert!(panics(|| verb(&cache, &clock)), "{name}, {shards} shards");
            // Whose newcomer it was still holds the one that it was refused for.
            let _ = panics(|| cache.remove("bomb"));
            check(&cache);
        }
    }
}

#[test]
fn a_write_that_drops_what_panics_is_done_all_the_same() {
    let clock = ManualClock::new();
    let cache = armed(1, &clock);
    assert!(panics(|| cache.insert("bomb", "v", MINUTE)));
    assert_eq!(cache.get("bomb").unwrap(), "v");
    cache.insert("bomb", bomb(), MINUTE).unwrap();
    assert!(panics(|| cache.remove("bomb")));
    assert!(!cache.contains("bomb"));
    cache.insert("bomb", bomb(), SECOND).unwrap();
    cache.insert("id", "v", MINUTE).unwrap();
    clock.advance(SECOND);
    assert!(panics(|| cache.get("id")));
    assert_eq!(cache.get("id").unwrap(), "v", "told once, then never again");
    assert_eq!((cache.len(), cache.stats().expired), (1, 1));
}

#[test]
fn a_walk_that_drops_what_panics_goes_as_far_as_the_lock_it_held() {
    let cache = armed(1, &ManualClock::new());
    fill(&cache, PLACES - 1);
    assert!(panics(|| cache.retain(|_, _| false)));
    assert_eq!((cache.len(), cache.stats().cleared), (0, PLACES as u64));
    check(&cache);
}

#[test]
fn a_destructor_that_panics_in_a_listener_costs_it_nothing_else() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let listener = move |removal: Removal| {
        let key = removal.key.clone();
        hears.lock().expect("unlocked before any panic").push(key);
        drop(removal);
    };
    let builder = Cache::builder().max_entries(PLACES).listener(listener);
    let cache = builder.build().unwrap();
    for key in ["a", "b", "c"] {
        cache.insert(key, bomb(), MINUTE).unwrap();
        assert!(!panics(|| cache.remove(key)), "it is the listener's now");
    }
    cache.flush_listener();
    assert_eq!(*heard.lock().unwrap(), ["a", "b", "c"]);
    check(&cache);
}

#[test]
fn a_cache_that_holds_what_panics_is_dropped_whole() {
    struct Counted {
        bytes: Vec<u8>,
        _counted: Arc<()>,
    }
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    let counted = Arc::new(());
    for shards in [1, 8] {
        let cache = armed(shards, &ManualClock::new());
        for number in 1..PLACES {
            let value = Bytes::from_owner(Counted {
                bytes: vec![0; 2000],
                _counted: Arc::clone(&counted),
            });
            cache.insert(&key(number), value, MINUTE).unwrap();
        }
        assert!(panics(|| drop(cache)));
        assert_eq!(Arc::strong_count(&counted), 1, "nothing leaks");
    }
}
