//! The same sessions from Rust and from the real Flask-Session and Django, both ways.

use std::time::Duration;

use bytes::Bytes;
use sessile::TimeToLive;
use sessile::codec::{FieldsBuilder, Format, Layout, Limits, Record};
use sessile::store::{Created, Python, Replaced, SessionStore, SqlStore, Survey, Terms};

use crate::servers::{MariaDb, Peer, Postgres};

const DAY: Duration = Duration::from_secs(86_400);
/// Flask's `PERMANENT_SESSION_LIFETIME`.
const MONTH: Terms = Terms::ttl(Duration::from_secs(31 * 86_400));

/// A session as this crate writes it for Flask-Session.
fn session(visits: u32) -> Bytes {
    let format = Format::MessagePack;
    let mut fields = FieldsBuilder::new(Layout::Bare, format, 2, Vec::new());
    fields.push("_permanent", &format.encode(&true).unwrap());
    fields.push("visits", &format.encode(&visits).unwrap());
    fields.finish().0
}

fn visits(record: Bytes) -> u32 {
    let record = Record::decode(record, &Limits::default()).unwrap();
    let visits = record.fields.get("visits").unwrap();
    Format::MessagePack.decode(&visits).unwrap()
}

async fn left(store: &SqlStore, key: &[u8]) -> Duration {
    let lived = store.load_left(key).await.unwrap().unwrap();
    let Some(TimeToLive::Left(left)) = lived.left else {
        panic!("it has an end");
    };
    left
}

/// `ours` and `theirs` are the two sides' addresses of one database; `made_by_us` says whose table.
async fn shared_with_flask_session(ours: &str, theirs: &str, made_by_us: bool) {
    let Some(python) = Peer::find("sql_peer.py", "Python's tables") else {
        return;
    };
    let builder = SqlStore::builder().bare(Python::FlaskSession);
    let store = builder
        .create_table(made_by_us)
        .connect(ours)
        .await
        .unwrap();

    let (count, id) = python.visit(&["flask", theirs, ""]).await;
    assert_eq!(count, 1);
    let key = format!("session:{id}");
    let found = store.load(key.as_bytes()).await.unwrap().unwrap();
    assert_eq!(visits(found.value), 1);
    let month = left(&store, key.as_bytes()).await;
    assert!(month > 30 * DAY && month <= 31 * DAY, "{month:?}");

    let seen = Some(found.version);
    let replaced = store
        .replace(key.as_bytes(), session(41), MONTH, seen)
        .await
        .unwrap();
    assert!(matches!(replaced, Replaced::Done(_)));
    assert_eq!(
        python.visit(&["flask", theirs, &id]).await,
        (42, id.clone())
    );
    let replaced = store
        .replace(key.as_bytes(), session(0), MONTH, seen)
        .await
        .unwrap();
    assert!(
        matches!(replaced, Replaced::Conflict(_)),
        "Python wrote in between"
    );
    let listed = store.page(None, 10).await.unwrap().records;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].key, key);

    let made = store
        .create(b"session:made-in-rust", session(7), MONTH)
        .await
        .unwrap();
    assert!(matches!(made, Created::Done(_)));
    let (count, kept) = python.visit(&["flask", theirs, "made-in-rust"]).await;
    assert_eq!((count, kept.as_str()), (8, "made-in-rust"));

    // What has ended here has ended there, and what is removed is gone.
    assert!(store.touch(key.as_bytes(), Duration::ZERO).await.unwrap());
    assert_eq!(python.visit(&["flask", theirs, &id]).await.0, 1);
    assert!(store.remove(b"session:made-in-rust").await.unwrap());
    let (count, other) = python.visit(&["flask", theirs, "made-in-rust"]).await;
    assert_eq!(count, 1);
    assert_ne!(other, "made-in-rust");
}

async fn shared_with_django(ours: &str, theirs: &str) {
    let Some(python) = Peer::find("sql_peer.py", "Python's tables") else {
        return;
    };
    // Django's migrations insist on making their table themselves.
    let builder = SqlStore::builder().bare(Python::Django);
    let store = builder.connect(ours).await.unwrap();

    let (count, id) = python.visit(&["django", theirs, ""]).await;
    assert_eq!(count, 1);
    let first = store.load(id.as_bytes()).await.unwrap().unwrap();
    let fortnight = left(&store, id.as_bytes()).await;
    assert!(
        fortnight > 13 * DAY && fortnight <= 14 * DAY,
        "{fortnight:?}"
    );

    // The text is opaque to the store: a copy under another key is the same session to Django.
    let copy = b"abcdefghijklmnopqrstuvwxyz012345";
    let made = store
        .create(copy, first.value.clone(), Terms::ttl(14 * DAY))
        .await
        .unwrap();
    assert_eq!(made, Created::Done(first.version));
    let copy_id = std::str::from_utf8(copy).unwrap();
    assert_eq!(
        python.visit(&["django", theirs, copy_id]).await,
        (2, copy_id.to_owned())
    );

    assert_eq!(
        python.visit(&["django", theirs, &id]).await,
        (2, id.clone())
    );
    let seen = Some(first.version);
    let terms = Terms::ttl(14 * DAY);
    let replaced = store
        .replace(id.as_bytes(), first.value.clone(), terms, seen)
        .await
        .unwrap();
    let Replaced::Conflict(current) = replaced else {
        panic!("Django wrote in between, got {replaced:?}");
    };
    let replaced = store
        .replace(id.as_bytes(), first.value, terms, Some(current))
        .await
        .unwrap();
    assert_eq!(replaced, Replaced::Done(first.version));
    assert_eq!(python.visit(&["django", theirs, &id]).await.0, 2);

    assert!(store.touch(id.as_bytes(), Duration::ZERO).await.unwrap());
    let (count, other) = python.visit(&["django", theirs, &id]).await;
    assert_eq!(count, 1);
    assert_ne!(other, id);
    assert_eq!(store.purge_expired(10).await.unwrap().removed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_on_sqlite_shares_sessions() {
    for made_by_us in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db").display().to_string();
        let (ours, theirs) = (format!("sqlite:{file}"), format!("sqlite:///{file}"));
        shared_with_flask_session(&ours, &theirs, made_by_us).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_on_postgres_shares_sessions() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let theirs = format!(
        "postgresql+psycopg2://postgres@127.0.0.1:{}/postgres",
        server.port()
    );
    shared_with_flask_session(&server.url(), &theirs, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_on_mariadb_shares_sessions() {
    for made_by_us in [true, false] {
        let Some(server) = MariaDb::start(&[]) else {
            return;
        };
        let theirs = format!("mysql+pymysql://app:secret@127.0.0.1:{}/app", server.port());
        shared_with_flask_session(&server.url(), &theirs, made_by_us).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn django_on_sqlite_shares_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db").display().to_string();
    let (ours, theirs) = (format!("sqlite:{file}"), format!("sqlite://{file}"));
    shared_with_django(&ours, &theirs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn django_on_postgres_shares_sessions() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let theirs = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port());
    shared_with_django(&server.url(), &theirs).await;
}
