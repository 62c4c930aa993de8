//! Flask-Session's records and ids, and Invenio's ids, with bytes that Python made.
#![cfg(feature = "compat")]

use std::time::{Duration, UNIX_EPOCH};

use sessile::ErrorKind;
use sessile::cookie::compat::flask_session::{Format, Record, SignedId};
use sessile::cookie::compat::invenio::InvenioId;
use sessile::cookie::compat::{DateTime, Limits, Map, PERMANENT, Refused, Value};

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    let entries = entries.into_iter();
    entries
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[test]
fn the_vectors_of_flask_session_and_invenio() {
    let then = UNIX_EPOCH + Duration::from_secs(1_308_874_145);
    let ids = SignedId::new("k").unwrap();
    let text = "abc.IMkw1s8YyAhNbQxUuwMDTLjZStg";
    assert_eq!(ids.sign("abc"), text);
    assert_eq!(ids.unsign(text).unwrap(), "abc");

    let invenio = InvenioId::new("k").unwrap();
    let text = "abc.TgPVoQ.4aFCWUS7cFWBnV1w2Csn6O1lx2M";
    assert_eq!(invenio.sign("abc", then), text);
    let day = Duration::from_secs(86_400);
    assert_eq!(invenio.unsign(text, then + day, day).unwrap(), "abc");
    let late = invenio.unsign(text, then + day + Duration::from_secs(1), day);
    assert!(matches!(late, Err(Refused::Expired { .. })));
}

fn record() -> Map {
    map([
        (PERMANENT, true.into()),
        (
            "n",
            Value::List(vec![
                0.into(),
                127.into(),
                128.into(),
                255.into(),
                256.into(),
                65_536.into(),
                u64::MAX.into(),
                (-1).into(),
                (-32).into(),
                (-33).into(),
                (-129).into(),
                (-40_000).into(),
                i64::MIN.into(),
            ]),
        ),
        (
            "f",
            Value::List(vec![1.0.into(), 1e16.into(), 1e-5.into(), (-0.0).into()]),
        ),
        ("s", "é\u{7f}\n\u{1}".into()),
        ("z", Value::Map(Map::new())),
        ("none", Value::Null),
    ])
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    let byte = |pair: &[char]| {
        u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("made by hand")
    };
    digits.chunks(2).map(byte).collect()
}

#[test]
fn records_are_those_of_flask_session_to_the_byte() {
    let packs = Record::new(Format::MessagePack, Limits::default());
    let jsons = Record::new(Format::Json, Limits::default());
    // Made by msgspec 0.22.
    let (packed, json) = (
        bytes(
            "86aa5f7065726d616e656e74c3a16e9d007fcc80ccffcd0100ce00010000cfffffffffffffffffffe0d0dfd1ff7fd2ffff63c0d38000000000000000a16694cb3ff0000000000000cb4341c37937e08000cb3ee4f8b588e368f1cb8000000000000000a173a5c3a97f0a01a17a80a46e6f6e65c0",
        ),
        bytes(
            "7b225f7065726d616e656e74223a747275652c226e223a5b302c3132372c3132382c3235352c3235362c36353533362c31383434363734343037333730393535313631352c2d312c2d33322c2d33332c2d3132392c2d34303030302c2d393232333337323033363835343737353830385d2c2266223a5b312e302c316531362c302e30303030312c2d302e305d2c2273223a22c3a97f5c6e5c7530303031222c227a223a7b7d2c226e6f6e65223a6e756c6c7d",
        ),
    );
    assert_eq!(packs.write(&record()).unwrap(), packed);
    assert_eq!(jsons.write(&record()).unwrap(), json);
    for reader in [packs, jsons] {
        assert_eq!(reader.read(&packed).unwrap(), record());
        assert_eq!(reader.read(&json).unwrap(), record());
    }
}

