//! An entry's block: one allocation of reference count, head, long key and value, or a head that keeps the
//! caller's value.
//!
//! What lies where, `cell.rs` draws. The handle of a joined block is of the block itself: it holds the one
//! count that keeps the entry's part of the block alive, and stays where it is until the entry goes. Handing
//! out the value is a clone of it and nothing else.
//!
//! A value longer than the cache's `copy_up_to` is not copied: the caller's own `Bytes` is kept by a block
//! apart; so are values that no class of sizes holds, and empty ones.
#![expect(
    unsafe_code,
    reason = "a slot names its block by address, and the handle lies in what it keeps alive (`cell.rs`)"
)]

use std::cell::{Cell as Mutable, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use bytes::{Buf, Bytes};

use super::cell::{Apart, Cell, Head};
use super::key::Key;
use super::packed::PackedKey;
use super::shard::Id;
use super::stamp::Stamp;

/// The largest part behind the head that shares an allocation with it.
const JOINED_MAX: usize = 2048;

/// Head, long key and value in one allocation.
#[repr(C)]
struct Joined<const SIZE: usize> {
    head: Head,
    rest: [u8; SIZE],
}

impl<const SIZE: usize> AsRef<[u8]> for Joined<SIZE> {
    fn as_ref(&self) -> &[u8] {
        // `Bytes::from_owner` asks once, when the block has its place. The handle's address is that of the
        // rest alone; this lets `join`, and whoever follows an address in the index, reach all of the block.
        std::ptr::from_ref(self).expose_provenance();
        &self.rest
    }
}

/// The entry's own part of a block: no two of these name one block.
pub(crate) struct Block(NonNull<Head>);

// SAFETY: a block is an owner: of a key, some numbers and a handle, which may all go to another thread. Nobody
// else reaches the head: clones of the handle that others hold lead to the value and to the count.
unsafe impl Send for Block {}

impl Block {
    /// A block of its own for a key and a copy of its value.
    pub(crate) fn copy(key: &Key<'_>, value: &[u8]) -> Self {
        let packed = PackedKey::new(key);
        let long_key = if packed.is_inline() { &[] } else { key.bytes };
        // No handle of nothing: it would be free to forget where it points.
        if !value.is_empty()
            && let Some(block) = joined(packed, long_key, value)
        {
            return block;
        }
        Self::apart(packed, long_key, Bytes::copy_from_slice(value))
    }

    /// A block that keeps the caller's value.
    pub(crate) fn keep(key: &Key<'_>, value: Bytes) -> Self {
        let packed = PackedKey::new(key);
        let long_key = if packed.is_inline() { &[] } else { key.bytes };
        Self::apart(packed, long_key, value)
    }

    fn apart(key: PackedKey, long_key: &[u8], value: Bytes) -> Self {
        // A vector's bytes get their reference count on the first clone; pay for it here, outside the
        // lock, rather than in the first reader.
        drop(value.clone());
        let mut head = head(key, true);
        head.handle.get_mut().write(value);
        let long_key = long_key.into();
        let block = Box::into_raw(Box::new(Apart { head, long_key }));
        // Found again by its address in the index.
        block.expose_provenance();
        Self::named(block.cast())
    }

    /// An address as this system's allocator gives them.
    pub(crate) fn sample_address() -> u64 {
        let sample = std::hint::black_box(Box::new(0_u64));
        std::ptr::from_ref(&*sample).addr() as u64
    }

    /// Whether the index has room for an address: for 48 bits. Every 64-bit system keeps to them whose allocator
    /// puts no tag into the bits above.
    pub(crate) fn is_nameable(address: u64) -> bool {
        address >> 48 == 0
    }

    fn named(head: *mut Head) -> Self {
        // Whoever builds a cache has asked already.
        let address = head.addr() as u64;
        assert!(Self::is_nameable(address), "addresses are of 48 bits");
        Self(NonNull::new(head).expect("an allocation is not at address zero"))
    }

    /// The entry, for as long as the block is borrowed.
    #[inline(always)]
    pub(crate) fn cell(&self) -> Cell<'_> {
        // SAFETY: a block is made with its handle written and is dropped when nobody borrows it. Its address leads
        // to all of it: `apart` has it from the box, `join` from where `as_ref` exposed it. The head is reached
        // from blocks alone, and from the index of the shard whose lock guards them.
        unsafe { Cell::new(self.0) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let head = self.cell().head();
        let is_apart = head.stamp.get().is_apart();
        // SAFETY: the cell is there to be read, and nobody else reaches it any more.
        let handle = unsafe { head.handle.get().read() };
        // SAFETY: written when the block was made, and taken out nowhere else.
        let handle = unsafe { handle.assume_init() };
        if is_apart {
            // SAFETY: leaked by `apart`, as the stamp says, and freed nowhere else; nothing borrows it any more.
            drop(unsafe { Box::from_raw(self.0.cast::<Apart>().as_ptr()) });
        }
        // Last: a joined block may go with it, and the destructor of a caller's buffer may panic.
        drop(handle);
    }
}

/// A head whose handle is still to be written, of an entry that has no slot yet.
fn head(key: PackedKey, is_apart: bool) -> Head {
    Head {
        key,
        handle: UnsafeCell::new(MaybeUninit::uninit()),
        stamp: Mutable::new(Stamp::FREE.with_apart(is_apart)),
        version: Mutable::new(0),
        id: Mutable::new(Id::from_raw(0)),
    }
}

/// Builds a joined block, or nothing if key and value are beyond the largest class.
///
/// Classes are 8 bytes apart up to 512 and 64 apart up to [`JOINED_MAX`]: below, a class wastes 4
/// bytes on average; each class is one copy of a few dozen instructions.
fn joined(key: PackedKey, long_key: &[u8], value: &[u8]) -> Option<Block> {
    macro_rules! classes {
        ($($size:literal)*) => {
            match class(long_key.len() + value.len()) {
                $($size => Some(join::<$size>(key, long_key, value)),)*
                _ => None,
            }
        };
    }
    classes!(
        8 16 24 32 40 48 56 64 72 80 88 96 104 112 120 128 136 144 152 160 168 176 184 192 200 208
        216 224 232 240 248 256 264 272 280 288 296 304 312 320 328 336 344 352 360 368 376 384 392
        400 408 416 424 432 440 448 456 464 472 480 488 496 504 512 576 640 704 768 832 896 960 1024
        1088 1152 1216 1280 1344 1408 1472 1536 1600 1664 1728 1792 1856 1920 1984 2048
    )
}

fn class(len: usize) -> usize {
    match len {
        0..=512 => len.next_multiple_of(8),
        513..=JOINED_MAX => len.next_multiple_of(64),
        _ => 0,
    }
}

fn join<const SIZE: usize>(key: PackedKey, long_key: &[u8], value: &[u8]) -> Block {
    let mut rest = [0; SIZE];
    let (into_key, into_value) = rest.split_at_mut(long_key.len());
    into_key.copy_from_slice(long_key);
    into_value[..value.len()].copy_from_slice(value);
    let head = head(key, false);
    let mut handle = Bytes::from_owner(Joined { head, rest });
    let at = handle.as_ptr().addr() - std::mem::offset_of!(Joined<SIZE>, rest);
    handle.advance(long_key.len());
    handle.truncate(value.len());
    let head = std::ptr::with_exposed_provenance_mut::<Head>(at);
    // SAFETY: the head lies in what the handle keeps alive.
    let place = UnsafeCell::raw_get(unsafe { &raw const (*head).handle });
    // SAFETY: the cell is there to be written to, nobody else has the address of the head, and the handle, not
    // empty, keeps alive what it is written into.
    unsafe { place.write(MaybeUninit::new(handle)) };
    Block::named(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::key::Namespace;
    use crate::cache::packed::tests::is_nobody_else;

    #[test]
    fn gives_back_what_it_was_built_of_at_every_size() {
        let key_bytes = [7_u8; 40];
        for key_len in [1, 7, 8, 9, 22, 40] {
            for value_len in (0..700).chain([1023, 1024, 2007, 2008, 2009, 2047, 2048, 2049, 5000])
            {
                let value = vec![9; value_len];
                let key = Namespace::at(3).key(&key_bytes[..key_len]);
                if cfg!(miri) && value_len % 59 > 1 {
                    continue;
                }
                for block in [
                    Block::copy(&key, &value),
                    Block::keep(&key, value.clone().into()),
                ] {
                    let cell = block.cell();
                    cell.set_version(5);
                    assert!(cell.is(&PackedKey::new(&key), &key));
                    assert_eq!(cell.value(), &value);
                    assert_eq!(cell.copy_key(), &key_bytes[..key_len]);
                    assert_eq!(cell.namespace(), Namespace::at(3));
                    assert_eq!((cell.version(), cell.stored()), (5, key_len + value_len));
                }
            }
        }
    }

    #[test]
    fn tells_long_keys_apart_that_differ_in_any_byte_length_or_namespace() {
        for len in [23, 31, 32, 33, 41] {
            let bytes: Vec<u8> = (0..len).collect();
            let key = Key::from(&bytes);
            let block = Block::copy(&key, b"v");
            let is = |other: &Key<'_>| block.cell().is(&PackedKey::new(other), other);
            assert!(is(&key));
            assert!(block.cell().with_key(|found| found == key));
            is_nobody_else(&bytes, is);
        }
    }

    #[test]
    fn values_outlive_their_block_on_other_threads() {
        for key in ["short", "a key that is longer than twenty-two bytes"] {
            let block = Block::copy(&Key::from(key), b"value");
            let value = block.cell().value().clone();
            let reader = std::thread::spawn(move || assert_eq!(value, "value"));
            drop(block);
            reader.join().expect("the value is still there");
        }
    }

    #[test]
    fn a_kept_value_is_the_callers_and_is_given_up_with_the_block() {
        struct Owner {
            _held: std::sync::Arc<()>,
        }
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                b"owned"
            }
        }
        let held = std::sync::Arc::new(());
        let value = Bytes::from_owner(Owner {
            _held: held.clone(),
        });
        let block = Block::keep(&Key::from("key"), value.clone());
        assert_eq!(block.cell().value().as_ptr(), value.as_ptr());
        drop(value);
        assert_eq!(std::sync::Arc::strong_count(&held), 2);
        drop(block);
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }
}
