//! The body of a native record: names and values with their lengths before them.
//!
//! ```text
//! count | (name length | value length | name | value) * count
//! ```
//!
//! A number is one byte, or `FF` and four little-endian bytes. A scan goes from length to length and
//! never looks into a value; over a MessagePack map it did, and that was most of a load.

use super::fields::Slot;
use super::format::{Limits, corrupt};
use crate::error::Result;

/// Announces a number of four bytes.
const LONG: u8 = u8::MAX;

/// Finds names and values of `body`, which the caller keeps below a gibibyte.
pub(super) fn scan(body: &[u8], limits: &Limits) -> Result<Vec<Slot>> {
    let (count, mut rest) = number(body).ok_or_else(|| corrupt("it has no body"))?;
    // Each entry takes two bytes or more: a false count cannot ask for more room than that.
    if count > limits.entries || count > body.len() / 2 {
        return Err(corrupt("it holds too many values"));
    }
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, tail, value_len) =
            entry(rest).ok_or_else(|| corrupt("a name or a value is cut off"))?;
        if !is_text(name) {
            return Err(corrupt("a name is not UTF-8"));
        }
        let middle = body.len() - tail.len() - value_len;
        slots.push(Slot::joined(
            middle - name.len(),
            middle,
            middle + value_len,
        ));
        rest = tail;
    }
    if !rest.is_empty() {
        return Err(corrupt("something follows its body"));
    }
    Ok(slots)
}

/// The first entry's name, what follows the entry, and how long its value is.
#[inline(always)]
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let (name_len, value_len, rest) = match bytes {
        [name_len, value_len, rest @ ..] if *name_len != LONG && *value_len != LONG => {
            (usize::from(*name_len), usize::from(*value_len), rest)
        }
        _ => {
            let (name_len, rest) = number(bytes)?;
            let (value_len, rest) = number(rest)?;
            (name_len, value_len, rest)
        }
    };
    let (name, rest) = rest.split_at_checked(name_len)?;
    Some((name, rest.get(value_len..)?, value_len))
}

/// The number that `bytes` begin with, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first != LONG {
        return Some((usize::from(first), rest));
    }
    let (long, rest) = rest.split_first_chunk()?;
    let long = usize::try_from(u32::from_le_bytes(*long)).ok()?;
    Some((long, rest))
}

/// Whether `name` is UTF-8. Nearly all names are ASCII and of at most sixteen bytes, which two words
/// that may overlap tell; the standard library's check took a quarter of the scan.
#[inline]
pub(super) fn is_text(name: &[u8]) -> bool {
    let high = match (name.first_chunk(), name.last_chunk(), name.len()) {
        (Some(first), Some(last), 8..=16) => u64::from_le_bytes(*first) | u64::from_le_bytes(*last),
        _ => match (name.first_chunk(), name.last_chunk(), name.len()) {
            (Some(first), Some(last), 4..=7) => {
                u64::from(u32::from_le_bytes(*first) | u32::from_le_bytes(*last))
            }
            (_, _, 0..=3) => u64::from(name.iter().fold(0, |all, byte| all | byte)),
            _ => return std::str::from_utf8(name).is_ok(),
        },
    };
    high & 0x8080_8080_8080_8080 == 0 || std::str::from_utf8(name).is_ok()
}

/// Writes a count or a length.
pub(super) fn write_number(into: &mut Vec<u8>, number: usize) {
    match u8::try_from(number) {
        Ok(short) if short != LONG => into.push(short),
        _ => {
            // Records are far shorter than 4 GiB (`Limits::bytes`); a reader refuses the maximum.
            let long = u32::try_from(number).unwrap_or(u32::MAX);
            into.push(LONG);
            into.extend_from_slice(&long.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_at_both_lengths() {
        for wanted in [0, 1, 254, 255, 256, 70_000, 1 << 30] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, wanted);
            assert_eq!(number(&bytes), Some((wanted, &[][..])));
            bytes.pop();
            assert_eq!(number(&bytes), None);
        }
    }

    #[test]
    fn text_is_told_from_other_bytes_at_every_length() {
        for len in 0..40 {
            let mut name = vec![b'a'; len];
            assert!(is_text(&name));
            for at in 0..len {
                name[at] = 0xFF;
                assert!(!is_text(&name), "{len} {at}");
                name[at] = b'a';
            }
        }
        assert!(is_text("größe".as_bytes()) && is_text("é".as_bytes()));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let limits = Limits::default();
        let long = [1, LONG, 255, 255, 255, 255, LONG, 255, 255, 255, 255, b'a'];
        for bytes in [
            &[][..],
            &[1],
            &[2, 0, 0],
            &[1, 2, 0, b'a'],
            &[1, 1, 2, b'a', 0],
            &[0, 0],
            &long,
        ] {
            assert!(scan(bytes, &limits).is_err(), "{bytes:?}");
        }
        assert_eq!(
            scan(&[1, 1, 1, b'a', 0xC0], &limits)
                .expect("one field")
                .len(),
            1
        );
        assert!(scan(&[1, 1, 1, 0xFF, 0xC0], &limits).is_err());
    }
}
