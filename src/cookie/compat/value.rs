//! The values that Python's sessions hold.

mod date;
mod de;
mod map;
mod own;
mod ser;

use std::fmt;

pub use date::DateTime;
pub use map::Map;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;

/// One of Python's values, as sessions hold them.
///
/// Its `Debug` tells kinds and sizes, never contents: they are session data.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sessile::cookie::compat::{DateTime, Value};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Cart { items: Vec<u32>, since: DateTime }
///
/// let since = DateTime::from_unix(1_308_874_145, 0).unwrap();
/// let cart = Cart { items: vec![3, 7], since };
/// let value = Value::of(&cart)?;
/// assert_eq!(value.as_map().unwrap().get("since"), Some(&Value::DateTime(since)));
/// assert_eq!(value.read::<Cart>()?, cart);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    #[default]
    Null,
    /// `bool`.
    Bool(bool),
    /// `int` from `i64::MIN` to `u64::MAX`. Writing one beyond is an error.
    Int(i128),
    /// `float`.
    Float(f64),
    /// `str`.
    Text(String),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `tuple`.
    Tuple(Vec<Value>),
    /// `list`.
    List(Vec<Value>),
    /// `dict` with text for keys.
    Map(Map),
    /// `markupsafe.Markup`: text that is safe HTML.
    Markup(String),
    /// `uuid.UUID`.
    Uuid(Uuid),
    /// `datetime.datetime` in UTC.
    DateTime(DateTime),
    /// The JSON form of a type for which the application registered a tag with Flask
    /// ([`flask::Tags`](super::flask::Tags)).
    Tagged(String, Box<Value>),
}

impl Value {
    /// Makes a value of anything that serde can serialize.
    ///
    /// Tuples and arrays become tuples, other sequences lists; an enum is its variant's name, or a
    /// map from that name. [`Markup`], [`Uuid`] and [`DateTime`] stay what they are.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if an integer is wider than 64 bits, a map's key is neither text nor a
    /// number, or `data` refuses.
    pub fn of<T: Serialize + ?Sized>(data: &T) -> Result<Self> {
        ser::value(data)
    }

    /// Makes a `T` of it. A tuple serves where a list is wanted, and the other way round.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is not a `T`; the text names the kinds and no contents.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        de::read(self.clone())
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text, if it is text or markup.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Markup(text) => Some(text),
            _ => None,
        }
    }

    /// Python's name of the kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::Tuple(_) => "tuple",
            Self::List(_) => "list",
            Self::Map(_) => "dict",
            Self::Markup(_) => "Markup",
            Self::Uuid(_) => "UUID",
            Self::DateTime(_) => "datetime",
            Self::Tagged(..) => "tagged",
        }
    }

    fn size(&self) -> Option<usize> {
        match self {
            Self::Text(text) | Self::Markup(text) => Some(text.len()),
            Self::Bytes(bytes) => Some(bytes.len()),
            Self::Tuple(items) | Self::List(items) => Some(items.len()),
            Self::Map(map) => Some(map.len()),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size() {
            Some(size) => write!(f, "{}({size})", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

macro_rules! from {
    ($($of:ty => $variant:ident),* $(,)?) => {
        $(impl From<$of> for Value {
            fn from(value: $of) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from!(
    bool => Bool, i32 => Int, u32 => Int, i64 => Int, u64 => Int, f64 => Float, &str => Text, String => Text,
    Vec<Value> => List, Map => Map, Uuid => Uuid, DateTime => DateTime,
);

impl From<Markup> for Value {
    fn from(markup: Markup) -> Self {
        Self::Markup(markup.0)
    }
}

/// Text that is safe HTML, in structs that become a [`Value`]; plain text elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Markup(pub String);

/// A UUID's bytes, in structs that become a [`Value`]; 32 hexadecimal digits elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uuid(pub [u8; 16]);

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A UUID in a session may be an id of one.
        f.write_str("Uuid(…)")
    }
}

impl Uuid {
    /// Reads 32 hexadecimal digits with or without dashes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().filter(|&byte| byte != b'-');
        let mut bytes = [0; 16];
        let mut count = 0;
        for digit in digits {
            let digit = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
            let byte = bytes.get_mut(count / 2)?;
            *byte = *byte << 4 | digit;
            count += 1;
        }
        (count == 32).then_some(Self(bytes))
    }

    /// 32 hexadecimal digits in lower case.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The common form with four dashes.
    #[must_use]
    pub fn dashed(&self) -> String {
        let hex = self.hex();
        let [a, b, c, d, e] = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        format!("{a}-{b}-{c}-{d}-{e}")
    }
}
