//! Text that is no cookie value as it stands: percent escapes of ours, octal escapes of others.

use std::borrow::Cow;

use super::check::is_cookie_octet;

/// Returns `text` as cookie octets: everything else, and `%`, becomes `%XX` of its UTF-8 bytes.
///
/// Borrowed where nothing needs an escape. [`percent_decode`] gives the text back.
///
/// ```
/// use sessile::cookie::{percent_decode, percent_encode};
///
/// let value = percent_encode("Zürich; ja");
/// assert_eq!(value, "Z%C3%BCrich%3B%20ja");
/// assert_eq!(percent_decode(&value).as_deref(), Some("Zürich; ja"));
/// ```
#[must_use]
pub fn percent_encode(text: &str) -> Cow<'_, str> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let stays = |byte: u8| is_cookie_octet(byte) && byte != b'%';
    if text.bytes().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |four: u8| char::from(DIGITS[usize::from(four & 15)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
    Cow::Owned(encoded)
}

/// Returns the text of a value written by [`percent_encode`], or `None` if an escape is broken or
/// the bytes are not UTF-8. Borrowed where there is no escape.
#[must_use]
pub fn percent_decode(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('%') {
        return Some(Cow::Borrowed(value));
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => (hex(bytes.next()?)? << 4) | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Returns the text of a quoted value as Python's cookie libraries write it: `\303` is a byte in
/// octal, `\"` a character. `None` if an escape is broken or the bytes are not UTF-8. Borrowed where
/// there is no escape.
///
/// For reading what another service set; this crate writes no such value, because a backslash is
/// no cookie octet.
///
/// ```
/// assert_eq!(sessile::cookie::octal_decode(r"Z\303\274rich").as_deref(), Some("Zürich"));
/// ```
#[must_use]
pub fn octal_decode(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('\\') {
        return Some(Cow::Borrowed(value));
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                rest @ ..,
            ] => {
                decoded.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                rest
            }
            [b'\\', b'0'..=b'9', ..] | [b'\\'] => return None,
            [b'\\', escaped, rest @ ..] => {
                decoded.push(*escaped);
                rest
            }
            [plain, rest @ ..] => {
                decoded.push(*plain);
                rest
            }
        };
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}
