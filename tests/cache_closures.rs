//! User code inside the cache: panics, re-entry, destructors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use sessile::{Cache, ManualClock, Namespace, Terms};

const MINUTE: Duration = Duration::from_secs(60);
/// What does not wait for itself ends sooner, on any machine.
const LIMIT: Duration = Duration::from_secs(600);

fn cache(shards: usize) -> Cache {
    Cache::builder()
        .unlimited_entries()
        .shards(shards)
        .build()
        .expect("nothing is limited")
}

fn forget_answer<T>(_: T) {}

fn panics<R>(run: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

fn check(cache: &Cache) {
    cache.insert("after", "v", MINUTE).expect("no limits");
    assert_eq!(cache.get("after").as_deref(), Some(&b"v"[..]));
    assert_eq!(cache.get_with("after", <[u8]>::len), Some(1));
    #[cfg(feature = "__internals")]
    cache.check_invariants();
}

#[test]
fn a_panic_in_get_with_leaves_the_cache_usable() {
    let cache = cache(1);
    cache.insert("id", "v", MINUTE).unwrap();
    assert!(panics(|| cache.get_with("id", |_| panic!("planted"))));
    assert_eq!(cache.get("id").unwrap(), "v");
    check(&cache);
}

#[test]
fn a_panic_in_retain_leaves_the_cache_usable() {
    let cache = cache(1);
    for number in 0..1000_u32 {
        cache.insert(&number.to_le_bytes(), "v", MINUTE).unwrap();
    }
    let mut calls = 0;
    assert!(panics(|| cache.retain(|_, _| {
        calls += 1;
        assert!(calls < 600, "planted");
        false
    })));
    assert_eq!(
        cache.len(),
        1000 - 512,
        "whole batches of 256 are carried out"
    );
    assert_eq!(cache.stats().cleared, 512);
    check(&cache);
}

/// Runs a re-entry on a thread of its own and says whether it panicked; a deadlock fails.
fn reenters(name: &str, run: impl FnOnce(&Cache) + Send + 'static) -> bool {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let cache = cache(1);
        cache.insert("id", "v", MINUTE).expect("no limits");
        let panicked = panics(|| run(&cache));
        check(&cache);
        let _ = sender.send(panicked);
    });
    let answer = receiver.recv_timeout(LIMIT);
    answer.unwrap_or_else(|_| panic!("{name} waits for itself"))
}

/// A snapshot that holds an entry. Made before any closure runs: making it takes a cache's locks too.
fn a_snapshot() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let cache = cache(1);
        let mut bytes = Vec::new();
        cache.insert("id", "v", MINUTE).expect("no limits");
        cache.snapshot(&mut bytes).expect("a vector takes it all");
        bytes
    })
}

#[test]
fn reentry_panics_instead_of_waiting_for_itself() {
    type Verb = fn(&Cache);
    a_snapshot();
    let verbs: [(&str, Verb); 24] = [
        ("get", |cache| forget_answer(cache.get("id"))),
        ("get_with", |cache| {
            forget_answer(cache.get_with("id", |_| ()))
        }),
        ("get_many", |cache| {
            forget_answer(cache.get_many(&["id".into()]))
        }),
        ("get_versioned", |cache| {
            forget_answer(cache.get_versioned("id"))
        }),
        ("get_and_touch", |cache| {
            forget_answer(cache.get_and_touch("id", MINUTE))
        }),
        ("contains", |cache| forget_answer(cache.contains("id"))),
        ("time_to_live", |cache| {
            forget_answer(cache.time_to_live("id"))
        }),
        ("touch", |cache| forget_answer(cache.touch("id", MINUTE))),
        ("insert", |cache| {
            forget_answer(cache.insert("id", "w", MINUTE))
        }),
        ("insert_if_absent", |cache| {
            forget_answer(cache.insert_if_absent("id", "w", MINUTE))
        }),
        ("replace", |cache| {
            forget_answer(cache.replace("id", "w", MINUTE, None))
        }),
        ("remove", |cache| forget_answer(cache.remove("id"))),
        ("take", |cache| forget_answer(cache.take("id"))),
        ("clear", |cache| forget_answer(cache.clear())),
        ("clear_namespace", |cache| {
            forget_answer(cache.clear_namespace(Namespace::DEFAULT))
        }),
        ("retain", |cache| forget_answer(cache.retain(|_, _| true))),
        ("iter", |cache| forget_answer(cache.iter().next())),
        ("stats", |cache| forget_answer(cache.stats())),
        ("len", |cache| forget_answer(cache.len())),
        ("is_empty", |cache| forget_answer(cache.is_empty())),
        ("bytes", |cache| forget_answer(cache.bytes())),
        ("snapshot", |cache| {
            forget_answer(cache.snapshot(std::io::sink()))
        }),
        ("restore", |cache| {
            forget_answer(cache.restore(a_snapshot()))
        }),
        ("debug", |cache| forget_answer(format!("{cache:?}"))),
    ];
    for (name, verb) in verbs {
        let from_get_with =
            move |cache: &Cache| forget_answer(cache.get_with("id", |_| verb(cache)));
        assert!(reenters(name, from_get_with), "{name} in get_with");
        let from_retain = move |cache: &Cache| {
            cache.retain(|_, _| {
                verb(cache);
                true
            });
        };
        assert!(reenters(name, from_retain), "{name} in retain");
    }
}

