//! Any bytes as a cookie, as a payload that somebody signed, and as a record: refused or read, never a
//! panic, and what was read is written and read again as the same.
#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
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
    session: &Map,
    write: impl Fn(&Map) -> sessile::Result<T>,
    read: impl Fn(&T) -> Map,
) {
    let Ok(once) = write(session) else { return };
    let again = write(&read(&once)).expect("what was read can be written");
    assert!(once == again);
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
    assert!(flask.read(text, now()).is_err());
    assert!(django.read(text, now()).is_err());
    assert!(ids.unsign(text).is_err());
    assert!(single.unsign("name", "", text, now(), None).is_err());
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
        settles(&session, |session| flask.write(session, now()), read);
        let value = Value::Map(session);
        let passed = Value::of(&value).expect("a value is one");
        assert!(format!("{passed:?}") == format!("{value:?}"));
    }
}

fn django(payload: &str) {
    let django = CookieSession::new([KEY]).expect("a key").limits(limits());
    let salt = "django.contrib.sessions.backends.signed_cookies";
    let signer = TimestampSigner::new(Signer::new([KEY], salt).expect("a key"));
    if let Ok(session) = django.read(&signer.sign(payload, now()), now()) {
        let read = |text: &Option<String>| django.open(text.as_deref(), now());
        settles(&session, |session| django.write(session, now()), read);
    }
}

fn records(record: &[u8]) {
    for format in [Format::MessagePack, Format::Json] {
        let records = Record::new(format, Limits::default());
        if let Ok(session) = records.read(record) {
            let read = |record: &Vec<u8>| records.read(record).expect("what was written");
            settles(&session, |session| records.write(session), read);
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
