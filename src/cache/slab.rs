//! Where entries live: slots of one cache line, in chunks of 256 that never move.
//!
//! A slot holds all that a lookup needs to be sure: stamp, key (if it has at most 22 bytes) and the
//! handle of the value's buffer. Finding an entry is two cache misses in a row, bucket and slot.
//! Columns per field were measured and lost: they put key, stamp and handle on three lines, and at
//! a million entries each line is a trip to memory. Slots are grouped by sixteen for the wheel,
//! which files groups instead of entries.
//!
//! Invariants, checked by `check_invariants`:
//! - a slot's stamp is [`Stamp::FREE`] exactly if its value is `None` and its bit in `free` is set;
//! - `live` counts the others, in the chunk and in the slab;
//! - a chunk is listed in `partial` exactly if it has a free slot, and knows its place there;
//! - a group's `due` is no later than the deadline of any entry in it while it is filed.

use std::cell::Cell as Mutable;

use bytes::Bytes;

use super::block::SlotKey;
use super::cell::{Cell, Content};
use super::prefetch::prefetch;
use super::stamp::Stamp;

/// Slots per chunk.
pub(crate) const CHUNK: usize = CHUNK_SLOTS as usize;
pub(crate) const CHUNK_SLOTS: u32 = 256;
/// Slots per group, the unit the wheel files.
pub(crate) const GROUP: usize = GROUP_SLOTS as usize;
const GROUP_SLOTS: u32 = 16;
const GROUPS: usize = CHUNK / GROUP;
const WORDS: usize = CHUNK / 64;
/// "Not in the list of chunks with free slots."
const UNLISTED: u32 = u32::MAX;

/// Idle timeout and absolute end of an entry that has them; only chunks with such entries pay.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    /// The deadline by time to live; reads do not move it.
    pub(crate) deadline: u64,
    /// Milliseconds that each read grants; 0: reads grant nothing.
    pub(crate) idle: u64,
    /// The end that nothing moves.
    pub(crate) end: u64,
}

impl Life {
    const NONE: Self = Self {
        deadline: 0,
        idle: 0,
        end: 0,
    };
}

#[repr(C, align(64))]
pub(crate) struct Slot {
    /// A block, or the caller's own bytes if the stamp says split.
    pub(crate) value: Option<Bytes>,
    /// In a cell: a read marks its entry used while it holds the entry by reference.
    pub(crate) stamp: Mutable<Stamp>,
    pub(crate) key: SlotKey,
}

const _: () = assert!(size_of::<Slot>() == 64, "a slot is one cache line");

impl Slot {
    const fn free() -> Self {
        Self {
            value: None,
            stamp: Mutable::new(Stamp::FREE),
            key: SlotKey::ELSEWHERE,
        }
    }
}

pub(crate) struct Chunk {
    slots: [Slot; CHUNK],
    due: [u64; GROUPS],
    filed: [u16; GROUPS],
    pub(crate) versions: [u32; CHUNK],
    free: [u64; WORDS],
    live: u32,
    listed_at: u32,
    pub(crate) lives: Option<Box<[Mutable<Life>; CHUNK]>>,
    pub(crate) heads: Option<Box<[Option<Bytes>; CHUNK]>>,
}

impl Chunk {
    // On its own: it is built on the stack, and where it was inlined the writer's frame had 34 KiB, of which
    // every write touched each page.
    #[cold]
    #[inline(never)]
    fn new() -> Box<Self> {
        Box::new(Self {
            slots: [const { Slot::free() }; CHUNK],
            due: [0; GROUPS],
            filed: [super::wheel::UNFILED; GROUPS],
            versions: [0; CHUNK],
            free: [u64::MAX; WORDS],
            live: 0,
            listed_at: UNLISTED,
            lives: None,
            heads: None,
        })
    }
}

/// The slots of one class of entries in one shard.
#[repr(C)]
pub(crate) struct Slab {
    chunks: Vec<Option<Box<Chunk>>>,
    partial: Vec<u32>,
    vacant: Vec<u32>,
    live: usize,
}

