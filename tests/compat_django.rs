//! Django's signing: scenarios SG40 to SG58, named after their ids, with signatures that Python made.
#![cfg(feature = "compat")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sessile::ErrorKind;
use sessile::cookie::compat::django::{ObjectSigner, Signer, TimestampSigner};
use sessile::cookie::compat::{Digest, Refused, Value};

const NO_FALLBACKS: [&str; 1] = ["predictable-secret"];

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn signer(key: &str, salt: &str) -> Signer {
    Signer::new([key], salt).expect("made by hand")
}

#[test]
fn sg40_the_signature_depends_on_the_key() {
    let (one, other) = (signer("predictable-secret", "s"), signer("other", "s"));
    assert_ne!(one.sign("hello"), other.sign("hello"));
    assert!(matches!(
        other.unsign(&one.sign("hello")),
        Err(Refused::Forged)
    ));
}

#[test]
fn sg41_the_signature_depends_on_the_salt() {
    let signer = signer("predictable-secret", "extra-salt");
    // Made by Django 5.2.19.
    assert_eq!(
        signer.sign("hello"),
        "hello:g8YZrsJ1xXg4hGFgU2uc4ff9ZZRKt3ReprMkjND8TfM"
    );
    assert_ne!(
        signer.with_salt("other").sign("hello"),
        signer.sign("hello")
    );
}

#[test]
fn sg42_sha512_and_sha1_are_those_of_django() {
    let signer = signer("predictable-secret", "extra-salt");
    for (name, signed) in [
        (
            "sha512",
            "hello:uN2gmOBnWVXu2TL3Lf6OHbewWZHcdJiyV9oFQPtCfsyv4NtSiMpFNQw3RxiZttlpWIZZynGJeFKQoIlCs17DPQ",
        ),
        ("sha1", "hello:m57Qtg77nk-IMDtP2u2SwJp6X6c"),
        (
            "sha256",
            "hello:g8YZrsJ1xXg4hGFgU2uc4ff9ZZRKt3ReprMkjND8TfM",
        ),
    ] {
        assert_eq!(
            signer.clone().algorithm(name).unwrap().sign("hello"),
            signed
        );
    }
    assert_eq!(
        signer.clone().digest(Digest::Sha512).sign("hello"),
        "hello:uN2gmOBnWVXu2TL3Lf6OHbewWZHcdJiyV9oFQPtCfsyv4NtSiMpFNQw3RxiZttlpWIZZynGJeFKQoIlCs17DPQ"
    );
}

#[test]
fn sg43_an_unknown_algorithm_is_an_error_of_configuration() {
    let error = signer("predictable-secret", "s")
        .algorithm("whatever")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("whatever"));
}

#[test]
fn sg44_texts_round_trip_with_separators_in_them() {
    let signer = signer("predictable-secret", "s");
    for text in [
        "hello",
        "3098247:529:087:",
        "jkw osanteuh ,rcuh nthu aou oauh ,ud du",
        "\u{2019}",
        "",
    ] {
        assert_eq!(signer.unsign(&signer.sign(text)).unwrap(), text);
    }
}

#[test]
fn sg45_numbers_are_signed_as_their_text() {
    let signer = signer("predictable-secret", "extra-salt");
    assert_eq!(
        signer.sign(&123.to_string()),
        "123:2j4ftlHcg_t1F3Rr6w_KMUC9jxXfllvy-459tIDUYvU"
    );
}

#[test]
fn sg46_tampered_texts_are_refused() {
    let signer = signer("predictable-secret", "s");
    let signed = signer.sign("Another string");
    let tampered = [
        signed.to_uppercase(),
        format!("{signed}a"),
        format!("a{}", &signed[1..]),
        signed.replace(':', ""),
    ];
    for text in tampered {
        assert!(signer.unsign(&text).is_err(), "{text}");
    }
}

#[test]
fn sg47_sg48_objects_round_trip_packed_or_not() {
    let value: Value = serde_json::from_str(
        r#"[["a","list"],"a string é",{"a":"dictionary","n":[null,true,1.5,-3]}]"#,
    )
    .unwrap();
    for is_packed in [false, true] {
        let signer = ObjectSigner::new(NO_FALLBACKS, "s")
            .unwrap()
            .packed(is_packed);
        let text = signer.dumps(&value, at(1000)).unwrap();
        assert_eq!(signer.loads(&text, at(1000), None).unwrap(), value);
    }
    let long = Value::from("x".repeat(1000));
    let signer = ObjectSigner::new(NO_FALLBACKS, "django.core.signing").unwrap();
    let python = ".eJxTqhgFo2AUDHugBAAFGdUU:G8:eNnJC4NqhxWVY7xzFiJz98VpuyGwMueYs472P2_Od3c";
    assert!(python.starts_with('.'));
    assert_eq!(signer.loads(python, at(1000), seconds(1)).unwrap(), long);
    let plain = signer.dumps(&value, at(1000)).unwrap();
    // Made by Django 5.2.19.
    assert_eq!(
        plain,
        "W1siYSIsImxpc3QiXSwiYSBzdHJpbmcgXHUwMGU5Iix7ImEiOiJkaWN0aW9uYXJ5IiwibiI6W251bGwsdHJ1ZSwxLjUsLTNdfV0:G8:QH8ayAysvD-Mo_ifD5Vj16X-A4ux6irqDjgpyd2NUVI"
    );
}

