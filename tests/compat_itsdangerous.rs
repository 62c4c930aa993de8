//! itsdangerous: scenarios SG01 to SG33, named after their ids, with signatures that Python made.
#![cfg(feature = "compat")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sessile::ErrorKind;
use sessile::cookie::compat::itsdangerous::{
    Signer, TimestampSigner, UrlSafeSerializer, UrlSafeTimedSerializer,
};
use sessile::cookie::compat::{Derivation, Digest, Limits, Refused, Value};

const THEN_S: u64 = 1_308_874_145;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn signer() -> Signer {
    Signer::new(["secret-key"], "itsdangerous.Signer").expect("made by hand")
}

fn timed() -> TimestampSigner {
    TimestampSigner::new(signer())
}

fn serializer() -> UrlSafeSerializer {
    UrlSafeSerializer::new(Signer::new(["secret-key"], "itsdangerous").expect("made by hand"))
}

fn text(signed: Vec<u8>) -> String {
    String::from_utf8(signed).expect("made by hand")
}

#[test]
fn sg01_sign_and_unsign_give_the_bytes_back() {
    for value in [&b"my string"[..], b"", b"\xff\x00", b"a.b.c"] {
        let signed = signer().sign(value);
        assert!(signed.starts_with(value));
        assert_eq!(signer().unsign(&signed).unwrap(), value);
    }
    // Made by itsdangerous 2.2.
    assert_eq!(
        text(signer().sign("my string")),
        "my string.wh6tMHxLgJqB6oY1uT73iMlyrOA"
    );
}

#[test]
fn sg02_without_separator_it_is_malformed() {
    let signed = text(signer().sign("my string")).replace('.', "*");
    assert!(matches!(signer().unsign(&signed), Err(Refused::Malformed)));
}

#[test]
fn sg03_a_truncated_signature_is_forged_and_shows_nothing() {
    let signed = text(signer().sign("my string"));
    for end in "my string.".len()..signed.len() {
        let refused = signer().unsign(&signed[..end]).unwrap_err();
        assert!(matches!(refused, Refused::Forged), "{end}");
        assert!(!format!("{refused} {refused:?}").contains("my string"));
    }
}

#[test]
fn sg04_a_changed_value_is_forged() {
    let signed = text(signer().sign("my string"));
    let changed = signed.replace("my string", "my strinh");
    assert!(matches!(signer().unsign(&changed), Err(Refused::Forged)));
}

#[test]
fn sg05_separators_of_base64_are_refused() {
    for separator in ["-", "_", "=", "a", "Z9", ""] {
        let error = signer().separator(separator).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{separator}");
    }
    let signer = signer().separator("!").unwrap();
    assert_eq!(signer.unsign(&signer.sign("x!y")).unwrap(), b"x!y");
}

#[test]
fn sg06_derivations_are_those_of_python() {
    for (derivation, signed) in [
        (Derivation::Concat, "value.BWFI7CwV-UtaizSlDrdXTgFEycw"),
        (
            Derivation::DjangoConcat,
            "value.RI9crmxKpuX1wTw2mg_FHFGXRic",
        ),
        (Derivation::Hmac, "value.amDFTaW4_4Q4S4WgCg8gPnw99dU"),
        (Derivation::None, "value.KR0bPVhdBT1d8GpHRrZeO1VF_ew"),
    ] {
        let signer = signer().derivation(derivation);
        assert_eq!(text(signer.sign("value")), signed, "{derivation:?}");
        assert_eq!(signer.unsign(signed).unwrap(), b"value");
    }
}

#[test]
fn sg10_an_older_key_verifies_and_x18_never_signs() {
    let old = Signer::new(["a"], "salt").unwrap();
    let both = Signer::new(["a", "b"], "salt").unwrap();
    let new = Signer::new(["b"], "salt").unwrap();
    assert_eq!(both.unsign(&old.sign("x")).unwrap(), b"x");
    assert_eq!(both.sign("x"), new.sign("x"));
    assert!(old.unsign(&both.sign("x")).is_err());
    assert_eq!(both.sign("x"), both.clone().sign("x"));
    assert!(Signer::new(["a", ""], "salt").is_err());
    assert!(Signer::new(std::iter::empty::<&str>().collect::<Vec<_>>(), "salt").is_err());
}

#[test]
fn sg12_ages_up_to_the_limit_hold_and_beyond_have_expired() {
    let signed = timed().sign("value", at(THEN_S));
    for age in [0, 1, 10] {
        let unsigned = timed()
            .unsign(&signed, at(THEN_S + age), seconds(10))
            .unwrap();
        assert_eq!(unsigned.value, b"value");
    }
    // Fractions do not count.
    let almost = at(THEN_S + 10) + Duration::from_millis(999);
    assert!(timed().unsign(&signed, almost, seconds(10)).is_ok());
    match timed().unsign(&signed, at(THEN_S + 11), seconds(10)) {
        Err(Refused::Expired { signed_at }) => assert_eq!(signed_at, at(THEN_S)),
        other => panic!("{other:?}"),
    }
    assert!(
        timed()
            .unsign(&signed, at(THEN_S + 1_000_000), None)
            .is_ok()
    );
}

