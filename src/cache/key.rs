//! Keys and the namespaces they live in.

use std::fmt;

use bytes::Bytes;
use dashmap::DashMap;

use crate::error::{Error, Result};

/// The longest key, in bytes.
pub const KEY_MAX: usize = 64 * 1024;

/// A borrowed key: bytes in a namespace.
///
/// Made from bytes or text for the default namespace, or by [`Namespace::key`]. `Debug` shows its
/// length and nothing else, because a key may be somebody's session id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) namespace: Namespace,
}

impl<'a> Key<'a> {
    /// The key's bytes, without its namespace.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The namespace the key lives in.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// Length minus one and namespace in one word, compared before the bytes are.
    #[inline]
    pub(crate) fn word(&self) -> u32 {
        let len = u32::try_from(self.bytes.len().wrapping_sub(1)).unwrap_or(u32::MAX);
        (len & 0xffff) | (u32::from(self.namespace.0) << 16)
    }

    #[inline]
    pub(crate) fn len_of_word(word: u32) -> usize {
        (word & 0xffff) as usize + 1
    }

    /// The key `bytes` of the namespace with this number.
    pub(crate) fn at(namespace: u16, bytes: &'a [u8]) -> Self {
        Namespace(namespace).key(bytes)
    }

    pub(crate) fn from_parts(word: u32, bytes: &'a [u8]) -> Self {
        let [_, _, low, high] = word.to_le_bytes();
        Self {
            bytes,
            namespace: Namespace(u16::from_le_bytes([low, high])),
        }
    }

    /// Whether an entry can exist under this key: reads of impossible keys miss, writes refuse.
    #[inline]
    pub(crate) fn is_possible(&self) -> bool {
        !self.bytes.is_empty() && self.bytes.len() <= KEY_MAX
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_possible() {
            return Ok(());
        }
        Err(Error::input(if self.bytes.is_empty() {
            "store an entry: its key is empty; keys are 1 to 65536 bytes".to_owned()
        } else {
            format!(
                "store an entry: its key is {} bytes; keys are 1 to {KEY_MAX} bytes",
                self.bytes.len()
            )
        }))
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes, {:?})", self.bytes.len(), self.namespace)
    }
}

impl<'a> From<&'a [u8]> for Key<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Namespace::DEFAULT.key(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Key<'a> {
    #[inline]
    fn from(bytes: &'a [u8; N]) -> Self {
        Namespace::DEFAULT.key(bytes)
    }
}

impl<'a> From<&'a str> for Key<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Namespace::DEFAULT.key(text.as_bytes())
    }
}

impl<'a> From<&'a String> for Key<'a> {
    fn from(text: &'a String) -> Self {
        Namespace::DEFAULT.key(text.as_bytes())
    }
}

impl<'a> From<&'a Vec<u8>> for Key<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Namespace::DEFAULT.key(bytes)
    }
}

impl<'a> From<&'a Bytes> for Key<'a> {
    fn from(bytes: &'a Bytes) -> Self {
        Namespace::DEFAULT.key(bytes)
    }
}

/// A key prefix, interned: two bytes per entry whatever its length.
///
/// Several applications share one cache by giving each its own; [`Cache::namespace`] makes one.
///
/// [`Cache::namespace`]: crate::Cache::namespace
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Namespace(u16);

impl Namespace {
    /// Where keys without a namespace live.
    pub const DEFAULT: Self = Self(0);

    #[cfg(test)]
    pub(crate) fn at(number: u16) -> Self {
        Self(number)
    }

    #[inline]
    pub(crate) fn number(self) -> u16 {
        self.0
    }

    /// Puts `bytes` into this namespace.
    #[inline]
    #[must_use]
    pub fn key(self, bytes: &[u8]) -> Key<'_> {
        Key {
            bytes,
            namespace: self,
        }
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({})", self.0)
    }
}

