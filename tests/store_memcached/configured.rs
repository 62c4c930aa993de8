//! What a configuration says of the store reaches it.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use sessile::ErrorKind;
use sessile::http::config::{Config, Stores};
use sessile::store::{AnyStore, SessionStore};

use crate::kit::{self, Raw};
use crate::servers::Memcached;

async fn open(server: &Memcached, pairs: &[(&str, &str)]) -> sessile::Result<AnyStore> {
    let address = server.address();
    let config = Config::new()
        .store("memcached")
        .set("SESSION_MEMCACHED", address.as_str());
    let stores = Stores::new();
    let config = pairs
        .iter()
        .fold(config, |config, (name, value)| config.set(name, *value));
    stores.open(&stores.resolve(&config).unwrap()).await
}

#[tokio::test]
async fn user_and_password_reach_the_servers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    std::fs::write(&file, "me:hunter2\n").unwrap();
    // The server runs as somebody else.
    for path in [folder.path(), &file] {
        set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let arguments = ["-Y", file.to_str().unwrap()];
    let Some(server) = Memcached::start("a configured memcached", &arguments) else {
        return;
    };
    let user = ("SESSION_MEMCACHED_USER", "me");
    let password = |text| ("SESSION_MEMCACHED_PASSWORD", text);
    let store = open(&server, &[user, password("hunter2")]).await.unwrap();
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "v");
    for wrong in [&[user, password("hunter3")][..], &[]] {
        let error = open(&server, wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_connections_are_opened_as_the_configuration_lets() {
    // One thread, so that the server counts connections in the order in which they are made: the one
    // that saw whether it listens is counted before ours.
    let Some(server) = Memcached::start("a configured memcached", &["-t", "1"]) else {
        return;
    };
    let mut raw = Raw::to(&server);
    let before = raw.stat("total_connections");
    let one = [("SESSION_STORE_CONNECTIONS", "1")];
    let store = open(&server, &one).await.unwrap();
    let writes: Vec<_> = (0..64)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = format!("k{number}");
                store.put(key.as_bytes(), "v".into(), kit::terms()).await
            })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert_eq!(raw.stat("total_connections") - before, 1);
}

#[cfg(feature = "tiered")]
#[tokio::test]
async fn copies_are_as_old_as_the_configuration_lets_them() {
    let Some(server) = Memcached::start("a configured memcached", &[]) else {
        return;
    };
    let other = open(&server, &[]).await.unwrap();
    for (fresh_for, seen) in [("3600000", "old"), ("0", "new")] {
        let tiered = [
            ("SESSION_TYPE", "tiered"),
            ("SESSION_TIERED_BACK", "memcached"),
            ("SESSION_TIERED_FRESH_FOR_MS", fresh_for),
        ];
        let store = open(&server, &tiered).await.unwrap();
        store.put(b"k", "old".into(), kit::terms()).await.unwrap();
        other.put(b"k", "new".into(), kit::terms()).await.unwrap();
        let found = store.load(b"k").await.unwrap().unwrap();
        assert_eq!(found.value, seen, "fresh for {fresh_for} ms");
    }
}
