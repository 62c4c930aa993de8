//! Any sequence of operations on a small cache: limits hold, values fit their keys, all adds up.
#![no_main]

mod planted;

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile::internals::Held;
use sessile::{Cache, ManualClock, Terms, WhenFull, internals};

#[derive(Debug, Arbitrary)]
struct Input {
    entries: Option<u8>,
    bytes: Option<u16>,
    shards: u8,
    evict: bool,
    ops: Vec<Op>,
}

#[derive(Debug, Arbitrary)]
struct Kept {
    ttl: Option<u32>,
    idle: Option<u32>,
    max_age: Option<u32>,
    protected: bool,
}

#[derive(Debug, Arbitrary)]
enum Op {
    Insert(u8, u16, Kept),
    InsertIfAbsent(u8, u16, Kept),
    Swap(u8, u16, Kept),
    Get(u8),
    GetMany(u8, u8),
    Contains(u8),
    Touch(u8, u32),
    GetAndTouch(u8, u32),
    Remove(u8),
    Take(u8),
    Retain(u8),
    Clear,
    Maintain(u8),
    Advance(u64),
    Rewind(u64),
}

impl Kept {
    fn terms(&self) -> Terms {
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        let mut terms = self.ttl.map_or(Terms::forever(), |ttl| Terms::ttl(ms(ttl)));
        if let Some(idle) = self.idle {
            terms = terms.idle(ms(idle));
        }
        if let Some(age) = self.max_age {
            terms = terms.max_age(ms(age));
        }
        if self.protected {
            terms.protected()
        } else {
            terms
        }
    }
}

/// Keys of 1 to 64 bytes.
fn key(number: u8) -> Vec<u8> {
    vec![number; usize::from(number % 64) + 1]
}

fn value(number: u8, len: u16) -> Vec<u8> {
    let byte = bent("another key's value", number, |number| !number);
    vec![byte; usize::from(len % 2048)]
}

fn verify(number: u8, value: &[u8]) {
    assert!(
        value.iter().all(|&byte| byte == number),
        "another key's value"
    );
}

/// What the cache holds, by its own word.
fn held(cache: &Cache) -> Held {
    let far = |_| u64::MAX;
    let held = internals::held(cache);
    Held {
        entries: bent("entries within their limit", held.entries, far),
        bytes: bent("bytes within their limit", held.bytes, far),
        protected_entries: bent(
            "protected entries within their share",
            held.protected_entries,
            far,
        ),
        protected_bytes: bent(
            "protected bytes within their share",
            held.protected_bytes,
            far,
        ),
    }
}

/// The protected class's share of a limit, where none is stated: nine tenths.
fn protected(limit: u64) -> u64 {
    match limit {
        u64::MAX => limit,
        limit => limit - limit.div_ceil(10),
    }
}

fuzz_target!(|input: Input| {
    let clock = ManualClock::new();
    clock.set_ms(1 << 42);
    let mut builder = Cache::builder()
        .unlimited_entries()
        .shards(1 << (input.shards % 4));
    let entries = input
        .entries
        .map_or(usize::MAX, |entries| usize::from(entries.max(2)));
    if entries != usize::MAX {
        builder = builder.max_entries(entries);
    }
    let bytes = input
        .bytes
        .map_or(u64::MAX, |bytes| u64::from(bytes.max(1024)));
    if bytes != u64::MAX {
        builder = builder.max_bytes(bytes);
    }
    if input.evict {
        builder = builder.when_protected_full(WhenFull::EvictColdest);
    }
    let cache = builder
        .clock(clock.clone())
        .build()
        .expect("a valid configuration");
    let ms = |ms: u32| Duration::from_millis(u64::from(ms));
    for op in &input.ops {
        match op {
            Op::Insert(k, len, kept) => {
                let done = cache.insert(&key(*k), value(*k, *len), kept.terms());
                bent("a newcomer is readable", (), |()| {
                    cache.clear();
                });
                assert!(
                    done.is_err() || cache.contains(&key(*k)),
                    "a newcomer is readable"
                );
            }
            Op::InsertIfAbsent(k, len, kept) => {
                let _ = cache.insert_if_absent(&key(*k), value(*k, *len), kept.terms());
            }
            Op::Swap(k, len, kept) => {
                if let Some((seen, version)) = cache.get_versioned(&key(*k)) {
                    verify(*k, &seen);
                    let (key, value) = (key(*k), value(*k, *len));
                    let _ = cache.replace(&key, value, kept.terms(), Some(version));
                }
            }
            Op::Get(k) => drop(cache.get(&key(*k)).map(|value| verify(*k, &value))),
            Op::GetMany(a, b) => {
                let values = cache.get_many(&[(&key(*a)).into(), (&key(*b)).into()]);
                for (k, value) in [a, b].into_iter().zip(values) {
                    value.inspect(|value| verify(*k, value));
                }
            }
            Op::Contains(k) => {
                let live = cache.contains(&key(*k));
                let live = bent("what is there has a time to live", live, |live| !live);
                let has_time = cache.time_to_live(&key(*k)).is_some();
                assert_eq!(live, has_time, "what is there has a time to live");
            }
            Op::Touch(k, ttl) => drop(cache.touch(&key(*k), ms(*ttl))),
            Op::GetAndTouch(k, ttl) => {
                cache
                    .get_and_touch(&key(*k), ms(*ttl))
                    .inspect(|value| verify(*k, value));
            }
            Op::Remove(k) => {
                let removed = cache.remove(&key(*k));
                let live = cache.contains(&key(*k));
                let live = bent("what was removed is gone", live, |_| removed);
                assert!(!removed || !live, "what was removed is gone");
            }
            Op::Take(k) => drop(cache.take(&key(*k)).map(|value| verify(*k, &value))),
            Op::Retain(divisor) => {
                cache.retain(|key, _| key.bytes()[0] % divisor.max(&1) != 0);
            }
            Op::Clear => drop(cache.clear()),
            Op::Maintain(budget) => drop(cache.maintain(usize::from(*budget))),
            Op::Advance(by) => clock.advance(Duration::from_millis(by % (1 << 36))),
            Op::Rewind(by) => clock.rewind(Duration::from_millis(by % (1 << 36))),
        }
        // Not `stats` alone, whose sums are cut to the limits.
        let held = held(&cache);
        let entries = entries as u64;
        for (held, limit, words) in [
            (held.entries, entries, "entries within their limit"),
            (held.bytes, bytes, "bytes within their limit"),
            (
                held.protected_entries,
                protected(entries),
                "protected entries within their share",
            ),
            (
                held.protected_bytes,
                protected(bytes),
                "protected bytes within their share",
            ),
        ] {
            assert!(held <= limit, "{words}: {held} of {limit}");
        }
        let held = internals::held(&cache);
        let stats = cache.stats();
        let told = bent("statistics tell what is held", stats.entries, |told| {
            told + 1
        });
        assert_eq!(
            (told, stats.bytes),
            (held.entries, held.bytes),
            "statistics tell what is held"
        );
    }
    cache.check_invariants();
});
