//! Records survive both formats, and bytes that are none are refused without a word of them.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sessile::ErrorKind;
use sessile::codec::{
    Expiry, Fields, FieldsBuilder, Format, Header, Layout, Limits, Record, Value,
};

const FORMATS: [Format; 2] = [Format::MessagePack, Format::Json];

fn record(format: Format, layout: Layout, fields: &[(&str, Vec<u8>)]) -> Bytes {
    let bytes = Record::begin(&Header::default(), layout, format);
    let mut builder = FieldsBuilder::new(layout, format, fields.len(), bytes);
    for (name, value) in fields {
        builder.push(name, value);
    }
    builder.finish().0
}

/// Through a record of `format`, and through the other format and back.
fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    for format in FORMATS {
        let encoded = format.encode(value).unwrap();
        for layout in [Layout::Native, Layout::Bare] {
            let bytes = record(format, layout, &[("k", encoded.clone())]);
            let fields = Record::decode(bytes, &Limits::default()).unwrap().fields;
            assert_eq!(fields.get("k").unwrap(), encoded);
            let found: T = format.decode(&fields.get("k").unwrap()).unwrap();
            assert_eq!(&found, value, "{format:?} {layout:?}");
            for other in FORMATS {
                let there = fields.transcode(other).unwrap();
                let found: T = other.decode(&there.get("k").unwrap()).unwrap();
                assert_eq!(&found, value, "{format:?} to {other:?}");
            }
        }
    }
}

#[test]
fn s44_extreme_values_survive_every_codec() {
    survives(&u64::MAX);
    survives(&(u64::MAX - 1));
    survives(&i64::MIN);
    survives(&(i64::MIN + 1, i64::MAX, -1_i8, 0_u8));
    for float in [
        0.1,
        -0.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::EPSILON,
        1.0,
        2.225_073_858_507_201e-308,
        0.333_333_333_333_333_37,
    ] {
        survives(&float);
    }
    survives(&"x".repeat(1_000_000));
    survives(&String::from("\0\u{1}\u{1f}\u{7f}\"\\/ é 漢字 🦀 \u{2028}"));
    survives(&(String::new(), Vec::<u8>::new(), None::<u8>, Some(1), ()));
    survives(&vec![0_u8, 1, 127, 128, 255]);
    survives(&vec![vec![vec![Vec::<bool>::new()]], vec![]]);
    let nested = BTreeMap::from([("", BTreeMap::from([("é\n", vec![(1, 'x')])]))]);
    let nested: BTreeMap<String, BTreeMap<String, Vec<(u8, char)>>> = nested
        .into_iter()
        .map(|(name, map)| {
            let map = map.into_iter().map(|(name, list)| (name.into(), list));
            (name.into(), map.collect())
        })
        .collect();
    survives(&nested);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle(f64),
    Box { width: u32, height: Option<u32> },
}

#[test]
fn fl10_types_of_this_language_are_identical_on_reload() {
    survives(&vec![
        Shape::Dot,
        Shape::Circle(0.5),
        Shape::Box {
            width: 1,
            height: None,
        },
    ]);
    survives(&std::time::Duration::from_millis(1500));
    survives(&std::time::SystemTime::UNIX_EPOCH);
    survives(&BTreeMap::from([
        (" t".to_owned(), 1),
        (" di".to_owned(), 2),
    ]));
}

#[test]
fn messagepack_keeps_bytes_as_bytes_and_floats_by_the_bit() {
    let format = Format::MessagePack;
    let value = Value::Bytes(vec![0xFF, 0]);
    let encoded = format.encode(&value).unwrap();
    assert_eq!(format.decode::<Value>(&encoded).unwrap(), value);
    for bits in [f64::NAN.to_bits(), f64::NEG_INFINITY.to_bits(), 1 << 63] {
        let encoded = format.encode(&f64::from_bits(bits)).unwrap();
        assert_eq!(format.decode::<f64>(&encoded).unwrap().to_bits(), bits);
    }
}

#[test]
fn what_a_builder_wrote_is_what_a_scan_finds() {
    for format in FORMATS {
        let names = ["a", "", "with \"quotes\"", "é", "line\nbreak", "z"];
        let mut builder = FieldsBuilder::new(Layout::Bare, format, names.len(), b"head".to_vec());
        for name in names {
            builder.push(name, &format.encode(name).unwrap());
        }
        let (bytes, built) = builder.finish();
        let scanned = Fields::scan(bytes.slice(4..), format, &Limits::default()).unwrap();
        for fields in [built, scanned] {
            assert_eq!(
                fields.iter().map(|(name, _)| name).collect::<Vec<_>>(),
                names
            );
            for name in names {
                let value = fields.get(name).unwrap();
                assert_eq!(format.decode::<String>(&value).unwrap(), name);
            }
            assert!(!fields.contains("b"));
        }
    }
}

#[test]
fn headers_come_back_as_they_went() {
    let header = Header {
        created_ms: 1,
        written_ms: u64::MAX,
        end_ms: Some(77),
        permanent: Some(false),
        owner: Some("user 7".into()),
        nonce: 9,
        moved: true,
        id_issued_ms: 1 << 40,
        expiry: Expiry::Default,
    };
    let later = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_234);
    for expiry in [
        Expiry::Default,
        Expiry::BrowserSession,
        Expiry::Idle(std::time::Duration::from_secs(10)),
        Expiry::At(later),
    ] {
        let header = Header {
            expiry,
            ..header.clone()
        };
        let bytes = Record::begin(&header, Layout::Native, Format::Json);
        let bytes = FieldsBuilder::new(Layout::Native, Format::Json, 0, bytes)
            .finish()
            .0;
        let found = Record::decode(bytes, &Limits::default()).unwrap();
        assert_eq!(found.header, header);
        assert!(found.fields.is_empty());
    }
    assert!(!format!("{header:?}").contains("user 7"));
}