#[test]
fn sg13_the_time_is_given_with_the_value() {
    let signed = timed().sign("value", at(THEN_S) + Duration::from_millis(700));
    assert_eq!(
        text(signed.clone()),
        "value.TgPVoQ.UuTmbd1hhGp7tyOFjT0H9ILwyfg"
    );
    let unsigned = timed().unsign(&signed, at(THEN_S), None).unwrap();
    assert_eq!(unsigned.signed_at, at(THEN_S));
}

#[test]
fn sg14_what_was_signed_without_a_time_is_malformed() {
    let signed = signer().sign("value");
    assert!(matches!(
        timed().unsign(&signed, at(THEN_S), None),
        Err(Refused::Malformed)
    ));
}

#[test]
fn sg15_a_timestamp_that_is_none_is_malformed() {
    for timestamp in ["____________", "!", "TgPVoR", "TgP VoQ"] {
        let signed = signer().sign(format!("value.{timestamp}"));
        let refused = timed().unsign(&signed, at(THEN_S), None).unwrap_err();
        assert!(matches!(refused, Refused::Malformed), "{timestamp}");
    }
}

#[test]
fn sg16_an_absurd_future_is_malformed() {
    let signed = signer().sign("value.TgPVoaGhoQ");
    assert!(matches!(
        timed().unsign(&signed, at(THEN_S), None),
        Err(Refused::Malformed)
    ));
}

