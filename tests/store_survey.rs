//! Listing a store page by page, through its public face.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sessile::store::{Cursor, Page, Survey};
use sessile::{Cache, CacheStore, ErrorKind, ManualClock, SessionStore, Terms};

fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an embedded store answers at once"),
    }
}

#[test]
fn pages_hold_the_living_of_one_namespace_with_their_versions_and_time_left() {
    let clock = ManualClock::new();
    let builder = Cache::builder().unlimited_entries().clock(clock.clone());
    let cache = Arc::new(builder.build().unwrap());
    let store = CacheStore::new(Arc::clone(&cache))
        .with_namespace("a:")
        .unwrap();
    let other = CacheStore::new(cache).with_namespace("b:").unwrap();
    let mut versions = BTreeMap::new();
    for n in 0..500_u32 {
        let key = n.to_be_bytes();
        let terms = match n % 3 {
            0 => Terms::forever(),
            1 => Terms::ttl(Duration::from_secs(60)).protected(),
            _ => Terms::ttl(Duration::from_secs(5)),
        };
        let version = now(store.put(&key, key.to_vec().into(), terms)).unwrap();
        now(other.put(&key, "other".into(), terms)).unwrap();
        if n % 3 != 2 {
            versions.insert(key.to_vec(), (version, n % 3));
        }
    }
    clock.advance(Duration::from_secs(5));
    for limit in [0, 1, 9, usize::MAX] {
        let (mut seen, mut after) = (BTreeMap::new(), None);
        loop {
            let Page { records, next } = now(store.page(after, limit)).unwrap();
            assert!(records.len() <= limit.clamp(1, 1000));
            for record in records {
                assert_eq!(record.key, record.value);
                let (version, kind) = versions[&record.key[..]];
                assert_eq!(record.version, version);
                let left = (kind == 1).then_some(Duration::from_secs(55));
                assert_eq!(record.left, left);
                seen.insert(record.key.to_vec(), ());
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert!(seen.keys().eq(versions.keys()), "limit {limit}");
    }
}

#[test]
fn a_cursor_travels_as_bytes_and_a_foreign_one_is_refused() {
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    let store = CacheStore::new(Arc::new(cache));
    for key in [b"a", b"b", b"c"] {
        now(store.put(key, "v".into(), Terms::forever())).unwrap();
    }
    let first = now(store.page(None, 2)).unwrap();
    let carried = first.next.unwrap().as_bytes().to_vec();
    let mut after = Some(Cursor::new(carried));
    let mut rest = Vec::new();
    while after.is_some() {
        let page = now(store.page(after, 2)).unwrap();
        rest.extend(page.records);
        after = page.next;
    }
    assert_eq!(first.records.len() + rest.len(), 3);
    let foreign = now(store.page(Some(Cursor::new("no cursor")), 2)).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::InvalidInput);
}
