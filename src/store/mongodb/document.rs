//! What a session looks like in MongoDB, and which documents count as one.
//!
//! Filters and updates are made of typed values only: a key is binary or text wherever it stands, never
//! a document, so that no key can be an operator.

use std::time::Duration;

use ::mongodb::bson::spec::BinarySubtype;
use ::mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use bytes::Bytes;

use crate::cache::TimeToLive;
use crate::store::{Loaded, Version};
use crate::time::millis;

/// The last date that all drivers can show: the end of the year 9999. What ends later never does.
const DATE_MAX_MS: u64 = 253_402_300_799_999;

/// The names of the fields of a form.
pub(super) struct Fields {
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    pub(super) end: &'static str,
}

pub(super) const NATIVE: Fields = Fields {
    key: "_id",
    value: "value",
    end: "expires",
};

/// Flask-Session's.
pub(super) const BARE: Fields = Fields {
    key: "id",
    value: "val",
    end: "expiration",
};

/// The field that a write's version stands in; bare documents have none.
pub(super) const VERSION: &str = "version";

/// A session as read.
pub(super) struct Record {
    pub(super) key: Bytes,
    pub(super) version: Version,
    pub(super) value: Bytes,
    end: Option<DateTime>,
}

pub(super) fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    })
}

/// A moment of the Unix time.
pub(super) fn date(at_ms: u64) -> DateTime {
    DateTime::from_millis(i64::try_from(at_ms.min(DATE_MAX_MS)).unwrap_or(i64::MAX))
}

/// The end of what is written now; `None` for never.
pub(super) fn end(now_ms: u64, time_to_live: Option<Duration>) -> Option<DateTime> {
    let end_ms = now_ms.saturating_add(millis(time_to_live?).max(1));
    (end_ms <= DATE_MAX_MS).then(|| date(end_ms))
}

impl Fields {
    /// Holds for documents that are sessions and alive.
    ///
    /// A comparison holds for values of its own type only, so that an end that is no date is neither
    /// before nor after any.
    pub(super) fn live(&self, now_ms: u64) -> Document {
        doc! {
            self.value: { "$type": "binData" },
            "$or": [
                { self.end: { "$gt": date(now_ms) } },
                { self.end: { "$exists": false } },
            ],
        }
    }

    /// An update that moves the end.
    pub(super) fn moving(&self, end: Option<DateTime>) -> Document {
        match end {
            Some(end) => doc! { "$set": { self.end: end } },
            None => doc! { "$unset": { self.end: "" } },
        }
    }
}

impl Record {
    /// Takes a document apart; `None` if it is no session of this form.
    pub(super) fn of(fields: &Fields, mut document: Document) -> Option<Self> {
        let key = match document.remove(fields.key)? {
            Bson::Binary(key) if fields.key == NATIVE.key => key.bytes.into(),
            Bson::String(key) if fields.key == BARE.key => key.into_bytes().into(),
            _ => return None,
        };
        let value: Bytes = match document.remove(fields.value)? {
            Bson::Binary(value) if value.subtype == BinarySubtype::Generic => value.bytes.into(),
            _ => return None,
        };
        let version = match fields.key == NATIVE.key {
            true => Version::from_u64(document.get_i64(VERSION).ok()?.cast_unsigned()),
            false => version_of(&value),
        };
        let end = match document.remove(fields.end) {
            None => None,
            Some(Bson::DateTime(end)) => Some(end),
            Some(_) => return None,
        };
        Some(Self {
            key,
            version,
            value,
            end,
        })
    }

    pub(super) fn is_live(&self, now_ms: u64) -> bool {
        self.end.is_none_or(|end| end > date(now_ms))
    }

    pub(super) fn left(&self, now_ms: u64) -> TimeToLive {
        self.end.map_or(TimeToLive::Forever, |end| {
            let end_ms = u64::try_from(end.timestamp_millis()).unwrap_or(0);
            TimeToLive::Left(Duration::from_millis(end_ms.saturating_sub(now_ms)))
        })
    }

    pub(super) fn loaded(self) -> Loaded {
        Loaded {
            value: self.value,
            version: self.version,
        }
    }
}

/// The version of a bare document, which has no field for one: a digest of its content.
pub(super) fn version_of(value: &[u8]) -> Version {
    let digest = blake3::hash(value);
    let first = digest.as_bytes().first_chunk().copied().unwrap_or_default();
    Version::from_u64(u64::from_be_bytes(first))
}

/// A version as the signed number that MongoDB has.
pub(super) fn number(version: Version) -> i64 {
    version.to_u64().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_dates_up_to_the_year_9999_and_never_after_it() {
        assert_eq!(end(5, None), None);
        assert_eq!(end(5, Some(Duration::from_nanos(1))), Some(date(6)));
        assert_eq!(
            end(0, Some(Duration::from_millis(DATE_MAX_MS))),
            Some(date(DATE_MAX_MS))
        );
        assert_eq!(end(1, Some(Duration::from_millis(DATE_MAX_MS))), None);
        assert_eq!(end(5, Some(Duration::MAX)), None);
    }

    #[test]
    fn only_documents_of_the_form_are_sessions() {
        let whole = doc! { "_id": binary(b"k"), "version": 7_i64, "value": binary(b"v"), "expires": date(9) };
        let record = Record::of(&NATIVE, whole.clone()).expect("a session");
        assert_eq!(
            (&*record.key, &*record.value, record.version.to_u64()),
            (&b"k"[..], &b"v"[..], 7)
        );
        assert!(record.is_live(8) && !record.is_live(9));
        for (field, wrong) in [
            ("_id", Bson::String("k".into())),
            ("version", Bson::Int32(7)),
            ("version", Bson::Double(7.0)),
            ("value", Bson::String("v".into())),
            ("value", Bson::Null),
            ("expires", Bson::Null),
            ("expires", Bson::Int64(9)),
        ] {
            let mut document = whole.clone();
            document.insert(field, wrong);
            assert!(Record::of(&NATIVE, document).is_none(), "{field}");
        }
        for field in ["_id", "version", "value"] {
            let mut document = whole.clone();
            document.remove(field);
            assert!(Record::of(&NATIVE, document).is_none(), "no {field}");
        }
        let mut endless = whole;
        endless.remove("expires");
        assert!(
            Record::of(&NATIVE, endless)
                .expect("a session")
                .is_live(u64::MAX)
        );
    }

    #[test]
    fn versions_survive_the_sign() {
        for version in [0, 1, u64::MAX, 1 << 63] {
            let document = doc! {
                "_id": binary(b"k"), "value": binary(b""), "version": number(Version::from_u64(version)),
            };
            let record = Record::of(&NATIVE, document).expect("a session");
            assert_eq!(record.version.to_u64(), version);
        }
    }
}