#[test]
fn records_keep_bytes_and_times_where_the_format_does() {
    let time = |seconds, nanos| Value::DateTime(DateTime::from_unix(seconds, nanos).unwrap());
    let session = map([
        ("b", Value::Bytes(vec![0xff; 300])),
        (
            "d",
            Value::List(vec![
                time(0, 0),
                time(1_577_934_245, 678_900_000),
                time(-1, 0),
                time(253_402_300_799, 999_999_999),
                time(-62_135_596_800, 0),
                time(1 << 33, 5000),
            ]),
        ),
    ]);
    let records = Record::default();
    assert_eq!(
        records.read(&records.write(&session).unwrap()).unwrap(),
        session
    );
    assert_eq!(records.read(&bytes("82a162c5012cffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa16496d6ff00000000d7ffa1dcc4805e0d5da5c70cff00000000ffffffffffffffffc70cff3b9ac9ff0000003afff4417fc70cff00000000fffffff1886e0900d7ff00004e2200000000")).unwrap(), session);
}

#[test]
fn pickle_is_refused_by_name() {
    for (protocol, record) in [
        (
            0,
            "286470300a5676616c75650a70310a567365637265740a70320a73566e0a70330a286c70340a49310a6149320a61732e",
        ),
        (
            1,
            "7d710028580500000076616c756571015806000000736563726574710258010000006e71035d7104284b014b0265752e",
        ),
        (
            2,
            "80027d710028580500000076616c756571015806000000736563726574710258010000006e71035d7104284b014b0265752e",
        ),
        (
            3,
            "80037d710028580500000076616c756571015806000000736563726574710258010000006e71035d7104284b014b0265752e",
        ),
        (
            4,
            "80049522000000000000007d94288c0576616c7565948c06736563726574948c016e945d94284b014b0265752e",
        ),
        (
            5,
            "80059522000000000000007d94288c0576616c7565948c06736563726574948c016e945d94284b014b0265752e",
        ),
        (
            6,
            "00f1536580049522000000000000007d94288c0576616c7565948c06736563726574948c016e945d94284b014b0265752e",
        ),
        (
            7,
            "fd377a585a000004e6d6b4460200210116000000742fe5a301002c80049522000000000000007d94288c0576616c7565948c06736563726574948c016e945d94284b014b0265752e0000000028fe7c43f6ce714e0001452d1e5257e81fb6f37d010000000004595a",
        ),
    ] {
        let error = Record::default().read(&bytes(record)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("pickle"), "{protocol} {error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn torn_and_foreign_records_are_errors() {
    let records = Record::default();
    let whole = records.write(&record()).unwrap();
    for end in 0..whole.len() {
        assert!(records.read(&whole[..end]).is_err(), "{end}");
    }
    let mut longer = whole.clone();
    longer.push(0xc0);
    assert!(records.read(&longer).is_err());
    // A list, an integer as a name, a reserved byte, a length that is not there, an extension.
    for wrong in [
        "90",
        "810102",
        "81a161c1",
        "dfffffffff",
        "81a161dcffff",
        "81a161d40500",
        "81a161c6ffffffff",
    ] {
        let error = records.read(&bytes(wrong)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{wrong}");
    }
    assert!(records.read(b"[1]").is_err());
    assert!(records.read(b"{\"a\":\xff}").is_err());
    assert!(
        records
            .read(&[&[0x81, 0xa1, 0x61][..], &[0x91; 100_000], &[0xc0]].concat())
            .is_err()
    );
    let deep = (0..100).fold(Value::Null, |value, _| Value::List(vec![value]));
    assert!(records.write(&map([("a", deep)])).is_err());
}

#[test]
fn ids_that_are_not_genuine_are_refused() {
    let ids = SignedId::with_fallbacks("new", ["old"]).unwrap();
    let old = SignedId::new("old").unwrap();
    assert_eq!(ids.unsign(&old.sign("abc")).unwrap(), "abc");
    assert!(old.unsign(&ids.sign("abc")).is_err());
    for text in [
        "",
        "abc",
        "abc.",
        ".",
        "é.é",
        "abc.IMkw1s8YyAhNbQxUuwMDTLjZStg",
    ] {
        assert!(ids.unsign(text).is_err(), "{text}");
    }
}
