//! Records shared with Django's session engines: real Django both ways, forgeries, rotation, the contract.
#![cfg(feature = "compat")]
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

#[path = "logs/hear.rs"]
mod hear;
#[expect(dead_code, reason = "these tests ask another script")]
mod python;

use std::io::Write as _;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sessile::cookie::compat::django::{DjangoRecords, StoredSession};
use sessile::store::Survey;
use sessile::{
    Cache, CacheStore, Created, ErrorKind, Loaded, ManualClock, Replaced, SessionStore, Terms,
};

/// As in `tests/python/django_texts.py`.
const NEW: &str = "the newest key of all, and long";
const OLD: &str = "the key before that one, and long";

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an embedded store answers at once"),
    }
}

fn inner() -> CacheStore {
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    CacheStore::new(Arc::new(cache))
}

fn over(inner: &CacheStore, keys: &[&str]) -> DjangoRecords<CacheStore> {
    DjangoRecords::new(inner.clone(), StoredSession::new(keys).unwrap())
}

/// Asks the script for something and returns the lines of its answer.
fn django(python: &Path, what: &str, lines: &[serde_json::Value]) -> Vec<serde_json::Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/django_texts.py");
    let mut peer = Command::new(python)
        .args(["-W", "ignore"])
        .arg(script)
        .arg(what)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut stdin = peer.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = peer.wait_with_output().unwrap();
    assert!(output.status.success(), "django_texts.py failed: see above");
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn sessions() -> Vec<serde_json::Value> {
    vec![
        serde_json::json!({}),
        serde_json::json!({"_auth_user_id": "42", "_auth_user_hash": "é😀\u{2028}\"\\", "n": [1, -2.5, null]}),
        serde_json::json!({"_session_expiry": 1209600, "_permanent": true}),
        serde_json::json!({"basket": vec!["an item that comes again and again"; 200]}),
        serde_json::json!({"wide": u64::MAX, "low": i64::MIN, "deep": {"a": {"b": {"c": [[[]]]}}}}),
    ]
}

fn json_of(loaded: &Loaded) -> serde_json::Value {
    serde_json::from_slice(&loaded.value).unwrap()
}

#[test]
fn django_reads_what_sessions_write() {
    let Some(python) = python::peer::python() else {
        return;
    };
    let inner = inner();
    let store = over(&inner, &[NEW, OLD]);
    let mut lines = Vec::new();
    for (number, session) in sessions().iter().enumerate() {
        let key = number.to_string();
        let record = session.to_string().into();
        now(store.put(key.as_bytes(), record, Terms::forever())).unwrap();
        let text = now(inner.load(key.as_bytes())).unwrap().unwrap().value;
        let text = String::from_utf8(text.to_vec()).unwrap();
        lines.push(serde_json::json!({"key": key, "text": text}));
    }
    let mut forged = lines[1].clone();
    forged["text"] = format!("x{}", forged["text"].as_str().unwrap()).into();
    lines.push(forged);
    let read = django(&python, "decode", &lines);
    for (read, session) in read.iter().zip(sessions()) {
        assert_eq!(read["session"], session);
    }
    assert_eq!(
        read[lines.len() - 1]["session"],
        serde_json::json!({}),
        "told apart"
    );
}

#[test]
fn sessions_read_what_django_writes_with_either_key() {
    let Some(python) = python::peer::python() else {
        return;
    };
    let line =
        |(number, session)| serde_json::json!({"key": format!("{number}"), "session": session});
    let lines: Vec<_> = sessions().into_iter().enumerate().map(line).collect();
    for what in ["encode", "encode-old"] {
        let inner = inner();
        for written in django(&python, what, &lines) {
            let (key, text) = (
                written["key"].as_str().unwrap(),
                written["text"].as_str().unwrap(),
            );
            now(inner.put(key.as_bytes(), text.to_owned().into(), Terms::forever())).unwrap();
        }
        let store = over(&inner, &[NEW, OLD]);
        let without_fallback = over(&inner, &[NEW]);
        for (number, session) in sessions().into_iter().enumerate() {
            let key = number.to_string();
            let found = now(store.load(key.as_bytes())).unwrap().unwrap();
            assert_eq!(json_of(&found), session, "{what}");
            let believed = now(without_fallback.load(key.as_bytes())).unwrap();
            assert_eq!(believed.is_some(), what == "encode");
        }
        let page = now(store.page(None, 100)).unwrap();
        assert_eq!(page.records.len(), sessions().len());
    }
}

