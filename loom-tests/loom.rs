//! Small interleavings of the real cache, explored exhaustively up to a number of preemptions.
//!
//! `RUSTFLAGS="--cfg sessile_loom" cargo test -p sessile-loom-tests --release -- --nocapture` with a
//! target directory of its own; `LOOM_MAX_PREEMPTIONS` overrides the bound that each model states.
//! Under this cfg the cache uses loom's mutex in place of parking_lot's.
#![cfg(sessile_loom)]

#[path = "loom/cache.rs"]
mod cache;
#[path = "loom/limits.rs"]
mod limits;
#[path = "loom/planted.rs"]
mod planted;
#[path = "loom/room.rs"]
mod room;
#[path = "loom/tiers.rs"]
mod tiers;
#[path = "loom/time.rs"]
mod time;
#[path = "loom/visits.rs"]
mod visits;
#[path = "loom/walks.rs"]
mod walks;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loom::sync::atomic::AtomicU64;
use sessile::internals::shard_of;
use sessile::{Builder, Cache, Clock};

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Explores `model` with at most `bound` preemptions and prints how many interleavings that were.
fn explore(name: &str, bound: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(bound));
    builder.max_branches = 10_000;
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let bound = builder.preemption_bound.unwrap_or(bound);
    builder.check(move || {
        counts.fetch_add(1, Ordering::Relaxed);
        roomy(&model);
    });
    let count = count.load(Ordering::Relaxed);
    println!("{name}: {count} interleavings, all with at most {bound} preemptions");
    assert!(count > 1, "nothing ran in parallel");
}

/// Runs `run` on a stack of ordinary size; loom's are too small for a slab's first chunk.
fn roomy<R>(run: impl FnOnce() -> R) -> R {
    stacker::grow(256 * 1024, run)
}

/// A clock whose every reading and movement is a step that loom can interleave; starts at 100 s.
#[derive(Clone)]
struct ModelClock(loom::sync::Arc<AtomicU64>);

impl ModelClock {
    fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).expect("models are short");
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn rewind(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).expect("models are short");
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for ModelClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn wall_ms(&self) -> u64 {
        self.now_ms()
    }
}

/// A cache on a clock of its own.
fn cache(builder: Builder) -> (loom::sync::Arc<Cache>, ModelClock) {
    let clock = ModelClock(loom::sync::Arc::new(AtomicU64::new(100_000)));
    let cache = builder
        .clock(clock.clone())
        .build()
        .expect("a valid configuration");
    (loom::sync::Arc::new(cache), clock)
}

fn unlimited() -> (loom::sync::Arc<Cache>, ModelClock) {
    cache(Cache::builder().unlimited_entries().shards(1))
}

/// The first of a row of keys that fall on `shard`, so many.
fn first_keys(cache: &Cache, shard: usize, count: usize) -> Vec<String> {
    let names = (0..).map(|number| format!("key {number}"));
    names
        .filter(|name| shard_of(cache, name) == shard)
        .take(count)
        .collect()
}

/// The first four, enough for most models.
fn keys(cache: &Cache, shard: usize) -> Vec<String> {
    first_keys(cache, shard, 4)
}

/// Runs `a` and `b` in threads of their own and waits for both.
fn both<A: 'static, B: 'static>(
    cache: &loom::sync::Arc<Cache>,
    a: impl FnOnce(&Cache) -> A + 'static,
    b: impl FnOnce(&Cache) -> B + 'static,
) -> (A, B) {
    let for_a = loom::sync::Arc::clone(cache);
    let a = loom::thread::spawn(move || roomy(move || a(&for_a)));
    // The main thread is the second one: loom explores fewer interleavings of two than of three.
    let b = b(cache);
    (a.join().expect("no assertion fails"), b)
}
