//! News of what others change.

use std::collections::BTreeSet;
use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Invalidation, Invalidations, RedisStore, SessionStore, Terms};

use crate::kit::{self, MINUTE};
use crate::servers::{Proxy, Redis, RedisCluster, Weather};

async fn next(news: &mut Invalidations) -> Option<Invalidation> {
    let soon = tokio::time::timeout(Duration::from_secs(20), news.next());
    soon.await.expect("news come")
}

fn key(key: &str) -> Option<Invalidation> {
    Some(Invalidation::Key(key.to_owned().into()))
}

async fn two(server: &Redis) -> (RedisStore, RedisStore) {
    let builder = kit::on(&server.url());
    let ours = builder.clone().connect().await.unwrap();
    (ours, builder.connect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_told_and_our_own_changes_are_not() {
    let Some(server) = Redis::start("invalidations", &[]) else {
        return;
    };
    let (ours, theirs) = two(&server).await;
    let mut news = ours.invalidations().await.unwrap();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    let stranger = kit::on(&server.url()).connect().await.unwrap();
    stranger.put(b"k", "v".into(), MINUTE).await.unwrap();
    ours.put(b"k", "ours".into(), MINUTE).await.unwrap();
    let version = theirs.put(b"k", "theirs".into(), MINUTE).await.unwrap();
    assert_eq!(next(&mut news).await, key("k"));
    let replaced = theirs
        .replace(b"k", "again".into(), MINUTE, Some(version))
        .await
        .unwrap();
    assert!(kit::is_done(replaced));
    assert_eq!(next(&mut news).await, key("k"));
    ours.remove(b"k").await.unwrap();
    theirs.put(b"other", "v".into(), MINUTE).await.unwrap();
    assert_eq!(next(&mut news).await, key("other"));
    theirs
        .touch(b"other", Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(next(&mut news).await, key("other"));
    theirs.remove(b"other").await.unwrap();
    assert_eq!(next(&mut news).await, key("other"));
    // The end of a record is news too, whoever wrote it.
    ours.put(b"short", "v".into(), Terms::ttl(Duration::from_millis(50)))
        .await
        .unwrap();
    assert_eq!(next(&mut news).await, key("short"));
    server.ask(&["flushall"]);
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_keys_are_told_as_well() {
    let Some(server) = Redis::start("invalidations of bare records", &[]) else {
        return;
    };
    let store = RedisStore::builder()
        .url(server.url())
        .bare()
        .connect()
        .await
        .unwrap();
    let mut news = store.invalidations().await.unwrap();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    server.ask(&["set", "other:id", "by somebody"]);
    server.ask(&["set", "session:id", "by Python", "EX", "60"]);
    assert_eq!(next(&mut news).await, key("id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_missed_is_told_as_all() {
    let Some(mut server) = Redis::start("missed invalidations", &[]) else {
        return;
    };
    let (_, theirs) = two(&server).await;
    let proxy = Proxy::to(server.port()).await;
    let builder = kit::on(&format!("redis://127.0.0.1:{}", proxy.port()));
    let ours = builder.clone().connect().await.unwrap();
    let direct = builder.url(server.url());
    drop(direct);
    let mut news = ours.invalidations().await.unwrap();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    // Cut: told at once, and again when the new connection listens.
    proxy.set(Weather::Down);
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    proxy.set(Weather::Fair);
    ours.put(b"k", "v".into(), MINUTE).await.unwrap();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    // Silent: noticed though nobody asks for anything.
    server.program().freeze(true);
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    server.program().freeze(false);
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    // Restarted: listened to again though nobody asks for anything.
    server.restart();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    crate::servers::wait_until("the new connection", || {
        server.ask(&["client", "list"]).contains("flags=tB")
    });
    theirs.put(b"k", "v".into(), MINUTE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_listener_is_told_to_forget_everything() {
    let Some(server) = Redis::start("slow listeners", &[]) else {
        return;
    };
    let (ours, theirs) = two(&server).await;
    let mut news = ours.invalidations().await.unwrap();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    let records = (0..5000).map(|number| sessile::store::NewRecord {
        key: format!("k{number}").into(),
        value: "v".into(),
        terms: MINUTE,
    });
    assert_eq!(theirs.create_many(records.collect()).await.unwrap(), 5000);
    ours.ping().await.unwrap();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    theirs.put(b"late", "v".into(), MINUTE).await.unwrap();
    while next(&mut news).await != key("late") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_end_with_their_listener_and_with_the_store() {
    let Some(server) = Redis::start("ends of subscriptions", &[]) else {
        return;
    };
    let (ours, theirs) = two(&server).await;
    let mut first = ours.invalidations().await.unwrap();
    let mut second = ours.invalidations().await.unwrap();
    for news in [&mut first, &mut second] {
        assert_eq!(next(news).await, Some(Invalidation::All));
    }
    theirs.put(b"k", "v".into(), MINUTE).await.unwrap();
    for news in [&mut first, &mut second] {
        assert_eq!(next(news).await, key("k"));
    }
    let listens = || server.ask(&["client", "list"]).contains("flags=tB");
    assert!(listens());
    drop(first);
    drop(second);
    crate::servers::wait_until("the end of tracking", || !listens());
    let mut third = ours.invalidations().await.unwrap();
    assert_eq!(next(&mut third).await, Some(Invalidation::All));
    assert!(listens());
    ours.close().await.unwrap();
    assert_eq!(next(&mut third).await, None);
    let mut last = theirs.invalidations().await.unwrap();
    drop(theirs);
    while next(&mut last).await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_new_protocol_or_the_right_it_is_refused_and_verbs_go_on() {
    let Some(server) = Redis::start("refused invalidations", &[]) else {
        return;
    };
    let old = kit::on(&format!("{}?protocol=resp2", server.url()))
        .connect()
        .await
        .unwrap();
    let error = old.invalidations().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    server.ask(&[
        "acl",
        "setuser",
        "u",
        "on",
        ">p",
        "~*",
        "+@all",
        "-client|tracking",
    ]);
    let url = format!("redis://u:p@127.0.0.1:{}", server.port());
    let store = kit::on(&url).connect().await.unwrap();
    let error = store.invalidations().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    store.put(b"k", "v".into(), MINUTE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_masters_of_a_cluster_are_listened_to() {
    let Some(mut cluster) = RedisCluster::start("invalidations of a cluster") else {
        return;
    };
    let url = format!("redis+cluster://127.0.0.1:{}", cluster.nodes[1].port());
    let builder = kit::on(&url);
    let ours = builder.clone().connect().await.unwrap();
    let theirs = builder.connect().await.unwrap();
    let mut news = ours.invalidations().await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut news).await, Some(Invalidation::All));
    }
    let mut missing = BTreeSet::new();
    for number in 0..30 {
        let key = format!("k{number}");
        theirs
            .put(key.as_bytes(), "v".into(), MINUTE)
            .await
            .unwrap();
        missing.insert(key.into_bytes());
    }
    while !missing.is_empty() {
        match next(&mut news).await {
            Some(Invalidation::Key(key)) => assert!(missing.remove(&key[..])),
            other => panic!("{other:?}"),
        }
    }
    cluster.nodes[0].restart();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    crate::servers::wait_until("the new connection", || {
        cluster.nodes[0]
            .ask(&["client", "list"])
            .contains("flags=tB")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_is_listened_to_even_while_another_is_down() {
    const WHAT: &str = "invalidations of a growing cluster";
    let Some(mut cluster) = RedisCluster::start(WHAT) else {
        return;
    };
    for node in &cluster.nodes {
        node.ask(&["config", "set", "cluster-require-full-coverage", "no"]);
    }
    let url = format!("redis+cluster://127.0.0.1:{}", cluster.nodes[1].port());
    let builder = kit::on(&url).prefix("{joined}").bare();
    let ours = builder.clone().connect().await.unwrap();
    let theirs = builder.connect().await.unwrap();
    let mut news = ours.invalidations().await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut news).await, Some(Invalidation::All));
    }
    cluster.join(WHAT, "{joined}");
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    theirs.put(b"1", "v".into(), MINUTE).await.unwrap();
    assert_eq!(next(&mut news).await, key("1"));
    cluster.nodes[0].program().kill();
    assert_eq!(next(&mut news).await, Some(Invalidation::All));
    cluster.nodes[3].ask(&["client", "kill", "type", "normal"]);
    crate::servers::wait_until("the new connection", || {
        cluster.nodes[3]
            .ask(&["client", "list"])
            .contains("flags=tB")
    });
}
