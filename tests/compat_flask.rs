//! Flask's cookie: scenarios named after their ids, with texts that Python made.
#![cfg(feature = "compat")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sessile::ErrorKind;
use sessile::cookie::compat::flask::{FlaskCookie, Tags};
use sessile::cookie::compat::itsdangerous::{Signer, TimestampSigner, UrlSafeTimedSerializer};
use sessile::cookie::compat::{DateTime, Derivation, JsonStyle, Map, Refused, Uuid, Value};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn then() -> SystemTime {
    at(1_308_874_145)
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    let entries = entries.into_iter();
    entries
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn cookie(session: &Map, flask: &FlaskCookie) -> String {
    flask
        .write(session, then())
        .expect("made by hand")
        .expect("made by hand")
}

/// A text that Flask's key signed, whatever is in it.
fn signed(payload: &str) -> String {
    let signer = Signer::new(["new"], "cookie-session").expect("made by hand");
    let timed = TimestampSigner::new(signer.derivation(Derivation::Hmac));
    String::from_utf8(timed.sign(payload, then())).expect("made by hand")
}

#[test]
fn the_vector_of_flask() {
    let flask = FlaskCookie::new("new").unwrap();
    let session = map([("a", 1.into())]);
    let text = "eyJhIjoxfQ.TgPVoQ.XSjrlX8yooxU0O1PQV4hMQ0Ig5M";
    assert_eq!(cookie(&session, &flask), text);
    assert_eq!(flask.read(text, then()).unwrap(), session);
}

#[test]
fn fl07_keys_rotate() {
    let flask = |secret: &str, fallbacks: &[&str]| {
        let builder = FlaskCookie::builder(secret);
        let add = |builder: sessile::cookie::compat::flask::FlaskCookieBuilder, key: &&str| {
            builder.fallback(key)
        };
        fallbacks.iter().fold(builder, add).build().unwrap()
    };
    let session = map([("a", 1.into())]);
    let text = cookie(&session, &flask("0", &["-1", "-2"]));
    assert_eq!(
        cookie(&session, &flask("0", &[])),
        text,
        "fallbacks never sign"
    );
    assert!(flask("?", &[]).open(Some(&text), then()).is_empty());
    assert_eq!(flask("+1", &["0", "-1"]).open(Some(&text), then()), session);
    assert_eq!(
        FlaskCookie::new("").unwrap_err().kind(),
        ErrorKind::InvalidConfig
    );
}

fn types() -> Map {
    map([
        ("t", Value::Tuple(vec![1.into(), 2.into(), 3.into()])),
        ("b", Value::Bytes(vec![0xff])),
        ("m", Value::Markup("<html>".into())),
        ("u", Value::Uuid(Uuid([0x5a; 16]))),
        (
            "d",
            Value::DateTime(DateTime::from_unix(1_308_874_145, 0).expect("made by hand")),
        ),
        (
            "l",
            Value::List(vec![
                Value::Tuple(vec![Value::Bytes(Vec::new())]),
                "é😀".into(),
            ]),
        ),
        (
            "di",
            Value::List(vec![
                map([(" t", vec![Value::from("not-a-tuple")].into())]).into(),
                map([(" t__", vec![Value::from("not-a-tuple")].into())]).into(),
                map([(" di", vec![Value::from("not-a-dict")].into())]).into(),
            ]),
        ),
    ])
}

#[test]
fn fl10_types_survive_and_are_flasks_to_the_byte() {
    let flask = FlaskCookie::new("new").unwrap();
    let session = types();
    assert_eq!(
        flask.read(&cookie(&session, &flask), then()).unwrap(),
        session
    );
    // Made by Flask 3.1.3.
    assert_eq!(flask.read(".eJx9jsEKwjAQRH8lzDnFbWvBButRQfDmzZaipmCgrSIJHkr-3U160IsSeGF3Z3ZnwgVqgmBi8aoqeAkdO0xsn0aKbCn2bhQZpakgUlQqKsTucIxSA3UKYhM9tm25xni3yTmx7tF3aLyXvyby49TmW6DN1QZnI9HPB-z8hZjw7ETtiLqydnqVa2ZHBFYPcRkT65sd-k3IaOdovCCVmcyD2cUWE8X5_4P3b2RnUo8.TgPVoQ.Plqo-vkmqrUAbmLD4l2wls4PG74", then()).unwrap(), session);
    // Short enough to stay unpacked.
    for (entry, python) in [
        (
            "t",
            "eyJ0Ijp7IiB0IjpbMSwyLDNdfX0.TgPVoQ.G4bfyFDzYSoupHjqV6gonKXSpI4",
        ),
        (
            "b",
            "eyJiIjp7IiBiIjoiL3c9PSJ9fQ.TgPVoQ.dzwFI7yMUNxOVAi9IZa_WBkJAjw",
        ),
        (
            "m",
            "eyJtIjp7IiBtIjoiPGh0bWw-In19.TgPVoQ.fy4J4QskOKlK8lfHKT59UaFjg0Y",
        ),
        (
            "u",
            ".eJyrVipVsqpWUgCSSqaJ-KFSbS0AOwwNmw.TgPVoQ.GSVoF3WZuo8dj7VTLmmPc47N55k",
        ),
        (
            "d",
            "eyJkIjp7IiBkIjoiRnJpLCAyNCBKdW4gMjAxMSAwMDowOTowNSBHTVQifX0.TgPVoQ.CiE5QbYYSB36qnEC9IlW3aN-BsQ",
        ),
    ] {
        let one = map([(entry, session.get(entry).unwrap().clone())]);
        assert_eq!(cookie(&one, &flask), python, "{entry}");
        assert_eq!(flask.read(python, then()).unwrap(), one, "{entry}");
    }
}

#[test]
fn fl28_each_kind_round_trips() {
    let flask = FlaskCookie::new("new").unwrap();
    for value in [
        Value::Map(map([(" t", Value::Tuple(vec![1.into()]))])),
        Value::Map(map([(" b", Value::Bytes(b"\x01".to_vec()))])),
        Value::Map(map([(" di", map([(" di", 1.into())]).into())])),
        Value::Map(map([("x", Value::Tuple(Vec::new())), ("y", "y".into())])),
        Value::Tuple(vec![Value::List(vec!["x".into()]), "y".into()]),
        Value::List(vec![Value::Tuple(Vec::new()), "x".into()]),
        Value::Bytes(b"\xff".to_vec()),
        Value::Markup("<html>".into()),
        Value::Uuid(Uuid([1; 16])),
        Value::DateTime(DateTime::from_unix(0, 0).unwrap()),
    ] {
        let session = map([("one", value.clone()), ("two", Value::Null)]);
        assert_eq!(
            flask.read(&cookie(&session, &flask), then()).unwrap(),
            session
        );
        // Alone under a name, and a name that is a tag.
        for name in ["one", " t", " di", " di__", " d"] {
            let session = map([(name, value.clone())]);
            let read = flask.read(&cookie(&session, &flask), then());
            assert_eq!(read.unwrap(), session, "{name}");
        }
    }
}

#[test]
fn fl29_a_tag_is_registered_once_unless_replaced() {
    let tags = Tags::new().register(" od").unwrap();
    for tag in [" od", " d", " di", ""] {
        let error = tags.clone().register(tag).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{tag:?}");
    }
    assert!(tags.clone().replace(" di").is_err());
    let flask = FlaskCookie::builder("new")
        .tags(tags.replace(" d").unwrap())
        .build()
        .unwrap();
    let time = Value::DateTime(DateTime::from_unix(0, 0).unwrap());
    let error = flask.write(&map([("a", time)]), then()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let own = map([("a", Value::Tagged(" d".into(), Box::new("1970".into())))]);
    assert_eq!(flask.read(&cookie(&own, &flask), then()).unwrap(), own);
}

#[test]
fn fl30_custom_tags_round_trip() {
    let tagged = Value::Tagged(
        " od".into(),
        Box::new(Value::List(vec![Value::List(vec![
            "k".into(),
            Value::Bytes(b"v".to_vec()),
        ])])),
    );
    let session = map([("a", tagged), ("b", map([(" od", 1.into())]).into())]);
    let tags = Tags::new().register(" od").unwrap();
    let flask = FlaskCookie::builder("new").tags(tags).build().unwrap();
    let text = cookie(&session, &flask);
    assert_eq!(flask.read(&text, then()).unwrap(), session);
    let plain = FlaskCookie::new("new").unwrap();
    assert_eq!(
        plain.write(&session, then()).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[test]
fn fl32_names_are_sorted_unless_the_application_says_otherwise() {
    let session = map([
        ("b", 1.into()),
        ("\u{e9}", 2.into()),
        ("a", map([("z", 1.into()), ("y", 2.into())]).into()),
    ]);
    let flask = FlaskCookie::new("new").unwrap();
    // Made by Flask 3.1.3.
    assert_eq!(
        cookie(&session, &flask),
        "eyJhIjp7InkiOjIsInoiOjF9LCJiIjoxLCJcdTAwZTkiOjJ9.TgPVoQ.KYemErqc7IJIswYFOXtiE0RwslM"
    );
    let unsorted = FlaskCookie::builder("new")
        .style(JsonStyle::FLASK.sorted(false))
        .build()
        .unwrap();
    assert_eq!(
        cookie(&session, &unsorted),
        "eyJiIjoxLCJcdTAwZTkiOjIsImEiOnsieiI6MSwieSI6Mn19.TgPVoQ.CJyl78lUBYqhPeqOgh8rhQ0mhX4"
    );
    let utf8 = FlaskCookie::builder("new")
        .style(JsonStyle::FLASK.ascii(false))
        .build()
        .unwrap();
    assert_eq!(
        cookie(&session, &utf8),
        "eyJhIjp7InkiOjIsInoiOjF9LCJiIjoxLCLDqSI6Mn0.TgPVoQ.CNKxVU-f8huF9m73tneJhtfK-bU"
    );
}

#[test]
fn ages_are_flasks() {
    let flask = FlaskCookie::builder("new")
        .lifetime(Duration::from_secs(42))
        .build()
        .unwrap();
    let text = cookie(&types(), &flask);
    let after = |seconds| flask.read(&text, then() + Duration::from_secs(seconds));
    assert!(after(42).is_ok());
    assert!(matches!(after(43), Err(Refused::Expired { .. })));
    let before = then() - Duration::from_secs(1);
    assert!(matches!(
        flask.read(&text, before),
        Err(Refused::Future { .. })
    ));
    let lenient = FlaskCookie::builder("new")
        .skew(Duration::from_secs(1))
        .build()
        .unwrap();
    assert!(lenient.read(&text, before).is_ok());
}

#[test]
fn x01_signed_but_undecodable_is_an_empty_session() {
    let flask = FlaskCookie::new("new").unwrap();
    // Not base64, not JSON, no dictionary, packed rubbish, wrong within tags, a lone surrogate.
    for payload in [
        "***",
        "YWJj",
        "WzFd",
        ".YWJj",
        "",
        "eyIgZGkiOjF9",
        "eyIgdCI6Inh5In0",
        "eyJhIjp7IiB1IjoieCJ9fQ",
        "eyJhIjp7IiBkIjoieCJ9fQ",
        "eyJhIjp7IiBiIjoiKiJ9fQ",
        "eyJhIjoiXHVkODAwIn0",
    ] {
        let text = signed(payload);
        let read = flask.read(&text, then());
        assert!(
            matches!(read, Err(Refused::Undecodable(_))),
            "{payload} {read:?}"
        );
        assert!(flask.open(Some(&text), then()).is_empty());
    }
}

#[test]
fn x13_garbage_is_no_session_and_none_is_issued_again() {
    let flask = FlaskCookie::new("new").unwrap();
    for garbage in [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "eyJhIjoxfQ.TgPVoQ.XSjrlX8yooxU0O1PQV4hMQ0Ig5N",
    ] {
        let session = flask.open(Some(garbage), then());
        assert!(session.is_empty(), "{garbage}");
        assert_eq!(flask.write(&session, then()).unwrap(), None);
    }
    let text = "eyJhIjoxfQ.TgPVoQ.XSjrlX8yooxU0O1PQV4hMQ0Ig5M";
    for end in 0..text.len() {
        assert!(flask.read(&text[..end], then()).is_err(), "{end}");
    }
    for at in 0..text.len() {
        for byte in [b'.', b'A', b'=', b'-'] {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            assert!(
                changed == text || flask.read(&changed, then()).is_err(),
                "{at}"
            );
        }
    }
}

#[test]
fn names_of_tags_are_taken_for_what_they_are_by_plain_serializers() {
    let signer = Signer::new(["new"], "cookie-session")
        .unwrap()
        .derivation(Derivation::Hmac);
    let plain = UrlSafeTimedSerializer::new(TimestampSigner::new(signer));
    let flask = FlaskCookie::new("new").unwrap();
    let text = cookie(&map([("b", Value::Bytes(vec![0xff]))]), &flask);
    let (value, signed_at) = plain.loads(&text, then(), None).unwrap();
    assert_eq!(
        value,
        map([("b", map([(" b", "/w==".into())]).into())]).into()
    );
    assert_eq!(signed_at, then());
}
