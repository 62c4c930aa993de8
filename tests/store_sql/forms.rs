//! Listing, copying, and rows that others made.

use std::collections::BTreeSet;
use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Cursor, NewRecord, Python, Replaced, SessionStore, SqlStore, Survey, Terms};

use crate::servers::MariaDb;
use crate::servers::Postgres;

const HOUR: Duration = Duration::from_secs(3600);

fn record(number: u32) -> NewRecord {
    NewRecord {
        key: format!("key-{number}").into(),
        value: format!("value {number}").into(),
        terms: Terms::ttl(HOUR),
    }
}

/// Copies, lists everything in pages, and finds each record once.
async fn copies_and_lists(url: &str) {
    for python in [None, Some(Python::FlaskSession), Some(Python::Django)] {
        let count = if python.is_some() { 60 } else { 700 };
        let table = format!("copied_{}", python.map_or(0, |python| python as u32 + 1));
        let mut builder = SqlStore::builder().table(table).create_table(true);
        if let Some(python) = python {
            builder = builder.bare(python);
        }
        let store = builder.connect(url).await.unwrap();
        store
            .put(b"key-7", "newer".into(), HOUR.into())
            .await
            .unwrap();
        store
            .put(b"key-8", "ended".into(), HOUR.into())
            .await
            .unwrap();
        assert!(store.touch(b"key-8", Duration::ZERO).await.unwrap());
        let mut records: Vec<_> = (0..count).map(record).collect();
        records.push(NewRecord {
            value: "second of its key".into(),
            ..record(3)
        });
        let created = store.create_many(records.clone()).await.unwrap();
        assert_eq!(created, count as usize - 1, "{python:?}");
        assert_eq!(store.create_many(records).await.unwrap(), 0);
        store
            .put(b"forever", "v".into(), Terms::forever())
            .await
            .unwrap();

        let (mut seen, mut after) = (BTreeSet::new(), None);
        loop {
            let page = store.page(after, 50).await.unwrap();
            assert!(page.records.len() <= 50);
            for found in page.records {
                let key = String::from_utf8(found.key.to_vec()).unwrap();
                let loaded = store.load(&found.key).await.unwrap().unwrap();
                assert_eq!((found.value, found.version), (loaded.value, loaded.version));
                assert_eq!(found.left.is_none(), key == "forever");
                assert!(
                    found
                        .left
                        .is_none_or(|left| left <= HOUR && left > HOUR / 2)
                );
                assert!(seen.insert(key));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), count as usize + 1);
        assert_eq!(store.load(b"key-7").await.unwrap().unwrap().value, "newer");
        assert_eq!(
            store.load(b"key-3").await.unwrap().unwrap().value,
            "value 3"
        );
        let foreign = Cursor::new(vec![0xff; 300]);
        let error = store.page(Some(foreign), 5).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn sqlite_copies_and_lists() {
    let folder = tempfile::tempdir().unwrap();
    copies_and_lists(&format!("sqlite:{}", folder.path().join("a.db").display())).await;
}

#[tokio::test]
async fn postgres_copies_and_lists() {
    let Some(server) = Postgres::start() else {
        return;
    };
    copies_and_lists(&server.url()).await;
}

#[tokio::test]
async fn mariadb_copies_and_lists() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    copies_and_lists(&server.url()).await;
}

#[tokio::test]
async fn rows_without_end_or_data_or_with_too_much_are_absent() {
    use sqlx::Connection as _;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let builder = SqlStore::builder()
        .bare(Python::FlaskSession)
        .create_table(true);
    let store = builder.value_max(1024).connect(&url).await.unwrap();
    let mut link = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO sessions (session_id, data, expiry) VALUES
         ('no-end', 'v', NULL),
         ('no-data', NULL, '2999-01-01 00:00:00.000000'),
         ('too-long', zeroblob(1025), '2999-01-01 00:00:00.000000'),
         ('text', 'v', '2999-01-01 00:00:00.000000'),
         ('ended', 'v', '2001-01-01 00:00:00.000000')",
    )
    .execute(&mut link)
    .await
    .unwrap();
    for key in ["no-end", "no-data", "too-long", "ended"] {
        let key = key.as_bytes();
        assert!(store.load(key).await.unwrap().is_none());
        assert!(!store.exists(key).await.unwrap());
        assert!(!store.touch(key, HOUR).await.unwrap());
        assert!(!store.remove(key).await.unwrap());
        let replaced = store
            .replace(key, "w".into(), HOUR.into(), None)
            .await
            .unwrap();
        assert_eq!(replaced, Replaced::Gone);
    }
    assert_eq!(store.load(b"text").await.unwrap().unwrap().value, "v");
    assert_eq!(store.page(None, 10).await.unwrap().records.len(), 1);
    assert_eq!(store.purge_expired(10).await.unwrap().removed, 1);
}

/// A table as SQLAlchemy makes it on MariaDB: keys that differ by letter case are one to its index,
/// ends have whole seconds, and data at most 64 KiB.
#[tokio::test]
async fn mariadb_table_made_by_sqlalchemy_is_used_with_care() {
    use sqlx::Connection as _;
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let mut link = sqlx::MySqlConnection::connect(&server.url()).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE sessions (id INTEGER NOT NULL AUTO_INCREMENT, session_id VARCHAR(255),
         data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))
         CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    )
    .execute(&mut link)
    .await
    .unwrap();
    let builder = SqlStore::builder().bare(Python::FlaskSession);
    let store = builder.connect(&server.url()).await.unwrap();
    store
        .put(b"session:abc", "theirs".into(), HOUR.into())
        .await
        .unwrap();
    assert!(store.load(b"session:ABC").await.unwrap().is_none());
    assert!(!store.remove(b"session:ABC").await.unwrap());
    for error in [
        store
            .put(b"session:ABC", "v".into(), HOUR.into())
            .await
            .map(drop),
        store
            .create(b"session:ABC", "v".into(), HOUR.into())
            .await
            .map(drop),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        // The server's own words hold the key.
        assert!(!format!("{error:?}").contains("ABC"), "{error:?}");
    }
    assert_eq!(
        store.load(b"session:abc").await.unwrap().unwrap().value,
        "theirs"
    );
    // Refused, not cut.
    let error = store
        .put(b"k", vec![b'v'; 70_000].into(), HOUR.into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert!(!store.exists(b"k").await.unwrap());
    // Cut to the second, never rounded up.
    for _ in 0..10 {
        let ttl = Duration::from_millis(2500);
        store.put(b"k", "v".into(), ttl.into()).await.unwrap();
        let lived = store.load_left(b"k").await.unwrap().unwrap();
        let sessile::TimeToLive::Left(left) = lived.left.unwrap() else {
            panic!("it has an end");
        };
        assert!(left <= ttl, "{left:?}");
        tokio::time::sleep(Duration::from_millis(130)).await;
    }
}
