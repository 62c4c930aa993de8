//! The same sessions from Rust and from the real Flask-Session, both ways.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sessile::Replaced;
use sessile::codec::{FieldsBuilder, Format, Layout, Limits, Record};
use sessile::store::{Created, RedisStore, SessionStore, Terms};

use crate::servers::Redis;

/// Flask's `PERMANENT_SESSION_LIFETIME`.
const MONTH: Terms = Terms::ttl(Duration::from_secs(31 * 86_400));

/// The interpreter that `SESSILE_PYTHON` names, or a loud word.
fn python() -> Option<OsString> {
    let named = std::env::var_os("SESSILE_PYTHON");
    if named.is_none() {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr().lock(),
            "\n*** NOT TESTED: Flask-Session on Redis, because SESSILE_PYTHON names no Python ***\n"
        );
    }
    named
}

/// One request of a Flask application that counts visits: the count, and the session's id.
async fn visit(python: &OsString, server: &Redis, format: &str, id: &str) -> (u32, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/redis_peer.py");
    let mut command = Command::new(python);
    command.args(["-W", "ignore"]).arg(script);
    command.args([&server.port().to_string(), format, id]);
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "redis_peer.py failed: see above");
    let output = String::from_utf8(output.stdout).unwrap();
    let (visits, id) = output.trim().split_once(' ').unwrap();
    (visits.parse().unwrap(), id.to_owned())
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
    let Some(python) = python() else { return };
    let Some(server) = Redis::start("Flask-Session on Redis", &[]) else {
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
        let (first, id) = visit(&python, &server, name, "").await;
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
        assert_eq!(visit(&python, &server, name, &id).await, (10, id.clone()));
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
            visit(&python, &server, name, &ours).await,
            (42, ours.clone())
        );
        // Signed out here is signed out there.
        assert!(store.remove(ours.as_bytes()).await.unwrap());
        assert_eq!(visit(&python, &server, name, &ours).await.0, 1);
    }
}