#[test]
fn a_record_that_no_key_signed_is_absent_and_in_nobodys_way() {
    let inner = inner();
    let store = over(&inner, &[NEW]);
    let foreign = over(&inner, &["somebody else's key"]);
    let forever = Terms::forever();
    let record = || bytes::Bytes::from_static(br#"{"a":1}"#);
    now(foreign.put(b"foreign", record(), forever)).unwrap();
    now(inner.put(b"garbage", "\u{1f600} no text of django's".into(), forever)).unwrap();
    now(inner.put(
        b"binary",
        bytes::Bytes::from_static(b"\xff\xfe:x:y"),
        forever,
    ))
    .unwrap();
    now(inner.put(b"empty", "".into(), forever)).unwrap();
    for key in ["foreign", "garbage", "binary", "empty"] {
        let key = key.as_bytes();
        assert_eq!(now(store.load(key)).unwrap(), None);
        let Created::Done(version) = now(store.create(key, record(), forever)).unwrap() else {
            panic!("taken by what nobody believes");
        };
        let found = now(store.load(key)).unwrap().unwrap();
        assert_eq!((found.value, found.version), (record(), version));
        assert_eq!(
            now(store.create(key, record(), forever)).unwrap(),
            Created::Taken
        );
    }
    assert_eq!(now(store.page(None, 100)).unwrap().records.len(), 4);
    assert_eq!(now(foreign.page(None, 100)).unwrap().records.len(), 0);
}

#[test]
fn a_forgery_is_one_line_in_the_security_log_that_holds_none_of_it() {
    let inner = inner();
    let forever = Terms::forever();
    let foreign = over(&inner, &["somebody else's key"]);
    now(foreign.put(b"secret-key", r#"{"secret":"value"}"#.into(), forever)).unwrap();
    let text = now(inner.load(b"secret-key")).unwrap().unwrap().value;
    let text = String::from_utf8(text.to_vec()).unwrap();
    let log =
        hear::logged(|| assert_eq!(now(over(&inner, &[NEW]).load(b"secret-key")).unwrap(), None));
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("WARN sessile::security"), "{log}");
    let parts = text.split(':').chain(["secret", "newest"]);
    for part in parts.filter(|part| part.len() > 5) {
        assert!(!log.contains(part), "{log}");
    }
}

#[test]
fn versions_pass_through_and_what_is_no_json_object_is_refused() {
    let store = over(&inner(), &[NEW]);
    let forever = Terms::forever();
    let put = |value: &'static [u8]| now(store.put(b"k", value.into(), forever));
    let first = put(br#"{"a":1}"#).unwrap();
    let second = now(store.replace(b"k", r#"{"a":2}"#.into(), forever, Some(first))).unwrap();
    let Replaced::Done(second) = second else {
        panic!("nobody wrote in between");
    };
    let late = now(store.replace(b"k", r#"{"a":3}"#.into(), forever, Some(first))).unwrap();
    assert_eq!(late, Replaced::Conflict(second));
    for value in [
        &b"[1]"[..],
        b"",
        b"{",
        b"\xc1\x01",
        b"\x81\xa1a\x01",
        b"\xff",
    ] {
        let error = put(value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(now(store.load(b"k")).unwrap().unwrap().version, second);
    assert!(now(store.touch(b"k", Duration::from_secs(1))).unwrap());
    assert!(now(store.remove(b"k")).unwrap());
    let shown = format!("{store:?}");
    assert!(!shown.contains("newest"), "{shown}");
}

#[cfg(feature = "contract")]
mod contract {
    use bytes::Bytes;
    use sessile::store::contract::{self, Level, Subject};
    use sessile::store::{Purged, Version};
    use sessile::{DynStore, Result};

    use super::*;

    /// Puts any bytes into a JSON object, because the suite's are none.
    struct InJson(DjangoRecords<CacheStore>);

    fn wrap(value: &Bytes) -> Bytes {
        let bytes: Vec<String> = value.iter().map(u8::to_string).collect();
        format!(r#"{{"bytes":[{}]}}"#, bytes.join(",")).into()
    }

    fn unwrap(found: Loaded) -> Loaded {
        let json: serde_json::Value = serde_json::from_slice(&found.value).unwrap();
        let bytes = json["bytes"].as_array().unwrap().iter();
        let value: Vec<u8> = bytes
            .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
            .collect();
        let value = value.into();
        Loaded { value, ..found }
    }

    impl SessionStore for InJson {
        async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
            Ok(self.0.load(key).await?.map(unwrap))
        }
        async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
            self.0.create(key, wrap(&value), terms).await
        }
        async fn replace(
            &self,
            key: &[u8],
            value: Bytes,
            terms: Terms,
            expected: Option<Version>,
        ) -> Result<Replaced> {
            self.0.replace(key, wrap(&value), terms, expected).await
        }
        async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
            self.0.put(key, wrap(&value), terms).await
        }
        async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
            self.0.touch(key, time_to_live).await
        }
        async fn remove(&self, key: &[u8]) -> Result<bool> {
            self.0.remove(key).await
        }
        async fn exists(&self, key: &[u8]) -> Result<bool> {
            self.0.exists(key).await
        }
        async fn purge_expired(&self, budget: usize) -> Result<Purged> {
            self.0.purge_expired(budget).await
        }
    }

    struct Case(ManualClock);

    impl Subject for Case {
        type Store = DynStore;

        async fn fresh(&self) -> DynStore {
            let builder = Cache::builder().unlimited_entries().clock(self.0.clone());
            let inner = CacheStore::new(Arc::new(builder.build().unwrap()));
            let texts = StoredSession::new([NEW]).unwrap();
            InJson(DjangoRecords::new(inner, texts).clock(self.0.clone())).erase()
        }

        async fn pass(&self, time: Duration) {
            self.0.advance(time);
        }

        fn level(&self) -> Level {
            Level::new().value_up_to(10_000)
        }
    }

    #[test]
    fn keeps_the_contract() {
        now(contract::run(&Case(ManualClock::new()))).assert_kept();
    }
}
