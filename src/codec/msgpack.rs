//! Finding the fields of a MessagePack map without decoding their values.

use super::fields::Slot;
use super::format::{Limits, corrupt};
use crate::error::Result;

/// Finds names and values of the map that `body` is.
pub(super) fn scan(body: &[u8], limits: &Limits) -> Result<Vec<Slot>> {
    let (count, mut at) = map_head(body).ok_or_else(|| corrupt("its body is no map"))?;
    // Each entry takes two bytes or more: a false count cannot ask for more room than that.
    if count > limits.entries || count > body.len() / 2 {
        return Err(corrupt("it holds too many values"));
    }
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let (start, end) = text(body, at).ok_or_else(|| corrupt("a name is no text"))?;
        let name = body
            .get(start..end)
            .ok_or_else(|| corrupt("a name is cut off"))?;
        if !super::packed::is_text(name) {
            return Err(corrupt("a name is not UTF-8"));
        }
        at = skip_plain(body, end)
            .or_else(|| skip(body, end, limits.depth))
            .filter(|&end| end <= body.len())
            .ok_or_else(|| corrupt("a value is cut off, malformed or too deep"))?;
        slots.push(Slot::new(start..end, end..at));
    }
    if at != body.len() {
        return Err(corrupt("something follows its body"));
    }
    Ok(slots)
}

/// As [`skip`], for short text and what is one byte long; `None` for all else.
#[inline]
fn skip_plain(bytes: &[u8], at: usize) -> Option<usize> {
    let end = match *bytes.get(at)? {
        0x00..=0x7F | 0xE0..=0xFF | 0xC0 | 0xC2 | 0xC3 => at + 1,
        first @ 0xA0..=0xBF => at + 1 + usize::from(first & 0x1F),
        _ => return None,
    };
    (end <= bytes.len()).then_some(end)
}

/// Returns where the value that begins at `at` ends; `None` if it is cut off or malformed, or has
/// more than `depth` arrays and maps within one another.
pub(super) fn skip(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let first = *bytes.get(at)?;
    let next = at + 1;
    let end = match first {
        0x00..=0x7F | 0xE0..=0xFF | 0xC0 | 0xC2 | 0xC3 => next,
        0xA0..=0xBF => next + usize::from(first & 0x1F),
        0x80..=0x8F => return skip_all(bytes, next, 2 * usize::from(first & 0x0F), depth),
        0x90..=0x9F => return skip_all(bytes, next, usize::from(first & 0x0F), depth),
        0xC1 => return None,
        0xC4 | 0xD9 => next + 1 + number(bytes, next, 1)?,
        0xC5 | 0xDA => next + 2 + number(bytes, next, 2)?,
        0xC6 | 0xDB => next + 4 + number(bytes, next, 4)?,
        0xC7 => next + 2 + number(bytes, next, 1)?,
        0xC8 => next + 3 + number(bytes, next, 2)?,
        0xC9 => next + 5 + number(bytes, next, 4)?,
        0xCC | 0xD0 => next + 1,
        0xCD | 0xD1 => next + 2,
        0xCA | 0xCE | 0xD2 => next + 4,
        0xCB | 0xCF | 0xD3 => next + 8,
        0xD4 => next + 2,
        0xD5 => next + 3,
        0xD6 => next + 5,
        0xD7 => next + 9,
        0xD8 => next + 17,
        0xDC => return skip_all(bytes, next + 2, number(bytes, next, 2)?, depth),
        0xDD => return skip_all(bytes, next + 4, number(bytes, next, 4)?, depth),
        0xDE => return skip_all(bytes, next + 2, 2 * number(bytes, next, 2)?, depth),
        0xDF => {
            let items = number(bytes, next, 4)?.checked_mul(2)?;
            return skip_all(bytes, next + 4, items, depth);
        }
    };
    (end <= bytes.len()).then_some(end)
}

fn skip_all(bytes: &[u8], mut at: usize, count: usize, depth: usize) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    // Every item takes a byte, so the end of `bytes` bounds the loop whatever the count says.
    for _ in 0..count {
        at = skip(bytes, at, depth)?;
    }
    Some(at)
}

/// A big-endian number of `width` bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + width)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte)),
    )
}

/// Entries of the map at the beginning, and where the first one lies.
fn map_head(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        first @ 0x80..=0x8F => Some((usize::from(first & 0x0F), 1)),
        0xDE => Some((number(bytes, 1, 2)?, 3)),
        0xDF => Some((number(bytes, 1, 4)?, 5)),
        _ => None,
    }
}

/// Where the text of the string at `at` lies.
fn text(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (start, len) = match *bytes.get(at)? {
        first @ 0xA0..=0xBF => (at + 1, usize::from(first & 0x1F)),
        0xD9 => (at + 2, number(bytes, at + 1, 1)?),
        0xDA => (at + 3, number(bytes, at + 1, 2)?),
        0xDB => (at + 5, number(bytes, at + 1, 4)?),
        _ => return None,
    };
    Some((start, start + len))
}

/// Writes the head of a map.
pub(super) fn write_map(into: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    // Writing to memory cannot fail.
    let _ = rmp::encode::write_map_len(into, count);
}

/// Writes what precedes a name of `len` bytes.
pub(super) fn write_name_head(into: &mut Vec<u8>, len: usize) {
    match u8::try_from(len) {
        Ok(len @ 0..32) => into.push(0xA0 | len),
        _ => {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            let _ = rmp::encode::write_str_len(into, len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_ends_where_the_decoder_ends() {
        let tail = [0_u8; 64];
        for first in 0..=u8::MAX {
            let mut bytes = vec![first];
            bytes.extend_from_slice(&tail);
            let mut rest = &bytes[..];
            let decoded = rmp_serde::decode::from_read::<_, serde::de::IgnoredAny>(&mut rest);
            let end = skip(&bytes, 0, 64);
            match decoded {
                Ok(_) => assert_eq!(end, Some(bytes.len() - rest.len()), "{first:#x}"),
                // The decoder refuses some extension types; the scan need not.
                Err(_) => assert!(
                    first == 0xC1 || (0xC7..=0xD8).contains(&first),
                    "{first:#x}"
                ),
            }
        }
    }

    #[test]
    fn depth_and_false_lengths_are_refused() {
        let nested = |depth: usize| {
            let mut bytes = vec![0x91; depth];
            bytes.push(0xC0);
            bytes
        };
        assert_eq!(skip(&nested(64), 0, 64), Some(65));
        assert_eq!(skip(&nested(65), 0, 64), None);
        assert_eq!(skip(&nested(100_000), 0, 64), None);
        assert_eq!(skip(&[0xDF, 0xFF, 0xFF, 0xFF, 0xFF], 0, 64), None);
        assert_eq!(skip(&[0xC6, 0xFF, 0xFF, 0xFF, 0xFF], 0, 64), None);
        assert!(scan(&[0xDF, 0, 0, 0x0F, 0xFF], &Limits::default()).is_err());
    }
}
