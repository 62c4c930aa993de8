//! What an entry holds beside its slot: one allocation of reference count, version and value.
//!
//! ```text
//! short: | count, destructor (16) | value |
//! long:  | count, destructor (16) | key length - 1, u16 | namespace u16 | key | value |
//!          `Bytes::from_owner`'s    little-endian
//! ```
//!
//! A short block belongs to an entry whose key fits into its slot: handing out the value is a clone
//! of the stored handle and nothing else. (A prefix that the handle had to be moved past was measured
//! and lost: the moved handle went through memory and stalled.) The reference count that the clone
//! raises lies in the cache line where the value begins. A value longer than the cache's
//! `copy_up_to` is not copied: the caller's own `Bytes` is kept, and a long block without a value,
//! the *head*, carries the key.

use bytes::{Buf, Bytes};

use super::key::Key;

/// Bytes before the key of a long block.
const PREFIX: usize = 4;

/// The largest block that is built in one allocation with its reference count.
const INLINE_MAX: usize = 2048;

/// The longest key that a slot holds itself.
pub(crate) const INLINE_KEY: usize = 22;
/// In place of an inline key's length: the key is in the block.
const IN_BLOCK: u8 = u8::MAX;
/// Where a slot key's last word keeps length and namespace: its two highest bytes.
const LEN_SHIFT: u32 = 48;
const NAMESPACE_SHIFT: u32 = 56;

/// A key as its slot holds it, if it is short and of one of the first 256 namespaces: 22 bytes,
/// padded with zeros, the length and the namespace, as three words that are compared as such.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(PartialEq, Eq))]
pub(crate) struct SlotKey([u64; 3]);

impl SlotKey {
    /// Says that the key is in the entry's block.
    pub(crate) const ELSEWHERE: Self = Self([0, 0, (IN_BLOCK as u64) << LEN_SHIFT]);

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
            return Self::ELSEWHERE;
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

    /// Calls `see` with the key; with an empty one if the key is elsewhere.
    pub(crate) fn with_key<R>(&self, see: impl FnOnce(Key<'_>) -> R) -> R {
        let bytes = self.bytes();
        let key = bytes.get(..self.stored()).unwrap_or_default();
        see(Key::at(u16::from(self.namespace()), key))
    }

    /// Bytes of the key that are held here.
    pub(crate) fn stored(&self) -> usize {
        if self.is_inline() {
            usize::from(self.len())
        } else {
            0
        }
    }
}

/// Builds the block of a value whose key is in the slot.
pub(crate) fn short(value: &[u8]) -> Bytes {
    build(value.len(), |buffer| buffer.copy_from_slice(value))
}

/// Builds the block of a key and a value; the value is empty for a head.
pub(crate) fn long(key: &Key<'_>, value: &[u8]) -> Bytes {
    let len = PREFIX + key.bytes.len() + value.len();
    build(len, |buffer| {
        let (prefix, rest) = buffer.split_at_mut(PREFIX);
        prefix.copy_from_slice(&key.word().to_le_bytes());
        let (into_key, into_value) = rest.split_at_mut(key.bytes.len());
        into_key.copy_from_slice(key.bytes);
        into_value.copy_from_slice(value);
    })
}

fn build(len: usize, fill: impl Fn(&mut [u8])) -> Bytes {
    if let Some(block) = inline::build(len, &fill) {
        return block;
    }
    let mut buffer = vec![0; len];
    fill(&mut buffer);
    let block = Bytes::from(buffer);
    // A vector's bytes get their reference count on the first clone; pay for it here, outside the
    // lock, rather than in the first reader.
    drop(block.clone());
    block
}

/// A long block's key length and namespace as [`Key::word`] packs them.
#[inline]
fn word(block: &[u8]) -> u32 {
    match block.first_chunk::<PREFIX>() {
        Some(&word) => u32::from_le_bytes(word),
        // No long block is shorter than its prefix; the answer keeps this total.
        None => 0,
    }
}

/// Bytes of key and value in a long block.
pub(crate) fn long_stored(block_len: usize) -> usize {
    block_len.saturating_sub(PREFIX)
}

/// Where a long block's value begins.
#[inline]
pub(crate) fn long_start(block: &[u8]) -> usize {
    PREFIX + Key::len_of_word(word(block))
}

/// The key of a long block.
pub(crate) fn key(block: &[u8]) -> Key<'_> {
    let key = block.get(PREFIX..long_start(block)).unwrap_or_default();
    Key::from_parts(word(block), key)
}

/// The key of a long block as a handle of its own on the same buffer.
pub(crate) fn share_key(block: &Bytes) -> Bytes {
    block.slice(PREFIX.min(block.len())..long_start(block).min(block.len()))
}

