//! The database's clock decides, whatever the process's own says.

use std::time::Duration;

use sessile::store::{Created, SessionStore, SqlStore, Survey};

use crate::servers::MariaDb;
use crate::servers::Postgres;

const MINUTE: Duration = Duration::from_secs(60);

/// A server whose clock is ours to set: a function of the same name that is found before the real one.
#[tokio::test]
async fn postgres_clock_an_hour_off_changes_nothing_and_moving_it_expires() {
    use sqlx::Connection as _;
    let Some(server) = Postgres::start() else {
        return;
    };
    let mut link = sqlx::PgConnection::connect(&server.url()).await.unwrap();
    sqlx::raw_sql(
        "CREATE SCHEMA fake;
         CREATE TABLE fake.step (step interval);
         INSERT INTO fake.step VALUES ('-1 hour');
         CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
         'SELECT pg_catalog.clock_timestamp() + (SELECT step FROM fake.step)'",
    )
    .execute(&mut link)
    .await
    .unwrap();
    let url = format!(
        "{}&options=-c%20search_path%3Dfake,public,pg_catalog",
        server.url()
    );
    let store = SqlStore::builder()
        .create_table(true)
        .schema("public")
        .connect(&url)
        .await
        .unwrap();
    store.put(b"k", "v".into(), MINUTE.into()).await.unwrap();
    assert!(store.load(b"k").await.unwrap().is_some());
    let left = store.page(None, 1).await.unwrap().records[0].left.unwrap();
    assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");
    let step = async |link: &mut sqlx::PgConnection, to: &str| {
        let text = format!("UPDATE fake.step SET step = '{to}'");
        sqlx::raw_sql(&text).execute(link).await.unwrap();
    };
    step(&mut link, "-58 minutes").await;
    assert!(store.load(b"k").await.unwrap().is_none());
    assert!(!store.touch(b"k", MINUTE).await.unwrap());
    let created = store.create(b"k", "w".into(), MINUTE.into()).await.unwrap();
    assert!(matches!(created, Created::Done(_)));
    step(&mut link, "1 hour").await;
    assert!(!store.exists(b"k").await.unwrap());
    assert_eq!(store.purge_expired(10).await.unwrap().removed, 1);
}

/// `timestamp` moves (and stops) the clock of each connection; `SYSDATE` follows it on this server.
#[tokio::test]
async fn mariadb_clock_an_hour_off_changes_nothing() {
    let ahead = "--init-connect=SET timestamp = UNIX_TIMESTAMP(NOW(3)) + 3600";
    let Some(server) = MariaDb::start(&["--sysdate-is-now", ahead]) else {
        return;
    };
    // Superusers like `app` are spared, `plain` is not.
    let off_url = server.url().replace("app:secret", "plain:secret");
    let off = SqlStore::builder()
        .create_table(true)
        .connect(&off_url)
        .await
        .unwrap();
    let right = SqlStore::connect(&server.url()).await.unwrap();
    off.put(b"k", "v".into(), MINUTE.into()).await.unwrap();
    assert!(off.load(b"k").await.unwrap().is_some());
    let left = |page: sessile::store::Page| page.records[0].left.unwrap();
    let seen_off = left(off.page(None, 1).await.unwrap());
    assert!(seen_off <= MINUTE, "{seen_off:?}");
    // By the right clock it has an hour more: the end was made of the server's clock, not of ours.
    let seen_right = left(right.page(None, 1).await.unwrap());
    assert!(seen_right > 50 * MINUTE, "{seen_right:?}");
    right.put(b"r", "v".into(), MINUTE.into()).await.unwrap();
    assert!(right.load(b"r").await.unwrap().is_some());
    assert!(off.load(b"r").await.unwrap().is_none());
}
