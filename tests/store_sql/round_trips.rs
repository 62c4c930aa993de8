//! What each verb costs on the wire to a server.

use std::time::Duration;

use bytes::Bytes;
use sessile::store::{NewRecord, Python, SessionStore, SqlStore, SqlStoreBuilder, Survey, Terms};

use crate::servers::{MariaDb, Postgres, Proxy, trips};

/// A replace that is refused asks once more, to say why.
const NATIVE: [(&str, usize); 2] = [("replace seen, conflict", 2), ("replace seen, gone", 2)];
/// Python's tables have no versions: what is there is loaded and compared.
const PYTHON: [(&str, usize); 2] = [("replace seen", 2), ("put, new", 2)];
/// A create that fails as a duplicate overwrites what has ended, and else looks whether it is still there.
const MYSQL: [(&str, usize); 2] = [("create, taken", 3), ("create, ended", 2)];

async fn open(url: &str, set: impl FnOnce(SqlStoreBuilder) -> SqlStoreBuilder) -> SqlStore {
    let builder = SqlStore::builder()
        .create_table(true)
        .patience(trips::patience());
    set(builder).connect(url).await.unwrap()
}

fn records(count: u32) -> Vec<NewRecord> {
    let record = |number: u32| NewRecord {
        key: Bytes::copy_from_slice(format!("many {number}").as_bytes()),
        value: "v".into(),
        terms: Terms::ttl(Duration::from_secs(60)),
    };
    (0..count).map(record).collect()
}

#[tokio::test]
async fn postgres_verbs_take_one_but_for_refused_replaces() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let url = server.url_at(proxy.port());
    let store = open(&url, |it| it).await;

    proxy.turns();
    store.load(b"k").await.unwrap();
    assert_eq!(proxy.turns(), 2, "the first one is prepared as well");
    trips::check(&store, || proxy.turns(), &NATIVE).await;
    store.page(None, 10).await.unwrap();
    proxy.turns();
    store.page(None, 10).await.unwrap();
    assert_eq!(proxy.turns(), 1, "a page");
    assert_eq!(store.create_many(records(256)).await.unwrap(), 256);
    proxy.turns();
    store.create_many(records(256)).await.unwrap();
    assert_eq!(
        proxy.turns(),
        3,
        "256 records: one statement in a transaction"
    );

    for python in [Python::FlaskSession, Python::Django] {
        let store = open(&url, |it| it.bare(python)).await;
        trips::check(&store, || proxy.turns(), &PYTHON).await;
    }
}

#[tokio::test]
async fn postgres_verbs_that_stay_unprepared_take_four_a_statement() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let url = server.url_at(proxy.port());
    let store = open(&url, |it| it.prepared_statements(false)).await;
    let turns = || {
        let turns = proxy.turns();
        assert_eq!(turns % 4, 0, "{turns}");
        turns / 4
    };
    proxy.turns();
    trips::check(&store, turns, &NATIVE).await;
}

#[tokio::test]
async fn mariadb_verbs_take_one_but_for_refused_writes() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let url = server.url_at(proxy.port());
    let store = open(&url, |it| it).await;

    proxy.turns();
    store.load(b"k").await.unwrap();
    assert_eq!(proxy.turns(), 2, "the first one is prepared as well");
    trips::check(&store, || proxy.turns(), &[NATIVE, MYSQL].concat()).await;

    for python in [Python::FlaskSession, Python::Django] {
        let store = open(&url, |it| it.bare(python)).await;
        trips::check(&store, || proxy.turns(), &[PYTHON, MYSQL].concat()).await;
    }
}
