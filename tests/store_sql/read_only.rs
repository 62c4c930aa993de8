//! Servers that take no writes, as replicas do: reads go on, writes are refused with the reason, and on a
//! connection that takes them they work again.

use std::time::Duration;

use sessile::store::{NewRecord, Patience, SessionStore, SqlStore, SqlStoreBuilder, Survey, Terms};
use sessile::{ErrorKind, Result};
use sqlx::Connection as _;

use crate::servers::{MariaDb, Postgres};

const HOUR: Duration = Duration::from_secs(3600);

fn builder() -> SqlStoreBuilder {
    let patience = Patience::new().timeout(Duration::from_secs(60));
    SqlStore::builder().patience(patience)
}

async fn open(url: &str) -> SqlStore {
    builder().connect(url).await.unwrap()
}

/// Tables that are there need not be made.
async fn migrates_what_is_there(url: &str) {
    let store = builder().create_table(true).connect(url).await.unwrap();
    store.migrate().await.unwrap();
    assert!(store.load(b"k").await.unwrap().is_some());
    let other = builder().table("other").connect(url).await.unwrap();
    is_refused(other.migrate().await, "migrate");
}

fn is_refused<T: std::fmt::Debug>(done: Result<T>, what: &str) {
    let error = done.unwrap_err();
    // Another attempt may meet the primary.
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(what), "{text}");
    assert!(
        text.contains("takes no writes") && text.contains("connect to the primary"),
        "{text}"
    );
}

/// What a store can do on a server that takes no writes; the record `k` is `v`, `gone` was removed.
async fn reads_and_refuses(store: &SqlStore) {
    let before = store.load(b"k").await.unwrap().unwrap();
    let (seen, terms) = (Some(before.version), Terms::ttl(HOUR));
    is_refused(store.put(b"k", "w".into(), terms).await, "put");
    is_refused(store.put(b"new", "w".into(), terms).await, "put");
    is_refused(store.create(b"new", "w".into(), terms).await, "create");
    is_refused(
        store.replace(b"k", "w".into(), terms, seen).await,
        "replace",
    );
    is_refused(
        store.replace(b"k", "w".into(), terms, None).await,
        "replace",
    );
    is_refused(store.touch(b"k", 2 * HOUR).await, "touch");
    // Who wants to sign out is told that it did not happen.
    is_refused(store.remove(b"k").await, "remove");
    is_refused(store.purge_expired(10).await, "purge");
    let record = NewRecord {
        key: b"new".to_vec().into(),
        value: "w".into(),
        terms,
    };
    is_refused(store.create_many(vec![record]).await, "create");

    let after = store.load_left(b"k").await.unwrap().unwrap();
    assert_eq!(after.loaded, before);
    assert!(store.exists(b"k").await.unwrap());
    assert!(!store.exists(b"new").await.unwrap());
    assert!(!store.exists(b"gone").await.unwrap());
    assert_eq!(store.page(None, 10).await.unwrap().records.len(), 1);
}

async fn prepare(url: &str) {
    let store = open(url).await;
    store.migrate().await.unwrap();
    store.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    store.put(b"gone", "v".into(), HOUR.into()).await.unwrap();
    assert!(store.remove(b"gone").await.unwrap());
}

async fn writes_again(store: &SqlStore) {
    store.put(b"k", "w".into(), HOUR.into()).await.unwrap();
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "w");
    assert!(store.remove(b"k").await.unwrap());
    assert!(!store.exists(b"gone").await.unwrap());
}

/// For all connections that are made from now on; those that there are stay as they are.
async fn let_postgres_be_written(url: &str, is_it: bool) {
    let mut link = sqlx::PgConnection::connect(url).await.unwrap();
    let state = if is_it { "off" } else { "on" };
    for text in [
        "SET default_transaction_read_only = off",
        &format!("ALTER ROLE postgres SET default_transaction_read_only = {state}"),
    ] {
        sqlx::raw_sql(text).execute(&mut link).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_takes_no_writes_is_read() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    prepare(&url).await;
    let_postgres_be_written(&url, false).await;
    let store = open(&url).await;
    reads_and_refuses(&store).await;
    migrates_what_is_there(&url).await;
    // The store's connection is of before; its next attempt makes one of after.
    let_postgres_be_written(&url, true).await;
    writes_again(&store).await;
}

/// For everybody without the right to administer, or for all connections that are made from now on.
async fn let_mariadb_be_written(url: &str, variable: &str, is_it: bool) {
    let mut link = sqlx::MySqlConnection::connect(url).await.unwrap();
    let state = u8::from(!is_it);
    let text = format!("SET GLOBAL {variable} = {state}");
    sqlx::raw_sql(&text).execute(&mut link).await.unwrap();
}

async fn a_mariadb_that_takes_no_writes_is_read(variable: &str) {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let (admin, url) = (server.url(), server.url_of_plain_user());
    prepare(&url).await;
    let_mariadb_be_written(&admin, variable, false).await;
    let store = open(&url).await;
    reads_and_refuses(&store).await;
    migrates_what_is_there(&url).await;
    let_mariadb_be_written(&admin, variable, true).await;
    writes_again(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_for_reading_only_is_read() {
    a_mariadb_that_takes_no_writes_is_read("read_only").await;
}

/// The store's connection stays so when the server takes writes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_with_transactions_for_reading_only_is_read() {
    a_mariadb_that_takes_no_writes_is_read("tx_read_only").await;
}
