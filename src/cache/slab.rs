//! Who is there: numbered slots, each with the address of its entry's block, in chunks of 256 that never move.
//!
//! A lookup does not come here: the index knows the addresses too. Wheel, policy and walks do: they need
//! entries in an order, and numbers that stay. Slots are grouped by sixteen for the wheel, which files
//! groups instead of entries.
//!
//! Invariants, checked by `check_invariants`:
//! - a slot has a block exactly if its bit in `free` is not set, and the block's stamp is not free then;
//! - `live` counts the others, in the chunk and in the slab;
//! - a chunk is listed in `partial` exactly if it has a free slot, and knows its place there;
//! - a group's `due` is no later than the deadline of any entry in it while it is filed.

use std::cell::Cell as Mutable;

use super::block::Block;
use super::cell::Cell;
use super::prefetch::prefetch;
use super::shard::Id;
use super::stamp::Stamp;
use super::terms::Class;

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

pub(crate) struct Chunk {
    slots: [Option<Block>; CHUNK],
    due: [u64; GROUPS],
    filed: [u16; GROUPS],
    /// What the policy keeps of each slot, dense.
    seats: [u8; CHUNK],
    free: [u64; WORDS],
    live: u32,
    listed_at: u32,
    pub(crate) lives: Option<Box<[Mutable<Life>; CHUNK]>>,
}