#[inline]
fn split(slot: u32) -> (usize, usize) {
    ((slot >> 8) as usize, (slot & 0xff) as usize)
}

impl Slab {
    pub(crate) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            partial: Vec::new(),
            vacant: Vec::new(),
            live: 0,
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// One past the highest slot ever given out and not returned with its chunk.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.chunks.len() * CHUNK).unwrap_or(u32::MAX)
    }

    #[inline]
    fn chunk(&self, at: usize) -> &Chunk {
        self.chunks
            .get(at)
            .and_then(Option::as_deref)
            .expect("slot ids in the index, the wheel and the policy name existing chunks")
    }

    #[inline]
    fn chunk_mut(&mut self, at: usize) -> &mut Chunk {
        self.chunks
            .get_mut(at)
            .and_then(Option::as_deref_mut)
            .expect("slot ids in the index, the wheel and the policy name existing chunks")
    }

    /// The stamp of a slot; free if the slot's chunk was given back.
    #[inline]
    pub(crate) fn stamp(&self, slot: u32) -> Stamp {
        let (chunk, at) = split(slot);
        match self.chunks.get(chunk) {
            Some(Some(chunk)) => chunk.slots[at].stamp.get(),
            _ => Stamp::FREE,
        }
    }

    #[inline]
    pub(crate) fn set_stamp(&self, slot: u32, stamp: Stamp) {
        let (chunk, at) = split(slot);
        self.chunk(chunk).slots[at].stamp.set(stamp);
    }

    /// A slot that is in use, for several looks at the price of one.
    #[inline(always)]
    pub(crate) fn cell(&self, slot: u32) -> Option<Cell<'_>> {
        let (chunk, at) = split(slot);
        let chunk = self.chunks.get(chunk)?.as_deref()?;
        let slot = &chunk.slots[at];
        Some(Cell { slot, chunk, at })
    }

    /// Asks for a slot's line.
    #[inline]
    pub(crate) fn prefetch(&self, slot: u32) {
        if let Some(cell) = self.cell(slot) {
            prefetch(cell.slot);
        }
    }

    pub(crate) fn set_life(&mut self, slot: u32, life: Life) {
        let (chunk, at) = split(slot);
        let chunk = self.chunk_mut(chunk);
        chunk
            .lives
            .get_or_insert_with(|| Box::new([const { Mutable::new(Life::NONE) }; CHUNK]))[at]
            .set(life);
    }

    /// Puts an entry into a free slot and returns the slot.
    pub(crate) fn place(&mut self, stamp: Stamp, content: Content) -> u32 {
        debug_assert!(!stamp.is_free());
        let at = self.free_chunk();
        let chunk = self.chunk_mut(at);
        let (word, bits) = chunk
            .free
            .iter_mut()
            .enumerate()
            .find(|(_, bits)| **bits != 0)
            .expect("a chunk in `partial` has a free slot");
        let bit = bits.trailing_zeros();
        *bits &= *bits - 1;
        let slot = word * 64 + bit as usize;
        chunk.live += 1;
        let full = chunk.live as usize == CHUNK;
        chunk.versions[slot] = content.version;
        chunk.slots[slot] = Slot {
            value: Some(content.value),
            stamp: Mutable::new(stamp.with_split(content.head.is_some())),
            key: content.key,
        };
        if let Some(head) = content.head {
            chunk.heads.get_or_insert_with(no_heads)[slot] = Some(head);
        }
        // The next newcomer's slot, likely: it will be written whole, and a write waits for its line.
        if let Some(next) = chunk.slots.get(slot + 1) {
            prefetch(next);
        }
        self.live += 1;
        if full {
            self.unlist(at);
        }
        u32::try_from(at * CHUNK + slot).expect("`free_chunk` stays within 32 bits of slots")
    }

    /// Replaces the content of a slot in use, and returns what it held.
    pub(crate) fn exchange(&mut self, slot: u32, stamp: Stamp, content: Content) -> Content {
        let (chunk, at) = split(slot);
        let chunk = self.chunk_mut(chunk);
        let head = chunk.heads.as_mut().and_then(|heads| heads[at].take());
        let fresh = Slot {
            value: Some(content.value),
            stamp: Mutable::new(stamp.with_split(content.head.is_some())),
            key: content.key,
        };
        if let Some(head) = content.head {
            chunk.heads.get_or_insert_with(no_heads)[at] = Some(head);
        }
        let version = std::mem::replace(&mut chunk.versions[at], content.version);
        let old = std::mem::replace(&mut chunk.slots[at], fresh);
        Content {
            key: old.key,
            version,
            value: old.value.expect("a slot in use holds a value"),
            head,
        }
    }

    /// Frees a slot and returns what it held.
    pub(crate) fn release(&mut self, slot: u32) -> Content {
        let (at, index) = split(slot);
        let chunk = self.chunk_mut(at);
        let head = chunk.heads.as_mut().and_then(|heads| heads[index].take());
        let old = std::mem::replace(&mut chunk.slots[index], Slot::free());
        let version = chunk.versions[index];
        chunk.free[index / 64] |= 1 << (index % 64);
        chunk.live -= 1;
        let (live, listed) = (chunk.live, chunk.listed_at != UNLISTED);
        self.live -= 1;
        if !listed {
            self.list(at);
        }
        // One empty chunk stays, so that a shard at the edge of a chunk does not allocate and free
        // it in turn.
        if live == 0 && self.partial.len() > 1 {
            self.unlist(at);
            self.chunks[at] = None;
            self.vacant
                .push(u32::try_from(at).expect("chunk numbers fit 24 bits"));
        }
        Content {
            key: old.key,
            version,
            value: old.value.expect("a slot in use holds a value"),
            head,
        }
    }

    /// The number of a chunk with a free slot.
    fn free_chunk(&mut self) -> usize {
        if let Some(&at) = self.partial.last() {
            return at as usize;
        }
        let at = match self.vacant.pop() {
            Some(at) => at as usize,
            None => {
                self.chunks.push(None);
                self.chunks.len() - 1
            }
        };
        // Two to the 31 entries in one shard would be half a terabyte of entries alone.
        assert!(at < 1 << 23, "a shard holds at most 2^31 entries");
        self.chunks[at] = Some(Chunk::new());
        self.list(at);
        at
    }

    fn list(&mut self, at: usize) {
        let place = u32::try_from(self.partial.len()).expect("chunk numbers fit 24 bits");
        self.partial
            .push(u32::try_from(at).expect("chunk numbers fit 24 bits"));
        self.chunk_mut(at).listed_at = place;
    }

    fn unlist(&mut self, at: usize) {
        let place = std::mem::replace(&mut self.chunk_mut(at).listed_at, UNLISTED);
        self.partial.swap_remove(place as usize);
        if let Some(&moved) = self.partial.get(place as usize) {
            self.chunk_mut(moved as usize).listed_at = place;
        }
    }

    /// When the wheel should look at a group again, and under which wheel slot it is filed.
    #[inline]
    pub(crate) fn group(&self, group: u32) -> Option<(u64, u16)> {
        let (chunk, at) = split_group(group);
        let chunk = self.chunks.get(chunk)?.as_deref()?;
        Some((chunk.due[at], chunk.filed[at]))
    }

    #[inline]
    pub(crate) fn set_group(&mut self, group: u32, due: u64, filed: u16) {
        let (chunk, at) = split_group(group);
        let chunk = self.chunk_mut(chunk);
        chunk.due[at] = due;
        chunk.filed[at] = filed;
    }

    /// The stamps of a group's slots; all free if its chunk was given back.
    pub(crate) fn group_stamps(&self, group: u32) -> [Stamp; GROUP] {
        let (chunk, at) = split_group(group);
        let mut stamps = [Stamp::FREE; GROUP];
        if let Some(Some(chunk)) = self.chunks.get(chunk) {
            for (stamp, slot) in stamps.iter_mut().zip(&chunk.slots[at * GROUP..]) {
                *stamp = slot.stamp.get();
            }
        }
        stamps
    }

    pub(crate) fn group_slots(group: u32) -> std::ops::Range<u32> {
        group * GROUP_SLOTS..(group + 1) * GROUP_SLOTS
    }

    #[inline]
    pub(crate) fn group_of(slot: u32) -> u32 {
        slot / GROUP_SLOTS
    }

    pub(crate) fn groups(&self) -> usize {
        self.chunks.len() * GROUPS
    }

    /// Recounts everything.
    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn check(&self) {
        let mut live = 0;
        for (number, chunk) in self.chunks.iter().enumerate() {
            let Some(chunk) = chunk else {
                assert!(self.vacant.iter().any(|&at| at as usize == number));
                continue;
            };
            let mut used = 0;
            for slot in 0..CHUNK {
                let free = chunk.free[slot / 64] >> (slot % 64) & 1 == 1;
                assert_eq!(free, chunk.slots[slot].stamp.get().is_free());
                assert_eq!(free, chunk.slots[slot].value.is_none());
                let head = chunk.heads.as_ref().is_some_and(|h| h[slot].is_some());
                assert_eq!(head, chunk.slots[slot].stamp.get().is_split());
                used += usize::from(!free);
            }
            assert_eq!(used, chunk.live as usize);
            let listed = self.partial.get(chunk.listed_at as usize).copied();
            assert_eq!(listed == u32::try_from(number).ok(), used < CHUNK);
            live += used;
        }
        assert_eq!(live, self.live);
    }
}

