//! MessagePack as msgspec writes it: shortest forms, doubles, timestamps for datetimes.

use rmp::Marker;
use rmp::decode as de;
use rmp::encode as en;

use super::record::too_deep;
use crate::cookie::compat::json::Budget;
use crate::cookie::compat::payload::corrupt;
use crate::cookie::compat::{DateTime, Limits, Value};
use crate::error::{Error, Result};

/// The extension type of timestamps.
const TIMESTAMP: i8 = -1;

pub(super) fn write(value: &Value, limits: &Limits) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    put(value, limits.depth(), &mut out)?;
    limits.check_written(out.len())?;
    Ok(out)
}

fn put(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    // Writing into a vector cannot fail; only lengths beyond 32 bits and the like can.
    match value {
        Value::Null => en::write_nil(out).map_err(unwritten)?,
        Value::Bool(truth) => en::write_bool(out, *truth).map_err(unwritten)?,
        Value::Int(int) => match (u64::try_from(*int), i64::try_from(*int)) {
            (Ok(int), _) => drop(en::write_uint(out, int).map_err(unwritten)?),
            (_, Ok(int)) => drop(en::write_sint(out, int).map_err(unwritten)?),
            _ => {
                return Err(Error::input(
                    "write record: an integer is wider than 64 bits; store it as text",
                ));
            }
        },
        Value::Float(float) => en::write_f64(out, *float).map_err(unwritten)?,
        Value::Text(text) | Value::Markup(text) => en::write_str(out, text).map_err(unwritten)?,
        Value::Bytes(bytes) => en::write_bin(out, bytes).map_err(unwritten)?,
        Value::Tuple(items) | Value::List(items) => {
            let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
            en::write_array_len(out, length(items.len())?).map_err(unwritten)?;
            for item in items {
                put(item, depth, out)?;
            }
        }
        Value::Map(map) => {
            let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
            en::write_map_len(out, length(map.len())?).map_err(unwritten)?;
            for (name, value) in map.iter() {
                en::write_str(out, name).map_err(unwritten)?;
                put(value, depth, out)?;
            }
        }
        Value::Uuid(uuid) => en::write_str(out, &uuid.dashed()).map_err(unwritten)?,
        Value::DateTime(time) => put_time(*time, out)?,
        Value::Tagged(..) => {
            return Err(Error::input(
                "write record: tagged values belong to Flask's cookie; store what they stand for",
            ));
        }
    }
    Ok(())
}

/// The shortest of the three forms of a timestamp.
fn put_time(time: DateTime, out: &mut Vec<u8>) -> Result<()> {
    let (seconds, nanos) = (time.unix_seconds(), time.nanos());
    let bytes = match (u32::try_from(seconds), u64::try_from(seconds)) {
        (Ok(seconds), _) if nanos == 0 => seconds.to_be_bytes().to_vec(),
        (_, Ok(seconds)) if seconds < 1 << 34 => {
            (u64::from(nanos) << 34 | seconds).to_be_bytes().to_vec()
        }
        _ => [&nanos.to_be_bytes()[..], &seconds.to_be_bytes()].concat(),
    };
    en::write_ext_meta(out, length(bytes.len())?, TIMESTAMP).map_err(unwritten)?;
    out.extend(bytes);
    Ok(())
}

fn length(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::input("write record: a value has over 2^32 parts"))
}

fn unwritten(_: impl std::error::Error) -> Error {
    Error::input("write record: MessagePack has no form for it")
}

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Value> {
    let mut reader = Reader {
        rest: bytes,
        budget: Budget::new(limits),
    };
    let value = reader.value()?;
    if reader.rest.is_empty() {
        return Ok(value);
    }
    Err(corrupt(
        "read record as MessagePack: something follows the value",
    ))
}

