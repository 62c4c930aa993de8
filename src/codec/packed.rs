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

/// Finds names and values of `body`.
pub(super) fn scan(body: &[u8], limits: &Limits) -> Result<Vec<Slot>> {
    let (count, mut at) = number(body, 0).ok_or_else(|| corrupt("it has no body"))?;
    // Each entry takes two bytes or more: a false count cannot ask for more room than that.
    if count > limits.entries || count > body.len() / 2 {
        return Err(corrupt("it holds too many values"));
    }
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let (name_end, end, start) =
            entry(body, at).ok_or_else(|| corrupt("a name or a value is cut off"))?;
        if !is_text(&body[start..name_end]) {
            return Err(corrupt("a name is not UTF-8"));
        }
        slots.push(Slot::new(start..name_end, name_end..end));
        at = end;
    }
    if at != body.len() {
        return Err(corrupt("something follows its body"));
    }
    Ok(slots)
}

/// Where the name of the entry at `at` ends, where its value does, and where the name begins.
#[inline]
fn entry(body: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    let (name_len, at) = number(body, at)?;
    let (value_len, start) = number(body, at)?;
    // Lengths have 32 bits: no sum overflows.
    let name_end = start.checked_add(name_len)?;
    let end = name_end.checked_add(value_len)?;
    (end <= body.len()).then_some((name_end, end, start))
}

/// The number at `at`, and what follows it.
#[inline]
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *bytes.get(at)?;
    if first != LONG {
        return Some((usize::from(first), at + 1));
    }
    let long = bytes.get(at + 1..at + 5)?.try_into().ok()?;
    let long = usize::try_from(u32::from_le_bytes(long)).ok()?;
    Some((long, at + 5))
}

/// Whether `name` is UTF-8. Nearly all names are short and ASCII, which one pass without branches
/// finds out; the standard library's check took a quarter of the scan.
#[inline]
pub(super) fn is_text(name: &[u8]) -> bool {
    name.iter().fold(0, |all, byte| all | byte) < 0x80 || std::str::from_utf8(name).is_ok()
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
            assert_eq!(number(&bytes, 0), Some((wanted, bytes.len())));
            bytes.pop();
            assert_eq!(number(&bytes, 0), None);
        }
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
