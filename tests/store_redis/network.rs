//! A bad network between the store and its server: each write arrives once, and nobody waits for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sessile::store::{Created, RedisStore, SessionStore};
use sessile::{ErrorKind, Replaced};

use crate::kit::{self, MINUTE, created, text};
use crate::servers::{Proxy, Redis, Weather, answered};

/// A store behind a proxy, connected.
async fn behind(server: &Redis, bare: bool) -> (Proxy, Arc<RedisStore>) {
    let proxy = Proxy::to(server.port()).await;
    let mut builder = kit::on(&format!("redis://127.0.0.1:{}", proxy.port()));
    if bare {
        builder = builder.bare();
    }
    (proxy, Arc::new(builder.connect().await.unwrap()))
}

/// Runs a verb whose first answer is lost; the network is well again a moment later.
async fn losing_the_answer<T: Send + 'static>(
    proxy: &Proxy,
    verb: impl Future<Output = sessile::Result<T>> + Send + 'static,
) -> T {
    proxy.set(Weather::CutAnswers);
    let verb = tokio::spawn(verb);
    tokio::time::sleep(Duration::from_millis(100)).await;
    proxy.set(Weather::Fair);
    verb.await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_known_again() {
    let Some(server) = Redis::start("lost answers", &[]) else {
        return;
    };
    for bare in [false, true] {
        let (proxy, store) = behind(&server, bare).await;
        let it = Arc::clone(&store);
        let create = async move { it.create(b"k", "first".into(), MINUTE).await };
        let Created::Done(version) = losing_the_answer(&proxy, create).await else {
            panic!("its own record was in the way")
        };
        let found = store.load(b"k").await.unwrap().unwrap();
        assert_eq!(found.version, version);

        let it = Arc::clone(&store);
        let replace = async move {
            it.replace(b"k", "second".into(), MINUTE, Some(version))
                .await
        };
        let Replaced::Done(version) = losing_the_answer(&proxy, replace).await else {
            panic!("its own write was in the way")
        };
        let found = store.load(b"k").await.unwrap().unwrap();
        assert_eq!((found.version, found.value), (version, "second".into()));

        let it = Arc::clone(&store);
        let put = async move { it.put(b"k", "third".into(), MINUTE).await };
        let version = losing_the_answer(&proxy, put).await;
        let found = store.load(b"k").await.unwrap().unwrap();
        assert_eq!((found.version, found.value), (version, "third".into()));

        let it = Arc::clone(&store);
        let touch = async move { it.touch(b"k", Duration::from_secs(60)).await };
        assert!(losing_the_answer(&proxy, touch).await);
        let it = Arc::clone(&store);
        let remove = async move { it.remove(b"k").await };
        assert!(losing_the_answer(&proxy, remove).await, "it was there");
        assert!(!store.remove(b"k").await.unwrap());
        assert!(!store.exists(b"k").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_has_taken_stays_his_when_answers_are_lost() {
    let Some(server) = Redis::start("lost answers of taken keys", &[]) else {
        return;
    };
    for bare in [false, true] {
        let (proxy, store) = behind(&server, bare).await;
        let version = created(&store, "k", "theirs").await;
        let it = Arc::clone(&store);
        let create = async move { it.create(b"k", "ours".into(), MINUTE).await };
        assert_eq!(losing_the_answer(&proxy, create).await, Created::Taken);
        let current = store
            .put(b"k", "theirs again".into(), MINUTE)
            .await
            .unwrap();
        let it = Arc::clone(&store);
        let replace = async move { it.replace(b"k", "ours".into(), MINUTE, Some(version)).await };
        let replaced = losing_the_answer(&proxy, replace).await;
        assert_eq!(replaced, Replaced::Conflict(current));
        assert_eq!(text(&store, "k").await.as_deref(), Some("theirs again"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_at_any_byte_is_asked_for_again() {
    let Some(server) = Redis::start("torn answers", &[]) else {
        return;
    };
    let (proxy, store) = behind(&server, false).await;
    created(
        &store,
        "k",
        "a value that is long enough to be cut somewhere",
    )
    .await;
    for passed in 0..70 {
        assert!(text(&store, "k").await.is_some());
        proxy.set(Weather::CutAfter(passed));
        let it = Arc::clone(&store);
        let load = tokio::spawn(async move { it.load(b"k").await });
        tokio::time::sleep(Duration::from_millis(15)).await;
        proxy.set(Weather::Fair);
        let found = load.await.unwrap().unwrap().unwrap();
        assert_eq!(
            found.value,
            "a value that is long enough to be cut somewhere"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_silent_servers_are_given_up_in_bounded_time() {
    let Some(mut server) = Redis::start("slow servers", &[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let builder = kit::on(&format!("redis://127.0.0.1:{}", proxy.port()));
    let patient = builder.clone().connect().await.unwrap();
    created(&patient, "k", "v").await;
    let store = builder.patience(kit::hasty().attempts(2)).build().unwrap();
    let is_there = async || {
        let found = answered(async || store.load(b"k").await).await;
        found.is_some_and(|found| found.value == "v")
    };
    // It has a connection, which then hangs.
    assert!(is_there().await);

    proxy.set(Weather::Slow(Duration::from_secs(600)));
    let began = Instant::now();
    let error = store.load(b"k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // Twice 300 ms and a pause were allowed.
    assert!(began.elapsed() < Duration::from_secs(60));
    proxy.set(Weather::Fair);
    // Not through the connection that hangs.
    assert!(is_there().await);

    server.program().freeze(true);
    let error = store.load(b"k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    server.program().freeze(false);
    assert!(is_there().await);

    proxy.set(Weather::Down);
    // What is under way when the weather changes may still get through, and what is slow run out of time.
    let mut loaded = store.load(b"k").await;
    for _ in 0..1000 {
        match &loaded {
            Err(error) if error.kind() == ErrorKind::Unavailable => break,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
            Ok(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        loaded = store.load(b"k").await;
    }
    assert_eq!(loaded.unwrap_err().kind(), ErrorKind::Unavailable);
    proxy.set(Weather::Fair);
    assert!(is_there().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_lose_interest_cost_nobody_the_connection() {
    let Some(server) = Redis::start("lost interest", &[]) else {
        return;
    };
    let store = kit::on(&server.url()).connect().await.unwrap();
    created(&store, "k", "v").await;
    let connections = || {
        let info = server.ask(&["info", "stats"]);
        let line = info
            .lines()
            .find(|line| line.starts_with("total_connections_received"));
        line.unwrap()
            .trim()
            .rsplit_once(':')
            .unwrap()
            .1
            .parse::<u32>()
            .unwrap()
    };
    let before = connections();
    for _ in 0..200 {
        let load = store.load(b"k");
        let _ = tokio::time::timeout(Duration::ZERO, load).await;
    }
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
    // The one that asks for the number.
    assert_eq!(connections() - before, 1);
    let many = (0..200).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(b"k").await.unwrap().is_some() })
    });
    for one in many.collect::<Vec<_>>() {
        assert!(one.await.unwrap());
    }
    assert_eq!(connections() - before, 2, "all calls share one connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_holds_no_connection_and_connects_anew() {
    let Some(server) = Redis::start("closed stores", &[]) else {
        return;
    };
    let store = kit::on(&server.url()).connect().await.unwrap();
    created(&store, "k", "v").await;
    let clients = || {
        server
            .ask(&["client", "list", "type", "normal"])
            .lines()
            .count()
    };
    assert_eq!(clients(), 2, "the store and the one that asks");
    store.close().await.unwrap();
    crate::servers::wait_until("the end of the connection", || clients() == 1);
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
}
