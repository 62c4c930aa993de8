//! Python's values as serde sees them in any format, and how they find themselves again in their own.

use std::fmt;

use serde::de::{self, Deserialize, EnumAccess, VariantAccess as _, Visitor};

use super::{DateTime, Map, Markup, Uuid, Value};

/// The newtype's name by which a [`Value`] within a struct asks for itself, so that kinds that serde
/// does not know survive.
pub(super) const VALUE: &str = "sessile::Value";

/// Kinds of a value that was handed over as an enum of kind and content.
pub(super) const PLAIN: u32 = 0;
pub(super) const TUPLE: u32 = 1;
pub(super) const MARKUP: u32 = 2;
pub(super) const UUID: u32 = 3;
pub(super) const DATE_TIME: u32 = 4;
pub(super) const TAGGED: u32 = 5;

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct(VALUE, AnyKind)
    }
}

struct AnyKind;

impl<'de> Visitor<'de> for AnyKind {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: de::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Value::deserialize(from)
    }
    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }
    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int.into()))
    }
    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(Value::Int(int.into()))
    }
    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Float(float))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_owned()))
    }
    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }
    fn visit_newtype_struct<D: de::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(entry) = from.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries.into_iter().collect()))
    }
    fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<Value, A::Error> {
        let misfit = || de::Error::custom("not a session value");
        let (kind, content) = from.variant::<u32>()?;
        Ok(match kind {
            // Not through this visitor's own door, which would come back here.
            PLAIN => content.newtype_variant::<Plain>()?.0,
            TUPLE => Value::Tuple(content.newtype_variant()?),
            MARKUP => Value::Markup(content.newtype_variant()?),
            UUID => {
                let hex: String = content.newtype_variant()?;
                Value::Uuid(Uuid::parse(&hex).ok_or_else(misfit)?)
            }
            DATE_TIME => {
                let text: String = content.newtype_variant()?;
                Value::DateTime(DateTime::parse_rfc3339(&text).ok_or_else(misfit)?)
            }
            TAGGED => {
                let (tag, value) = content.newtype_variant()?;
                Value::Tagged(tag, value)
            }
            _ => return Err(misfit()),
        })
    }
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyKind).map(Self)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.deserialize_map(AnyKind)? {
            Value::Map(map) => Ok(map),
            _ => Err(de::Error::custom("not a map")),
        }
    }
}

impl<'de> Deserialize<'de> for Markup {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a UUID"))
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse_rfc3339(&text).ok_or_else(|| de::Error::custom("not a datetime"))
    }
}