/// Which prefix has which number. Asked when an application starts, never per request.
pub(crate) struct Namespaces {
    numbers: DashMap<Box<str>, u16, ahash::RandomState>,
}

/// The longest namespace prefix, in bytes.
pub(crate) const PREFIX_MAX: usize = 1024;

impl Namespaces {
    pub(crate) fn new() -> Self {
        Self {
            numbers: DashMap::with_hasher(crate::sync::hash_state()),
        }
    }

    /// The namespace of `prefix`; the empty prefix is the default namespace.
    pub(crate) fn intern(&self, prefix: &str) -> Result<Namespace> {
        if prefix.is_empty() {
            return Ok(Namespace::DEFAULT);
        }
        if prefix.len() > PREFIX_MAX {
            return Err(Error::input(format!(
                "open a namespace: its prefix is {} bytes; at most {PREFIX_MAX} are allowed",
                prefix.len()
            )));
        }
        if let Some(number) = self.numbers.get(prefix) {
            return Ok(Namespace(*number));
        }
        // Counting and taking the next number must be one step; this lock is that step.
        static NUMBERING: parking_lot::Mutex<()> = parking_lot::Mutex::new(());
        let _numbering = NUMBERING.lock();
        if let Some(number) = self.numbers.get(prefix) {
            return Ok(Namespace(*number));
        }
        let number = u16::try_from(self.numbers.len() + 1).map_err(|_| {
            Error::input("open a namespace: all 65535 are in use; use fewer prefixes")
        })?;
        self.numbers.insert(prefix.into(), number);
        Ok(Namespace(number))
    }

    /// The prefix of a namespace.
    pub(crate) fn prefix(&self, namespace: Namespace) -> Option<Box<str>> {
        self.numbers
            .iter()
            .find(|entry| *entry.value() == namespace.0)
            .map(|entry| entry.key().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn one_prefix_has_one_number_and_the_empty_one_is_the_default() {
        let namespaces = Namespaces::new();
        let a = namespaces.intern("session:").expect("short prefix");
        let b = namespaces.intern("admin:").expect("short prefix");
        assert_ne!(a, b);
        assert_ne!(a, Namespace::DEFAULT);
        assert_eq!(namespaces.intern("session:").expect("known"), a);
        assert_eq!(namespaces.intern("").expect("empty"), Namespace::DEFAULT);
        assert_eq!(namespaces.prefix(b).as_deref(), Some("admin:"));
        assert!(namespaces.intern(&"x".repeat(2000)).is_err());
    }

    #[test]
    fn the_last_number_is_given_out_and_one_prefix_more_is_refused() {
        let namespaces = Namespaces::new();
        let name = |number: u16| format!("{number}:");
        for number in 1..=u16::MAX {
            let namespace = namespaces.intern(&name(number)).expect("one is left");
            assert_eq!(namespace, Namespace::at(number));
        }
        for _ in 0..2 {
            let error = namespaces.intern("one more:").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("all 65535 are in use"));
            // Who was refused took nothing; who is known stays known.
            assert_eq!(namespaces.prefix(Namespace::DEFAULT), None);
            for number in [1, u16::MAX] {
                let namespace = namespaces.intern(&name(number)).expect("known");
                assert_eq!(namespace, Namespace::at(number));
            }
        }
        assert_eq!(namespaces.intern("").expect("empty"), Namespace::DEFAULT);
    }

    #[test]
    fn lengths_survive_the_word_at_both_ends() {
        let longest = vec![1; KEY_MAX];
        assert_eq!(Key::len_of_word(Key::from(&longest).word()), KEY_MAX);
        assert_eq!(Key::len_of_word(Key::from("x").word()), 1);
        assert!(!Key::from("").is_possible());
        assert!(!Key::from(&vec![1; KEY_MAX + 1]).is_possible());
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let shown = format!("{:?}", Key::from("c29tZSBzZWNyZXQ"));
        assert!(!shown.contains("c29t"), "{shown}");
    }
}