#[test]
fn sg17_what_was_signed_in_the_future_is_refused() {
    let signed = timed().sign("value", at(THEN_S));
    match timed().unsign(&signed, at(365 * 86_400), seconds(10)) {
        Err(Refused::Future { signed_at }) => assert_eq!(signed_at, at(THEN_S)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn x17_a_skew_forgives_clocks_that_differ_and_no_more() {
    let signed = timed().sign("value", at(THEN_S + 60));
    let refused = timed()
        .unsign(&signed, at(THEN_S), seconds(10))
        .unwrap_err();
    assert!(matches!(refused, Refused::Future { .. }));
    let lenient = timed().skew(Duration::from_secs(60));
    assert!(lenient.unsign(&signed, at(THEN_S), seconds(10)).is_ok());
    let refused = lenient
        .unsign(&signed, at(THEN_S - 1), seconds(10))
        .unwrap_err();
    assert!(matches!(refused, Refused::Future { .. }));
}

#[test]
fn sg18_a_tampered_value_shows_neither_date_nor_payload() {
    let signed = text(timed().sign("value", at(THEN_S)));
    let changed = signed.replace("value", "other");
    let refused = timed().unsign(&changed, at(THEN_S), None).unwrap_err();
    assert!(matches!(refused, Refused::Forged));
}

#[test]
fn sg19_null_bool_text_lists_and_maps_round_trip() {
    for json in [
        "null",
        "true",
        r#""str""#,
        r#""✓""#,
        "[1,2,3]",
        r#"{"id":42,"n":[]}"#,
    ] {
        let value: Value = serde_json::from_str(json).unwrap();
        let text = serializer().dumps(&value).unwrap();
        assert_eq!(serializer().loads(&text).unwrap(), value);
    }
}

#[test]
fn sg20_tampered_texts_are_refused() {
    let value: Value = serde_json::from_str(r#"{"id":42}"#).unwrap();
    let good = serializer().dumps(&value).unwrap();
    // Made by itsdangerous 2.2.
    assert_eq!(good, "eyJpZCI6NDJ9.Z-HaNt236Oj5pFDPW25MouYkrcA");
    for bad in [
        good.to_uppercase(),
        format!("{good}a"),
        format!("a{}", &good[1..]),
        good.replace('.', ""),
        String::new(),
    ] {
        assert!(serializer().loads(&bad).is_err(), "{bad}");
    }
}

#[test]
fn sg22_signed_but_torn_payloads_say_so_and_why() {
    let good = serializer().dumps(&Value::from("a value")).unwrap();
    let payload = good.split('.').next().unwrap();
    let signer = Signer::new(["secret-key"], "itsdangerous").unwrap();
    let torn = text(signer.sign(&payload[..payload.len() - 2]));
    match serializer().loads(&torn) {
        Err(Refused::Undecodable(error)) => assert_eq!(error.kind(), ErrorKind::Corrupt),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sg25_another_salt_is_another_signature() {
    let text = serializer().dumps(&Value::from(1)).unwrap();
    let other = UrlSafeSerializer::new(Signer::new(["secret-key"], "other").unwrap());
    assert!(matches!(other.loads(&text), Err(Refused::Forged)));
}

#[test]
fn sg28_a_fallback_signer_carries_over_a_change_of_digest() {
    let value = Value::from("kept");
    let sha1 = Signer::new(["secret-key"], "itsdangerous").unwrap();
    let sha256 = sha1.clone().digest(Digest::Sha256);
    let old = UrlSafeSerializer::new(sha256.clone())
        .dumps(&value)
        .unwrap();
    let plain = UrlSafeSerializer::new(sha1.clone());
    assert!(plain.loads(&old).is_err());
    assert_eq!(plain.fallback(sha256).loads(&old).unwrap(), value);
}

#[test]
fn sg29_fallbacks_are_tried_in_order_for_every_key_and_never_sign() {
    let value = Value::from("kept");
    let keys = ["a", "b"];
    let sha1 = Signer::new(keys, "salt").unwrap();
    let sha512 = sha1.clone().digest(Digest::Sha512);
    let both = UrlSafeTimedSerializer::new(TimestampSigner::new(sha1.clone()))
        .fallback(TimestampSigner::new(sha512.clone()));
    for (signer, key) in [
        (Digest::Sha1, keys[0]),
        (Digest::Sha1, keys[1]),
        (Digest::Sha512, keys[0]),
        (Digest::Sha512, keys[1]),
    ] {
        let one = Signer::new([key], "salt").unwrap().digest(signer);
        let text = UrlSafeTimedSerializer::new(TimestampSigner::new(one))
            .dumps(&value, at(THEN_S))
            .unwrap();
        assert_eq!(both.loads(&text, at(THEN_S), seconds(1)).unwrap().0, value);
        // What has expired is no matter for the next signer.
        let late = both.loads(&text, at(THEN_S + 5), seconds(1)).unwrap_err();
        assert!(matches!(late, Refused::Expired { .. }));
    }
    let newest =
        UrlSafeTimedSerializer::new(TimestampSigner::new(Signer::new(["b"], "salt").unwrap()));
    assert_eq!(
        both.dumps(&value, at(THEN_S)).unwrap(),
        newest.dumps(&value, at(THEN_S)).unwrap()
    );
}

#[test]
fn sg30_digests_are_those_of_python() {
    for (digest, signed) in [
        (Digest::Sha1, "value.RI9crmxKpuX1wTw2mg_FHFGXRic"),
        (
            Digest::Sha256,
            "value.ajl-3HWEYMXc5RYUTV4APYjk3dezhO-G1t8ZyKKyjl0",
        ),
        (
            Digest::Sha512,
            "value.UVNOrnC1ZO72X-DimkX4HwKL06_BoWR4x2TctLv-JKLbMrSqeCURl44_jookKFU_T5RqtVkOTY2qWC-R7blYCg",
        ),
    ] {
        assert_eq!(
            text(signer().digest(digest).sign("value")),
            signed,
            "{digest:?}"
        );
    }
}

#[test]
fn sg31_what_compresses_well_round_trips_shorter() {
    let value = Value::from("abcdefghij".repeat(100));
    let text = serializer().dumps(&value).unwrap();
    assert!(text.starts_with(".eJ") && text.len() < 100, "{text}");
    assert_eq!(serializer().loads(&text).unwrap(), value);
    // Made by itsdangerous 2.2, with the zlib of its day.
    let python = ".eJxTSkxKTklNS8_IzBpljbJGWcOVpQQAS1eM0A.6BexTRdIb8UdLvIixZ4H4u27CQ0";
    assert_eq!(serializer().loads(python).unwrap(), value);
}

#[test]
fn sg32_bad_base64_behind_a_good_signature_is_undecodable() {
    let signer = Signer::new(["secret-key"], "itsdangerous").unwrap();
    for payload in ["12345", "a b", "", ".", ".e30"] {
        let signed = text(signer.sign(payload));
        let refused = serializer().loads(&signed).unwrap_err();
        assert!(matches!(refused, Refused::Undecodable(_)), "{payload}");
    }
}

#[test]
fn a_text_beyond_the_limit_is_not_looked_at() {
    let mut limits = Limits::default();
    limits.bytes = 50;
    let short = serializer().limits(limits);
    let text = serializer()
        .dumps(&Value::from("Every letter of this is paid for"))
        .unwrap();
    assert!(matches!(short.loads(&text), Err(Refused::TooLong)));
    assert_eq!(
        short
            .dumps(&Value::from("x".repeat(60)))
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidInput
    );
}

#[test]
fn no_secret_is_in_any_debug_output() {
    let serializer = UrlSafeTimedSerializer::new(timed());
    let told = format!("{serializer:?} {:?}", signer());
    assert!(!told.contains("secret-key"), "{told}");
}
