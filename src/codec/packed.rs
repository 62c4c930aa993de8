//! The body of a native record: names and values with their lengths before them.
//!
//! ```text
//! count | (name length | value length | name | value) * count
//! ```
//!
//! A number is one byte, or `FF` and four little-endian bytes (also where one would do). A walk goes from length to length and
//! never looks into a value; over a MessagePack map it did, and that was most of a load. It is so
//! short that nobody keeps a table of what it finds.

use super::fields::Field;
use super::format::{Limits, corrupt};
use crate::error::Result;

/// Announces a number of four bytes.
const LONG: u8 = u8::MAX;

/// Proves that `body` is one, so that [`Entries`] finds all of it; says how many fields it has.
pub(super) fn check(body: &[u8], limits: &Limits) -> Result<usize> {
    let (count, mut rest) = number(body).ok_or_else(|| corrupt("it has no body"))?;
    if count > limits.entries {
        return Err(corrupt("it holds too many values"));
    }
    for _ in 0..count {
        let (field, tail) = field(rest).ok_or_else(|| corrupt("a name or a value is cut off"))?;
        if !is_text(field.name) {
            return Err(corrupt("a name is not UTF-8"));
        }
        rest = tail;
    }
    if !rest.is_empty() {
        return Err(corrupt("something follows its body"));
    }
    Ok(count)
}

/// The fields of a body that was checked, one after the other.
#[derive(Clone)]
pub(crate) struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self(number(body).map_or(&[], |(_, entries)| entries))
    }

    /// The bytes of those that are left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let (field, rest) = field(self.0)?;
        self.0 = rest;
        Some(field)
    }
}

/// The field that `bytes` begin with, and what follows it.
#[inline(always)]
fn field(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
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
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((Field { name, value }, rest))
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

/// Replaces the number that `bytes` begin with by a lower one, in as many bytes.
pub(super) fn lower_number(bytes: &mut [u8], from: usize, to: usize) {
    let (short, long) = (u8::try_from(to), u32::try_from(to).unwrap_or(u32::MAX));
    match (bytes, short) {
        ([first, ..], Ok(short)) if from < usize::from(LONG) => *first = short,
        ([_, rest @ ..], _) => {
            if let Some(number) = rest.first_chunk_mut() {
                *number = long.to_le_bytes();
            }
        }
        ([], _) => {}
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
    fn numbers_are_lowered_in_place() {
        for from in [1, 254, 255, 256, 70_000] {
            for to in [0, 1, 253, 254, 255, 65_000]
                .into_iter()
                .filter(|to| *to < from)
            {
                let mut bytes = Vec::new();
                write_number(&mut bytes, from);
                bytes.push(7);
                lower_number(&mut bytes, from, to);
                assert_eq!(number(&bytes), Some((to, &[7][..])), "{from} to {to}");
            }
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
            assert!(check(bytes, &limits).is_err(), "{bytes:?}");
        }
        assert_eq!(check(&[1, 1, 1, b'a', 0xC0], &limits).ok(), Some(1));
        assert!(check(&[1, 1, 1, 0xFF, 0xC0], &limits).is_err());
    }
}