struct Reader<'a> {
    rest: &'a [u8],
    budget: Budget,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value> {
        self.budget.value()?;
        let marker = *self.rest.first().ok_or_else(torn)?;
        match Marker::from_u8(marker) {
            Marker::Null => de::read_nil(&mut self.rest)
                .map(|()| Value::Null)
                .map_err(unread),
            Marker::True | Marker::False => de::read_bool(&mut self.rest)
                .map(Value::Bool)
                .map_err(unread),
            Marker::F32 => {
                let float = de::read_f32(&mut self.rest).map_err(unread)?;
                Ok(Value::Float(float.into()))
            }
            Marker::F64 => de::read_f64(&mut self.rest)
                .map(Value::Float)
                .map_err(unread),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                self.text().map(Value::Text)
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = de::read_bin_len(&mut self.rest).map_err(unread)?;
                Ok(Value::Bytes(self.take(length)?.to_vec()))
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                let length = de::read_array_len(&mut self.rest).map_err(unread)?;
                self.budget.open()?;
                // Nothing is allocated for a length that was only claimed.
                let items: Result<_> = (0..length).map(|_| self.value()).collect();
                self.budget.close();
                items.map(Value::List)
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                let length = de::read_map_len(&mut self.rest).map_err(unread)?;
                self.budget.open()?;
                let mut entries = Vec::new();
                for _ in 0..length {
                    entries.push((self.text()?, self.value()?));
                }
                self.budget.close();
                Ok(Value::Map(entries.into_iter().collect()))
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => self.extension(),
            Marker::Reserved => Err(corrupt("read record as MessagePack: a reserved byte")),
            _ => {
                let int: i128 = if marker >= 0xe0 || (0xd0..=0xd3).contains(&marker) {
                    de::read_int::<i64, _>(&mut self.rest)
                        .map_err(unread)?
                        .into()
                } else {
                    de::read_int::<u64, _>(&mut self.rest)
                        .map_err(unread)?
                        .into()
                };
                Ok(Value::Int(int))
            }
        }
    }

    fn text(&mut self) -> Result<String> {
        let length = de::read_str_len(&mut self.rest)
            .map_err(|_| corrupt("read record as MessagePack: a name is not text, or torn"))?;
        let text = std::str::from_utf8(self.take(length)?);
        text.map(str::to_owned)
            .map_err(|_| corrupt("read record as MessagePack: a text is not UTF-8"))
    }

    fn extension(&mut self) -> Result<Value> {
        let meta = de::read_ext_meta(&mut self.rest).map_err(unread)?;
        let data = self.take(meta.size)?;
        let time = match (meta.typeid, data.len()) {
            (TIMESTAMP, 4) => DateTime::from_unix(int(data), 0),
            (TIMESTAMP, 8) => {
                let packed = data
                    .iter()
                    .fold(0, |packed: u64, &byte| packed << 8 | u64::from(byte));
                let nanos = u32::try_from(packed >> 34).unwrap_or(u32::MAX);
                let seconds = i64::try_from(packed & ((1 << 34) - 1)).unwrap_or(i64::MAX);
                DateTime::from_unix(seconds, nanos)
            }
            (TIMESTAMP, 12) => {
                let nanos = u32::try_from(int(&data[..4])).unwrap_or(u32::MAX);
                DateTime::from_unix(int(&data[4..]), nanos)
            }
            _ => return Err(corrupt("read record as MessagePack: an unknown extension")),
        };
        time.map(Value::DateTime)
            .ok_or_else(|| corrupt("read record as MessagePack: a time beyond the years 1 to 9999"))
    }

    fn take(&mut self, length: u32) -> Result<&[u8]> {
        let length = usize::try_from(length).map_err(|_| torn())?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(torn)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// Up to eight bytes, the highest first, negative if their first bit of 64 is set.
fn int(bytes: &[u8]) -> i64 {
    bytes
        .iter()
        .fold(0, |int, &byte| int << 8 | i64::from(byte))
}

fn torn() -> Error {
    corrupt("read record as MessagePack: it ends too early")
}

fn unread(_: impl std::error::Error) -> Error {
    torn()
}
