//! The same sessions from Rust and from the real Flask-Session, both ways.

use sessile::store::{MemcachedStore, SessionStore, Terms};

use crate::kit;
use crate::servers::{Memcached, Peer};

async fn both_ways(store: MemcachedStore, servers: &str) {
    let Some(flask) = Peer::find("memcached_peer.py", "Flask-Session on memcached") else {
        return;
    };
    for number in 0..3 {
        let id = format!("made-by-rust-{number}");
        let key = format!("session:{id}");
        let terms = Terms::ttl(std::time::Duration::from_secs(31 * 86_400));
        store
            .put(key.as_bytes(), Peer::session(41).into(), terms)
            .await
            .unwrap();
        let (count, same) = flask.visit(&[servers, &id]).await;
        assert_eq!(
            (count, &*same),
            (42, &*id),
            "Flask did not find our session"
        );
        let found = store.load(key.as_bytes()).await.unwrap().unwrap();
        assert_eq!(found.value, Peer::session(42));
        // And on: Flask begins, we go on, Flask finds it.
        let (count, id) = flask.visit(&[servers, ""]).await;
        assert_eq!(count, 1);
        let key = format!("session:{id}");
        let found = store.load(key.as_bytes()).await.unwrap().unwrap();
        assert_eq!(found.value, Peer::session(1));
        let replaced = store.replace(
            key.as_bytes(),
            Peer::session(9).into(),
            kit::terms(),
            Some(found.version),
        );
        assert!(matches!(
            replaced.await.unwrap(),
            sessile::Replaced::Done(_)
        ));
        assert_eq!(flask.visit(&[servers, &id]).await.0, 10);
        assert!(store.remove(key.as_bytes()).await.unwrap());
        assert_eq!(
            flask.visit(&[servers, &id]).await.0,
            1,
            "a removed session begins anew"
        );
    }
}

#[tokio::test]
async fn flask_session_and_we_share_sessions_on_one_server() {
    let Some(server) = Memcached::start("Flask-Session on memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).bare().connect().await.unwrap();
    both_ways(store, &server.address()).await;
}

#[tokio::test]
async fn flask_session_and_we_choose_the_same_of_three_servers() {
    let start = || Memcached::start("Flask-Session on three memcacheds", &[]);
    let (Some(one), Some(two), Some(three)) = (start(), start(), start()) else {
        return;
    };
    let servers = format!("{},{},{}", one.address(), two.address(), three.address());
    let store = MemcachedStore::builder()
        .servers(&*servers)
        .bare()
        .connect()
        .await
        .unwrap();
    both_ways(store, &servers).await;
}