#[test]
fn maintenance_from_inside_panics_where_there_is_work_and_does_nothing_where_there_is_none() {
    let run = |idle: &Cache| {
        assert_eq!(
            idle.get_with("id", |_| idle.maintain(1000).reclaimed),
            Some(0)
        );
        let clock = ManualClock::new();
        let builder = Cache::builder().unlimited_entries().shards(1);
        let busy = builder.clock(clock.clone()).build().expect("valid");
        // More than the reading verb itself reclaims on its way.
        for number in 0..1000_u32 {
            let second = Duration::from_secs(1);
            busy.insert(&number.to_le_bytes(), "v", second)
                .expect("no limits");
        }
        busy.insert("id", "v", MINUTE).expect("no limits");
        clock.advance(Duration::from_secs(1));
        assert!(panics(|| busy.get_with("id", |_| busy.maintain(1000))));
        assert!(busy.maintain(1000).reclaimed > 0, "it was not done inside");
        check(&busy);
    };
    assert!(!reenters("maintain", run), "all of that holds");
}

#[test]
fn reentry_into_another_shard_does_not_hide_reentry_into_the_own_one() {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let cache = cache(1024);
        for number in 0..64_u32 {
            cache.insert(&number.to_le_bytes(), "v", MINUTE).unwrap();
        }
        let panicked = panics(|| {
            cache.get_with(&0_u32.to_le_bytes(), |_| {
                for number in 1..64_u32 {
                    let _ = catch_unwind(AssertUnwindSafe(|| {
                        cache.get_with(&number.to_le_bytes(), |_| ())
                    }));
                }
                forget_answer(cache.get(&0_u32.to_le_bytes()));
            })
        });
        let _ = sender.send(panicked);
    });
    let answer = receiver.recv_timeout(LIMIT);
    assert!(
        answer.expect("the cache waits for itself"),
        "re-entry panics"
    );
}

/// A buffer whose destructor uses the cache that held it.
struct Nosy {
    cache: Arc<Cache>,
    dropped: Arc<AtomicU64>,
    bytes: Vec<u8>,
}

impl AsRef<[u8]> for Nosy {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        let _ = self.cache.get("other");
        let _ = self
            .cache
            .insert("other", "written by a destructor", MINUTE);
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_values_destructor_may_use_the_cache() {
    let cache = Arc::new(
        Cache::builder()
            .max_entries(4)
            .protected_entries(1)
            .shards(1)
            .build()
            .unwrap(),
    );
    let dropped = Arc::new(AtomicU64::new(0));
    let nosy = || {
        Bytes::from_owner(Nosy {
            cache: Arc::clone(&cache),
            dropped: Arc::clone(&dropped),
            bytes: vec![0; 2000],
        })
    };
    cache.insert("id", nosy(), MINUTE).unwrap();
    cache.insert("id", nosy(), MINUTE).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1, "replaced");
    assert!(cache.remove("id"));
    assert_eq!(dropped.load(Ordering::SeqCst), 2, "removed");
    cache
        .insert("login", "v", Terms::forever().protected())
        .unwrap();
    let refused = cache.insert("second", nosy(), Terms::forever().protected());
    assert!(refused.is_err());
    assert_eq!(dropped.load(Ordering::SeqCst), 3, "refused");
    cache.insert("id", nosy(), MINUTE).unwrap();
    assert_eq!(cache.insert_if_absent("id", nosy(), MINUTE).unwrap(), None);
    assert_eq!(dropped.load(Ordering::SeqCst), 4, "taken");
    for number in 0..20_u32 {
        cache.insert(&number.to_le_bytes(), "v", MINUTE).unwrap();
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 5, "evicted");
    cache.insert("id", nosy(), MINUTE).unwrap();
    cache.clear();
    assert_eq!(dropped.load(Ordering::SeqCst), 6, "cleared");
    cache.insert("small", nosy().slice(..10), MINUTE).unwrap();
    assert_eq!(
        dropped.load(Ordering::SeqCst),
        7,
        "copied, so let go at once"
    );
}
