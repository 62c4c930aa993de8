//! The bare form: values and keys exactly as given.

use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Created, Replaced, SessionStore};

use crate::kit::{self, Raw};
use crate::servers::Memcached;

#[tokio::test]
async fn records_are_the_value_under_the_key() {
    let Some(server) = Memcached::start("bare records in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).bare().connect().await.unwrap();
    let mut raw = Raw::to(&server);
    let key = b"session:AbC-_%7F";
    store.put(key, "value".into(), kit::terms()).await.unwrap();
    assert_eq!(raw.names(), ["session:AbC-_%7F"]);
    assert_eq!(raw.get("session:AbC-_%7F").unwrap(), b"value");
    raw.set("session:AbC-_%7F", b"theirs");
    assert_eq!(store.load(key).await.unwrap().unwrap().value, "theirs");
    assert!(store.exists(key).await.unwrap());
    assert!(store.remove(key).await.unwrap());
    assert!(!store.remove(key).await.unwrap());
    assert!(!store.exists(key).await.unwrap());
    // Pickled or packed by a client: not for us.
    assert_eq!(raw.ask(b"ms packed 1 F8\r\nx\r\n"), "HD");
    assert!(store.load(b"packed").await.unwrap().is_none());
}

#[tokio::test]
async fn keys_that_cannot_be_one_are_refused_or_absent() {
    let Some(server) = Memcached::start("bare keys in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).bare().connect().await.unwrap();
    for key in [
        &b""[..],
        b"a b",
        b"a\r\nflush_all\r\n",
        b"\0",
        b"\x7f",
        b"\xff",
        &[b'k'; 251],
    ] {
        let error = store.put(key, "v".into(), kit::terms()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(store.load(key).await.unwrap().is_none());
        assert!(!store.exists(key).await.unwrap());
        assert!(!store.remove(key).await.unwrap());
        assert!(!store.touch(key, Duration::from_secs(1)).await.unwrap());
    }
    store
        .put(&[b'k'; 250], "v".into(), kit::terms())
        .await
        .unwrap();
    assert!(store.exists(&[b'k'; 250]).await.unwrap());
}

#[tokio::test]
async fn versions_are_digests_and_writes_still_compare() {
    let Some(server) = Memcached::start("bare versions in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).bare().connect().await.unwrap();
    let terms = kit::terms();
    let Created::Done(first) = store.create(b"k", "one".into(), terms).await.unwrap() else {
        panic!("a new key is taken");
    };
    assert_eq!(
        store.create(b"k", "one".into(), terms).await.unwrap(),
        Created::Taken
    );
    assert_eq!(store.load(b"k").await.unwrap().unwrap().version, first);
    let second = store.put(b"k", "two".into(), terms).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(
        store.put(b"k", "one".into(), terms).await.unwrap(),
        first,
        "equal content"
    );
    let replaced = store
        .replace(b"k", "three".into(), terms, Some(second))
        .await
        .unwrap();
    assert_eq!(replaced, Replaced::Conflict(first));
    let replaced = store
        .replace(b"k", "three".into(), terms, Some(first))
        .await
        .unwrap();
    assert!(matches!(replaced, Replaced::Done(_)));
    let replaced = store
        .replace(b"k", "four".into(), terms, None)
        .await
        .unwrap();
    assert!(matches!(replaced, Replaced::Done(_)));
    assert!(store.touch(b"k", Duration::from_secs(100)).await.unwrap());
    assert!(store.touch(b"k", Duration::ZERO).await.unwrap());
    for expected in [None, Some(first)] {
        let replaced = store
            .replace(b"k", "five".into(), terms, expected)
            .await
            .unwrap();
        assert_eq!(replaced, Replaced::Gone);
    }
    assert!(!store.touch(b"k", Duration::from_secs(100)).await.unwrap());
}
