//! From Rust to Python's values: a serializer that builds them, and their own serialization.

use std::fmt::Display;

use serde::ser::{self, Serialize, SerializeTuple as _};

use super::{DateTime, Map, Markup, Uuid, Value};
use crate::error::{Error, Result};

/// Names of newtypes by which kinds that serde does not know reach this serializer. Others write the
/// text within.
pub(super) const MARKUP: &str = "sessile::Markup";
pub(super) const UUID: &str = "sessile::Uuid";
pub(super) const DATE_TIME: &str = "sessile::DateTime";
pub(super) const TAGGED: &str = "sessile::Tagged";

pub(super) fn value<T: Serialize + ?Sized>(data: &T) -> Result<Value> {
    data.serialize(Build)
        .map_err(|refused| Error::input(format!("make a session value: {}", refused.0)))
}

impl Serialize for Value {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(truth) => to.serialize_bool(*truth),
            Self::Int(int) => match (i64::try_from(*int), u64::try_from(*int)) {
                (Ok(int), _) => to.serialize_i64(int),
                (_, Ok(int)) => to.serialize_u64(int),
                _ => Err(ser::Error::custom("an integer is wider than 64 bits")),
            },
            Self::Float(float) => to.serialize_f64(*float),
            Self::Text(text) => to.serialize_str(text),
            Self::Bytes(bytes) => to.serialize_bytes(bytes),
            Self::Tuple(items) => {
                let mut tuple = to.serialize_tuple(items.len())?;
                for item in items {
                    tuple.serialize_element(item)?;
                }
                tuple.end()
            }
            Self::List(items) => to.collect_seq(items),
            Self::Map(map) => map.serialize(to),
            Self::Markup(text) => to.serialize_newtype_struct(MARKUP, text),
            Self::Uuid(uuid) => uuid.serialize(to),
            Self::DateTime(time) => time.serialize(to),
            Self::Tagged(tag, value) => to.serialize_newtype_struct(TAGGED, &(tag, value)),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl Serialize for Markup {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct(MARKUP, &self.0)
    }
}

impl Serialize for Uuid {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct(UUID, &self.hex())
    }
}

impl Serialize for DateTime {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct(DATE_TIME, &(self.nanos_text()))
    }
}

#[derive(Debug)]
struct Unfit(String);

impl Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Serializer whose product is a [`Value`].
struct Build;

type Built = Result<Value, Unfit>;

fn int(int: impl Into<i128>) -> Built {
    Ok(Value::Int(int.into()))
}

fn within(name: &'static str, value: Value) -> Value {
    Value::Map([(name.to_owned(), value)].into_iter().collect())
}