#[test]
fn sg49_tampered_objects_are_refused() {
    let signer = ObjectSigner::new(NO_FALLBACKS, "s").unwrap();
    let text = signer.dumps(&Value::from("a dict"), at(1000)).unwrap();
    for tampered in [
        text.to_uppercase(),
        format!("{text}a"),
        format!("a{}", &text[1..]),
        text.replace(':', ""),
    ] {
        assert!(
            signer.loads(&tampered, at(1000), None).is_err(),
            "{tampered}"
        );
    }
}

#[test]
fn sg50_keys_are_any_bytes() {
    let signer = Signer::new([b"\xe7".as_slice()], "extra-salt").unwrap();
    assert_eq!(
        signer.sign("foo"),
        "foo:fcH2IDm-NTeOSJfErkTwYHJpAT30r-eGA4ThrbMfnuk"
    );
}

#[test]
fn sg51_separators_are_free() {
    for separator in ["/", "*sep*", ","] {
        let signer = signer("predictable-secret", "s")
            .separator(separator)
            .unwrap();
        let signed = signer.sign("foo");
        assert!(signed.starts_with(&format!("foo{separator}")));
        assert_eq!(signer.unsign(&signed).unwrap(), "foo");
    }
}

#[test]
fn sg52_separators_of_base64_are_refused() {
    for separator in ["", "-", "abc"] {
        let error = signer("predictable-secret", "s")
            .separator(separator)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{separator}");
    }
}

#[test]
fn sg53_sg54_fallbacks_verify_and_x18_the_first_key_signs() {
    let old = signer("old", "s");
    let both = Signer::new(["new", "old"], "s").unwrap();
    assert_eq!(both.unsign(&old.sign("abc")).unwrap(), "abc");
    assert_eq!(both.sign("abc"), signer("new", "s").sign("abc"));
    assert_eq!(both.unsign(&both.sign("abc")).unwrap(), "abc");
    assert!(old.unsign(&both.sign("abc")).is_err());
}

#[test]
fn sg55_sg56_only_the_keys_that_are_given_count() {
    // There are no settings to fall back on: what is not listed does not verify.
    let signed = signer("old", "s").sign("abc");
    assert!(matches!(
        signer("new", "s").unsign(&signed),
        Err(Refused::Forged)
    ));
    assert!(
        Signer::new(["new", "old"], "s")
            .unwrap()
            .unsign(&signed)
            .is_ok()
    );
    assert_eq!(
        Signer::new(["new", ""], "s").unwrap_err().kind(),
        ErrorKind::InvalidConfig
    );
}

#[test]
fn sg57_ages_are_measured_with_fractions() {
    let timed = TimestampSigner::new(signer("predictable-key", "s"));
    let signed = timed.sign("hello", at(123_456_789));
    assert_ne!(signed, timed.sign("hello", at(123_456_790)));
    let later = at(123_456_800);
    assert_eq!(timed.unsign(&signed, later, None).unwrap(), "hello");
    assert_eq!(timed.unsign(&signed, later, seconds(12)).unwrap(), "hello");
    assert_eq!(timed.unsign(&signed, later, seconds(11)).unwrap(), "hello");
    match timed.unsign(&signed, later, seconds(10)) {
        Err(Refused::Expired { signed_at }) => assert_eq!(signed_at, at(123_456_789)),
        other => panic!("{other:?}"),
    }
    // A millisecond counts, as it does not with itsdangerous.
    let slightly = later + Duration::from_millis(1);
    assert!(timed.unsign(&signed, slightly, seconds(11)).is_err());
}

#[test]
fn x17_the_future_is_refused_beyond_the_skew() {
    let timed = TimestampSigner::new(signer("predictable-key", "s"));
    let signed = timed.sign("hello", at(1060));
    assert!(timed.unsign(&signed, at(1000), seconds(1)).is_ok());
    let refused = timed.unsign(&signed, at(999), seconds(1)).unwrap_err();
    assert!(matches!(refused, Refused::Future { .. }));
    assert!(timed.skew(None).unsign(&signed, at(0), seconds(1)).is_ok());
}

#[test]
fn timestamps_that_are_none_are_malformed() {
    let plain = signer("predictable-key", "s");
    let timed = TimestampSigner::new(plain.clone());
    for text in [
        "hello",
        "hello:",
        "hello:-",
        "hello:!",
        "hello:zzzzzzzzzzzzzzz",
        "hello:7m85Y0n8LzA",
    ] {
        let refused = timed
            .unsign(&plain.sign(text), at(0), seconds(1))
            .unwrap_err();
        let is_known = matches!(refused, Refused::Malformed | Refused::Future { .. });
        assert!(is_known, "{text} {refused:?}");
    }
}
