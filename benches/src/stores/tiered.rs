//! A load whose copy is fresh, beside one of the bare cache.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sessile::store::{TieredStore, WhenBackFails};
use sessile::{Cache, CacheStore, SessionStore, Terms};

use super::pace;
use crate::args::Args;
use crate::measure::Found;
use crate::report::Table;

const HOUR: Duration = Duration::from_secs(3600);
const KEYS: usize = 1_000;
const VALUE_BYTES: usize = 200;
/// A slice is shorter than what a busy machine gives a thread at once.
const SLICE: usize = 2_000;
/// Slices in a round, whose least is the round's figure: the rest is what other programs cost.
const SLICES: usize = 500;

pub(super) fn take(args: &Args) -> Found {
    let failed = |error: sessile::Error| error.to_string();
    let builder = || Ok(TieredStore::builder(embedded()?, embedded()?).fresh_for(HOUR));
    let bare = embedded().map_err(failed)?;
    let plain = builder()
        .and_then(|builder| builder.build())
        .map_err(failed)?;
    let serving = WhenBackFails::ServeFront { up_to: HOUR };
    let serving = builder().and_then(|builder| builder.when_back_fails(serving).build());
    let serving = serving.map_err(failed)?;
    let keys: Vec<String> = (0..KEYS)
        .map(|number| format!("Jx2kq0cJq7yHn1pYb{number:05}"))
        .collect();
    fill(&bare, &keys);
    fill(&plain, &keys);
    fill(&serving, &keys);
    let slices = args.size(SLICES).min(SLICES);
    let mut table = Table::new(
        "tiered: a hot load beside the bare cache's, ns",
        "The least of 500 slices of 2,000 loads a round; medians over the rounds.",
        &pace::COLUMNS,
    );
    let rounds = args.rounds();
    let (ours, theirs) = pace::interleave(
        rounds,
        || round(&plain, &keys, slices),
        || round(&bare, &keys, slices),
    );
    pace::pair(&mut table, "hot load".into(), &ours, &theirs, "<= 1.30");
    let (ours, theirs) = pace::interleave(
        rounds,
        || round(&serving, &keys, slices),
        || round(&bare, &keys, slices),
    );
    let name = "hot load, serving copies".into();
    pace::pair(&mut table, name, &ours, &theirs, "<= 1.30");
    Ok(vec![table])
}

fn embedded() -> sessile::Result<CacheStore> {
    let cache = Cache::builder().unlimited_entries().build()?;
    Ok(CacheStore::new(cache.into()))
}

/// Polls once: a hot load is ready then.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hot load waited"),
    }
}

fn fill(store: &impl SessionStore, keys: &[String]) {
    for key in keys {
        let value = Bytes::from(vec![7; VALUE_BYTES]);
        now(store.put(key.as_bytes(), value, Terms::ttl(HOUR))).expect("there is room");
    }
}

/// Nanoseconds a load, in the least of some slices.
#[inline(never)]
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn round(store: &impl SessionStore, keys: &[String], slices: usize) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..slices {
        let began = Instant::now();
        for at in 0..SLICE {
            // Not in order: the next key is not the next line of memory.
            let key = keys[at * 617 % KEYS].as_bytes();
            let found = black_box(now(store.load(black_box(key))));
            assert!(found.is_ok_and(|found| found.is_some()));
        }
        least = least.min(began.elapsed().as_nanos() as f64 / SLICE as f64);
    }
    least
}
