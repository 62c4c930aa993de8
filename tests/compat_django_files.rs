//! The files of Django's file engine: real Django both ways, ends, hostile keys, planted files.
#![cfg(feature = "compat")]
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

#[expect(dead_code, reason = "these tests ask another script")]
mod python;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::json;
use sessile::ErrorKind;
use sessile::cookie::compat::django::{DjangoFiles, StoredSession};
use sessile::cookie::compat::{Map, Value};

/// As in `tests/python/django_files.py`.
const KEY: &str = "the newest key of all, and long";
const AGE: Duration = Duration::from_secs(1000);

fn files(folder: &Path) -> DjangoFiles {
    DjangoFiles::new(folder, StoredSession::new([KEY]).unwrap()).age(AGE)
}

fn session(json: &serde_json::Value) -> Map {
    match serde_json::from_value(json.clone()).unwrap() {
        Value::Map(map) => map,
        _ => panic!("a session is an object"),
    }
}

fn django(python: &Path, folder: &Path, commands: &[serde_json::Value]) -> Vec<serde_json::Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/django_files.py");
    let mut peer = Command::new(python)
        .args(["-W", "ignore"])
        .arg(script)
        .arg(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input: String = commands.iter().map(|line| format!("{line}\n")).collect();
    peer.stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = peer.wait_with_output().unwrap();
    assert!(output.status.success(), "django_files.py failed: see above");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn django_and_we_read_and_change_each_others_files() {
    let Some(python) = python::peer::python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let now = SystemTime::now();
    let data = json!({"user": "é😀", "n": [1, 2.5, null], "long": "again ".repeat(100)});
    let ours = "0123456789abcdefghijklmnopqrstuv";
    assert!(files.create(ours, &session(&data), now).unwrap());
    assert!(!files.create(ours, &session(&json!({})), now).unwrap());
    let answers = django(
        &python,
        folder.path(),
        &[
            json!({"do": "load", "key": ours}),
            json!({"do": "change", "key": ours, "session": {"changed": true}}),
            json!({"do": "save", "session": data}),
            json!({"do": "save", "session": {"a": 1}, "expiry": 5000, "date": true}),
            json!({"do": "save", "session": {"a": 1}, "expiry": 100}),
        ],
    );
    assert_eq!(answers[0], json!({"session": data, "known": true}));
    assert_eq!(answers[1], json!({"saved": true}));
    let changed = files.read(ours, now).unwrap().unwrap();
    assert_eq!(changed, session(&json!({"changed": true})));
    let key = |answer: &serde_json::Value| answer["key"].as_str().unwrap().to_owned();
    let [plain, dated, counted] = [2, 3, 4].map(|at: usize| key(&answers[at]));
    assert_eq!(files.read(&plain, now).unwrap(), Some(session(&data)));
    // Ends: the file's age, the date in it, and none for a number, as in Django.
    let lives = |key: &str, after: u64| {
        let then = now + Duration::from_secs(after);
        files.read(key, then).unwrap().is_some()
    };
    assert!(lives(&plain, 950) && !lives(&plain, 1100));
    assert!(lives(&dated, 4900) && !lives(&dated, 5100));
    assert!(lives(&counted, 90) && lives(&counted, 1_000_000));
    // What we remove is gone for Django, which brings nothing back, and the other way round.
    assert!(files.remove(&plain).unwrap());
    assert!(!files.remove(&plain).unwrap());
    assert!(!files.write(&plain, &session(&data), now).unwrap());
    let answers = django(
        &python,
        folder.path(),
        &[
            json!({"do": "load", "key": plain}),
            json!({"do": "change", "key": plain, "session": {}}),
        ],
    );
    assert_eq!(answers[0]["session"], json!({}));
    assert_eq!(answers[1], json!({"saved": false}));
}

#[test]
fn django_ends_our_sessions_when_we_do() {
    let Some(python) = python::peer::python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let now = SystemTime::now();
    let data = session(&json!({"a": 1}));
    // Written so long ago.
    for (key, ago) in [("youngest", 900), ("theoldest", 1001)] {
        let then = now - Duration::from_secs(ago);
        assert!(files.create(key, &data, then).unwrap());
        assert!(files.write(key, &data, then).unwrap());
        assert_eq!(files.read(key, now).unwrap().is_some(), key == "youngest");
    }
    let sweep_and_load = ["youngest", "theoldest"].map(|key| json!({"do": "load", "key": key}));
    let answers = django(&python, folder.path(), &[json!({"do": "sweep"})]);
    assert_eq!(answers.len(), 1);
    let answers = django(&python, folder.path(), &sweep_and_load);
    assert_eq!(answers[0], json!({"session": {"a": 1}, "known": true}));
    assert_eq!(answers[1]["session"], json!({}));
    assert_eq!(answers[1]["known"], json!(false));
}

#[test]
fn hostile_keys_and_planted_files_are_nobodys_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let now = SystemTime::now();
    let data = session(&json!({"a": 1}));
    let long = "a".repeat(10_000);
    for key in ["", "..", "../x", "a/b", "A", "a b", "é", "a\0", &long] {
        assert_eq!(files.read(key, now).unwrap(), None);
        assert!(!files.remove(key).unwrap());
        let refused = [files.create(key, &data, now), files.write(key, &data, now)];
        for error in refused.map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
    assert!(files.clone().cookie_name("../sessionid").is_err());
    let at = |key: &str| folder.path().join(format!("sessionid{key}"));
    std::fs::write(at("empty"), "").unwrap();
    assert_eq!(files.read("empty", now).unwrap(), Some(Map::new()));
    std::fs::write(at("forged"), "e30:1vMabc:xxxx").unwrap();
    std::fs::write(at("binary"), b"\xff\xfe").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    for key in ["forged", "binary", "folder", "nothing"] {
        assert_eq!(files.read(key, now).unwrap(), None);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert!(files.create("mine", &data, now).unwrap());
        let mode = std::fs::metadata(at("mine")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::os::unix::fs::symlink(at("mine"), at("link")).unwrap();
        assert_eq!(files.read("link", now).unwrap(), None);
        assert!(!files.write("link", &data, now).unwrap());
        assert!(!files.create("link", &data, now).unwrap());
    }
    let drafts = std::fs::read_dir(folder.path()).unwrap().flatten();
    let drafts = drafts.filter(|entry| entry.path().extension().is_some());
    assert_eq!(drafts.count(), 0, "no draft is left");
}
