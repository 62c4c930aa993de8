//! Addresses, names and settings: what is refused, and that nothing refused or shown holds a secret.

use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Patience, Python, Replaced, SessionStore, SqlStore};

use crate::servers::MariaDb;
use crate::servers::Postgres;

const HOUR: Duration = Duration::from_secs(3600);

/// Names that would be more than a name, if they were not checked and quoted.
const ATTACKS: [&str; 16] = [
    "",
    "a b",
    "a;DROP TABLE flask_sessions",
    "a\"; DROP TABLE flask_sessions; --",
    "a`; DROP TABLE flask_sessions; --",
    "a'--",
    "a\"\"",
    "a.b",
    "pg_catalog.pg_authid",
    "1a",
    "a-b",
    "a\0b",
    "a\nb",
    "\u{ff41}",
    "a/*",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Keys and values that would be more than bytes, if they were not bound.
const HOSTILE: [&str; 10] = [
    "'; DROP TABLE flask_sessions; --",
    "\" OR 1=1 --",
    "` OR ''='",
    "\\'; --",
    "%",
    "_",
    "$1",
    "?",
    ":key",
    "x' || version() || '",
];

async fn stands_attacks(url: &str) {
    for attack in ATTACKS {
        for builder in [
            SqlStore::builder().table(attack),
            SqlStore::builder().schema(attack),
            SqlStore::builder().bare(Python::Django).table(attack),
        ] {
            let error = builder.create_table(true).connect(url).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{attack:?}");
        }
    }
    // Words of the language are names like others.
    for python in [None, Some(Python::FlaskSession), Some(Python::Django)] {
        let table = format!("select{}", python.map_or(0, |python| python as u32 + 1));
        let mut builder = SqlStore::builder().table(table).create_table(true);
        if let Some(python) = python {
            builder = builder.bare(python);
        }
        let store = builder.connect(url).await.unwrap();
        for hostile in HOSTILE {
            let (key, value) = (hostile.as_bytes(), hostile.as_bytes());
            store.put(key, value.into(), HOUR.into()).await.unwrap();
        }
        for hostile in HOSTILE {
            let found = store.load(hostile.as_bytes()).await.unwrap().unwrap();
            assert_eq!(found.value, hostile);
            let seen = Some(found.version);
            let replaced = store.replace(hostile.as_bytes(), "new".into(), HOUR.into(), seen);
            assert!(matches!(replaced.await.unwrap(), Replaced::Done(_)));
        }
        for hostile in HOSTILE {
            assert!(store.remove(hostile.as_bytes()).await.unwrap(), "{hostile}");
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn sqlite_stands_attacks_by_names_keys_and_values() {
    let folder = tempfile::tempdir().unwrap();
    stands_attacks(&format!("sqlite:{}", folder.path().join("a.db").display())).await;
}

#[tokio::test]
async fn postgres_stands_attacks_by_names_keys_and_values() {
    let Some(server) = Postgres::start() else {
        return;
    };
    stands_attacks(&server.url()).await;
}

#[tokio::test]
async fn mariadb_stands_attacks_by_names_keys_and_values() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    stands_attacks(&server.url()).await;
}

#[tokio::test]
async fn absurd_settings_are_refused() {
    let builder = SqlStore::builder;
    for builder in [
        builder().connections(0),
        builder().connections(1001),
        builder().value_max(0),
        builder().value_max(1 << 30),
        builder().schema("s"),
        builder().patience(Patience::new().timeout(Duration::ZERO)),
    ] {
        let error = builder.connect("sqlite::memory:").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
    for url in [
        "",
        "sqlite:",
        "redis://h",
        "sqlite:a?mode=what",
        "postgresql://h:port/",
    ] {
        let error = SqlStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    }
}

#[tokio::test]
async fn no_error_and_no_debug_output_holds_the_password() {
    let patience = Patience::new()
        .timeout(Duration::from_millis(300))
        .attempts(1);
    for url in [
        "postgresql://app:hunter2@127.0.0.1:1/d",
        "postgresql://app:hunter2@127.0.0.1:hunter2/d",
        "postgresql://app:hunter2@h/d?sslmode=hunter2",
        "mysql://app:hunter2@127.0.0.1:1/d",
        "mysql://app:hunter2@h/d?ssl-mode=hunter2",
        "hunter2://app:hunter2@h/d",
    ] {
        let builder = SqlStore::builder().patience(patience);
        let error = builder.connect(url).await.unwrap_err();
        let mut text = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(source) = cause {
            text.push_str(&format!("{source} {source:?}"));
            cause = source.source();
        }
        assert!(!text.contains("hunter2"), "{text}");
    }
    let store = SqlStore::connect("sqlite::memory:").await.unwrap();
    assert_eq!(
        format!("{store:?}"),
        "SqlStore { engine: Sqlite, form: Native, table: \"\\\"flask_sessions\\\"\", .. }"
    );
}

async fn is_not_let_in(url: String) {
    let error = SqlStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
}

#[tokio::test]
async fn postgres_with_a_wrong_password_is_told() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = SqlStore::connect(&server.url()).await;
    store.unwrap().close().await.unwrap();
    is_not_let_in(server.url().replace("postgres@", "locked:wrong@")).await;
}

#[tokio::test]
async fn mariadb_with_a_wrong_password_is_told() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    is_not_let_in(server.url().replace("secret", "wrong")).await;
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let store = SqlStore::builder()
        .create_table(true)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let error = store.load(b"k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn too_long_values_are_refused_whole() {
    let store = SqlStore::builder()
        .create_table(true)
        .value_max(2000)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    store
        .put(b"k", vec![1; 2000].into(), HOUR.into())
        .await
        .unwrap();
    let error = store
        .put(b"k", vec![2; 2001].into(), HOUR.into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        store.load(b"k").await.unwrap().unwrap().value,
        vec![1; 2000]
    );
}

/// Several nodes that begin at once make the table together.
async fn is_made_by_many(url: &str) {
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move {
                let builder = SqlStore::builder().create_table(true);
                let store = builder.connect(&url).await?;
                store.put(b"k", "v".into(), HOUR.into()).await?;
                store.close().await
            })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_table_is_made_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    is_made_by_many(&format!("sqlite:{}", folder.path().join("a.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_table_is_made_by_many_at_once() {
    let Some(server) = Postgres::start() else {
        return;
    };
    is_made_by_many(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_table_is_made_by_many_at_once() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    is_made_by_many(&server.url()).await;
}
