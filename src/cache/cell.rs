//! An entry as it is seen while its shard is locked: the head of its block.
//!
//! ```text
//! joined: | count | key (24) | handle (32) | stamp | version | id | long key | value |
//! apart:          | key (24) | handle (32) | stamp | version | id | long key |
//! ```
//!
//! A read finds in two neighbouring lines of memory all that it needs: the key to compare, the deadline, the
//! handle to clone, and the reference count that the clone raises.
#![expect(
    unsafe_code,
    reason = "the handle of a value lies in the allocation that it keeps alive, where a read that has compared \
              the key finds it; safe code keeps it elsewhere, a trip to memory more for each read (ARCHITECTURE.md)"
)]

use std::cell::{Cell as Mutable, UnsafeCell};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use bytes::Bytes;

use super::key::{Key, Namespace};
use super::packed::PackedKey;
use super::prefetch::prefetch;
use super::shard::Id;
use super::stamp::Stamp;

/// What every block begins with.
#[repr(C)]
pub(super) struct Head {
    pub(super) key: PackedKey,
    /// Written once, when the block has its place; taken out once, when it is dropped.
    pub(super) handle: UnsafeCell<MaybeUninit<Bytes>>,
    /// In cells, like what follows: a read marks its entry used while it holds the shard by reference.
    pub(super) stamp: Mutable<Stamp>,
    pub(super) version: Mutable<u32>,
    pub(super) id: Mutable<Id>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Head>() == 72, "with the count, eighty bytes");

/// Head and long key of a block whose value lies elsewhere.
#[repr(C)]
pub(super) struct Apart {
    pub(super) head: Head,
    pub(super) long_key: Box<[u8]>,
}

/// An entry, found. Whoever made it saw to it that its block stays for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    // Not a reference: that would not reach the long key behind the head.
    head: NonNull<Head>,
    block: PhantomData<&'a Head>,
}

impl<'a> Cell<'a> {
    /// The entry whose block begins with this head.
    ///
    /// # Safety
    /// The head is that of a block, its handle is written, the address leads to all of the block, and the block is
    /// not dropped during `'a`. No other thread uses a cell of it then.
    #[inline(always)]
    pub(super) unsafe fn new(head: NonNull<Head>) -> Self {
        Self {
            head,
            block: PhantomData,
        }
    }

    /// Where the block lies, for the index.
    #[inline]
    pub(crate) fn address(self) -> u64 {
        self.head.addr().get() as u64
    }

    #[inline(always)]
    pub(super) fn head(self) -> &'a Head {
        // SAFETY: `new` was promised that the head is there for 'a; nobody makes a `&mut` of it.
        unsafe { self.head.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn stamp(self) -> Stamp {
        self.head().stamp.get()
    }

    #[inline(always)]
    pub(crate) fn set_stamp(self, stamp: Stamp) {
        // Dropping the block, and finding a long key, go by it.
        debug_assert_eq!(stamp.is_apart(), self.stamp().is_apart());
        self.head().stamp.set(stamp);
    }

    /// The version of the write that made it.
    #[inline]
    pub(crate) fn version(self) -> u32 {
        self.head().version.get()
    }

    pub(crate) fn set_version(self, version: u32) {
        self.head().version.set(version);
    }

    /// Its class and slot.
    #[inline]
    pub(crate) fn id(self) -> Id {
        self.head().id.get()
    }

    pub(crate) fn set_id(self, id: Id) {
        self.head().id.set(id);
    }

    /// The value.
    #[inline(always)]
    pub(crate) fn value(self) -> &'a Bytes {
        // SAFETY: written to only while the block is made or dropped, which is not during 'a.
        let handle = unsafe { &*self.head().handle.get() };
        // SAFETY: written, as `new` was promised.
        unsafe { handle.assume_init_ref() }
    }

    /// Whether this is the entry of `key`, whose packed form is `probe`.
    #[inline(always)]
    pub(crate) fn is(self, probe: &PackedKey, key: &Key<'_>) -> bool {
        self.head().key.is(probe) && (probe.is_inline() || same(self.long_key(), key.bytes))
    }

    /// The bytes of the key, if they are not packed.
    fn long_key(self) -> &'a [u8] {
        if self.stamp().is_apart() {
            let apart = self.head.cast::<Apart>();
            // SAFETY: the stamp says that the head is that of an `Apart`, which stays as long as the head.
            return unsafe { &apart.as_ref().long_key };
        }
        // SAFETY: the rest follows the head, whose alignment leaves no gap, in one allocation.
        let first = unsafe { self.head.add(1) }.cast::<u8>();
        let len = self.head().key.long_len();
        // SAFETY: so many bytes of key come first in the rest, which is initialized whole, written by nobody, and
        // stays as long as the head. The address leads there, as `new` was promised.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), len) }
    }

    /// Calls `see` with the key.
    pub(crate) fn with_key<R>(self, see: impl FnOnce(Key<'_>) -> R) -> R {
        let packed = &self.head().key;
        let long_key = match packed.is_inline() {
            true => &[],
            false => self.long_key(),
        };
        packed.with_key(long_key, see)
    }

    /// The key as a handle of its own.
    pub(crate) fn copy_key(self) -> Bytes {
        self.with_key(|key| Bytes::copy_from_slice(key.bytes))
    }

    /// The key's namespace.
    pub(crate) fn namespace(self) -> Namespace {
        self.with_key(|key| key.namespace)
    }

    /// Bytes that the entry is charged for, without its overhead.
    pub(crate) fn stored(self) -> usize {
        self.head().key.key_len() + self.value().len()
    }

    /// Asks for the lines that a read or a removal needs.
    #[inline]
    pub(crate) fn prefetch(self) {
        let at = self.head.as_ptr();
        prefetch(at);
        prefetch(at.wrapping_byte_add(size_of::<Head>() - 1));
    }
}

/// Equality of two slices, without the call into `memcmp` that costs a short key as much as comparing
/// it: from 16 to 32 bytes, two overlapping words do.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match (
        a.first_chunk(),
        a.last_chunk(),
        b.first_chunk(),
        b.last_chunk(),
    ) {
        (Some(a0), Some(a1), Some(b0), Some(b1)) if a.len() <= 32 && b.len() == a.len() => {
            let starts = u128::from_le_bytes(*a0) ^ u128::from_le_bytes(*b0);
            let ends = u128::from_le_bytes(*a1) ^ u128::from_le_bytes(*b1);
            starts | ends == 0
        }
        _ => a == b,
    }
}
