//! Counts visits in sessions that several threads write at once: no lock, and no visit is lost.
//!
//! Run it with `cargo run --example session_counter`.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use sessile::store::{CacheStore, Created, Replaced, SessionStore};
use sessile::{Cache, Result, Terms};

const THREADS: u64 = 4;
const VISITS: u64 = 10_000;

/// Adds a visit to the session of `id`: read, count, and write only if nobody wrote in between.
async fn visit(store: &impl SessionStore, id: &[u8]) -> Result<u64> {
    let terms = Terms::forever().idle(Duration::from_secs(30 * 60));
    loop {
        let Some(loaded) = store.load(id).await? else {
            match store.create(id, encode(1), terms).await? {
                Created::Done(_) => return Ok(1),
                Created::Taken => continue, // another thread was the first
            }
        };
        let visits = decode(&loaded.value) + 1;
        let replaced = store.replace(id, encode(visits), terms, Some(loaded.version));
        match replaced.await? {
            Replaced::Done(_) => return Ok(visits),
            Replaced::Gone | Replaced::Conflict(_) => {} // ended or changed meanwhile: once more
        }
    }
}

fn encode(visits: u64) -> Bytes {
    Bytes::copy_from_slice(&visits.to_le_bytes())
}

fn decode(value: &[u8]) -> u64 {
    u64::from_le_bytes(value.try_into().expect("`encode` writes 8 bytes"))
}

/// The embedded store's futures are ready at the first poll, so no executor is needed here.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the embedded store never waits"),
    }
}

fn main() -> Result<()> {
    let cache = Arc::new(Cache::builder().max_entries(10_000).build()?);
    let store = CacheStore::new(cache).with_namespace("session:")?;
    let id = b"bGV0IG1lIGluLCBwbGVhc2U"; // a real one comes from the system's random source
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..VISITS {
                    ready(visit(&store, id)).expect("the key is short and the terms are valid");
                }
            });
        }
    });
    let last = ready(visit(&store, id))?;
    println!("{last} visits, none lost");
    assert_eq!(last, THREADS * VISITS + 1);
    Ok(())
}
