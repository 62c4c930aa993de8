//! Session ids, and the keys that stores see in their place.

mod key;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

pub use key::{KeyMaker, StoreKey};

use crate::error::{Error, ErrorKind, Result};

/// The longest text any id has, in bytes.
const TEXT_BYTES_MAX: usize = 43;

/// How ids look: what is drawn for new sessions and what is accepted from clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum IdFormat {
    /// 43 characters of URL-safe base64: 256 random bits. What Flask-Session draws since 0.6, too.
    #[default]
    Base64,
    /// 32 characters of `a-z` and `0-9`: 165 random bits, Django's session key.
    Django,
    /// A random UUID: 32 lower-case hex digits, 122 random bits, as Invenio draws them. With dashes
    /// (36 characters, Flask-Session up to 0.5) it is accepted but not drawn. For sharing sessions
    /// with such a deployment only: fewer random bits than security standards ask for.
    Uuid,
}

/// A session's id: the secret that the client's cookie carries.
///
/// Whoever has it has the session. `Debug` hides it, `Display` does not exist, comparison takes the
/// same time wherever two ids differ. There is no way to make one from chosen bytes but
/// [`SessionId::parse`]; parsing proves the form and nothing else.
///
/// ```
/// use sessile::id::{IdFormat, SessionId};
///
/// let id = SessionId::random(IdFormat::Base64)?;
/// assert_eq!(id.expose().len(), 43);
/// assert_eq!(SessionId::parse(IdFormat::Base64, id.expose()), Some(id));
/// assert_eq!(SessionId::parse(IdFormat::Base64, "../../etc/passwd"), None);
/// assert_eq!(format!("{id:?}"), "SessionId(…)");
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct SessionId {
    /// ASCII; zero beyond `len`.
    text: [u8; TEXT_BYTES_MAX],
    len: u8,
}

impl SessionId {
    /// Draws an id from the operating system's randomness; costs one system call.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the system gives no randomness. There is no
    /// weaker source to fall back to: no session is better than a guessable one.
    pub fn random(format: IdFormat) -> Result<Self> {
        match format {
            IdFormat::Base64 => {
                let mut bits = [0_u8; 32];
                draw(&mut bits)?;
                let mut text = [0_u8; 43];
                let written = URL_SAFE_NO_PAD.encode_slice(bits, &mut text);
                debug_assert_eq!(written, Ok(43), "32 bytes are 43 characters");
                Ok(Self::of(&text))
            }
            IdFormat::Django => draw_django().map(|text| Self::of(&text)),
            IdFormat::Uuid => {
                let mut bits = [0_u8; 16];
                draw(&mut bits)?;
                bits[6] = bits[6] & 0x0F | 0x40;
                bits[8] = bits[8] & 0x3F | 0x80;
                let mut text = [0_u8; 32];
                for (pair, byte) in text.chunks_exact_mut(2).zip(bits) {
                    pair[0] = HEX[usize::from(byte >> 4)];
                    pair[1] = HEX[usize::from(byte & 15)];
                }
                Ok(Self::of(&text))
            }
        }
    }

    /// Returns the id that `text` is, or `None` unless it has exactly the form of `format`.
    ///
    /// Looks at the length first, so that text of any size costs nothing; allocates nothing. Base64
    /// must end as 32 bytes end: one id has one text.
    #[must_use]
    pub fn parse(format: IdFormat, text: impl AsRef<[u8]>) -> Option<Self> {
        let text = text.as_ref();
        let fits = match format {
            IdFormat::Base64 => <&[u8; 43]>::try_from(text).is_ok_and(|text| {
                // The last character carries four bits; the two that are left over are zero.
                text.iter().fold(true, |all, &byte| all & is_base64(byte))
                    && b"AEIMQUYcgkosw048".contains(&text[42])
            }),
            IdFormat::Django => {
                text.len() == 32
                    && text
                        .iter()
                        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
            }
            IdFormat::Uuid => is_uuid(text),
        };
        fits.then(|| Self::of(text))
    }

    /// The secret text, for the one cookie that carries it. Never log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("ids are ASCII")
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }

    /// `text` is at most 64 bytes of ASCII.
    fn of(text: &[u8]) -> Self {
        let mut id = Self {
            text: [0; TEXT_BYTES_MAX],
            len: u8::try_from(text.len()).expect("ids are short"),
        };
        id.text[..text.len()].copy_from_slice(text);
        id
    }
}

impl PartialEq for SessionId {
    fn eq(&self, other: &Self) -> bool {
        let same = self.text.ct_eq(&other.text) & self.len.ct_eq(&other.len);
        same.into()
    }
}

impl Eq for SessionId {}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
const DJANGO: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

fn draw(bits: &mut [u8]) -> Result<()> {
    getrandom::fill(bits).map_err(|source| {
        Error::new(
            ErrorKind::Unavailable,
            "draw a session id: the operating system gives no randomness",
        )
        .with_source(source)
    })
}

