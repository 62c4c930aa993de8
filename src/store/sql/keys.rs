//! How a key lies in its column.
//!
//! The native form keeps keys of up to 255 bytes as they are. Of longer ones, which no engine's index
//! takes at full length, it keeps the first 224 bytes and a digest: 256 bytes, a length that no other
//! key has. Python's tables keep printable ASCII as it is and of everything else a digest behind a
//! tilde, which is why keys that begin with a tilde are digested too.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::dialect::Form;
use super::statement::Value;
use crate::cache::KEY_MAX;

/// The longest key that the native form keeps as it is.
const PLAIN_MAX: usize = 255;
/// What is kept of a longer one, before its digest.
const HEAD: usize = 224;

/// A key in the form of its column.
pub(super) enum Stored<'k> {
    Bytes(Cow<'k, [u8]>),
    Text(Cow<'k, str>),
}

impl<'k> Stored<'k> {
    /// `None` for a key that no record can have.
    pub(super) fn of(form: Form, key: &'k [u8]) -> Option<Self> {
        if key.is_empty() || key.len() > KEY_MAX {
            return None;
        }
        Some(match form {
            Form::Native => Self::Bytes(native(key)),
            Form::FlaskSession => Self::Text(text(key, 255)),
            Form::Django => Self::Text(text(key, 40)),
        })
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Text(text) => Value::Text(text),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

fn native(key: &[u8]) -> Cow<'_, [u8]> {
    if key.len() <= PLAIN_MAX {
        return key.into();
    }
    let mut stored = key[..HEAD].to_vec();
    stored.extend_from_slice(blake3::hash(key).as_bytes());
    stored.into()
}

fn text(key: &[u8], max: usize) -> Cow<'_, str> {
    let is_plain = key.len() <= max && key[0] != b'~' && key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(plain) if is_plain => plain.into(),
        // 29 bytes of the digest make 39 letters: with the tilde as long as Django's keys may be.
        _ => format!(
            "~{}",
            URL_SAFE_NO_PAD.encode(&blake3::hash(key).as_bytes()[..29])
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_apart_and_short() {
        let long = |last| {
            let mut key = vec![b'k'; 300];
            key[299] = last;
            key
        };
        let keys: Vec<Vec<u8>> = vec![
            b"k".to_vec(),
            b"K".to_vec(),
            b"k\0".to_vec(),
            b"k ".to_vec(),
            b"\xff".to_vec(),
            b"~k".to_vec(),
            vec![b'k'; 40],
            vec![b'k'; 41],
            vec![b'k'; 255],
            vec![b'k'; 256],
            long(1),
            long(2),
        ];
        for (form, max) in [
            (Form::Native, 256),
            (Form::FlaskSession, 255),
            (Form::Django, 40),
        ] {
            let mut seen = std::collections::BTreeSet::new();
            for key in &keys {
                let stored = Stored::of(form, key).expect("a possible key");
                assert!(stored.bytes().len() <= max);
                assert!(seen.insert(stored.bytes().to_vec()), "{form:?} {key:?}");
                // A stored key taken for a key is another: none is reached by two names.
                let again = Stored::of(form, stored.bytes()).expect("a possible key");
                let is_plain = stored.bytes() == key;
                assert_eq!(again.bytes() == stored.bytes(), is_plain);
            }
            assert!(Stored::of(form, b"").is_none());
            assert!(Stored::of(form, &vec![b'k'; KEY_MAX + 1]).is_none());
        }
    }
}
