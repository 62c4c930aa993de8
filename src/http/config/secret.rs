//! Bytes that are never shown and do not stay in memory, and the judgement on keys.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Shortest key that is accepted, in bytes.
pub(super) const SECRET_MIN: usize = 16;
/// Longest key that is accepted, in bytes.
const SECRET_MAX: usize = 4096;
/// How to make a key; messages end with it.
pub(super) const MAKE_ONE: &str = "make one with `openssl rand -hex 32`, keep it out of the \
                                   source tree, and give every instance of the service the same";

/// What tutorials and generators write into `SECRET_KEY`: letters and digits only, lower case.
const PLACEHOLDERS: &[&str] = &[
    "admin",
    "changeit",
    "changeme",
    "changethis",
    "default",
    "demo",
    "dev",
    "devel",
    "development",
    "devkey",
    "devsecret",
    "devsecretkey",
    "example",
    "flask",
    "foo",
    "foobar",
    "hardtoguessstring",
    "insecure",
    "key",
    "keyboardcat",
    "letmein",
    "mykey",
    "mysecret",
    "mysecretkey",
    "notasecret",
    "password",
    "placeholder",
    "pleasechangeme",
    "replaceme",
    "s3cr3t",
    "secret",
    "secretkey",
    "supersecret",
    "supersecretkey",
    "test",
    "testing",
    "testkey",
    "thisisasecret",
    "thisisasecretkey",
    "topsecret",
    "verysecret",
    "verysecretkey",
    "yoursecret",
    "yoursecrethere",
    "yoursecretkey",
    "yoursecretkeyhere",
];

/// Holds bytes that nobody may see: overwritten when dropped, redacted in `Debug`, compared in
/// constant time.
///
/// ```
/// use sessile::http::config::Secret;
///
/// let secret = Secret::new("e3b0c44298fc1c149afbf4c8996fb924");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert_eq!(secret.expose().len(), 32);
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Keeps a copy of `bytes`, unjudged; the copy that the caller holds is the caller's to erase.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(Zeroizing::new(bytes.as_ref().to_vec()))
    }

    /// Shows the bytes, to whoever derives keys from them or connects with them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Shows the bytes of an address as the text it was made from.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

/// Says what is wrong with a key, without repeating any of it.
pub(super) fn judge(key: &[u8]) -> Result<(), String> {
    if is_placeholder(key) {
        return Err(format!("is a placeholder that everybody knows; {MAKE_ONE}"));
    }
    if key.len() < SECRET_MIN {
        return Err(format!("has fewer than {SECRET_MIN} bytes; {MAKE_ONE}"));
    }
    if key.len() > SECRET_MAX {
        return Err(format!("has more than {SECRET_MAX} bytes; {MAKE_ONE}"));
    }
    if key.iter().all(|byte| *byte == key[0]) {
        return Err(format!("repeats one character; {MAKE_ONE}"));
    }
    Ok(())
}

fn is_placeholder(key: &[u8]) -> bool {
    // Longer than any placeholder with its repetitions and decorations.
    if key.len() > 128 {
        return false;
    }
    let plain: Zeroizing<Vec<u8>> = Zeroizing::new(
        key.iter()
            .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
            .map(u8::to_ascii_lowercase)
            .collect(),
    );
    PLACEHOLDERS.iter().any(|known| {
        let known = known.as_bytes();
        let ends_as_number = |rest: &[u8]| rest.iter().all(u8::is_ascii_digit);
        let repeated = plain.len() > known.len()
            && plain
                .chunks(known.len())
                .all(|chunk| known.starts_with(chunk));
        plain.strip_prefix(known).is_some_and(ends_as_number) || repeated
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_in_every_decoration() {
        let known: [&[u8]; 8] = [
            b"changeme",
            b"CHANGE-ME",
            b"change_me_123",
            b"secret",
            b"dev",
            b"changemechangeme",
            b"super-secret-key!",
            b"<your-secret-key-here>",
        ];
        for key in known {
            assert!(is_placeholder(key), "{}", String::from_utf8_lossy(key));
        }
        let good: [&[u8]; 4] = [
            b"e3b0c44298fc1c149afbf4c8996fb924",
            b"developers like trains 77 times",
            b"\xff\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e",
            b"keykeeper of the house in green",
        ];
        for key in good {
            assert_eq!(judge(key), Ok(()), "{}", String::from_utf8_lossy(key));
        }
    }
}
