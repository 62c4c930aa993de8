//! Django's cookies and sessions: scenarios SG60 to SG71 and those of sessions, named after their ids,
//! with signatures that Python made.
#![cfg(feature = "compat")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sessile::cookie::compat::django::{
    CookieSession, SignedCookie, Signer, StoredSession, TimestampSigner,
};
use sessile::cookie::compat::{Limits, Map, Refused, Value};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn session() -> Map {
    [("a".to_owned(), Value::from(1))].into_iter().collect()
}

#[test]
fn sg60_signed_cookies_are_read_as_set() {
    let cookies = SignedCookie::new(["test-key"]).unwrap();
    let signed = cookies.sign("c", "", "hello", at(1000));
    // Made by Django 5.2.19.
    assert_eq!(
        signed,
        "hello:G8:dyr7yDzhAjqs3xFXhSwSU9FZMB_NNmIhULBRyw3fF9A"
    );
    assert_eq!(
        cookies.unsign("c", "", &signed, at(1000), None).unwrap(),
        "hello"
    );
    assert_eq!(
        cookies.sign("c", "sält", "hello", at(1000)),
        "hello:G8:e1BRz4F2YnDrODrHoXGTzx2j7bZG1qsJeZo94PnbRmw"
    );
}

#[test]
fn sg61_another_salt_is_another_signature() {
    let cookies = SignedCookie::new(["test-key"]).unwrap();
    let signed = cookies.sign("a", "one", "hello", at(1000));
    assert_eq!(
        cookies.unsign("a", "one", &signed, at(1000), None).unwrap(),
        "hello"
    );
    assert!(cookies.unsign("a", "two", &signed, at(1000), None).is_err());
}

#[test]
fn sg62_name_and_salt_do_not_run_together() {
    let cookies = SignedCookie::new(["test-key"]).unwrap();
    let signed = cookies.sign("a", "bc", "hello", at(1000));
    assert!(matches!(
        cookies.unsign("ab", "c", &signed, at(1000), None),
        Err(Refused::Forged)
    ));
}

/// What Django signed before 5.2.19 for the cookie `ab` and the salt `c`, at 1000.
const LEGACY: &str = "hello:G8:xgDNZnJBmQ9s0c64P-KA7-lAxK7fvf-eQGzkJFjc8uI";

#[test]
fn sg63_sg64_legacy_salts_are_read_only_if_asked_for() {
    let cookies = SignedCookie::new(["test-key"]).unwrap();
    let refused = cookies
        .unsign("ab", "c", LEGACY, at(1000), None)
        .unwrap_err();
    assert!(matches!(refused, Refused::Forged));
    let legacy = cookies.legacy(true);
    assert_eq!(
        legacy
            .unsign("ab", "c", LEGACY, at(1000), seconds(1))
            .unwrap(),
        "hello"
    );
    let current = legacy.sign("ab", "c", "hello", at(1000));
    assert_ne!(current, LEGACY);
    assert_eq!(
        legacy.unsign("ab", "c", &current, at(1000), None).unwrap(),
        "hello"
    );
}

#[test]
fn sg65_sg66_legacy_or_not_what_has_expired_has_expired() {
    let legacy = SignedCookie::new(["test-key"]).unwrap().legacy(true);
    let current = legacy.sign("ab", "c", "hello", at(1000));
    for signed in [LEGACY, &current] {
        let refused = legacy
            .unsign("ab", "c", signed, at(1011), seconds(10))
            .unwrap_err();
        assert!(matches!(refused, Refused::Expired { .. }));
    }
}

#[test]
fn sg67_sg68_tampered_cookies_are_refused_and_a_default_takes_their_place() {
    let cookies = SignedCookie::new(["test-key"]).unwrap();
    let signed = cookies.sign("c", "", "hello", at(1000));
    let tampered = format!("x{}", &signed[1..]);
    let read = cookies.unsign("c", "", &tampered, at(1000), None);
    assert!(matches!(read, Err(Refused::Forged)));
    assert_eq!(read.unwrap_or("default"), "default");
}

#[test]
fn sg69_the_age_is_checked_on_reading() {
    let cookies = SignedCookie::new(["test-key"]).unwrap();
    let signed = cookies.sign("c", "", "hello", at(1000));
    for (age, is_valid) in [(12, true), (11, true), (10, false)] {
        let read = cookies.unsign("c", "", &signed, at(1011), seconds(age));
        assert_eq!(read.is_ok(), is_valid, "{age}");
    }
}

