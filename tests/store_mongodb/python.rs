//! The same sessions from Rust and from the real Flask-Session with pymongo, both ways, on the double.

use sessile::store::SessionStore;

use crate::double::Double;
use crate::kit;
use crate::servers::Peer;

#[tokio::test]
async fn flask_session_and_we_share_sessions() {
    let Some(flask) = Peer::find("mongodb_peer.py", "Flask-Session on MongoDB") else {
        return;
    };
    let double = Double::start().await;
    let address = double.address();
    let store = kit::on(&double).bare().connect().await.unwrap();
    // The indexes that both make do not contradict each other.
    store.prepare().await.unwrap();
    store
        .put(b"session:ours", Peer::session(41).into(), kit::terms())
        .await
        .unwrap();
    let (count, same) = flask.visit(&[&address, "ours"]).await;
    assert_eq!(
        (count, &*same),
        (42, "ours"),
        "Flask did not find our session"
    );
    let found = store.load(b"session:ours").await.unwrap().unwrap();
    assert_eq!(found.value, Peer::session(42));
    let (count, id) = flask.visit(&[&address, ""]).await;
    assert_eq!(count, 1);
    let key = format!("session:{id}");
    let found = store.load(key.as_bytes()).await.unwrap().unwrap();
    assert_eq!(found.value, Peer::session(1));
    let replace = store.replace(
        key.as_bytes(),
        Peer::session(9).into(),
        kit::terms(),
        Some(found.version),
    );
    assert!(matches!(replace.await.unwrap(), sessile::Replaced::Done(_)));
    assert_eq!(flask.visit(&[&address, &id]).await.0, 10);
    assert!(store.remove(key.as_bytes()).await.unwrap());
    assert_eq!(
        flask.visit(&[&address, &id]).await.0,
        1,
        "a removed session begins anew"
    );
}
