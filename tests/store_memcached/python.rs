//! The same sessions from Rust and from the real Flask-Session, both ways.

use std::path::Path;
use std::process::{Command, Stdio};

use sessile::store::{MemcachedStore, SessionStore, Terms};

use crate::kit;
use crate::servers::Memcached;

/// The interpreter that `SESSILE_PYTHON` names, or a loud word.
fn python() -> Option<std::ffi::OsString> {
    let named = std::env::var_os("SESSILE_PYTHON");
    if named.is_none() {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr().lock(),
            "\n*** NOT TESTED: Flask-Session on memcached, because SESSILE_PYTHON names no Python ***\n"
        );
    }
    named
}

/// Runs one request of a Flask application that counts visits; the body and the session's id.
async fn visit(python: &std::ffi::OsStr, servers: &str, id: &str) -> (String, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/memcached_peer.py");
    let mut command = Command::new(python);
    command
        .args(["-W", "ignore"])
        .arg(script)
        .args([servers, id]);
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "memcached_peer.py failed: see above"
    );
    let output = String::from_utf8(output.stdout).unwrap();
    let (body, id) = output.trim().split_once(' ').unwrap();
    (body.to_owned(), id.to_owned())
}

/// `{"_permanent": true, "visits": 41}` in MessagePack, as Flask-Session writes it.
fn session(visits: u8) -> Vec<u8> {
    [b"\x82\xaa_permanent\xc3\xa6visits", &[visits][..]].concat()
}

async fn both_ways(store: MemcachedStore, servers: &str) {
    let Some(python) = python() else { return };
    for number in 0..3 {
        let id = format!("made-by-rust-{number}");
        let key = format!("session:{id}");
        let terms = Terms::ttl(std::time::Duration::from_secs(31 * 86_400));
        store
            .put(key.as_bytes(), session(41).into(), terms)
            .await
            .unwrap();
        let (body, same) = visit(&python, servers, &id).await;
        assert_eq!(
            (&*body, &*same),
            ("42", &*id),
            "Flask did not find our session"
        );
        let found = store.load(key.as_bytes()).await.unwrap().unwrap();
        assert_eq!(found.value, session(42));
        // And on: Flask begins, we go on, Flask finds it.
        let (body, id) = visit(&python, servers, "").await;
        assert_eq!(body, "1");
        let key = format!("session:{id}");
        let found = store.load(key.as_bytes()).await.unwrap().unwrap();
        assert_eq!(found.value, session(1));
        let replaced = store.replace(
            key.as_bytes(),
            session(9).into(),
            kit::terms(),
            Some(found.version),
        );
        assert!(matches!(
            replaced.await.unwrap(),
            sessile::Replaced::Done(_)
        ));
        assert_eq!(visit(&python, servers, &id).await.0, "10");
        assert!(store.remove(key.as_bytes()).await.unwrap());
        assert_eq!(
            visit(&python, servers, &id).await.0,
            "1",
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
