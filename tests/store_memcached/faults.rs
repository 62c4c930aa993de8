//! Servers that die, stall, cut answers short and refuse passwords.

use std::time::{Duration, Instant};

use sessile::ErrorKind;
use sessile::store::{Created, MemcachedStore, Replaced, SessionStore};

use crate::kit::{self, Raw};
use crate::servers::{Memcached, Proxy, Weather, answered};

/// A store that reaches its server through a proxy, and does not give up soon.
async fn through(proxy: &Proxy) -> MemcachedStore {
    let patience = kit::patience()
        .attempts(10)
        .pause(Duration::from_millis(10));
    let address = format!("127.0.0.1:{}", proxy.port());
    let settings = MemcachedStore::builder()
        .servers(address)
        .patience(patience);
    settings.connect().await.unwrap()
}

/// Runs a call while the answers of each connection are cut after so many bytes; then it clears up.
async fn cut_after<T>(proxy: &Proxy, bytes: usize, call: impl Future<Output = T>) -> T {
    proxy.set(Weather::CutAfter(bytes));
    tokio::task::yield_now().await;
    let clearing_up = async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        proxy.set(Weather::Fair);
    };
    tokio::join!(call, clearing_up).0
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_arrives_once_and_is_recognized() {
    let Some(server) = Memcached::start("lost answers of memcached", &[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let store = through(&proxy).await;
    let terms = kit::terms();
    // A read's answer has some fifty bytes, a write's ten: all places where either can be cut.
    for bytes in 0..80 {
        let key = format!("key {bytes}");
        let key = key.as_bytes();
        let created = cut_after(&proxy, bytes, store.create(key, "one".into(), terms)).await;
        let Created::Done(first) = created.unwrap() else {
            panic!("its own first attempt was in the way of a create, cut after {bytes}");
        };
        assert_eq!(store.load(key).await.unwrap().unwrap().version, first);
        let replace = store.replace(key, "two".into(), terms, Some(first));
        let replaced = cut_after(&proxy, bytes, replace).await.unwrap();
        let Replaced::Done(second) = replaced else {
            panic!("its own first attempt was in the way: {replaced:?}, cut after {bytes}");
        };
        let found = store.load(key).await.unwrap().unwrap();
        assert_eq!((found.version, &found.value[..]), (second, &b"two"[..]));
        let touch = store.touch(key, Duration::from_secs(900));
        assert!(
            cut_after(&proxy, bytes, touch).await.unwrap(),
            "touch, cut after {bytes}"
        );
        let removed = cut_after(&proxy, bytes, store.remove(key)).await.unwrap();
        assert!(
            removed,
            "its own removal was not recognized, cut after {bytes}"
        );
        assert!(!store.exists(key).await.unwrap());
    }
    // One compare-and-swap of each replace succeeded; a touch may be done twice.
    let mut raw = Raw::to(&server);
    let swaps = raw.stat("cas_hits");
    assert!((160..320).contains(&swaps), "{swaps}");
    assert!(raw.stat("total_connections") > 160, "nothing was cut");
}

#[tokio::test]
async fn a_replace_whose_answer_is_lost_writes_once() {
    let Some(server) = Memcached::start("lost answers of memcached", &[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let store = through(&proxy).await;
    let terms = kit::terms();
    let mut version = store.put(b"k", "v".into(), terms).await.unwrap();
    for bytes in 0..80 {
        let replace = store.replace(b"k", "v".into(), terms, Some(version));
        let replaced = cut_after(&proxy, bytes, replace).await.unwrap();
        let Replaced::Done(next) = replaced else {
            panic!("{replaced:?}, cut after {bytes}");
        };
        version = next;
    }
    assert_eq!(Raw::to(&server).stat("cas_hits"), 80);
}

#[tokio::test]
async fn a_restarted_server_is_empty_and_its_dead_connections_are_noticed() {
    let Some(mut server) = Memcached::start("a restart of memcached", &[]) else {
        return;
    };
    // Two attempts, and more dead connections than that.
    let patience = kit::patience().attempts(2);
    let store = kit::on(&server).patience(patience).connect().await.unwrap();
    for round in 0..3 {
        let calls: Vec<_> = (0..12_u32)
            .map(|number| {
                let store = store.clone();
                let key = number.to_le_bytes();
                tokio::spawn(async move { store.put(&key, "v".into(), kit::terms()).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        server.kill();
        if round == 1 {
            let error = store.load(b"k").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
        server.restart();
        assert!(store.load(&0_u32.to_le_bytes()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_server_killed_in_mid_traffic_brings_nothing_back() {
    let Some(mut server) = Memcached::start("a killed memcached", &[]) else {
        return;
    };
    let store = kit::on(&server)
        .patience(kit::patience())
        .connect()
        .await
        .unwrap();
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let ended = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let writers: Vec<_> = (0..4_u32)
        .map(|writer| {
            let (store, is_over) = (store.clone(), std::sync::Arc::clone(&is_over));
            let ended = std::sync::Arc::clone(&ended);
            tokio::spawn(async move {
                let mut signed_out = Vec::new();
                for number in 0_u32.. {
                    if is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    let key = [writer.to_le_bytes(), number.to_le_bytes()].concat();
                    let created = store.create(&key, "v".into(), kit::terms()).await;
                    let removed = store.remove(&key).await;
                    for error in [created.as_ref().err(), removed.as_ref().err()]
                        .into_iter()
                        .flatten()
                    {
                        assert!(
                            matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
                            "{error:?}"
                        );
                    }
                    if created.is_ok() && removed.is_ok() {
                        signed_out.push(key);
                        ended.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                }
                signed_out
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(20)).await;
        server.restart();
    }
    // However slow the machine, there is traffic.
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        if ended.load(std::sync::atomic::Ordering::Relaxed) > 10 {
            break;
        }
    }
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut count = 0;
    for writer in writers {
        for key in writer.await.unwrap() {
            assert!(
                !store.exists(&key).await.unwrap(),
                "a signed-out session came back"
            );
            count += 1;
        }
    }
    assert!(count > 10, "{count} sessions are no traffic");
}

#[tokio::test]
async fn a_server_that_stalls_is_a_timeout_and_then_works_again() {
    let Some(server) = Memcached::start("a slow memcached", &[]) else {
        return;
    };
    let patient = kit::on(&server).connect().await.unwrap();
    patient.put(b"k", "v".into(), kit::terms()).await.unwrap();
    let patience = kit::patience()
        .timeout(Duration::from_millis(100))
        .attempts(2);
    let store = kit::on(&server).patience(patience).build().unwrap();
    // It has a connection, which then stalls.
    assert!(answered(async || store.exists(b"k").await).await);
    server.freeze(true);
    let start = Instant::now();
    let kinds = [
        store.load(b"k").await.unwrap_err().kind(),
        store
            .put(b"k", "w".into(), kit::terms())
            .await
            .unwrap_err()
            .kind(),
        store.remove(b"k").await.unwrap_err().kind(),
        store.ping().await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Timeout; 4]);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "eight attempts of 0.1 s"
    );
    server.freeze(false);
    crate::servers::wait_for_port("memcached", server.port());
    answered(async || store.put(b"other", "v".into(), kit::terms()).await).await;
    let found = answered(async || store.load(b"other").await).await;
    assert_eq!(found.unwrap().value, "v");
}

#[tokio::test]
async fn nobody_listens() {
    let port = crate::servers::free_port();
    let settings = MemcachedStore::builder()
        .servers(format!("127.0.0.1:{port}"))
        .patience(kit::patience());
    assert_eq!(
        settings.connect().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_wrong_password_is_a_fault_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    std::fs::write(&file, "me:hunter2\n").unwrap();
    let open = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    open(folder.path());
    open(&file);
    let arguments = ["-Y", file.to_str().unwrap()];
    let Some(server) = Memcached::start("passwords of memcached", &arguments) else {
        return;
    };
    let with = |user: &str, password: &str| kit::on(&server).credentials(user, password);
    for settings in [
        kit::on(&server),
        with("me", "hunter3"),
        with("you", "hunter2"),
    ] {
        let error = settings.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }
    let store = with("me", "hunter2").connect().await.unwrap();
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "v");
}
