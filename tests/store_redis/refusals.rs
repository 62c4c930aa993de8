//! What a server answers when it will not: each has its kind, and most go by.

use std::time::Duration;

use sessile::store::{Patience, RedisStore, SessionStore};
use sessile::{Error, ErrorKind};

use crate::kit::{self, MINUTE, created, shown, text};
use crate::servers::{Redis, RedisCluster, free_port};

async fn refusal(store: &RedisStore) -> Error {
    store
        .put(b"canary-key", "canary-value".into(), MINUTE)
        .await
        .unwrap_err()
}

fn expect(error: &Error, kind: ErrorKind, word: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(word), "{error}");
    assert!(!shown(error).contains("canary"), "{}", shown(error));
}

#[tokio::test]
async fn passwords_are_asked_for_and_checked_and_never_shown() {
    let Some(server) = Redis::start("passwords", &["--requirepass", "canary-right"]) else {
        return;
    };
    let url = |user: &str| format!("redis://{user}127.0.0.1:{}", server.port());
    let error = kit::on(&url("")).connect().await.unwrap_err();
    expect(&error, ErrorKind::InvalidConfig, "password");
    for user in [":canary-wrong@", "nobody:canary-right@"] {
        let error = kit::on(&url(user)).connect().await.unwrap_err();
        expect(&error, ErrorKind::InvalidConfig, "password");
        let old = format!("{}?protocol=resp2", url(user));
        let error = kit::on(&old).connect().await.unwrap_err();
        expect(&error, ErrorKind::InvalidConfig, "password");
    }
    let builder = kit::on(&url(":canary-right@"));
    assert!(!format!("{builder:?}").contains("canary"));
    let store = builder.connect().await.unwrap();
    assert!(!format!("{store:?}").contains("canary"));
    created(&store, "k", "v").await;
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    let Some(server) = Redis::start("access rules", &[]) else {
        return;
    };
    server.ask(&[
        "acl", "setuser", "reader", "on", ">pass", "~*", "+get", "+hello", "+ping", "+client",
    ]);
    let url = format!("redis://reader:pass@127.0.0.1:{}", server.port());
    let store = kit::on(&url).connect().await.unwrap();
    assert_eq!(store.load(b"k").await.unwrap(), None);
    expect(
        &refusal(&store).await,
        ErrorKind::InvalidConfig,
        "access rules",
    );
}

#[tokio::test]
async fn full_memory_is_full_and_reads_go_on() {
    let Some(server) = Redis::start("full memory", &[]) else {
        return;
    };
    let store = kit::on(&server.url()).connect().await.unwrap();
    let version = created(&store, "k", "v").await;
    server.ask(&["config", "set", "maxmemory", "1"]);
    expect(&refusal(&store).await, ErrorKind::Full, "maxmemory");
    let created = store.create(b"new", "v".into(), MINUTE).await;
    expect(&created.unwrap_err(), ErrorKind::Full, "maxmemory");
    let replaced = store.replace(b"k", "w".into(), MINUTE, Some(version)).await;
    expect(&replaced.unwrap_err(), ErrorKind::Full, "maxmemory");
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
    server.ask(&["config", "set", "maxmemory", "0"]);
    let replaced = store
        .replace(b"k", "w".into(), MINUTE, Some(version))
        .await
        .unwrap();
    assert!(kit::is_done(replaced));
}