/// The buffer without its first `start` bytes, as a handle of its own.
#[inline]
pub(crate) fn share(block: &Bytes, start: usize) -> Bytes {
    let mut value = block.clone();
    value.advance(start.min(block.len()));
    value
}

/// Whether a long block is that of `key`.
pub(crate) fn holds(block: &[u8], key: &Key<'_>) -> bool {
    word(block) == key.word()
        && block
            .get(PREFIX..PREFIX + key.bytes.len())
            .is_some_and(|stored| same(stored, key.bytes))
}

/// Equality of two slices of one length, without the call into `memcmp` that costs a short key as
/// much as comparing it: from 16 to 32 bytes, two overlapping words do.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match (
        a.first_chunk(),
        a.last_chunk(),
        b.first_chunk(),
        b.last_chunk(),
    ) {
        (Some(a0), Some(a1), Some(b0), Some(b1)) if a.len() <= 32 => {
            let starts = u128::from_le_bytes(*a0) ^ u128::from_le_bytes(*b0);
            let ends = u128::from_le_bytes(*a1) ^ u128::from_le_bytes(*b1);
            starts | ends == 0
        }
        _ => a == b,
    }
}

/// Blocks in one allocation with their count: `Bytes::from_owner` over arrays of fixed sizes.
mod inline {
    use bytes::Bytes;

    /// Builds an inline block of `len` bytes, or nothing if `len` is beyond the largest class.
    ///
    /// Classes are 8 bytes apart up to 512 and 64 apart up to [`super::INLINE_MAX`]: below, a class
    /// wastes 4 bytes on average; each class is one copy of a few dozen instructions.
    pub(super) fn build(len: usize, fill: impl Fn(&mut [u8])) -> Option<Bytes> {
        macro_rules! classes {
            ($($size:literal)*) => {
                match class(len) {
                    $($size => Some(of::<$size>(len, fill)),)*
                    _ => None,
                }
            };
        }
        classes!(
            16 24 32 40 48 56 64 72 80 88 96 104 112 120 128 136 144 152 160 168 176 184 192 200
            208 216 224 232 240 248 256 264 272 280 288 296 304 312 320 328 336 344 352 360 368
            376 384 392 400 408 416 424 432 440 448 456 464 472 480 488 496 504 512 576 640 704
            768 832 896 960 1024 1088 1152 1216 1280 1344 1408 1472 1536 1600 1664 1728 1792 1856
            1920 1984 2048
        )
    }

    fn class(len: usize) -> usize {
        match len {
            0..=16 => 16,
            17..=512 => len.next_multiple_of(8),
            513..=super::INLINE_MAX => len.next_multiple_of(64),
            _ => 0,
        }
    }

    fn of<const SIZE: usize>(len: usize, fill: impl Fn(&mut [u8])) -> Bytes {
        let mut buffer = [0; SIZE];
        fill(&mut buffer[..len]);
        let mut block = Bytes::from_owner(buffer);
        block.truncate(len);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::key::Namespace;

    #[test]
    fn gives_back_what_it_was_built_of_at_every_size() {
        let key_bytes = [7_u8; 40];
        for key_len in [1, 7, 8, 9, 22, 40] {
            for value_len in (0..700).chain([1023, 1024, 2047, 2048, 5000]) {
                let value = vec![9; value_len];
                let key = Namespace::at(3).key(&key_bytes[..key_len]);
                let block = long(&key, &value);
                assert!(holds(&block, &key));
                assert_eq!(share(&block, long_start(&block)), value);
                assert_eq!(share_key(&block), &key_bytes[..key_len]);
                assert_eq!(short(&value), value);
            }
        }
    }

    #[test]
    fn tells_keys_apart_that_differ_in_any_byte_length_or_namespace() {
        for len in [1, 7, 8, 9, 16, 22, 31, 32, 33, 41] {
            let bytes: Vec<u8> = (0..len).collect();
            let key = Key::from(&bytes);
            let block = long(&key, b"v");
            let slot = SlotKey::new(&key);
            assert_eq!(slot.is_inline(), len <= 22);
            let is = |other: &Key<'_>| match slot.is_inline() {
                true => slot == SlotKey::new(other),
                false => holds(&block, other),
            };
            assert!(is(&key));
            assert!(slot == SlotKey::of_any_length(&key));
            assert!(match slot.is_inline() {
                true => slot.with_key(|found| found == key),
                false => super::key(&block) == key,
            });
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 0x40;
                assert!(!is(&Key::from(&other)), "{len} {at}");
            }
            assert!(!is(&Namespace::at(1).key(&bytes)));
            assert!(!is(&Namespace::at(300).key(&bytes)));
            assert!(!is(&Key::from(&bytes[..bytes.len() - 1])));
        }
        assert!(!SlotKey::new(&Namespace::at(256).key(b"id")).is_inline());
    }
}