/// Takes each byte below 252 = 7 × 36, so that all characters are equally likely.
fn draw_django() -> Result<[u8; 32]> {
    let mut text = [0_u8; 32];
    let mut filled = 0;
    // One byte in 64 is refused: 48 bytes fall short of 32 characters about never.
    while filled < text.len() {
        let mut bits = [0_u8; 48];
        draw(&mut bits)?;
        for byte in bits.into_iter().filter(|&byte| byte < 252) {
            if let Some(place) = text.get_mut(filled) {
                *place = DJANGO[usize::from(byte % 36)];
                filled += 1;
            }
        }
    }
    Ok(text)
}

/// Without branches, so that a whole id is looked at in a few instructions.
fn is_base64(byte: u8) -> bool {
    (byte | 0x20).is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'-') | (byte == b'_')
}

fn is_uuid(text: &[u8]) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let (version, variant) = match text.len() {
        32 => (12, 16),
        36 => (14, 19),
        _ => return false,
    };
    let is_dash = |at| text.len() == 36 && DASHES.contains(&at);
    let fits = |(at, &byte): (usize, &u8)| match is_dash(at) {
        true => byte == b'-',
        false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.iter().enumerate().all(fits)
        && text[version] == b'4'
        && matches!(text[variant], b'8' | b'9' | b'a' | b'b')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const FORMATS: [IdFormat; 3] = [IdFormat::Base64, IdFormat::Django, IdFormat::Uuid];

    #[test]
    fn a_hundred_thousand_ids_differ_and_parse_in_their_own_format_only() {
        for format in FORMATS {
            let mut seen = HashSet::new();
            for _ in 0..100_000 {
                let id = SessionId::random(format).expect("randomness");
                assert!(seen.insert(id.expose().to_owned()), "{format:?} repeats");
            }
            for text in seen.iter().take(1000) {
                for other in FORMATS {
                    // A UUID's hex digits are among Django's characters.
                    let is_subset = (format, other) == (IdFormat::Uuid, IdFormat::Django);
                    let parsed = SessionId::parse(other, text).is_some();
                    assert_eq!(parsed, other == format || is_subset);
                }
            }
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_drawn_about_equally_often() {
        let mut counts = [0_u32; 36];
        for _ in 0..10_000 {
            let id = SessionId::random(IdFormat::Django).expect("randomness");
            for byte in id.bytes() {
                let at = DJANGO.iter().position(|known| known == byte);
                counts[at.expect("of the alphabet")] += 1;
            }
        }
        // 8,889 expected, standard deviation 93.
        assert!(
            counts.iter().all(|count| (8_400..9_400).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let good = SessionId::random(IdFormat::Base64).expect("randomness");
        let text = good.expose();
        let long = "A".repeat(5_000);
        for bad in ["", "id", &text[1..], &format!("{text}A"), &long] {
            assert_eq!(SessionId::parse(IdFormat::Base64, bad), None);
        }
        for evil in ["..", "/", "\\", "\0", "\r\n", ":", "=", "+", "é", "%", " "] {
            for format in FORMATS {
                let whole = SessionId::random(format).expect("randomness");
                let mut bad = whole.expose().as_bytes().to_vec();
                bad[3..3 + evil.len()].copy_from_slice(evil.as_bytes());
                assert_eq!(SessionId::parse(format, bad), None, "{evil:?}");
            }
        }
        let upper = "0F8FAD5BD9CB469FA16570867728950E";
        assert_eq!(SessionId::parse(IdFormat::Uuid, upper), None);
    }

    #[test]
    fn base64_has_one_text_per_id() {
        let zeros = "A".repeat(43);
        let accepted = (b'!'..=b'~')
            .filter(|&last| {
                let mut text = zeros.clone().into_bytes();
                text[42] = last;
                SessionId::parse(IdFormat::Base64, text).is_some()
            })
            .count();
        assert_eq!(accepted, 16);
    }

    #[test]
    fn uuids_are_accepted_with_and_without_dashes() {
        for good in [
            "0f8fad5bd9cb469fa16570867728950e",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
        ] {
            assert!(SessionId::parse(IdFormat::Uuid, good).is_some());
        }
        for bad in [
            "0f8fad5bd9cb169fa16570867728950e",
            "0f8fad5bd9cb469fc16570867728950e",
            "0f8fad5b-d9cb-469fa-165-70867728950e",
            "0f8fad5bd9cb-469f-a165-70867728950e1",
        ] {
            assert!(SessionId::parse(IdFormat::Uuid, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn equality_is_of_the_whole_text_and_debug_hides_it() {
        let id = SessionId::random(IdFormat::Base64).expect("randomness");
        assert_eq!(SessionId::parse(IdFormat::Base64, id.expose()), Some(id));
        assert_ne!(SessionId::random(IdFormat::Base64).ok(), Some(id));
        assert_eq!(format!("{id:?}"), "SessionId(…)");
    }
}
