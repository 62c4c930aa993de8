//! What a key is called in memcached, whose keys are at most 250 bytes without separators.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// The server's limit.
const NAME_MAX: usize = 250;
/// Leaves room for the longest name of a digest, and more for short keys.
const PREFIX_MAX: usize = 120;

/// How keys become names.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    /// The prefix, then `k` and the key in base64url, or, for keys too long for that, `d` and their
    /// BLAKE3 digest. The letter keeps the two apart.
    Native(String),
    /// The key itself.
    Bare,
}

impl Naming {
    pub(super) fn native(prefix: &str) -> Result<Self> {
        if prefix.len() > PREFIX_MAX || !is_plain(prefix.as_bytes()) || !prefix.is_ascii() {
            return Err(Error::config(format!(
                "name keys in memcached: the prefix must have at most {PREFIX_MAX} bytes of ASCII without \
                 white space and control characters"
            )));
        }
        Ok(Self::Native(prefix.to_owned()))
    }

    /// The name of `key`; `None` for a key that none can have.
    pub(super) fn of(&self, key: &[u8]) -> Option<String> {
        let prefix = match self {
            Self::Native(prefix) => prefix,
            Self::Bare => {
                let fits = !key.is_empty() && key.len() <= NAME_MAX && is_plain(key);
                return fits
                    .then(|| str::from_utf8(key).ok().map(str::to_owned))
                    .flatten();
            }
        };
        let (letter, name) = match key.len().div_ceil(3) * 4 + prefix.len() < NAME_MAX {
            true => ('k', URL_SAFE_NO_PAD.encode(key)),
            false => ('d', URL_SAFE_NO_PAD.encode(blake3::hash(key).as_bytes())),
        };
        Some(format!("{prefix}{letter}{name}"))
    }
}

/// The protocol separates words by spaces and lines by `\r\n`; control characters it forbids.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| !matches!(byte, 0..=b' ' | 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_name_that_fits() {
        for prefix in ["", "session:", &"p".repeat(PREFIX_MAX)] {
            let naming = Naming::native(prefix).expect("a prefix");
            let mut names = std::collections::BTreeSet::new();
            for length in 1..=1000 {
                for byte in [0, b' ', b'\r', b'\n', 0xff] {
                    let name = naming.of(&vec![byte; length]).expect("a name");
                    assert!(name.len() <= NAME_MAX && is_plain(name.as_bytes()));
                    assert!(name.starts_with(prefix) && names.insert(name), "{length}");
                }
            }
        }
    }

    #[test]
    fn bare_names_are_the_keys_that_can_be_one() {
        let exact = "session:abc_-%7F\u{e9}";
        assert_eq!(Naming::Bare.of(exact.as_bytes()).as_deref(), Some(exact));
        let most = vec![b'k'; NAME_MAX];
        assert!(Naming::Bare.of(&most).is_some());
        for key in [
            &b""[..],
            b"a b",
            b"a\r\nset x 0 0 1",
            b"a\0",
            b"\x7f",
            b"\t",
            b"\xff",
            &[b'k'; 251],
        ] {
            assert_eq!(Naming::Bare.of(key), None, "{key:?}");
        }
    }

    #[test]
    fn prefixes_that_split_a_line_are_refused() {
        for prefix in ["a b", "a\r\n", "\0", "\u{e9}", &"p".repeat(PREFIX_MAX + 1)] {
            assert!(Naming::native(prefix).is_err());
        }
    }
}
