//! Redis Cluster: keys with braces, slots that move, scripts that nodes have not seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sessile::Replaced;
use sessile::store::{RedisStore, SessionStore};

use crate::kit::{self, MINUTE, text};
use crate::servers::{Proxy, RedisCluster, trips, wait_until};

async fn store(cluster: &RedisCluster) -> RedisStore {
    let mut builder = RedisStore::builder().prefix("p").patience(kit::patient());
    for url in cluster.urls() {
        builder = builder.url(url);
    }
    builder.connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_on_all_nodes_and_braces_are_plain_bytes() {
    let Some(cluster) = RedisCluster::start("keys in a cluster") else {
        return;
    };
    let one = format!("redis+cluster://127.0.0.1:{}", cluster.nodes[0].port());
    let store = kit::on(&one).prefix("{p}{}").connect().await.unwrap();
    let braces = ["{", "}", "{}", "}{", "{a}b", "{a}{b}", "a{}b"];
    for key in braces {
        kit::created(&store, key, "v").await;
    }
    for key in braces {
        assert_eq!(text(&store, key).await.as_deref(), Some("v"));
        assert!(store.remove(key.as_bytes()).await.unwrap());
    }
    let spread = kit::on(&one).prefix("spread").connect().await.unwrap();
    for number in 0..60 {
        let key = format!("k{number}");
        let version = kit::created(&spread, &key, "v").await;
        let replaced = spread
            .replace(key.as_bytes(), "w".into(), MINUTE, Some(version))
            .await;
        assert!(kit::is_done(replaced.unwrap()));
    }
    for node in &cluster.nodes {
        let size: u32 = node.ask(&["dbsize"]).parse().unwrap();
        assert!(size > 5, "a node with {size} of 60 keys");
        node.ask(&["script", "flush"]);
    }
    for number in 0..60 {
        let key = format!("k{number}");
        let replaced = spread
            .replace(key.as_bytes(), "x".into(), MINUTE, None)
            .await
            .unwrap();
        assert!(kit::is_done(replaced));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_under_traffic_loses_nothing() {
    let Some(cluster) = RedisCluster::start("moving slots") else {
        return;
    };
    let store = store(&cluster).await;
    // The braces keep all of them in one slot.
    let keys: Vec<String> = (0..30)
        .map(|number| format!("{{moving}}{number}"))
        .collect();
    for key in &keys {
        store.put(key.as_bytes(), "0".into(), MINUTE).await.unwrap();
    }
    let over = Arc::new(AtomicBool::new(false));
    let traffic = tokio::spawn({
        let (store, keys, over) = (store.clone(), keys.clone(), Arc::clone(&over));
        async move {
            let mut count = 0_u32;
            while !over.load(Ordering::Relaxed) {
                count += 1;
                for key in &keys {
                    let found = store
                        .load(key.as_bytes())
                        .await
                        .unwrap()
                        .expect("it is there");
                    let value = count.to_string().into();
                    let replaced = store
                        .replace(key.as_bytes(), value, MINUTE, Some(found.version))
                        .await
                        .unwrap();
                    assert!(matches!(replaced, Replaced::Done(_)), "{replaced:?}");
                }
            }
            count
        }
    });
    let (from, slot) = cluster.owner("1:p:{moving}0");
    let to = (from + 1) % 3;
    let (old, new) = (&cluster.nodes[from], &cluster.nodes[to]);
    new.ask(&["cluster", "setslot", &slot, "importing", &cluster.id(from)]);
    old.ask(&["cluster", "setslot", &slot, "migrating", &cluster.id(to)]);
    let port = new.port().to_string();
    for key in &keys {
        // Slowly, so that the traffic meets a slot that is half here and half there.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let moved = old.ask(&[
            "migrate",
            "127.0.0.1",
            &port,
            &format!("1:p:{key}"),
            "0",
            "5000",
        ]);
        assert_eq!(moved, "OK");
    }
    for node in [new, old, &cluster.nodes[(from + 2) % 3]] {
        node.ask(&["cluster", "setslot", &slot, "node", &cluster.id(to)]);
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    over.store(true, Ordering::Relaxed);
    let count = traffic.await.unwrap();
    assert!(count > 1);
    for key in &keys {
        assert_eq!(text(&store, key).await, Some(count.to_string()));
    }
    assert_eq!(old.ask(&["cluster", "countkeysinslot", &slot]), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_takes_its_slots_along_and_no_others() {
    let Some(mut cluster) = RedisCluster::start("dying nodes") else {
        return;
    };
    for node in &cluster.nodes {
        node.ask(&["config", "set", "cluster-require-full-coverage", "no"]);
    }
    let store = store(&cluster).await;
    let keys: Vec<String> = (0..30).map(|number| format!("k{number}")).collect();
    for key in &keys {
        store.put(key.as_bytes(), "v".into(), MINUTE).await.unwrap();
    }
    let owners: Vec<usize> = keys
        .iter()
        .map(|key| cluster.owner(&format!("1:p:{key}")).0)
        .collect();
    cluster.nodes[2].program().kill();
    let mut lost = 0;
    for (key, owner) in keys.iter().zip(&owners) {
        if *owner != 2 {
            assert_eq!(text(&store, key).await.as_deref(), Some("v"));
        } else if lost == 0 {
            assert!(store.load(key.as_bytes()).await.is_err());
            lost += 1;
        }
    }
    assert_eq!(lost, 1);
    // Nor does one that is down keep a program from starting.
    let url = cluster.urls()[0].replace("redis://", "redis+cluster://");
    kit::on(&url).connect().await.unwrap();
    cluster.nodes[2].restart();
    let mut put = store.put(keys[0].as_bytes(), "w".into(), MINUTE).await;
    for key in &keys {
        put = store.put(key.as_bytes(), "w".into(), MINUTE).await;
        for _ in 0..30 {
            if put.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            put = store.put(key.as_bytes(), "w".into(), MINUTE).await;
        }
        assert!(put.is_ok());
    }
    put.unwrap();
}

/// The nodes announce the ports of what counts in front of them, so that clients go there.
#[tokio::test]
async fn each_verb_takes_one_round_trip() {
    let Some(cluster) = RedisCluster::start("round trips in a cluster") else {
        return;
    };
    let mut proxies = Vec::new();
    for node in &cluster.nodes {
        let proxy = Proxy::to(node.port()).await;
        let port = proxy.port().to_string();
        node.ask(&["config", "set", "cluster-announce-port", &port]);
        proxies.push(proxy);
    }
    wait_until("the announced ports", || {
        cluster.nodes.iter().all(|node| {
            let known = node.ask(&["cluster", "nodes"]);
            let mut ports = proxies.iter().map(|proxy| format!(":{}@", proxy.port()));
            ports.all(|port| known.contains(&port))
        })
    });
    let url = format!("redis+cluster://127.0.0.1:{}", proxies[0].port());
    let builder = kit::on(&url).patience(trips::patience());
    let store = builder.connect().await.unwrap();
    // Connections and scripts on all nodes.
    for number in 0..60 {
        let key = format!("k{number}");
        let version = kit::created(&store, &key, "v").await;
        let key = key.as_bytes();
        let replaced = store.replace(key, "w".into(), MINUTE, Some(version)).await;
        assert!(kit::is_done(replaced.unwrap()));
        assert!(store.load_left(key).await.unwrap().is_some());
    }
    assert!(proxies.iter().all(|proxy| proxy.turns() > 10));
    let turns = || proxies.iter().map(Proxy::turns).sum();
    trips::check(&store, turns, &[("purge_expired", 0)]).await;
}
