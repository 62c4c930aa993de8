//! One allocation per small entry: reference count, version, namespace, key and value side by side.
//!
//! ```text
//! | count, destructor (16) | version u32 | key length - 1, u16 | namespace u16 | key | value |
//!   `Bytes::from_owner`'s     `PREFIX` bytes, little-endian
//! ```
//!
//! The first cache line of a block holds all that a lookup needs to be sure of its key, and the
//! reference count that handing out the value must raise. A value longer than the cache's
//! `copy_up_to` is not copied: the caller's own `Bytes` is kept, and a block without a value, the
//! *head*, carries the key.

use bytes::{Buf, Bytes};

use super::key::Key;

/// Bytes before the key.
const PREFIX: usize = 8;

/// The largest block that is built in one allocation with its reference count.
const INLINE_MAX: usize = 2048;

/// Builds the block of `key` and `value`; `value` is empty for a head.
pub(crate) fn build(key: &Key<'_>, version: u32, value: &[u8]) -> Bytes {
    let len = PREFIX + key.bytes.len() + value.len();
    if let Some(block) = inline::build(len, |buffer| fill(buffer, key, version, value)) {
        return block;
    }
    let mut buffer = vec![0; len];
    fill(&mut buffer, key, version, value);
    let block = Bytes::from(buffer);
    // A vector's bytes get their reference count on the first clone; pay for it here, outside the
    // lock, rather than in the first reader.
    drop(block.clone());
    block
}

fn fill(buffer: &mut [u8], key: &Key<'_>, version: u32, value: &[u8]) {
    let (prefix, rest) = buffer.split_at_mut(PREFIX);
    prefix[..4].copy_from_slice(&version.to_le_bytes());
    prefix[4..].copy_from_slice(&key.word().to_le_bytes());
    let (into_key, rest) = rest.split_at_mut(key.bytes.len());
    into_key.copy_from_slice(key.bytes);
    rest[..value.len()].copy_from_slice(value);
}

/// The key's length and namespace as [`Key::word`] packs them.
#[inline]
fn word(block: &[u8]) -> u32 {
    match block.first_chunk::<PREFIX>() {
        Some(&[_, _, _, _, a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        // No block is shorter than its prefix; the answer of no key at all keeps this total.
        None => 0,
    }
}

#[inline]
pub(crate) fn version(block: &[u8]) -> u32 {
    match block.first_chunk::<4>() {
        Some(&version) => u32::from_le_bytes(version),
        None => 0,
    }
}

/// What an entry is charged whose buffers, head and value together, hold `stored` bytes.
pub(crate) fn charge(stored: usize) -> u64 {
    (stored - PREFIX.min(stored)) as u64 + super::shard::ENTRY_OVERHEAD
}

/// Where the value begins.
#[inline]
pub(crate) fn value_start(block: &[u8]) -> usize {
    PREFIX + Key::len_of_word(word(block))
}

#[inline]
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

#[inline]
pub(crate) fn key(block: &[u8]) -> Key<'_> {
    let word = word(block);
    let end = PREFIX + Key::len_of_word(word);
    Key::from_parts(word, block.get(PREFIX..end).unwrap_or_default())
}

/// The value's bytes, borrowed.
#[inline]
pub(crate) fn value(block: &[u8]) -> &[u8] {
    block.get(value_start(block)..).unwrap_or_default()
}

/// The value as a handle of its own on the same buffer.
#[inline]
pub(crate) fn share(block: &Bytes) -> Bytes {
    let mut value = block.clone();
    value.advance(value_start(block).min(block.len()));
    value
}

/// The key as a handle of its own on the same buffer.
pub(crate) fn share_key(block: &Bytes) -> Bytes {
    block.slice(PREFIX.min(block.len())..value_start(block).min(block.len()))
}

/// Blocks in one allocation with their count: `Bytes::from_owner` over arrays of fixed sizes.
mod inline {
    use bytes::Bytes;

    /// Builds an inline block of `len` bytes, or nothing if `len` is beyond the largest class.
    ///
    /// Classes are 8 bytes apart up to 512 and 64 apart up to [`super::INLINE_MAX`]: below, a class
    /// wastes 4 bytes on average; each class is one copy of a few dozen instructions.
    pub(super) fn build(len: usize, fill: impl FnOnce(&mut [u8])) -> Option<Bytes> {
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

    fn of<const SIZE: usize>(len: usize, fill: impl FnOnce(&mut [u8])) -> Bytes {
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
                let value_bytes = vec![9; value_len];
                let key = Namespace::at(3).key(&key_bytes[..key_len]);
                let block = build(&key, 0xdead_beef, &value_bytes);
                assert!(holds(&block, &key));
                assert_eq!(version(&block), 0xdead_beef);
                assert_eq!(value(&block), value_bytes);
                assert_eq!(share(&block), value_bytes);
                assert_eq!(share_key(&block), &key_bytes[..key_len]);
                assert_eq!(share(&block).as_ptr(), value(&block).as_ptr());
            }
        }
    }

    #[test]
    fn tells_keys_apart_that_differ_in_any_byte_length_or_namespace() {
        for len in [1, 7, 8, 9, 16, 22, 31, 32, 33, 41] {
            let bytes: Vec<u8> = (0..len).collect();
            let key = Key::from(&bytes);
            let block = build(&key, 1, b"v");
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 0x40;
                assert!(!holds(&block, &Key::from(&other)), "{len} {at}");
            }
            assert!(!holds(&block, &Namespace::at(1).key(&bytes)));
            assert!(!holds(&block, &Key::from(&bytes[..bytes.len() - 1])));
        }
    }
}