impl ser::Serializer for Build {
    type Ok = Value;
    type Error = Unfit;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, truth: bool) -> Built {
        Ok(Value::Bool(truth))
    }
    fn serialize_i8(self, value: i8) -> Built {
        int(value)
    }
    fn serialize_i16(self, value: i16) -> Built {
        int(value)
    }
    fn serialize_i32(self, value: i32) -> Built {
        int(value)
    }
    fn serialize_i64(self, value: i64) -> Built {
        int(value)
    }
    fn serialize_i128(self, value: i128) -> Built {
        if value < i64::MIN.into() || value > u64::MAX.into() {
            return Err(Unfit("an integer is wider than 64 bits".into()));
        }
        int(value)
    }
    fn serialize_u8(self, value: u8) -> Built {
        int(value)
    }
    fn serialize_u16(self, value: u16) -> Built {
        int(value)
    }
    fn serialize_u32(self, value: u32) -> Built {
        int(value)
    }
    fn serialize_u64(self, value: u64) -> Built {
        int(value)
    }
    fn serialize_u128(self, value: u128) -> Built {
        let value = i128::try_from(value).unwrap_or(i128::MAX);
        self.serialize_i128(value)
    }
    fn serialize_f32(self, value: f32) -> Built {
        Ok(Value::Float(value.into()))
    }
    fn serialize_f64(self, value: f64) -> Built {
        Ok(Value::Float(value))
    }
    fn serialize_char(self, value: char) -> Built {
        Ok(Value::Text(value.into()))
    }
    fn serialize_str(self, value: &str) -> Built {
        Ok(Value::Text(value.into()))
    }
    fn serialize_bytes(self, value: &[u8]) -> Built {
        Ok(Value::Bytes(value.into()))
    }
    fn serialize_none(self) -> Built {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Built {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Built {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Built {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Built {
        Ok(Value::Text(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Built {
        let inner = value.serialize(self)?;
        Ok(match (name, inner) {
            (MARKUP, Value::Text(text)) => Value::Markup(text),
            (UUID, Value::Text(text)) => match Uuid::parse(&text) {
                Some(uuid) => Value::Uuid(uuid),
                None => Value::Text(text),
            },
            (DATE_TIME, Value::Text(text)) => match DateTime::parse_rfc3339(&text) {
                Some(time) => Value::DateTime(time),
                None => Value::Text(text),
            },
            (TAGGED, Value::Tuple(parts)) => match <[Value; 2]>::try_from(parts) {
                Ok([Value::Text(tag), value]) => Value::Tagged(tag, Box::new(value)),
                Ok(parts) => Value::Tuple(parts.into()),
                Err(parts) => Value::Tuple(parts),
            },
            (_, inner) => inner,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Built {
        Ok(within(variant, value.serialize(self)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Unfit> {
        Ok(Items::new(Value::List, None))
    }
    fn serialize_tuple(self, _: usize) -> Result<Items, Unfit> {
        Ok(Items::new(Value::Tuple, None))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Unfit> {
        Ok(Items::new(Value::Tuple, None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, Unfit> {
        Ok(Items::new(Value::Tuple, Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Unfit> {
        Ok(Entries::default())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Unfit> {
        Ok(Entries::default())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, Unfit> {
        Ok(Entries {
            variant: Some(variant),
            ..Entries::default()
        })
    }
}

struct Items {
    items: Vec<Value>,
    make: fn(Vec<Value>) -> Value,
    variant: Option<&'static str>,
}

impl Items {
    fn new(make: fn(Vec<Value>) -> Value, variant: Option<&'static str>) -> Self {
        Self {
            items: Vec::new(),
            make,
            variant,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.items.push(value.serialize(Build)?);
        Ok(())
    }

    fn finish(self) -> Built {
        let value = (self.make)(self.items);
        Ok(match self.variant {
            Some(variant) => within(variant, value),
            None => value,
        })
    }
}

macro_rules! items {
    ($($of:ident :: $push:ident),*) => {
        $(impl ser::$of for Items {
            type Ok = Value;
            type Error = Unfit;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
                self.push(value)
            }
            fn end(self) -> Built {
                self.finish()
            }
        })*
    };
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

#[derive(Default)]
struct Entries {
    entries: Vec<(String, Value)>,
    name: Option<String>,
    variant: Option<&'static str>,
}

impl Entries {
    fn push<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), Unfit> {
        self.entries.push((name, value.serialize(Build)?));
        Ok(())
    }

    fn finish(self) -> Built {
        let value = Value::Map(self.entries.into_iter().collect());
        Ok(match self.variant {
            Some(variant) => within(variant, value),
            None => value,
        })
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        self.name = Some(match key.serialize(Build)? {
            Value::Text(text) | Value::Markup(text) => text,
            Value::Int(int) => int.to_string(),
            Value::Uuid(uuid) => uuid.hex(),
            other => {
                return Err(Unfit(format!(
                    "a map's key is of the kind {}, and only text and integers are taken",
                    other.kind()
                )));
            }
        });
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let name = self.name.take().unwrap_or_default();
        self.push(name, value)
    }
    fn end(self) -> Built {
        self.finish()
    }
}

macro_rules! fields {
    ($($of:ident),*) => {
        $(impl ser::$of for Entries {
            type Ok = Value;
            type Error = Unfit;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unfit> {
                self.push(name.to_owned(), value)
            }
            fn end(self) -> Built {
                self.finish()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);