#[tokio::test]
async fn a_script_that_the_server_forgot_is_sent_again() {
    let Some(server) = Redis::start("forgotten scripts", &[]) else {
        return;
    };
    let store = kit::on(&server.url()).connect().await.unwrap();
    let mut version = created(&store, "k", "0").await;
    for number in ["1", "2", "3"] {
        server.ask(&["script", "flush"]);
        let replaced = store
            .replace(b"k", number.into(), MINUTE, Some(version))
            .await
            .unwrap();
        let sessile::Replaced::Done(next) = replaced else {
            panic!("{replaced:?}")
        };
        version = next;
        assert_eq!(text(&store, "k").await.as_deref(), Some(number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_refused_and_a_master_again_is_welcome() {
    let Some(server) = Redis::start("replicas", &["--replica-serve-stale-data", "no"]) else {
        return;
    };
    let nobody = free_port().to_string();
    let replicaof_nobody = ["replicaof", "127.0.0.1", &nobody];
    let store = kit::on(&server.url())
        .patience(kit::once())
        .connect()
        .await
        .unwrap();
    created(&store, "k", "v").await;
    server.ask(&replicaof_nobody);
    let error = refusal(&store).await;
    expect(&error, ErrorKind::Unavailable, "");
    let error = store.load(b"canary-key").await.unwrap_err();
    expect(&error, ErrorKind::Unavailable, "lost its master");
    server.ask(&["config", "set", "replica-serve-stale-data", "yes"]);
    expect(&refusal(&store).await, ErrorKind::Unavailable, "replica");
    // Whoever has the patience sees it through, unless the machine takes longer than all his attempts.
    let patient = kit::on(&server.url()).connect().await.unwrap();
    let mut put = Err(error);
    for _ in 0..10 {
        server.ask(&replicaof_nobody);
        let it = patient.clone();
        let putting = tokio::spawn(async move { it.put(b"k", "v".into(), MINUTE).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.ask(&["replicaof", "no", "one"]);
        put = putting.await.unwrap();
        if put.is_ok() {
            break;
        }
    }
    put.unwrap();
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
}

#[tokio::test]
async fn too_few_replicas_and_a_full_disk_are_named() {
    let Some(server) = Redis::start("too few replicas", &[]) else {
        return;
    };
    let store = kit::on(&server.url())
        .patience(kit::once())
        .connect()
        .await
        .unwrap();
    server.ask(&["config", "set", "min-replicas-to-write", "1"]);
    expect(
        &refusal(&store).await,
        ErrorKind::Unavailable,
        "too few replicas",
    );
    server.ask(&["config", "set", "min-replicas-to-write", "0"]);
    created(&store, "k", "v").await;
}

#[tokio::test]
async fn a_server_that_loads_is_waited_for() {
    let Some(mut server) = Redis::start("loading servers", &["--key-load-delay", "0"]) else {
        return;
    };
    let store = kit::on(&server.url()).connect().await.unwrap();
    for number in 0..400 {
        store
            .put(format!("k{number}").as_bytes(), "v".into(), MINUTE)
            .await
            .unwrap();
    }
    server.ask(&["config", "set", "save", "3600 1"]);
    assert_eq!(server.ask(&["save"]), "OK");
    let port = server.port().to_string();
    server.program().start([
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--key-load-delay",
        "10000",
        "--loading-process-events-interval-bytes",
        "1024",
    ]);
    crate::servers::wait_for_port("redis-server", server.port());
    let hasty = kit::on(&server.url())
        .patience(kit::hasty())
        .build()
        .unwrap();
    let error = refusal(&hasty).await;
    let is_loading = error.to_string().contains("loading");
    assert!(is_loading || error.kind() == ErrorKind::Timeout, "{error}");
    // Four seconds, and it is there.
    let mut found = store.load(b"k399").await;
    for _ in 0..100 {
        match found {
            Ok(_) => break,
            Err(error) => assert_ne!(error.kind(), ErrorKind::InvalidInput),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        found = store.load(b"k399").await;
    }
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn a_node_of_a_cluster_is_no_server_of_its_own() {
    let Some(cluster) = RedisCluster::start("a node of a cluster") else {
        return;
    };
    let store = kit::on(&cluster.urls()[0]).connect().await.unwrap();
    let mut moved = 0;
    for number in 0..20 {
        let put = store
            .put(format!("k{number}").as_bytes(), "v".into(), MINUTE)
            .await;
        if let Err(error) = put {
            expect(&error, ErrorKind::InvalidConfig, "redis+cluster://");
            moved += 1;
        }
    }
    assert!(moved > 0);
}

#[tokio::test]
async fn a_value_too_large_for_the_server_fails_and_nothing_else() {
    let Some(server) = Redis::start("large values", &["--proto-max-bulk-len", "1mb"]) else {
        return;
    };
    let store = kit::on(&server.url())
        .patience(kit::patient().attempts(2))
        .connect()
        .await
        .unwrap();
    created(&store, "k", "v").await;
    let error = store
        .put(b"canary", vec![b'v'; 2 << 20].into(), MINUTE)
        .await
        .unwrap_err();
    expect(&error, ErrorKind::Unavailable, "");
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
    assert_eq!(text(&store, "canary").await, None);
}

#[tokio::test]
async fn nobody_there_is_said_in_bounded_time() {
    let url = format!("redis://user:canary-pass@127.0.0.1:{}", free_port());
    let patience = kit::patient().attempts(2);
    let error = kit::on(&url)
        .patience(patience)
        .connect()
        .await
        .unwrap_err();
    expect(&error, ErrorKind::Unavailable, "cannot be reached");
    let url = format!("redis+sentinel://127.0.0.1:{}/sessions", free_port());
    let error = kit::on(&url)
        .patience(patience)
        .connect()
        .await
        .unwrap_err();
    expect(&error, ErrorKind::Unavailable, "");
    let url = format!("redis+cluster://127.0.0.1:{}", free_port());
    let error = kit::on(&url)
        .patience(patience)
        .connect()
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
        "{error}"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    for builder in [
        RedisStore::builder().url("http://host"),
        RedisStore::builder().prefix(vec![0; 2000]),
        RedisStore::builder().patience(Patience::new().timeout(Duration::ZERO)),
        RedisStore::builder()
            .url("rediss://host")
            .root_certificate("no certificate"),
        RedisStore::builder().root_certificate("-----BEGIN CERTIFICATE-----"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    }
}
