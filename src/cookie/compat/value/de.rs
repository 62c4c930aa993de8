//! From Python's values to Rust types: a deserializer over them.

use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, EnumAccess, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::Value;
use super::own::{DATE_TIME, MARKUP, PLAIN, TAGGED, TUPLE, UUID, VALUE};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    T::deserialize(Read(value)).map_err(|_| {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "read session value as {}: kinds or names do not fit",
                std::any::type_name::<T>()
            ),
        )
    })
}

/// What serde has to say is dropped: its texts quote values.
#[derive(Debug)]
struct Misfit;

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("misfit")
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

struct Read(Value);

impl<'de> IntoDeserializer<'de, Misfit> for Value {
    type Deserializer = Read;

    fn into_deserializer(self) -> Read {
        Read(self)
    }
}

impl<'de> de::Deserializer<'de> for Read {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Int(int) => match (i64::try_from(int), u64::try_from(int)) {
                (Ok(int), _) => visitor.visit_i64(int),
                (_, Ok(int)) => visitor.visit_u64(int),
                _ => visitor.visit_i128(int),
            },
            Value::Float(float) => visitor.visit_f64(float),
            Value::Text(text) | Value::Markup(text) => visitor.visit_string(text),
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::Tuple(items) | Value::List(items) => {
                let mut items = SeqDeserializer::new(items.into_iter());
                let made = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(made)
            }
            Value::Map(map) => {
                let entries = map.into_iter().map(|(name, value)| (Name(name), value));
                let mut entries = MapDeserializer::new(entries);
                let made = visitor.visit_map(&mut entries)?;
                entries.end()?;
                Ok(made)
            }
            Value::Uuid(uuid) => visitor.visit_string(uuid.hex()),
            Value::DateTime(time) => visitor.visit_string(time.nanos_text()),
            Value::Tagged(_, value) => Self(*value).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        if name == VALUE {
            visitor.visit_enum(Itself(self.0))
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Text(name) => visitor.visit_enum(Named(name, None)),
            Value::Map(map) if map.len() == 1 => {
                let (name, value) = map.into_iter().next().ok_or(Misfit)?;
                visitor.visit_enum(Named(name, Some(value)))
            }
            _ => Err(Misfit),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A map's key: a number, if the type asks for one.
struct Name(String);

impl<'de> IntoDeserializer<'de, Misfit> for Name {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.$visit(self.0.parse::<$number>().map_err(|_| Misfit)?)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Name {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_string(self.0)
    }

    numbers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_enum(Named(self.0, None))
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// An enum's variant, with what it holds.
struct Named(String, Option<Value>);

impl<'de> EnumAccess<'de> for Named {
    type Error = Misfit;
    type Variant = Held;

    fn variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Held), Misfit> {
        let name: StringDeserializer<Misfit> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, Held(self.1)))
    }
}

struct Held(Option<Value>);

impl<'de> de::VariantAccess<'de> for Held {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.0 {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(Misfit),
        }
    }
    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Misfit> {
        seed.deserialize(Read(self.0.ok_or(Misfit)?))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        de::Deserializer::deserialize_any(Read(self.0.ok_or(Misfit)?), visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        de::Deserializer::deserialize_any(Read(self.0.ok_or(Misfit)?), visitor)
    }
}

/// A [`Value`] handed over as such: an enum of kind and content.
struct Itself(Value);

impl<'de> EnumAccess<'de> for Itself {
    type Error = Misfit;
    type Variant = Held;

    fn variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Held), Misfit> {
        let (kind, content) = match self.0 {
            Value::Tuple(items) => (TUPLE, Value::List(items)),
            Value::Markup(text) => (MARKUP, Value::Text(text)),
            Value::Uuid(uuid) => (UUID, Value::Text(uuid.hex())),
            Value::DateTime(time) => (DATE_TIME, Value::Text(time.nanos_text())),
            Value::Tagged(tag, value) => (TAGGED, Value::List(vec![Value::Text(tag), *value])),
            plain => (PLAIN, plain),
        };
        let kind: de::value::U32Deserializer<Misfit> = kind.into_deserializer();
        Ok((seed.deserialize(kind)?, Held(Some(content))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::super::{DateTime, Markup, Uuid};
    use super::{ErrorKind, Value};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Choice {
        Unit,
        One(u8),
        Two(i64, String),
        Named { a: f64 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        none: Option<u8>,
        some: Option<bool>,
        wide: u64,
        low: i64,
        letter: char,
        pair: (u8, String),
        choices: Vec<Choice>,
        numbered: BTreeMap<u32, i8>,
        markup: Markup,
        uuid: Uuid,
        time: DateTime,
        any: Value,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }

    fn all_kinds() -> Value {
        let time = DateTime::from_unix(-5, 123_456_789).unwrap();
        Value::List(vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(u64::MAX.into()),
            Value::Int(i64::MIN.into()),
            Value::Float(-0.5),
            Value::Text("é".into()),
            Value::Bytes(vec![0, 255]),
            Value::Tuple(vec![Value::List(Vec::new()), Value::Tuple(Vec::new())]),
            Value::Markup("<b>".into()),
            Value::Uuid(Uuid([7; 16])),
            Value::DateTime(time),
            Value::Tagged(" od".into(), Box::new(Value::Uuid(Uuid([8; 16])))),
            Value::Map(
                [("k".to_owned(), Value::Tuple(vec![Value::Null]))]
                    .into_iter()
                    .collect(),
            ),
        ])
    }

    #[test]
    fn structs_come_back_as_they_went() {
        let everything = Everything {
            none: None,
            some: Some(true),
            wide: u64::MAX,
            low: i64::MIN,
            letter: 'ß',
            pair: (1, "two".into()),
            choices: vec![
                Choice::Unit,
                Choice::One(1),
                Choice::Two(2, "x".into()),
                Choice::Named { a: 0.1 },
            ],
            numbered: [(7, -1)].into(),
            markup: Markup("<b>".into()),
            uuid: Uuid([9; 16]),
            time: DateTime::from_unix(1, 2).unwrap(),
            any: Value::Int(1),
            rest: [("more".to_owned(), "yes".to_owned())].into(),
        };
        let value = Value::of(&everything).unwrap();
        assert_eq!(value.read::<Everything>().unwrap(), everything);
        let map = value.as_map().unwrap();
        assert_eq!(map.get("uuid"), Some(&Value::Uuid(Uuid([9; 16]))));
        assert!(matches!(map.get("pair"), Some(Value::Tuple(_))));
    }

    #[test]
    fn values_pass_through_themselves_unchanged() {
        let value = all_kinds();
        assert_eq!(Value::of(&value).unwrap(), value);
        assert_eq!(value.read::<Value>().unwrap(), value);
    }

    #[test]
    fn foreign_formats_take_and_give_values() {
        let value: Value = serde_json::from_str(r#"{"a":[1,null,-2.5,"x",{"b":true}]}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&value).unwrap(),
            r#"{"a":[1,null,-2.5,"x",{"b":true}]}"#
        );
        let packed = rmp_serde::to_vec(&value).unwrap();
        assert_eq!(rmp_serde::from_slice::<Value>(&packed).unwrap(), value);
    }

    #[test]
    fn what_does_not_fit_is_an_error_without_contents() {
        let value = Value::Text("secret".into());
        let error = value.read::<u32>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert!(Value::of(&i128::MAX).is_err());
        assert!(Value::of(&u128::MAX).is_err());
        assert!(Value::of(&BTreeMap::from([((1, 2), 3)])).is_err());
    }
}
