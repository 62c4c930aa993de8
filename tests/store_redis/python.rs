//! The same sessions from Rust and from the real Flask-Session, both ways.

use std::time::Duration;

use sessile::Replaced;
use sessile::codec::{FieldsBuilder, Format, Layout, Limits, Record};
use sessile::store::{Created, RedisStore, SessionStore, Terms};

use crate::servers::{Peer, Redis};

/// Flask's `PERMANENT_SESSION_LIFETIME`.
const MONTH: Terms = Terms::ttl(Duration::from_secs(31 * 86_400));

/// One request of a Flask application that counts visits: the count, and the session's id.
async fn visit(flask: &Peer, server: &Redis, format: &str, id: &str) -> (u32, String) {
    let port = server.port().to_string();
    flask.visit(&[&port, format, id]).await
}

/// A session as this crate writes it for Flask-Session.
fn session(format: Format, visits: u32) -> bytes::Bytes {
    let mut fields = FieldsBuilder::new(Layout::Bare, format, 2, Vec::new());
    fields.push("_permanent", &format.encode(&true).unwrap());
    fields.push("visits", &format.encode(&visits).unwrap());
    fields.finish().0
}

fn visits(format: Format, record: bytes::Bytes) -> u32 {
    let record = Record::decode(record, &Limits::default()).unwrap();
    assert_eq!(record.header.permanent, Some(true));
    format
        .decode(&record.fields.get("visits").unwrap())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_and_we_share_sessions() {
    let what = "Flask-Session on Redis";
    let (Some(flask), Some(server)) = (Peer::find("redis_peer.py", what), Redis::start(what, &[]))
    else {
        return;
    };
    let store = RedisStore::builder()
        .url(server.url())
        .bare()
        .connect()
        .await
        .unwrap();
    for (format, name) in [(Format::MessagePack, "msgpack"), (Format::Json, "json")] {
        // Flask begins, we go on, Flask goes on.
        let (first, id) = visit(&flask, &server, name, "").await;
        assert_eq!(first, 1);
        let found = store
            .load(id.as_bytes())
            .await
            .unwrap()
            .expect("the session of Flask");
        assert_eq!(visits(format, found.value), 1);
        let replaced = store.replace(
            id.as_bytes(),
            session(format, 9),
            MONTH,
            Some(found.version),
        );
        let Replaced::Done(version) = replaced.await.unwrap() else {
            panic!("nobody else wrote")
        };
        assert_eq!(visit(&flask, &server, name, &id).await, (10, id.clone()));
        // What Flask wrote meanwhile is not overwritten by whoever did not see it.
        let late = store.replace(id.as_bytes(), session(format, 2), MONTH, Some(version));
        let Replaced::Conflict(current) = late.await.unwrap() else {
            panic!("Flask's change went unnoticed")
        };
        let found = store.load(id.as_bytes()).await.unwrap().unwrap();
        assert_eq!(found.version, current);
        assert_eq!(visits(format, found.value), 10);
        // The same bytes as Flask-Session's, so equal sessions have equal versions.
        let same = store
            .put(id.as_bytes(), session(format, 10), MONTH)
            .await
            .unwrap();
        assert_eq!(same, current);

        // We begin, Flask goes on.
        let ours = format!("made-here-{name}");
        let created = store
            .create(ours.as_bytes(), session(format, 41), MONTH)
            .await
            .unwrap();
        assert!(matches!(created, Created::Done(_)));
        assert_eq!(
            visit(&flask, &server, name, &ours).await,
            (42, ours.clone())
        );
        // Signed out here is signed out there.
        assert!(store.remove(ours.as_bytes()).await.unwrap());
        assert_eq!(visit(&flask, &server, name, &ours).await.0, 1);
    }
}
