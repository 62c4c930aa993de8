//! Recognises pickle, in order to refuse it by name.

use super::payload::corrupt;
use crate::error::Error;

/// What `bytes` are if they are one of the forms in which Python stores pickles.
fn name(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        // An opcode and the protocol. In MessagePack the first byte would be an empty map, and the
        // second one too many.
        [0x80, 0..=5, ..] => Some("a Python pickle"),
        // Protocols 0 and 1 begin a dictionary so.
        [b'(', b'd' | b'i' | b'c', ..] | [b'}', b'q', ..] => Some("a Python pickle"),
        // cachelib's files: a timestamp, then a pickle.
        [_, _, _, _, 0x80, 2..=5, ..] => Some("a Python pickle behind a timestamp"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] | [0x5d, 0, 0, ..] => {
            Some("LZMA data, which Invenio makes of pickles")
        }
        _ => None,
    }
}

/// The error for `bytes` that `fallback` could not name better.
pub(super) fn refusal(bytes: &[u8], fallback: Error) -> Error {
    match name(bytes) {
        Some(name) => corrupt(format!(
            "read record: it is {name}, and pickle is never decoded; let Python write MessagePack or JSON"
        )),
        None => fallback,
    }
}
