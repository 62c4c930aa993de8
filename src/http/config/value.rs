//! One value as some source spelled it: a text of the environment, a number of a document.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::problem::quoted;

/// Carries a value into [`Config::set`](super::Config::set): a text as the environment would hold
/// it, a truth value, a number, a duration, or a list of texts.
///
/// Texts are overwritten when dropped, since any of them may be a secret, and not shown in `Debug`.
#[derive(Clone)]
pub struct Value(pub(super) Raw);

#[derive(Clone)]
pub(super) enum Raw {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Zeroizing<String>),
    Duration(Duration),
    List(Vec<Raw>),
    Table(Vec<(String, Raw)>),
    /// A variable that is not UTF-8.
    NotText,
}

impl Raw {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// Whether the value says nothing, as Python's `None` does.
    pub(super) fn is_absent(&self, may_be_empty: bool) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty() && !may_be_empty,
            _ => false,
        }
    }

    /// The value in a message; of a secret only what kind of thing it is.
    pub(super) fn shown(&self, is_secret: bool) -> String {
        match self {
            Self::Text(text) if is_secret => format!("a text of {} bytes", text.len()),
            Self::Int(_) | Self::Float(_) if is_secret => "a number".to_owned(),
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => quoted(text),
            Self::Duration(value) => format!("{value:?}"),
            Self::List(values) => format!("a list of {}", values.len()),
            Self::Table(_) => "a table".to_owned(),
            Self::NotText => "not UTF-8".to_owned(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Raw::text(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Raw::text(text))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self(Raw::Bool(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self(Raw::Int(value.into()))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self(Raw::Int(value.into()))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self(Raw::Int(value.into()))
    }
}

impl From<Duration> for Value {
    fn from(value: Duration) -> Self {
        Self(Raw::Duration(value))
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        let raw = |value: T| -> Raw {
            let Self(raw) = value.into();
            raw
        };
        Self(Raw::List(values.into_iter().map(raw).collect()))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

/// Takes whatever a format has, so that the judgement, and its words, are ours.
struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::text(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::text(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Raw, E> {
        Ok(std::str::from_utf8(value).map_or(Raw::NotText, Raw::text))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Raw, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Raw::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Table(entries))
    }
}
