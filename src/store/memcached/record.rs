//! What stands before a value in memcached: the write's version and the exact end.
//!
//! ```text
//! 0      4             12            20            24
//! | "sm1\n" | version u64 | end_ms u64 | crc32 u32 | value ...
//! ```
//! Numbers are big-endian. The checksum covers version, end and value, so that what others wrote under
//! the key, appended to it or cut off is recognized and absent.

use bytes::Bytes;

use crate::store::{Loaded, Version};

const MARK: [u8; 4] = *b"sm1\n";

/// The bytes before the value.
pub(super) const HEAD_BYTES: usize = 24;

/// A record as read.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) version: Version,
    /// In Unix milliseconds; [`NEVER`](super::stamp::NEVER) for none.
    pub(super) end_ms: u64,
    pub(super) value: Bytes,
}

impl Record {
    pub(super) fn loaded(self) -> Loaded {
        Loaded {
            value: self.value,
            version: self.version,
        }
    }
}

pub(super) fn head(version: Version, end_ms: u64, value: &[u8]) -> [u8; HEAD_BYTES] {
    let (version, end) = (version.to_u64().to_be_bytes(), end_ms.to_be_bytes());
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&MARK);
    head[4..12].copy_from_slice(&version);
    head[12..20].copy_from_slice(&end);
    head[20..].copy_from_slice(&checksum(&version, &end, value).to_be_bytes());
    head
}

/// Reads a record, or says that it is none of ours.
pub(super) fn parse(bytes: &Bytes) -> Option<Record> {
    let (mark, rest) = bytes.split_first_chunk::<4>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let (end, rest) = rest.split_first_chunk::<8>()?;
    let (sum, value) = rest.split_first_chunk::<4>()?;
    let is_ours = *mark == MARK && u32::from_be_bytes(*sum) == checksum(version, end, value);
    is_ours.then(|| Record {
        version: Version::from_u64(u64::from_be_bytes(*version)),
        end_ms: u64::from_be_bytes(*end),
        value: bytes.slice(HEAD_BYTES..),
    })
}

fn checksum(version: &[u8; 8], end: &[u8; 8], value: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(version);
    sum.update(end);
    sum.update(value);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_and_every_altered_byte_is_noticed() {
        for value in [&b""[..], b"v", b"\r\nEN\r\n"] {
            let version = Version::from_u64(0x0102_0304_0506_0708);
            let mut bytes = head(version, 77, value).to_vec();
            bytes.extend_from_slice(value);
            let record = parse(&Bytes::from(bytes.clone())).expect("ours");
            assert_eq!((record.version, record.end_ms), (version, 77));
            assert_eq!(record.value, value);
            for at in 0..bytes.len() {
                let mut altered = bytes.clone();
                altered[at] ^= 0x20;
                assert!(parse(&altered.into()).is_none(), "byte {at}");
                assert!(parse(&bytes[..at].to_vec().into()).is_none(), "cut at {at}");
            }
            bytes.push(0);
            assert!(parse(&bytes.into()).is_none(), "appended to");
        }
    }
}
