//! The record in the store: a bare map, to the byte as msgspec writes it.

use super::msgpack;
use crate::cookie::compat::json::{self, Dialect};
use crate::cookie::compat::payload::corrupt;
use crate::cookie::compat::{Limits, Map, Value, pickle};
use crate::error::{Error, Result};

/// How records are written (`SESSION_SERIALIZATION_FORMAT`). Either is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// MessagePack. Bytes stay bytes and UTC datetimes stay datetimes; UUIDs become text and tuples
    /// lists.
    #[default]
    MessagePack,
    /// JSON. Bytes become base64 text, datetimes and UUIDs text, infinities and NaN `null`.
    Json,
}

/// Reads and writes Flask-Session's records. `_permanent` is one of the names in them.
///
/// ```
/// use sessile::cookie::compat::flask_session::{Format, Record};
/// use sessile::cookie::compat::{Limits, PERMANENT};
///
/// let records = Record::new(Format::Json, Limits::default());
/// let session = records.read(br#"{"_permanent":true,"value":42}"#)?;
/// assert_eq!(session.get(PERMANENT), Some(&true.into()));
/// assert_eq!(records.write(&session)?, br#"{"_permanent":true,"value":42}"#);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    format: Format,
    limits: Limits,
}

impl Record {
    /// Writes `format` and reads both.
    #[must_use]
    pub const fn new(format: Format, limits: Limits) -> Self {
        Self { format, limits }
    }

    /// The session in a record of either format: their first bytes tell them apart.
    ///
    /// # Errors
    ///
    /// `Corrupt` for anything else, pickle by name, and beyond the limits. Also for names that are
    /// not text, which MessagePack allows.
    pub fn read(&self, record: &[u8]) -> Result<Map> {
        if record.len() > self.limits.bytes {
            return Err(corrupt(format!(
                "read record: {} bytes, and the limit is {}",
                record.len(),
                self.limits.bytes
            )));
        }
        let read = match record {
            [0x80..=0x8f | 0xde | 0xdf, ..] => msgpack::read(record, &self.limits),
            [b'{' | b' ' | b'\t' | b'\n' | b'\r', ..] => std::str::from_utf8(record)
                .map_err(|_| corrupt("read record as JSON: it is not UTF-8"))
                .and_then(|text| json::read(text, &self.limits)),
            _ => Err(corrupt(
                "read record: it is neither a MessagePack map nor a JSON object",
            )),
        };
        match read {
            Ok(Value::Map(map)) => Ok(map),
            Ok(_) => Err(corrupt("read record: it is no map")),
            Err(error) => Err(pickle::refusal(record, error)),
        }
    }

    /// The record of a session.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that msgspec has no form for, or beyond the limits.
    pub fn write(&self, session: &Map) -> Result<Vec<u8>> {
        // msgspec takes a copy as well; sessions are small beside the round trip to their store.
        let value = Value::Map(session.clone());
        match self.format {
            Format::MessagePack => msgpack::write(&value, &self.limits),
            Format::Json => {
                json::write(&value, Dialect::Msgspec, &self.limits).map(String::into_bytes)
            }
        }
    }
}

pub(super) fn too_deep() -> Error {
    Error::input(
        "write record: a value is nested deeper than the limit; flatten it or raise the limit",
    )
}
