//! What is in a record's file.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | `sessile` and the format's number, 1 |
//! | 8 | 8 | version |
//! | 16 | 4, 4 | lengths of key and value |
//! | 24 | 4 | checksum of key and value |
//! | 28 | 4 | checksum of the bytes before |
//! | 32 | 24 | first stamp: sequence 4, checksum 4, deadline 8, used 8 |
//! | 56 | 24 | second stamp |
//! | 80 | | key, value |
//!
//! Integers are little-endian, times Unix milliseconds, checksums CRC-32. A touch writes the stamp that is
//! not in force, with the next sequence, in place: torn, its checksum tells, and the other stamp stays in
//! force. All else is written once, before the file gets its name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use crate::cache::{KEY_MAX, Version};

const MAGIC: [u8; 8] = *b"sessile\x01";
const HEAD: usize = 32;
const STAMP: usize = 24;
/// Where the key begins.
const BODY: usize = HEAD + 2 * STAMP;
/// The largest value, in bytes.
pub(super) const VALUE_MAX: usize = 16 << 20;
const FILE_MAX: u64 = (BODY + KEY_MAX + VALUE_MAX) as u64;

/// "Never ends."
pub(super) const FOREVER: u64 = u64::MAX;

/// When a record ends and when it was last written or touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) deadline: u64,
    pub(super) used: u64,
}

impl Stamp {
    pub(super) fn is_live(self, now: u64) -> bool {
        now < self.deadline
    }
}

/// A record, whole and undamaged.
pub(super) struct Record {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    pub(super) version: Version,
    pub(super) stamp: Stamp,
    /// Where the stamp in force lies, and its sequence.
    at: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    second: bool,
    sequence: u32,
}

/// What the beginning of a file tells.
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) stamp: Stamp,
    at: Place,
    body_sum: u32,
    key_len: usize,
    value_len: usize,
}

/// Why a file is no record.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is not a whole record of ours.
    Damaged,
    /// Its format has a later number.
    Newer,
}

use Unreadable::{Damaged, Newer};

/// What became of reading.
pub(super) type Checked<T> = io::Result<Result<T, Unreadable>>;

/// The bytes of a new record's file.
pub(super) fn encode(key: &[u8], value: &[u8], version: Version, stamp: Stamp) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = Vec::with_capacity(BODY + key.len() + value.len());
    file.extend(MAGIC);
    file.extend(version.to_u64().to_le_bytes());
    file.extend(length(key));
    file.extend(length(value));
    file.extend(sum(&[key, value]).to_le_bytes());
    file.extend(sum(&[&file]).to_le_bytes());
    file.extend(stamp_bytes(version, 1, stamp));
    file.extend([0; STAMP]);
    file.extend(key);
    file.extend(value);
    file
}

/// Reads a record whole.
pub(super) fn read(file: &File) -> Checked<Record> {
    let Some(len) = length_of(file)? else {
        return Ok(Err(Damaged));
    };
    let mut bytes = vec![0; len];
    Ok(match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => decode(Bytes::from(bytes)),
        // Somebody cut it after its length was asked for.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Damaged),
        Err(error) => return Err(error),
    })
}

/// Reads the beginning only: enough for a sweep, which looks at every file.
pub(super) fn read_head(file: &File) -> Checked<Head> {
    let Some(len) = length_of(file)? else {
        return Ok(Err(Damaged));
    };
    let mut bytes = [0; BODY];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Err(Damaged)),
        read => read?,
    }
    Ok(decode_head(&bytes).and_then(|head| {
        let is_whole = BODY + head.key_len + head.value_len == len;
        is_whole.then_some(head).ok_or(Damaged)
    }))
}

/// The length of a file that may be a record's.
fn length_of(file: &File) -> io::Result<Option<usize>> {
    let data = file.metadata()?;
    let possible = data.is_file() && (BODY as u64..=FILE_MAX).contains(&data.len());
    Ok(usize::try_from(data.len()).ok().filter(|_| possible))
}

fn decode(bytes: Bytes) -> Result<Record, Unreadable> {
    let head: &[u8; BODY] = bytes.first_chunk().ok_or(Damaged)?;
    let head = decode_head(head)?;
    let value_at = BODY + head.key_len;
    if bytes.len() != value_at + head.value_len || sum(&[&bytes[BODY..]]) != head.body_sum {
        return Err(Damaged);
    }
    Ok(Record {
        key: bytes.slice(BODY..value_at),
        value: bytes.slice(value_at..),
        version: head.version,
        stamp: head.stamp,
        at: head.at,
    })
}

