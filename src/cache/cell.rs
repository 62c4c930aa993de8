//! An entry as it is seen in its slot, and as it leaves it.

use std::cell::Cell as Mutable;

use bytes::Bytes;

use super::block::{self, SlotKey};
use super::key::{Key, Namespace};
use super::slab::{Chunk, Life, Slot};
use super::stamp::Stamp;

/// A slot in use, found.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    pub(crate) slot: &'a Slot,
    pub(crate) chunk: &'a Chunk,
    pub(crate) at: usize,
}

impl<'a> Cell<'a> {
    #[inline]
    pub(crate) fn stamp(self) -> Stamp {
        self.slot.stamp.get()
    }

    #[inline]
    pub(crate) fn set_stamp(self, stamp: Stamp) {
        self.slot.stamp.set(stamp);
    }

    /// Whether this is the entry of `key`, whose slot form is `probe`.
    #[inline(always)]
    pub(crate) fn is(self, probe: &SlotKey, key: &Key<'_>) -> bool {
        self.slot.key.is(probe) && (probe.is_inline() || self.head_is(key))
    }

    #[cold]
    fn head_is(self, key: &Key<'_>) -> bool {
        self.head().is_some_and(|head| block::holds(head, key))
    }

    /// Idle timeout and absolute end, if the entry has any.
    #[cold]
    pub(crate) fn life(self) -> Option<&'a Mutable<Life>> {
        if !self.stamp().has_life() {
            return None;
        }
        self.chunk.lives.as_ref().map(|lives| &lives[self.at])
    }

    /// The long block that begins with the key, if the slot does not hold it.
    fn head(self) -> Option<&'a Bytes> {
        if self.stamp().is_split() {
            return self.chunk.heads.as_ref()?[self.at].as_ref();
        }
        self.slot.value.as_ref()
    }

    /// Where the value begins in its buffer, if the key is not in the slot.
    fn long_start(self, buffer: &Bytes) -> usize {
        match self.stamp().is_split() {
            true => 0,
            false => block::long_start(buffer),
        }
    }

    /// Calls `see` with the key.
    pub(crate) fn with_key<R>(self, see: impl FnOnce(Key<'_>) -> R) -> R {
        match (self.slot.key.is_inline(), self.head()) {
            (false, Some(head)) => see(block::key(head)),
            _ => self.slot.key.with_key(see),
        }
    }

    /// The key as a handle of its own.
    pub(crate) fn share_key(self) -> Bytes {
        match (self.slot.key.is_inline(), self.head()) {
            (false, Some(head)) => block::share_key(head),
            _ => self
                .slot
                .key
                .with_key(|key| Bytes::copy_from_slice(key.bytes)),
        }
    }

    /// The key's namespace.
    pub(crate) fn namespace(self) -> Namespace {
        self.with_key(|key| key.namespace)
    }

    /// The value, borrowed.
    #[inline]
    pub(crate) fn value(self) -> &'a [u8] {
        match &self.slot.value {
            Some(buffer) if self.slot.key.is_inline() => buffer,
            Some(buffer) => self.long_value(buffer),
            None => &[],
        }
    }

    #[cold]
    fn long_value(self, buffer: &'a Bytes) -> &'a [u8] {
        buffer.get(self.long_start(buffer)..).unwrap_or_default()
    }

    /// The value as a handle on the stored buffer.
    #[inline(always)]
    pub(crate) fn share(self) -> Bytes {
        self.share_as(self.slot.key.is_inline())
    }

    /// The same for an entry found under `key`, which tells without a look at the slot where its key lies.
    #[inline(always)]
    pub(crate) fn share_under(self, key: &Key<'_>) -> Bytes {
        self.share_as(SlotKey::new(key).is_inline())
    }

    #[inline(always)]
    fn share_as(self, is_inline: bool) -> Bytes {
        match &self.slot.value {
            Some(buffer) if is_inline => buffer.clone(),
            buffer => self.share_long(buffer.as_ref()),
        }
    }

    #[cold]
    fn share_long(self, buffer: Option<&Bytes>) -> Bytes {
        buffer.map_or_else(Bytes::new, |buffer| {
            block::share(buffer, self.long_start(buffer))
        })
    }

    /// The version of the last write.
    #[inline]
    pub(crate) fn version(self) -> u32 {
        self.chunk.versions[self.at]
    }

    /// Bytes that the entry is charged for, without its overhead.
    pub(crate) fn stored(self) -> usize {
        let value = self.slot.value.as_ref().map_or(0, Bytes::len);
        match (self.slot.key.is_inline(), self.stamp().is_split()) {
            (true, _) => value + self.slot.key.stored(),
            (false, false) => block::long_stored(value),
            (false, true) => value + block::long_stored(self.head().map_or(0, Bytes::len)),
        }
    }
}

/// What a slot holds: its key if short, its buffer, and its key's buffer if that is a separate one.
pub(crate) struct Content {
    pub(crate) key: SlotKey,
    pub(crate) version: u32,
    pub(crate) value: Bytes,
    pub(crate) head: Option<Bytes>,
}

impl Content {
    /// The key's namespace.
    pub(crate) fn namespace(&self) -> Namespace {
        match self.key.is_inline() {
            true => self.key.with_key(|key| key.namespace),
            false => block::key(self.head.as_ref().unwrap_or(&self.value)).namespace,
        }
    }

    /// The key as a handle of its own.
    pub(crate) fn share_key(&self) -> Bytes {
        match self.key.is_inline() {
            true => self.key.with_key(|key| Bytes::copy_from_slice(key.bytes)),
            false => block::share_key(self.head.as_ref().unwrap_or(&self.value)),
        }
    }

    /// The value as a handle of its own.
    pub(crate) fn share(&self) -> Bytes {
        match (&self.head, self.key.is_inline()) {
            (Some(_), _) => self.value.clone(),
            (None, true) => self.value.clone(),
            (None, false) => block::share(&self.value, block::long_start(&self.value)),
        }
    }

    /// Bytes that the entry is charged for, without its overhead.
    pub(crate) fn stored(&self) -> usize {
        match (&self.head, self.key.is_inline()) {
            (Some(head), _) => self.value.len() + block::long_stored(head.len()),
            (None, true) => self.value.len() + self.key.stored(),
            (None, false) => block::long_stored(self.value.len()),
        }
    }
}