#[test]
fn damaged_records_are_corrupt_and_never_quoted() {
    const CANARY: &str = "canary-7f3a";
    for format in FORMATS {
        let value = format.encode(&(CANARY, [1, 2, 3])).unwrap();
        for layout in [Layout::Native, Layout::Bare] {
            let whole = record(
                format,
                layout,
                &[(CANARY, value.clone()), ("b", value.clone())],
            );
            for len in 0..whole.len() {
                let cut = Record::decode(whole.slice(..len), &Limits::default());
                let error = cut.expect_err("a record that is cut off");
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(!format!("{error} {error:?}").contains(CANARY));
            }
            for at in 0..whole.len() {
                let mut bytes = whole.to_vec();
                bytes[at] ^= 0xFF;
                if let Err(error) = Record::decode(bytes.into(), &Limits::default()) {
                    assert!(!format!("{error} {error:?}").contains(CANARY));
                }
            }
            let longer = [&whole[..], b"\x01"].concat();
            assert!(Record::decode(longer.into(), &Limits::default()).is_err());
        }
    }
    let error = Format::Json.decode::<u64>(br#""canary-7f3a""#).unwrap_err();
    assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
}

#[test]
fn later_versions_are_told_apart_from_damage() {
    let mut bytes = record(Format::Json, Layout::Native, &[]).to_vec();
    bytes[1] = 2;
    let error = Record::decode(bytes.into(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedVersion);
}

#[test]
fn limits_hold_at_the_limit_and_one_beyond() {
    let limits = Limits {
        bytes: 200,
        depth: 3,
        entries: 2,
    };
    for format in FORMATS {
        let deep: [Value; 2] =
            [3, 4].map(|depth| (0..depth).fold(Value::Null, |inner, _| Value::List(vec![inner])));
        let [fits, beyond] = deep.map(|value| format.encode(&value).unwrap());
        for layout in [Layout::Native, Layout::Bare] {
            let decode = |fields: &[_]| Record::decode(record(format, layout, fields), &limits);
            assert!(decode(&[("a", fits.clone()), ("b", fits.clone())]).is_ok());
            // A native record's values are looked at when they are asked for.
            let found = decode(&[("a", beyond.clone())]);
            assert_eq!(found.is_err(), layout == Layout::Bare);
            let three = ["a", "b", "c"].map(|name| (name, fits.clone()));
            assert!(decode(&three).is_err());
            let long = format.encode(&"x".repeat(200)).unwrap();
            assert!(decode(&[("a", long)]).is_err());
        }
    }
}

#[test]
fn the_deepest_value_that_limits_allow_is_read_back() {
    let deepest = (0..Limits::DEPTH_MAX).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    for format in FORMATS {
        let encoded = format.encode(&deepest).unwrap();
        assert_eq!(format.decode::<Value>(&encoded).unwrap(), deepest);
    }
    let limits = |depth| Limits {
        depth,
        ..Limits::default()
    };
    let build = |depth| {
        let cache = sessile::Cache::builder()
            .unlimited_entries()
            .build()
            .unwrap();
        let store = sessile::CacheStore::new(cache.into());
        let builder = sessile::Sessions::builder(store).limits(limits(depth));
        builder.build().map_err(|error| error.kind())
    };
    assert!(build(Limits::DEPTH_MAX).is_ok());
    assert_eq!(
        build(Limits::DEPTH_MAX + 1).map(drop),
        Err(ErrorKind::InvalidConfig)
    );
}

#[test]
fn a_value_that_would_exhaust_the_stack_is_refused_when_asked_for() {
    let [packed, text] = [vec![0x91; 100_000], "[".repeat(100_000).into_bytes()];
    for (format, value) in FORMATS.into_iter().zip([packed, text]) {
        let bytes = record(format, Layout::Native, &[("a", value)]);
        let found = Record::decode(bytes, &Limits::default()).unwrap();
        let value = found.fields.get("a").unwrap();
        assert!(format.decode::<Value>(&value).is_err());
    }
}

#[test]
fn flask_sessions_own_records_are_read_and_written() {
    // {"_permanent": true, "cart": [1, 2]}, by msgspec and by Python's json.
    let packed = b"\x82\xaa_permanent\xc3\xa4cart\x92\x01\x02";
    let text = br#"{"_permanent": true, "cart": [1, 2]}"#;
    for (bytes, format) in [
        (Bytes::from_static(packed), Format::MessagePack),
        (Bytes::from_static(text), Format::Json),
    ] {
        let record = Record::decode(bytes, &Limits::default()).unwrap();
        assert_eq!(record.header.permanent, Some(true));
        assert_eq!(record.fields.len(), 1);
        assert_eq!(record.fields.format(), format);
        let cart = record.fields.get("cart").unwrap();
        assert_eq!(format.decode::<Vec<u8>>(&cart).unwrap(), [1, 2]);
    }
    for no_record in [
        &b"\xc0"[..],
        b"\x93\x01\x02\x03",
        b"[]",
        b"null",
        b"\x81\x01\x02",
    ] {
        let error = Record::decode(Bytes::from_static(no_record), &Limits::default());
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