impl Chunk {
    // On its own: it is built on the stack, which every write would otherwise make room for.
    #[cold]
    #[inline(never)]
    fn new() -> Box<Self> {
        Box::new(Self {
            slots: [const { None }; CHUNK],
            due: [0; GROUPS],
            filed: [super::wheel::UNFILED; GROUPS],
            seats: [0; CHUNK],
            free: [u64::MAX; WORDS],
            live: 0,
            listed_at: UNLISTED,
            lives: None,
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
    fn chunk_mut(&mut self, at: usize) -> &mut Chunk {
        self.chunks
            .get_mut(at)
            .and_then(Option::as_deref_mut)
            .expect("slot ids in the index, the wheel and the policy name existing chunks")
    }

    /// The stamp of a slot's entry; free if there is none.
    #[inline]
    pub(crate) fn stamp(&self, slot: u32) -> Stamp {
        self.cell(slot).map_or(Stamp::FREE, Cell::stamp)
    }

    /// Whether a slot holds an entry.
    #[inline]
    pub(crate) fn is_live(&self, slot: u32) -> bool {
        let (chunk, at) = split(slot);
        let chunk = self.chunks.get(chunk).and_then(Option::as_deref);
        chunk.is_some_and(|chunk| chunk.free[at / 64] >> (at % 64) & 1 == 0)
    }

    /// What the policy keeps of a slot.
    #[inline]
    pub(crate) fn seat(&self, slot: u32) -> u8 {
        let (chunk, at) = split(slot);
        let chunk = self.chunks.get(chunk).and_then(Option::as_deref);
        chunk.map_or(0, |chunk| chunk.seats[at])
    }

    /// Replaces what the policy keeps of a slot.
    #[inline]
    pub(crate) fn set_seat(&mut self, slot: u32, seat: u8) {
        let (chunk, at) = split(slot);
        self.chunk_mut(chunk).seats[at] = seat;
    }

    /// The entry in a slot.
    #[inline(always)]
    pub(crate) fn cell(&self, slot: u32) -> Option<Cell<'_>> {
        let (chunk, at) = split(slot);
        let chunk = self.chunks.get(chunk)?.as_deref()?;
        Some(chunk.slots[at].as_ref()?.cell())
    }

    /// Idle timeout and absolute end of the entry in a slot, if it has any.
    #[cold]
    pub(crate) fn life(&self, slot: u32) -> Option<&Mutable<Life>> {
        let (chunk, at) = split(slot);
        let lives = self.chunks.get(chunk)?.as_deref()?.lives.as_ref()?;
        Some(&lives[at])
    }

    /// Asks for the lines of a slot's block.
    #[inline]
    pub(crate) fn prefetch(&self, slot: u32) {
        if let Some(cell) = self.cell(slot) {
            cell.prefetch();
        }
    }

    /// Asks for the line of a slot itself, which says where the block lies.
    #[inline]
    pub(crate) fn prefetch_slot(&self, slot: u32) {
        let (chunk, at) = split(slot);
        if let Some(chunk) = self.chunks.get(chunk).and_then(Option::as_deref) {
            prefetch(&raw const chunk.slots[at]);
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
    pub(crate) fn place(&mut self, class: Class, block: Block) -> u32 {
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
        let number = u32::try_from(at * CHUNK + slot);
        let number = number.expect("`free_chunk` stays within 32 bits of slots");
        block.cell().set_id(Id::new(class, number));
        chunk.slots[slot] = Some(block);
        self.live += 1;
        if full {
            self.unlist(at);
        }
        number
    }

    /// Replaces the block of a slot in use, and returns the one it held.
    pub(crate) fn exchange(&mut self, slot: u32, block: Block) -> Block {
        let (chunk, at) = split(slot);
        (self.chunk_mut(chunk).slots[at].replace(block)).expect("a slot in use holds a block")
    }

    /// Frees a slot and returns what it held.
    pub(crate) fn release(&mut self, slot: u32) -> Block {
        let (at, index) = split(slot);
        let chunk = self.chunk_mut(at);
        let old = chunk.slots[index].take();
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
        old.expect("a slot in use holds a block")
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

    /// The stamps of a group's entries; free where there is none.
    pub(crate) fn group_stamps(&self, group: u32) -> [Stamp; GROUP] {
        let (chunk, at) = split_group(group);
        let mut stamps = [Stamp::FREE; GROUP];
        if let Some(Some(chunk)) = self.chunks.get(chunk) {
            let blocks = chunk.slots.iter().skip(at * GROUP).take(GROUP);
            // All at once: each lies where it likes.
            (blocks.clone().flatten()).for_each(|block| block.cell().prefetch());
            for (stamp, block) in stamps.iter_mut().zip(blocks) {
                *stamp = block.as_ref().map_or(Stamp::FREE, |b| b.cell().stamp());
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
                let is_listed = self.vacant.iter().any(|&at| at as usize == number);
                assert!(is_listed, "a number without a chunk is vacant");
                continue;
            };
            let mut used = 0;
            for slot in 0..CHUNK {
                let free = chunk.free[slot / 64] >> (slot % 64) & 1 == 1;
                let is_empty = chunk.slots[slot].is_none();
                assert_eq!(free, is_empty, "a slot is free exactly if it is empty");
                if let Some(block) = &chunk.slots[slot] {
                    assert!(!block.cell().stamp().is_free(), "in a slot, so stamped");
                }
                used += usize::from(!free);
            }
            assert_eq!(used, chunk.live as usize, "a chunk counts its entries");
            let listed = self.partial.get(chunk.listed_at as usize).copied();
            let is_listed = listed == u32::try_from(number).ok();
            assert_eq!(is_listed, used < CHUNK, "a chunk is listed if it has room");
            live += used;
        }
        assert_eq!(live, self.live, "a slab counts its entries");
    }
}

#[inline]
fn split_group(group: u32) -> (usize, usize) {
    (group as usize / GROUPS, group as usize % GROUPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::check::refused;
    use crate::cache::key::Key;

    fn block(byte: u8) -> Block {
        let block = Block::copy(&Key::from("key"), &[byte; 12]);
        block.cell().set_stamp(Stamp::new(5, 0));
        block
    }

    #[test]
    fn slots_are_reused_and_empty_chunks_given_back() {
        let mut slab = Slab::new();
        let slots: Vec<u32> = (0..1000)
            .map(|_| slab.place(Class::Anonymous, block(1)))
            .collect();
        slab.check();
        assert_eq!(slab.live(), 1000);
        for &slot in &slots {
            slab.release(slot);
            slab.check();
        }
        assert_eq!(slab.live(), 0);
        assert_eq!(slab.chunks.iter().flatten().count(), 1);
        let again = slab.place(Class::Anonymous, block(2));
        assert!(again < 1024);
        slab.check();
    }

    #[test]
    fn exchange_gives_back_the_block_that_was_there() {
        let mut slab = Slab::new();
        let slot = slab.place(Class::Anonymous, block(1));
        let old = slab.exchange(slot, block(3));
        assert_eq!(old.cell().value(), &[1; 12][..]);
        slab.check();
        let cell = slab.cell(slot).expect("in use");
        assert_eq!(cell.value(), &[3; 12][..]);
    }

    #[test]
    fn the_recount_finds_what_is_broken() {
        type Damage = fn(&mut Slab);
        let damages: [(&str, Damage); 6] = [
            ("a number without a chunk is vacant", |slab| {
                slab.chunks.push(None);
            }),
            ("a slot is free exactly if it is empty", |slab| {
                slab.chunk_mut(0).free[0] |= 1;
            }),
            ("in a slot, so stamped", |slab| {
                let cell = slab.cell(0).expect("in use");
                cell.set_stamp(Stamp::FREE);
            }),
            ("a chunk counts its entries", |slab| {
                slab.chunk_mut(0).live = 2;
            }),
            ("a chunk is listed if it has room", |slab| {
                slab.partial.clear();
            }),
            ("a slab counts its entries", |slab| slab.live = 2),
        ];
        for (words, damage) in damages {
            let mut slab = Slab::new();
            slab.place(Class::Anonymous, block(1));
            slab.check();
            damage(&mut slab);
            refused(words, || slab.check());
        }
    }
}
