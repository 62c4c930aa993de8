//! A key packed into three words, which is how an entry holds it and how a lookup asks for it.
//!
//! Keys of up to 22 bytes of the first 256 namespaces fit whole: padded with zeros, then the length and
//! the namespace. Of a longer one the words hold length and namespace only; its bytes follow in the block.

use super::key::Key;

/// The longest key that is packed whole.
const INLINE_KEY: usize = 22;
/// In place of a packed key's length: the words say how long it is, its bytes are in the block.
const IN_BLOCK: u8 = u8::MAX;

/// Where the last word keeps length and namespace: its two highest bytes.
const LEN_SHIFT: u32 = 48;
const NAMESPACE_SHIFT: u32 = 56;

/// See the module's text. Two keys are the same if their words are and, where these do not hold the
/// bytes, the bytes are.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(PartialEq, Eq))]
pub(crate) struct PackedKey([u64; 3]);

impl PackedKey {
    #[inline(always)]
    pub(crate) fn new(key: &Key<'_>) -> Self {
        // Ids of 128 bits in base64 are 22 bytes long: no byte of them is copied one by one.
        if let (Some(first), Some(last), 17..=INLINE_KEY, 0..=0xff) = (
            key.bytes.first_chunk::<16>(),
            key.bytes.last_chunk::<8>(),
            key.bytes.len(),
            key.namespace.number(),
        ) {
            let len = key.bytes.len() as u64;
            let ([low, high], _) = first.as_chunks::<8>() else {
                return Self::of_any_length(key);
            };
            let (low, high) = (u64::from_le_bytes(*low), u64::from_le_bytes(*high));
            // The last eight bytes overlap the first sixteen by 24 - len.
            let rest = u64::from_le_bytes(*last) >> (8 * (24 - len));
            return Self([
                low,
                high,
                rest | len << LEN_SHIFT | u64::from(key.namespace.number()) << NAMESPACE_SHIFT,
            ]);
        }
        Self::of_any_length(key)
    }

    #[inline(never)]
    fn of_any_length(key: &Key<'_>) -> Self {
        let (Some(namespace), Some(len)) = (
            u8::try_from(key.namespace.number()).ok(),
            u8::try_from(key.bytes.len())
                .ok()
                .filter(|&len| usize::from(len) <= INLINE_KEY),
        ) else {
            return Self([key.word().into(), 0, u64::from(IN_BLOCK) << LEN_SHIFT]);
        };
        let mut bytes = [0; 24];
        bytes[..key.bytes.len()].copy_from_slice(key.bytes);
        bytes[INLINE_KEY] = len;
        bytes[INLINE_KEY + 1] = namespace;
        Self::from_bytes(bytes)
    }

    fn from_bytes(bytes: [u8; 24]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let mut key = [0; 3];
        for (word, bytes) in key.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self(key)
    }

    /// Equality word by word, in registers.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Self) -> bool {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        (a ^ x) | (b ^ y) | (c ^ z) == 0
    }

    #[inline]
    pub(crate) fn is_inline(&self) -> bool {
        self.len() != IN_BLOCK
    }

    #[inline]
    fn len(&self) -> u8 {
        let [.., len, _] = self.0[2].to_le_bytes();
        len
    }

    fn namespace(&self) -> u8 {
        let [.., namespace] = self.0[2].to_le_bytes();
        namespace
    }

    fn bytes(&self) -> [u8; INLINE_KEY] {
        let mut bytes = [0; INLINE_KEY];
        let all = self.0.into_iter().flat_map(u64::to_le_bytes);
        bytes
            .iter_mut()
            .zip(all)
            .for_each(|(into, byte)| *into = byte);
        bytes
    }

    /// Calls `see` with the key, whose bytes are `long` if they are not packed.
    pub(crate) fn with_key<R>(&self, long: &[u8], see: impl FnOnce(Key<'_>) -> R) -> R {
        if !self.is_inline() {
            return see(Key::from_parts(self.word(), long));
        }
        let bytes = self.bytes();
        let key = bytes.get(..usize::from(self.len())).unwrap_or_default();
        see(Key::at(u16::from(self.namespace()), key))
    }

    /// Bytes of the key that are not packed.
    #[inline]
    pub(crate) fn long_len(&self) -> usize {
        if self.is_inline() {
            0
        } else {
            Key::len_of_word(self.word())
        }
    }

    /// Bytes of the key.
    pub(crate) fn key_len(&self) -> usize {
        if self.is_inline() {
            usize::from(self.len())
        } else {
            self.long_len()
        }
    }

    /// A long key's length and namespace as [`Key::word`] packs them.
    fn word(&self) -> u32 {
        let [a, b, c, d, ..] = self.0[0].to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cache::key::Namespace;

    /// Says that `is`, which knows the key of these bytes, knows none that differs in a byte, in length or
    /// in namespace.
    pub(in super::super) fn is_nobody_else(bytes: &[u8], is: impl Fn(&Key<'_>) -> bool) {
        for at in 0..bytes.len() {
            let mut other = bytes.to_vec();
            other[at] ^= 0x40;
            assert!(!is(&Key::from(&other)), "{} {at}", bytes.len());
        }
        assert!(!is(&Namespace::at(1).key(bytes)));
        assert!(!is(&Namespace::at(300).key(bytes)));
        assert!(!is(&Key::from(&bytes[..bytes.len() - 1])));
    }

    #[test]
    fn tells_keys_apart_that_differ_in_any_byte_length_or_namespace() {
        for len in [1, 7, 8, 9, 16, 17, 21, 22] {
            let bytes: Vec<u8> = (0..len).collect();
            let key = Key::from(&bytes);
            let packed = PackedKey::new(&key);
            let is = |other: &Key<'_>| packed.is(&PackedKey::new(other));
            assert!(packed.is_inline() && is(&key));
            assert!(packed == PackedKey::of_any_length(&key));
            assert!(packed.with_key(&[], |found| found == key));
            is_nobody_else(&bytes, is);
        }
    }

    #[test]
    fn of_a_long_key_length_and_namespace_are_packed() {
        let bytes = [7; 400];
        let long = |namespace, len| PackedKey::new(&Namespace::at(namespace).key(&bytes[..len]));
        for (namespace, len) in [(0, 23), (0, 400), (256, 5), (65_535, 22)] {
            let packed = long(namespace, len);
            assert!(!packed.is_inline() && packed.is(&long(namespace, len)));
            assert_eq!((packed.key_len(), packed.long_len()), (len, len));
            let key = Namespace::at(namespace).key(&bytes[..len]);
            assert!(packed.with_key(&bytes[..len], |found| found == key));
            assert!(!packed.is(&long(namespace ^ 1, len)));
            assert!(!packed.is(&long(namespace, len - 1)));
        }
    }
}