fn no_heads() -> Box<[Option<Bytes>; CHUNK]> {
    Box::new([const { None }; CHUNK])
}

#[inline]
fn split_group(group: u32) -> (usize, usize) {
    (group as usize / GROUPS, group as usize % GROUPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::block;
    use crate::cache::key::Key;

    fn content(byte: u8) -> Content {
        Content {
            key: SlotKey::new(&Key::from("key")),
            version: 1,
            value: block::short(&[byte; 12]),
            head: None,
        }
    }

    #[test]
    fn slots_are_reused_and_empty_chunks_given_back() {
        let mut slab = Slab::new();
        let slots: Vec<u32> = (0..1000)
            .map(|_| slab.place(Stamp::new(5, 0), content(1)))
            .collect();
        slab.check();
        assert_eq!(slab.live(), 1000);
        for &slot in &slots {
            slab.release(slot);
            slab.check();
        }
        assert_eq!(slab.live(), 0);
        assert_eq!(slab.chunks.iter().flatten().count(), 1);
        let again = slab.place(Stamp::new(5, 0), content(2));
        assert!(again < 1024);
        slab.check();
    }

    #[test]
    fn exchange_keeps_heads_in_step_with_stamps() {
        let mut slab = Slab::new();
        let slot = slab.place(
            Stamp::new(5, 0),
            Content {
                key: SlotKey::ELSEWHERE,
                version: 1,
                value: Bytes::from_static(b"large"),
                head: Some(block::long(&Key::from("head"), &[])),
            },
        );
        slab.check();
        let cell = slab.cell(slot).expect("in use");
        let key = Key::from("head");
        assert!(
            !cell.is(&SlotKey::new(&key), &key),
            "short keys are looked for in slots"
        );
        assert_eq!(cell.share_key(), key.bytes());
        assert_eq!(cell.value(), b"large");
        let old = slab.exchange(slot, Stamp::new(6, 0), content(3));
        assert_eq!(old.share_key(), &b"head"[..]);
        assert_eq!(old.share(), &b"large"[..]);
        slab.check();
        let cell = slab.cell(slot).expect("in use");
        assert_eq!(cell.share_key(), &b"key"[..]);
        assert_eq!(cell.value(), [3; 12]);
    }
}
