//! Servers that die under the traffic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sessile::store::{Created, RedisStore, SessionStore, Terms};
use sessile::{ErrorKind, Replaced};

use crate::kit::{self, MINUTE};
use crate::servers::Redis;

/// Longer than any machine takes for the traffic: no record ends by itself.
const HOUR: Terms = Terms::ttl(Duration::from_secs(3600));

/// What all clients have done so far.
#[derive(Default)]
struct Traffic {
    over: AtomicBool,
    kept: AtomicU32,
    gone: AtomicU32,
}

impl Traffic {
    fn done(&self) -> [u32; 2] {
        [&self.kept, &self.gone].map(|count| count.load(Ordering::Relaxed))
    }

    /// Waits for a while, and on until so many more records were kept and removed, however slow the
    /// machine.
    async fn flow(&self) {
        let before = self.done();
        let began = Instant::now();
        tokio::time::sleep(Duration::from_millis(400)).await;
        loop {
            let [kept, gone] = self.done();
            let (kept, gone) = (kept - before[0], gone - before[1]);
            if kept > 12 && gone > 5 {
                return;
            }
            let waited = began.elapsed();
            assert!(
                waited < Duration::from_secs(90),
                "{kept} and {gone}: hardly any traffic"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a client was told about its own keys.
#[derive(Default)]
struct Told {
    /// The number that a record must hold at least.
    acknowledged: BTreeMap<String, u32>,
    removed: Vec<String>,
}

/// Creates, replaces and removes until it is told to stop; believes only what was acknowledged.
async fn client(store: RedisStore, name: u32, traffic: Arc<Traffic>) -> Told {
    let mut told = Told::default();
    let mut number = 0;
    while !traffic.over.load(Ordering::Relaxed) {
        number += 1;
        let key = format!("{name}-{number}");
        let bytes = key.as_bytes();
        let Ok(Created::Done(version)) = store.create(bytes, "1".into(), HOUR).await else {
            continue;
        };
        told.acknowledged.insert(key.clone(), 1);
        let replaced = store.replace(bytes, "2".into(), HOUR, Some(version)).await;
        match replaced {
            Ok(Replaced::Done(_)) => drop(told.acknowledged.insert(key.clone(), 2)),
            Ok(other) => panic!("{other:?} of a record that nobody else has"),
            Err(_) => {}
        }
        if number % 3 == 0 {
            told.acknowledged.remove(&key);
            if store.remove(bytes).await.is_ok() {
                told.removed.push(key);
                traffic.gone.fetch_add(1, Ordering::Relaxed);
            }
        } else {
            traffic.kept.fetch_add(1, Ordering::Relaxed);
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_server_killed_under_traffic_loses_and_resurrects_nothing() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut server) = Redis::start("killed servers", &durable) else {
        return;
    };
    let patience = kit::patient().attempts(3);
    let store = kit::on(&server.url())
        .patience(patience)
        .connect()
        .await
        .unwrap();
    let traffic = Arc::new(Traffic::default());
    let clients: Vec<_> = (0..8)
        .map(|name| tokio::spawn(client(store.clone(), name, Arc::clone(&traffic))))
        .collect();
    for _ in 0..3 {
        traffic.flow().await;
        server.program().kill();
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.restart();
    }
    traffic.flow().await;
    traffic.over.store(true, Ordering::Relaxed);
    let (mut kept, mut gone) = (0, 0);
    for client in clients {
        let told = client.await.unwrap();
        for (key, least) in told.acknowledged {
            let found = store.load(key.as_bytes()).await.unwrap();
            let found = found.unwrap_or_else(|| panic!("an acknowledged record is lost"));
            let number: u32 = std::str::from_utf8(&found.value).unwrap().parse().unwrap();
            assert!(number >= least);
            kept += 1;
        }
        for key in told.removed {
            assert!(!store.exists(key.as_bytes()).await.unwrap(), "resurrected");
            gone += 1;
        }
    }
    assert!(
        kept > 50 && gone > 20,
        "{kept} and {gone}: hardly any traffic"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_unavailable_and_found_again() {
    let Some(mut server) = Redis::start("servers that are gone", &[]) else {
        return;
    };
    let store = kit::on(&server.url())
        .patience(kit::patient().attempts(2))
        .connect()
        .await
        .unwrap();
    for _ in 0..3 {
        server.program().kill();
        let calls = (0..50).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.load(b"k").await.unwrap_err().kind() })
        });
        for call in calls.collect::<Vec<_>>() {
            let kind = call.await.unwrap();
            assert!(
                matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout),
                "{kind:?}"
            );
        }
        server.restart();
        store.put(b"k", "v".into(), MINUTE).await.unwrap();
        assert!(store.exists(b"k").await.unwrap());
    }
}
