//! The same sessions from Rust and from the real Flask-Session with pymongo, both ways, on the double.

use std::path::Path;
use std::process::Stdio;

use sessile::store::SessionStore;

use crate::double::Double;
use crate::kit;

/// Runs one request of a Flask application that counts visits; the body and the session's id.
async fn visit(python: &std::ffi::OsStr, address: &str, id: &str) -> (String, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/mongodb_peer.py");
    let mut command = std::process::Command::new(python);
    command
        .args(["-W", "ignore"])
        .arg(script)
        .args([address, id]);
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(output.status.success(), "mongodb_peer.py failed: see above");
    let output = String::from_utf8(output.stdout).unwrap();
    let (body, id) = output.trim().split_once(' ').unwrap();
    (body.to_owned(), id.to_owned())
}

/// `{"_permanent": true, "visits": ...}` in MessagePack, as Flask-Session writes it.
fn session(visits: u8) -> Vec<u8> {
    [b"\x82\xaa_permanent\xc3\xa6visits", &[visits][..]].concat()
}

#[tokio::test]
async fn flask_session_and_we_share_sessions() {
    let Some(python) = std::env::var_os("SESSILE_PYTHON") else {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr().lock(),
            "\n*** NOT TESTED: Flask-Session on MongoDB, because SESSILE_PYTHON names no Python ***\n"
        );
        return;
    };
    let double = Double::start().await;
    let address = double.address();
    let store = kit::on(&double).bare().connect().await.unwrap();
    // The indexes that both make do not contradict each other.
    store.prepare().await.unwrap();
    store
        .put(b"session:ours", session(41).into(), kit::terms())
        .await
        .unwrap();
    let (body, same) = visit(&python, &address, "ours").await;
    assert_eq!(
        (&*body, &*same),
        ("42", "ours"),
        "Flask did not find our session"
    );
    let found = store.load(b"session:ours").await.unwrap().unwrap();
    assert_eq!(found.value, session(42));
    let (body, id) = visit(&python, &address, "").await;
    assert_eq!(body, "1");
    let key = format!("session:{id}");
    let found = store.load(key.as_bytes()).await.unwrap().unwrap();
    assert_eq!(found.value, session(1));
    let replace = store.replace(
        key.as_bytes(),
        session(9).into(),
        kit::terms(),
        Some(found.version),
    );
    assert!(matches!(replace.await.unwrap(), sessile::Replaced::Done(_)));
    assert_eq!(visit(&python, &address, &id).await.0, "10");
    assert!(store.remove(key.as_bytes()).await.unwrap());
    assert_eq!(
        visit(&python, &address, &id).await.0,
        "1",
        "a removed session begins anew"
    );
}
