//! Several servers: each key has one, and a dead one takes only its own keys along.

use sessile::ErrorKind;
use sessile::store::{MemcachedStore, SessionStore};

use crate::kit::{self, Raw};
use crate::servers::Memcached;

#[tokio::test]
async fn keys_are_spread_and_a_dead_server_is_unavailable_for_its_own() {
    let Some(mut one) = Memcached::start("two memcacheds", &[]) else {
        return;
    };
    let Some(two) = Memcached::start("two memcacheds", &[]) else {
        return;
    };
    let make = |servers: String| {
        let settings = MemcachedStore::builder()
            .servers(servers)
            .patience(kit::patience());
        settings.build().unwrap()
    };
    let store = make(format!("{},{}", one.address(), two.address()));
    let keys: Vec<String> = (0..200).map(|number| format!("key {number}")).collect();
    for key in &keys {
        store
            .put(key.as_bytes(), "v".into(), kit::terms())
            .await
            .unwrap();
    }
    let (first, second) = (Raw::to(&one).names().len(), Raw::to(&two).names().len());
    assert_eq!(first + second, 200);
    assert!(first > 20 && second > 20, "{first} and {second}");
    // The order of the list is no matter.
    let other = make(format!("{},{}", two.address(), one.address()));
    for key in &keys {
        assert!(other.exists(key.as_bytes()).await.unwrap());
    }
    one.kill();
    let mut lost = 0;
    for key in &keys[..40] {
        match store.load(key.as_bytes()).await {
            Ok(found) => assert!(found.is_some()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                let written = store.put(key.as_bytes(), "v".into(), kit::terms()).await;
                assert_eq!(written.unwrap_err().kind(), ErrorKind::Unavailable);
                lost += 1;
            }
        }
    }
    assert!(lost > 0 && lost < 40);
    assert_eq!(
        Raw::to(&two).names().len(),
        second,
        "no key moved to the living server"
    );
    assert_eq!(
        store.ping().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    one.restart();
    for key in &keys {
        store
            .put(key.as_bytes(), "v".into(), kit::terms())
            .await
            .unwrap();
    }
    assert_eq!(
        Raw::to(&one).names().len(),
        first,
        "the same keys came back"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_a_server_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let path = path.to_str().unwrap();
    let Some([program]) = crate::servers::need("memcached on a socket", ["memcached"]) else {
        return;
    };
    let mut server = crate::servers::Program::new(program);
    server.start(["-u", "root", "-s", path]);
    crate::servers::wait_until("memcached", || {
        std::os::unix::net::UnixStream::connect(path).is_ok()
    });
    let store = MemcachedStore::connect(&format!("unix:{path}"))
        .await
        .unwrap();
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "v");
}
