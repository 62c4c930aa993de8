//! The choices of a record: encoding, layout, limits; and how single values are encoded.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{json, msgpack};
use crate::error::{Error, ErrorKind, Result};

/// How values are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// MessagePack; structs are maps by field names. Keeps integers from `i64::MIN` to `u64::MAX`,
    /// floats bit by bit, and bytes as bytes.
    #[default]
    MessagePack,
    /// JSON text. Integers and finite floats keep their value; NaN and infinities become `null`;
    /// bytes become an array of numbers, from which byte types of serde read them back.
    Json,
}

/// What surrounds the map of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Layout {
    /// This crate's header, then names and values with their lengths.
    #[default]
    Native,
    /// The map alone, as Flask-Session writes it, with the key `_permanent` in it. There is no place
    /// for the rest of the header: expiry of single sessions, owners and absolute ends are not kept.
    Bare,
}

/// What a record may hold at most; beyond, it is neither read nor written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole record. Default 1 MiB.
    pub bytes: usize,
    /// Arrays and maps within one another, the outermost map not counted. Default 64, at most
    /// [`Limits::DEPTH_MAX`].
    pub depth: usize,
    /// Values. Default 4096.
    pub entries: usize,
}

/// Levels that decoding a value follows: serde_json's own figure, and more than [`Limits::DEPTH_MAX`].
const DECODED_DEPTH_MAX: usize = 128;

impl Limits {
    /// The highest [`Limits::depth`]: what both formats read back.
    pub const DEPTH_MAX: usize = 120;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            depth: 64,
            entries: 4096,
        }
    }
}

impl Format {
    /// Encodes one value.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the format cannot hold the type (in JSON, a map
    /// whose keys are not text), or if its own `Serialize` refuses.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>> {
        let encoded = match self {
            Self::MessagePack => rmp_serde::to_vec_named(value).ok(),
            Self::Json => serde_json::to_vec(value).ok(),
        };
        // The encoder's own text may quote the value, so it is left out.
        encoded.ok_or_else(|| {
            Error::input(format!(
                "encode a session value: {self:?} cannot hold this {}",
                type_name::<T>()
            ))
        })
    }

    /// Decodes one value.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the value is not a `T`; the text names the type
    /// and nothing of the value.
    pub fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        let decoded = match self {
            Self::MessagePack => {
                let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes);
                // As many as serde_json allows: a record from elsewhere must not exhaust the stack.
                decoder.set_max_depth(DECODED_DEPTH_MAX);
                T::deserialize(&mut decoder).ok()
            }
            Self::Json => serde_json::from_slice(bytes).ok(),
        };
        decoded.ok_or_else(|| {
            Error::input(format!(
                "decode a session value: it is no {}; read it as the type it was written as",
                type_name::<T>()
            ))
        })
    }

    /// Checks that `bytes` are one value within `limits`.
    pub(crate) fn check_value(self, bytes: &[u8], limits: &Limits) -> Result<()> {
        let deep = match self {
            Self::MessagePack => msgpack::skip(bytes, 0, limits.depth) != Some(bytes.len()),
            Self::Json => !json::is_within_depth(bytes, limits.depth),
        };
        if deep || bytes.len() > limits.bytes {
            return Err(Error::input(format!(
                "keep a session value of {} bytes: at most {} bytes and {} levels fit",
                bytes.len(),
                limits.bytes,
                limits.depth
            )));
        }
        Ok(())
    }
}

/// The error of bytes that are no record; `what` names the part and nothing of its content.
#[cold]
pub(super) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("decode a session record: {what}"),
    )
}
