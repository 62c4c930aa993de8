//! Going through all records, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Cursor, RedisStore, SessionStore, Survey, Terms};

use crate::kit::{self, MINUTE};
use crate::servers::{Redis, RedisCluster};

async fn walk(store: &RedisStore, limit: usize) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let (mut seen, mut after, mut pages) = (BTreeMap::new(), None, 0);
    loop {
        let page = store.page(after, limit).await.unwrap();
        pages += 1;
        assert!(page.records.len() <= limit.clamp(1, 1000));
        for record in page.records {
            let loaded = store.load(&record.key).await.unwrap().unwrap();
            assert_eq!(
                (loaded.value, loaded.version),
                (record.value.clone(), record.version)
            );
            match &record.key[..] {
                b"forever" => assert_eq!(record.left, None),
                _ => {
                    let left = record.left.unwrap();
                    assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(60));
                }
            }
            seen.insert(record.key.to_vec(), record.value.to_vec());
        }
        after = page
            .next
            .map(|cursor| Cursor::new(cursor.as_bytes().to_vec()));
        if after.is_none() {
            return seen;
        }
        assert!(pages < 10_000, "the walk does not end");
    }
}

async fn all_are_seen(store: &RedisStore, other: &RedisStore) {
    assert!(walk(store, 10).await.is_empty());
    let mut wanted = BTreeMap::new();
    store
        .put(b"forever", "v".into(), Terms::forever())
        .await
        .unwrap();
    wanted.insert(b"forever".to_vec(), b"v".to_vec());
    for number in 0..300 {
        let key = format!("k*[{number}]");
        store
            .put(key.as_bytes(), key.clone().into(), MINUTE)
            .await
            .unwrap();
        other
            .put(key.as_bytes(), "other".into(), MINUTE)
            .await
            .unwrap();
        wanted.insert(key.clone().into_bytes(), key.into_bytes());
    }
    for limit in [0, 7, 100, usize::MAX] {
        let seen = walk(store, limit).await;
        assert!(
            seen == wanted,
            "{} of {} with {limit}",
            seen.len(),
            wanted.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_the_prefix_is_seen_and_no_other() {
    let Some(server) = Redis::start("listing", &[]) else {
        return;
    };
    for (bare, prefix, near) in [(false, "a*", "a*b"), (true, "a?[x]*", "ab[x]*")] {
        let build = |prefix: &str| {
            let builder = kit::on(&server.url()).prefix(prefix);
            if bare { builder.bare() } else { builder }
        };
        let store = build(prefix).connect().await.unwrap();
        let other = build(near).connect().await.unwrap();
        server.ask(&["rpush", "4:a*:list", "x"]);
        server.ask(&["set", "2:a*:malformed", "x"]);
        all_are_seen(&store, &other).await;
        server.ask(&["flushall"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_masters_of_a_cluster_are_gone_through() {
    let Some(cluster) = RedisCluster::start("listing a cluster") else {
        return;
    };
    let url = format!("redis+cluster://127.0.0.1:{}", cluster.nodes[2].port());
    let store = kit::on(&url).connect().await.unwrap();
    let other = kit::on(&url).connect().await.unwrap();
    all_are_seen(&store, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_cursors_are_refused() {
    let Some(server) = Redis::start("cursors", &[]) else {
        return;
    };
    let store = kit::on(&server.url()).connect().await.unwrap();
    for bytes in ["", "x", "x12345678", "\0\0\0\0\0\0\0\0\0\u{7f}\0\0\0k"] {
        let error = store.page(Some(Cursor::new(bytes)), 10).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