fn decode_head(bytes: &[u8; BODY]) -> Result<Head, Unreadable> {
    if bytes.starts_with(&MAGIC[..7]) && bytes[7] > MAGIC[7] {
        return Err(Newer);
    }
    let sound = bytes.starts_with(&MAGIC) && sum(&[&bytes[..28]]) == u32_at(bytes, 28);
    if !sound {
        return Err(Damaged);
    }
    let version = Version::from_u64(u64_at(bytes, 8));
    let stamps = [false, true].map(|second| stamp_at(bytes, version, second));
    // Sequences grow by one with each touch; the distance tells which is later, past the wrap too.
    let (at, stamp) = match stamps {
        [Some(first), Some(second)] => {
            let ahead = second.0.sequence.wrapping_sub(first.0.sequence);
            if ahead < u32::MAX / 2 { second } else { first }
        }
        [one, other] => one.or(other).ok_or(Damaged)?,
    };
    let length = |at| usize::try_from(u32_at(bytes, at)).map_err(|_| Damaged);
    Ok(Head {
        version,
        stamp,
        at,
        body_sum: u32_at(bytes, 24),
        key_len: length(16)?,
        value_len: length(20)?,
    })
}

fn stamp_at(bytes: &[u8; BODY], version: Version, second: bool) -> Option<(Place, Stamp)> {
    let start = if second { HEAD + STAMP } else { HEAD };
    let sequence = u32_at(bytes, start);
    let stamp = Stamp {
        deadline: u64_at(bytes, start + 8),
        used: u64_at(bytes, start + 16),
    };
    let sound = bytes[start..start + STAMP] == stamp_bytes(version, sequence, stamp);
    sound.then_some((Place { second, sequence }, stamp))
}

/// A stamp's checksum covers the version too, so that it fits no other record.
fn stamp_bytes(version: Version, sequence: u32, stamp: Stamp) -> [u8; STAMP] {
    let mut bytes = [0; STAMP];
    bytes[..4].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..16].copy_from_slice(&stamp.deadline.to_le_bytes());
    bytes[16..].copy_from_slice(&stamp.used.to_le_bytes());
    let sum = sum(&[&version.to_u64().to_le_bytes(), &bytes]);
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
    bytes
}

impl Record {
    /// Puts another stamp in force; the file must be the record's, and nobody else may write it.
    pub(super) fn restamp(&self, file: &File, stamp: Stamp) -> io::Result<()> {
        let sequence = self.at.sequence.wrapping_add(1);
        let start = if self.at.second { HEAD } else { HEAD + STAMP };
        file.write_all_at(&stamp_bytes(self.version, sequence, stamp), start as u64)
    }
}

fn sum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

fn u32_at(bytes: &[u8; BODY], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8; BODY], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMPED: Stamp = Stamp {
        deadline: 2_000,
        used: 1_000,
    };

    fn sample() -> Vec<u8> {
        encode(b"key", b"value", Version::from_u64(7), STAMPED)
    }

    /// The format of files that are on disks already: it must not change unnoticed.
    #[test]
    fn format_one_is_as_it_was() {
        let expected = "73657373696c650107000000000000000300000005000000e6f355c6a0e54893";
        let head: String = sample()[..HEAD]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(head, expected);
        let record = decode(sample().into()).expect("whole");
        assert_eq!(
            (&record.key[..], &record.value[..]),
            (&b"key"[..], &b"value"[..])
        );
        assert_eq!((record.version.to_u64(), record.stamp), (7, STAMPED));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let whole = sample();
        for length in 0..whole.len() {
            assert!(decode(whole[..length].to_vec().into()).is_err(), "{length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let unused = HEAD + STAMP..BODY;
                assert_eq!(decode(bytes.into()).is_ok(), unused.contains(&at), "{at}");
            }
        }
        let mut longer = whole;
        longer.push(0);
        assert!(decode(longer.into()).is_err());
    }

    #[test]
    fn a_torn_touch_leaves_the_stamp_before_it() {
        let file = tempfile::tempfile().expect("a file");
        file.write_all_at(&sample(), 0).expect("written");
        for touch in 1..=5_u64 {
            let before = read(&file).expect("read").expect("whole");
            let stamp = Stamp {
                deadline: 2_000 + touch,
                used: 1_000 + touch,
            };
            let mut old = [0; STAMP];
            let start = if before.at.second { HEAD } else { HEAD + STAMP };
            file.read_exact_at(&mut old, start as u64).expect("read");
            let new = stamp_bytes(before.version, before.at.sequence + 1, stamp);
            for torn in 0..STAMP {
                let mut half = old;
                half[..torn].copy_from_slice(&new[..torn]);
                file.write_all_at(&half, start as u64).expect("written");
                let head = read_head(&file).expect("read").expect("whole");
                let either = [before.stamp, stamp];
                assert!(either.contains(&head.stamp), "{touch} {torn}");
            }
            before.restamp(&file, stamp).expect("written");
            let after = read_head(&file).expect("read").expect("whole");
            assert_eq!(after.stamp, stamp);
        }
    }
}
