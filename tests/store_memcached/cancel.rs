//! Futures dropped at each place where they wait: no stream that lost step is used again.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use sessile::store::{MemcachedStore, SessionStore};

use crate::kit;
use crate::servers::Memcached;

/// Polls a future until it has waited `times` times, then drops it. Whether it came to its end.
async fn give_up_after<F: Future>(times: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if waited == times => Poll::Ready(false),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

async fn check(store: &MemcachedStore, what: &str, times: usize) {
    for (key, value) in [(&b"one"[..], "first"), (b"two", "second")] {
        let found = store.load(key).await.unwrap().unwrap();
        assert_eq!(
            found.value, value,
            "after {what} dropped at its wait {times}"
        );
    }
}

/// Drops what `start` starts at its first wait, its second, and so on, until it comes to its end.
macro_rules! dropped_everywhere {
    ($store:ident, $what:literal, $future:expr) => {
        for times in 0.. {
            let is_done = give_up_after(times, $future).await;
            check(&$store, $what, times).await;
            if is_done {
                assert!(times > 0, "{} never waited", $what);
                break;
            }
            assert!(times < 100, "{} never ends", $what);
        }
    };
}

#[tokio::test]
async fn what_is_dropped_while_it_waits_leaves_no_answer_behind() {
    let Some(server) = Memcached::start("dropped futures on memcached", &[]) else {
        return;
    };
    // One connection at most: an answer left behind would be read by the next call.
    let store = kit::on(&server).connections_max(1).connect().await.unwrap();
    let terms = kit::terms();
    store.put(b"one", "first".into(), terms).await.unwrap();
    store.put(b"two", "second".into(), terms).await.unwrap();
    let long: bytes::Bytes = vec![b'x'; 900_000].into();
    dropped_everywhere!(store, "load", store.load(b"one"));
    dropped_everywhere!(store, "exists", store.exists(b"two"));
    dropped_everywhere!(
        store,
        "touch",
        store.touch(b"one", std::time::Duration::from_secs(900))
    );
    dropped_everywhere!(store, "put", store.put(b"other", long.clone(), terms));
    dropped_everywhere!(store, "load of much", store.load(b"other"));
    dropped_everywhere!(
        store,
        "replace",
        store.replace(b"other", long.clone(), terms, None)
    );
    dropped_everywhere!(store, "create", store.create(b"other", long.clone(), terms));
    dropped_everywhere!(store, "remove", store.remove(b"other"));
    dropped_everywhere!(store, "ping", store.ping());
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_opened_however_many_call() {
    let Some(server) = Memcached::start("the pool of memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connections_max(3).connect().await.unwrap();
    let calls: Vec<_> = (0..50_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = number.to_le_bytes();
                store.put(&key, "v".into(), kit::terms()).await.unwrap();
                store.load(&key).await.unwrap().unwrap().value
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "v");
    }
    let mut raw = kit::Raw::to(&server);
    // The one that asks is counted, and so is the one that was opened to see whether it is up.
    assert!(raw.stat("total_connections") <= 3 + 1 + 1 + 1);
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let Some(server) = Memcached::start("closing memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let clone = store.clone();
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    store.close().await.unwrap();
    for store in [store, clone] {
        let error = store.load(b"k").await.unwrap_err();
        assert_eq!(error.kind(), sessile::ErrorKind::Unavailable);
    }
    let mut raw = kit::Raw::to(&server);
    // The listener and the one that asks.
    crate::servers::wait_until("the connections to close", || {
        raw.stat("curr_connections") <= 2
    });
}
