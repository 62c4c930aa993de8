//! An owner's list as bytes.
//!
//! ```text
//! | version 1 | entry | entry | ...
//! entry: | key length, u8 | key | created, u64 | seen, u64 | 1 if stored |    little-endian, ms
//! ```

use bytes::{BufMut, Bytes};

use super::owner::OwnerEntry;
use crate::error::{Error, ErrorKind, Result};
use crate::id::StoreKey;

/// The most sessions that an owner's list holds.
pub(super) const ENTRIES_MAX: usize = 1000;
const VERSION: u8 = 1;

pub(super) fn encode(list: &[OwnerEntry]) -> Bytes {
    let mut bytes = Vec::with_capacity(1 + list.len() * 40);
    bytes.put_u8(VERSION);
    for entry in list {
        let key = entry.key.as_ref();
        bytes.put_u8(u8::try_from(key.len()).expect("a key has at most 95 bytes"));
        bytes.extend_from_slice(key);
        bytes.put_u64_le(entry.created_ms);
        bytes.put_u64_le(entry.seen_ms);
        bytes.put_u8(u8::from(entry.is_stored));
    }
    bytes.into()
}

/// Returns the list; an empty one, which the next change overwrites, if the bytes are none.
///
/// # Errors
/// [`UnsupportedVersion`](ErrorKind::UnsupportedVersion) for a list of a newer release: it must not be
/// overwritten.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<OwnerEntry>> {
    match bytes.split_first() {
        Some((&VERSION, entries)) => Ok(entries_of(entries).unwrap_or_else(malformed)),
        Some((version, _)) if *version > VERSION => Err(Error::new(
            ErrorKind::UnsupportedVersion,
            format!(
                "read an owner's list of sessions: it has version {version}, of a newer release"
            ),
        )),
        _ => Ok(malformed()),
    }
}

fn malformed() -> Vec<OwnerEntry> {
    tracing::warn!("an owner's list of sessions is malformed; it fills again as they are used");
    Vec::new()
}

fn entries_of(mut bytes: &[u8]) -> Option<Vec<OwnerEntry>> {
    let mut list = Vec::new();
    while let Some((len, rest)) = bytes.split_first() {
        if list.len() == ENTRIES_MAX {
            return None;
        }
        let (key, rest) = rest.split_at_checked(usize::from(*len))?;
        let (created, rest) = rest.split_first_chunk()?;
        let (seen, rest) = rest.split_first_chunk()?;
        let (is_stored, rest) = rest.split_first()?;
        list.push(OwnerEntry {
            key: StoreKey::from_bytes(key)?,
            created_ms: u64::from_le_bytes(*created),
            seen_ms: u64::from_le_bytes(*seen),
            is_stored: *is_stored == 1,
        });
        bytes = rest;
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize) -> Vec<OwnerEntry> {
        let entry = |number: usize| OwnerEntry {
            key: StoreKey::from_bytes(&vec![7; number % 96]).expect("short"),
            created_ms: number as u64,
            seen_ms: u64::MAX - number as u64,
            is_stored: number.is_multiple_of(2),
        };
        (0..count).map(entry).collect()
    }

    #[test]
    fn lists_come_back_and_longer_ones_do_not() {
        for count in [0, 1, 2, 97, ENTRIES_MAX] {
            let list = some(count);
            let back = decode(&encode(&list));
            assert_eq!(back.expect("the same version"), list);
        }
        let long = decode(&encode(&some(ENTRIES_MAX + 1)));
        assert_eq!(long.expect("the same version"), []);
    }

    #[test]
    fn malformed_lists_are_empty_and_newer_ones_are_left_alone() {
        let whole = encode(&some(3));
        for cut in 0..whole.len() {
            let list = decode(&whole[..cut]).expect("malformed, not foreign");
            assert!(list.len() < 3);
        }
        for bytes in [b"\0".as_slice(), b"\x01\x60", b"\x01\xff"] {
            assert_eq!(decode(bytes).expect("malformed"), []);
        }
        let newer = decode(b"\x02whatever").map_err(|error| error.kind());
        assert_eq!(newer, Err(ErrorKind::UnsupportedVersion));
    }
}