#[test]
fn sg71_binary_keys_sign_cookies() {
    let cookies = SignedCookie::new([b"\xe7".as_slice()]).unwrap();
    let signed = cookies.sign("c", "", "hello", at(1000));
    assert_eq!(
        signed,
        "hello:G8:TL3N_Sm8-XGFUfY5RSYvoocdZ4kRT_adEBDZ6YlSESc"
    );
    assert_eq!(
        cookies.unsign("c", "", &signed, at(1000), None).unwrap(),
        "hello"
    );
    assert!(SignedCookie::new([""]).is_err());
}

#[test]
fn the_vector_of_signed_cookies() {
    let django = CookieSession::new(["k"]).unwrap();
    let cookie = "eyJhIjoxfQ:G8:MxpjoNB_490GTGm7v6ZMIoaAZTLwGZODva46G6fuTOo";
    assert_eq!(
        django.write(&session(), at(1000)).unwrap().as_deref(),
        Some(cookie)
    );
    assert_eq!(django.read(cookie, at(1000)).unwrap(), session());
    let old = at(1000 + 14 * 86_400 + 1);
    assert!(matches!(
        django.read(cookie, old),
        Err(Refused::Expired { .. })
    ));
    let longer = django.age(Duration::from_secs(15 * 86_400));
    assert!(longer.read(cookie, old).is_ok());
}

#[test]
fn dj32_stored_sessions_round_trip_and_are_djangos() {
    let django = StoredSession::new(["k"]).unwrap();
    // Made by Django 5.2.19.
    assert_eq!(
        django.encode(&session(), at(1000)).unwrap(),
        "eyJhIjoxfQ:G8:3_-iR8S_xLYpnInyH28CWXF13O5F776xxzGft9CUWSI"
    );
    assert_eq!(
        django.decode("eyJhIjoxfQ:G8:3_-iR8S_xLYpnInyH28CWXF13O5F776xxzGft9CUWSI"),
        session()
    );
    let own = StoredSession::with_class(["k"], "Own.Store").unwrap();
    assert!(
        own.decode("eyJhIjoxfQ:G8:3_-iR8S_xLYpnInyH28CWXF13O5F776xxzGft9CUWSI")
            .is_empty()
    );
    assert_eq!(
        own.decode("eyJhIjoxfQ:G8:figGizu2ZVl3uFwPxphZl_sRty74NQwOgg3ZOJiU-ns"),
        session()
    );
}

#[test]
fn dj33_dj34_x01_what_cannot_be_decoded_is_an_empty_session() {
    let django = StoredSession::new(["k"]).unwrap();
    for junk in ["", "flaskdj:alkdjf", "bad:encoded:value", "é:é:é"] {
        assert!(django.decode(junk).is_empty(), "{junk}");
        assert!(django.try_decode(junk).is_err());
    }
    // Signed, but neither base64, JSON nor a dictionary.
    let salt = "django.contrib.sessions.SessionStore";
    let timed = TimestampSigner::new(Signer::new(["k"], salt).unwrap());
    for payload in ["***", "YWJj", "WzFd", ".YWJj", ""] {
        let signed = timed.sign(payload, at(1000));
        assert!(
            matches!(django.try_decode(&signed), Err(Refused::Undecodable(_))),
            "{payload}"
        );
        assert!(django.decode(&signed).is_empty());
    }
}

#[test]
fn x13_garbage_is_no_session_and_none_is_issued_again() {
    let django = CookieSession::new(["k"]).unwrap();
    for garbage in [
        "",
        "x",
        "a:b:c",
        "eyJhIjoxfQ:G8:MxpjoNB_490GTGm7v6ZMIoaAZTLwGZODva46G6fuTOp",
    ] {
        let session = django.open(Some(garbage), at(1000));
        assert!(session.is_empty());
        assert_eq!(django.write(&session, at(1000)).unwrap(), None);
    }
    assert!(django.open(None, at(1000)).is_empty());
}

#[test]
fn bombs_are_stopped() {
    let django = CookieSession::new(["k"]).unwrap();
    let mut session = Map::new();
    session.insert("zeros", "0".repeat(500_000));
    let cookie = django.write(&session, at(1000)).unwrap().unwrap();
    assert!(cookie.len() < 2000);
    assert!(matches!(
        django.read(&cookie, at(1000)),
        Err(Refused::Undecodable(_))
    ));
    let mut limits = Limits::default();
    limits.ratio = 2000;
    assert_eq!(
        django.limits(limits).read(&cookie, at(1000)).unwrap(),
        session
    );
}
