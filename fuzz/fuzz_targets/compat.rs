//! Any bytes as a cookie, as a payload that somebody signed, and as a record: refused or read, never a
//! panic, and what was read is written and read again as the same.
#![no_main]

mod planted;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile::cookie::compat::django::{CookieSession, SignedCookie, Signer, TimestampSigner};
use sessile::cookie::compat::flask::{FlaskCookie, Tags};
use sessile::cookie::compat::flask_session::{Format, Record, SignedId};
use sessile::cookie::compat::itsdangerous;
use sessile::cookie::compat::{Derivation, Limits, Map, Value};

const KEY: &str = "key";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_308_874_145)
}

/// Reading and writing settle after one round: the first may reorder names or drop what JSON lacks.
fn settles<T: PartialEq + std::fmt::Debug>(
    words: &str,
    session: &Map,
    write: impl Fn(&Map) -> sessile::Result<T>,
    read: impl Fn(&T) -> Map,
) {
    let Ok(once) = write(session) else { return };
    let session = bent(words, read(&once), |mut session| {
        session.insert("planted", true);
        session
    });
    let again = write(&session).expect("what was read can be written");
    assert!(once == again, "{words}");
}

/// Ours may be packed tighter than what was read, so that its ratio alone would be refused.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.ratio = usize::MAX;
    limits
}

fn forged(text: &str) {
    let flask = FlaskCookie::new(KEY).expect("a key");
    let django = CookieSession::new([KEY]).expect("a key");
    let ids = SignedId::new(KEY).expect("a key");
    let single = SignedCookie::new([KEY]).expect("a key").legacy(true);
    let mut session = Map::new();
    session.insert("a", 1);
    let signed = |written: sessile::Result<Option<String>>| {
        let written = written.expect("a session can be written");
        written.expect("it is not empty")
    };
    let cookie = bent("a forged Flask session", text.to_owned(), |_| {
        signed(flask.write(&session, now()))
    });
    let read = flask.read(&cookie, now());
    assert!(read.is_err(), "a forged Flask session");
    let cookie = bent("a forged Django session", text.to_owned(), |_| {
        signed(django.write(&session, now()))
    });
    let read = django.read(&cookie, now());
    assert!(read.is_err(), "a forged Django session");
    let cookie = bent("a forged id", text.to_owned(), |_| ids.sign("id"));
    assert!(ids.unsign(&cookie).is_err(), "a forged id");
    let cookie = bent("a forged Django cookie", text.to_owned(), |_| {
        single.sign("name", "", "value", now())
    });
    let read = single.unsign("name", "", &cookie, now(), None);
    assert!(read.is_err(), "a forged Django cookie");
}

fn flask(payload: &[u8]) {
    let tags = Tags::new().register(" od").expect("not one of Flask's");
    let flask = FlaskCookie::builder(KEY)
        .tags(tags)
        .limits(limits())
        .build()
        .expect("a key");
    let signer = itsdangerous::Signer::new([KEY], "cookie-session").expect("a key");
    let signer = itsdangerous::TimestampSigner::new(signer.derivation(Derivation::Hmac));
    let signed = signer.sign(payload, now());
    let Ok(text) = String::from_utf8(signed) else {
        return;
    };
    if let Ok(session) = flask.read(&text, now()) {
        let read = |text: &Option<String>| flask.open(text.as_deref(), now());
        let write = |session: &Map| flask.write(session, now());
        settles("a Flask session settles", &session, write, read);
        let value = Value::Map(session);
        let passed = Value::of(&value).expect("a value is one");
        let passed = bent("a value passes through serde", passed, |_| Value::Null);
        let is_same = format!("{passed:?}") == format!("{value:?}");
        assert!(is_same, "a value passes through serde");
    }
}

fn django(payload: &str) {
    let django = CookieSession::new([KEY]).expect("a key").limits(limits());
    let salt = "django.contrib.sessions.backends.signed_cookies";
    let signer = TimestampSigner::new(Signer::new([KEY], salt).expect("a key"));
    if let Ok(session) = django.read(&signer.sign(payload, now()), now()) {
        let read = |text: &Option<String>| django.open(text.as_deref(), now());
        let write = |session: &Map| django.write(session, now());
        settles("a Django session settles", &session, write, read);
    }
}

fn records(record: &[u8]) {
    for format in [Format::MessagePack, Format::Json] {
        let records = Record::new(format, Limits::default());
        if let Ok(session) = records.read(record) {
            let read = |record: &Vec<u8>| records.read(record).expect("what was written");
            let write = |session: &Map| records.write(session);
            settles("a record settles", &session, write, read);
        }
    }
}

fuzz_target!(|input: &[u8]| {
    records(input);
    flask(input);
    if let Ok(text) = std::str::from_utf8(input) {
        forged(text);
        django(text);
        // JSON is reached sooner when its base64 need not be guessed.
        flask(encoded(text).as_bytes());
    }
});

/// Base64url without padding.
fn encoded(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = text.as_bytes().chunks(3).flat_map(|chunk| {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | usize::from(chunk.get(at).copied().unwrap_or_default())
        });
        (0..=chunk.len()).map(move |at| char::from(DIGITS[bits >> (18 - 6 * at) & 63]))
    });
    digits.collect()
}
