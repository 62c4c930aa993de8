//! What somebody else left under our keys, and hostile keys and prefixes of our own.

use std::time::Duration;

use sessile::store::{Created, RedisStore, SessionStore, Terms};
use sessile::{ErrorKind, Replaced};

use crate::kit::{self, MINUTE, created, text};
use crate::servers::Redis;

#[tokio::test]
async fn a_malformed_record_is_absent_and_can_be_created_over() {
    let Some(server) = Redis::start("malformed records", &[]) else {
        return;
    };
    let store = kit::on(&server.url()).prefix("p").connect().await.unwrap();
    for garbage in [
        "",
        "x",
        "12345678",
        "garbage that is longer than a header",
        "\u{f1}",
    ] {
        server.ask(&["set", "1:p:k", garbage]);
        assert_eq!(store.load(b"k").await.unwrap(), None);
        assert_eq!(store.load_left(b"k").await.unwrap(), None);
        assert!(!store.exists(b"k").await.unwrap());
        let replaced = store
            .replace(b"k", "new".into(), MINUTE, None)
            .await
            .unwrap();
        assert_eq!(replaced, Replaced::Gone);
        assert!(!store.remove(b"k").await.unwrap());
        server.ask(&["set", "1:p:k", garbage]);
        let version = created(&store, "k", "new").await;
        assert_eq!(store.load(b"k").await.unwrap().unwrap().version, version);
        let again = store.create(b"k", "other".into(), MINUTE).await.unwrap();
        assert_eq!(again, Created::Taken);
        assert_eq!(text(&store, "k").await.as_deref(), Some("new"));
    }
}

#[tokio::test]
async fn another_type_is_absent_to_reads_refused_to_writes_and_left_alone() {
    let Some(server) = Redis::start("keys of another type", &[]) else {
        return;
    };
    for bare in [false, true] {
        let mut builder = kit::on(&server.url()).prefix("p");
        if bare {
            builder = builder.bare();
        }
        let store = builder.connect().await.unwrap();
        let key = if bare { "pk" } else { "1:p:k" };
        server.ask(&["rpush", key, "theirs"]);
        assert_eq!(store.load(b"k").await.unwrap(), None);
        assert_eq!(store.load_left(b"k").await.unwrap(), None);
        assert!(!store.exists(b"k").await.unwrap());
        assert!(!store.remove(b"k").await.unwrap());
        assert!(!store.touch(b"k", Duration::ZERO).await.unwrap());
        let errors = [
            store.create(b"k", "ours".into(), MINUTE).await.unwrap_err(),
            store.put(b"k", "ours".into(), MINUTE).await.unwrap_err(),
            store
                .replace(b"k", "ours".into(), MINUTE, None)
                .await
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.to_string().contains("no string"), "{error}");
        }
        assert_eq!(server.ask(&["lrange", key, "0", "-1"]), "theirs");
    }
}

#[tokio::test]
async fn stores_with_different_prefixes_never_meet() {
    let Some(server) = Redis::start("prefixes", &[]) else {
        return;
    };
    let prefixes = [
        "", "a", "ab", "a:", "1:a", "*", "?", "[a]", "a*", "{a}", "\\", "\0", "{", "}",
    ];
    let mut stores = Vec::new();
    for prefix in prefixes {
        let store = kit::on(&server.url())
            .prefix(prefix)
            .connect()
            .await
            .unwrap();
        for key in ["b", ":b", "*", "{a}b", "a}{"] {
            let value = format!("{prefix} {key}");
            let created = store
                .create(key.as_bytes(), value.into(), MINUTE)
                .await
                .unwrap();
            assert!(matches!(created, Created::Done(_)), "{prefix} {key}");
        }
        stores.push(store);
    }
    for (store, prefix) in stores.iter().zip(prefixes) {
        for key in ["b", ":b", "*", "{a}b", "a}{"] {
            assert_eq!(text(store, key).await, Some(format!("{prefix} {key}")));
        }
    }
}

#[tokio::test]
async fn bare_records_lie_exactly_as_given() {
    let Some(server) = Redis::start("bare records", &[]) else {
        return;
    };
    let store = RedisStore::builder()
        .url(server.url())
        .bare()
        .connect()
        .await
        .unwrap();
    let terms = Terms::ttl(Duration::from_secs(100));
    let version = store.put(b"id", "content".into(), terms).await.unwrap();
    assert_eq!(server.ask(&["get", "session:id"]), "content");
    assert_eq!(server.ask(&["ttl", "session:id"]), "100");
    // Whatever writes the same content writes the same version; other content is another's.
    server.ask(&["set", "session:id", "content"]);
    let found = store.load(b"id").await.unwrap().unwrap();
    assert_eq!(found.version, version);
    server.ask(&["set", "session:id", "theirs"]);
    let replaced = store
        .replace(b"id", "late".into(), terms, Some(version))
        .await
        .unwrap();
    let found = store.load(b"id").await.unwrap().unwrap();
    assert_eq!(replaced, Replaced::Conflict(found.version));
    assert_eq!(found.value, "theirs");
    let replaced = store
        .replace(b"id", "ours".into(), terms, Some(found.version))
        .await
        .unwrap();
    assert!(kit::is_done(replaced));
    assert_eq!(server.ask(&["get", "session:id"]), "ours");
}

#[tokio::test]
async fn a_socket_of_this_machine_will_do() {
    let Some(mut server) = Redis::start("unix sockets", &["--unixsocket", "redis.sock"]) else {
        return;
    };
    let path = server.program().folder().join("redis.sock");
    for scheme in ["unix", "redis+unix"] {
        let url = format!("{scheme}://{}?db=2", path.display());
        let store = kit::on(&url).connect().await.unwrap();
        created(&store, "k", "v").await;
        assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
    }
    assert!(server.ask(&["info", "keyspace"]).contains("db2:keys=2"));
}
