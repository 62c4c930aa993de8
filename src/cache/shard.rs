//! One lock's worth of cache: index, slots, wheels and policies, all single-threaded and lock-free.
//!
//! Everything here runs under the shard's lock, or in a test without one. Time and hashing come in
//! through [`Context`]; what leaves the shard is handed back to be dropped after unlocking, because
//! a value's destructor may be user code.

use std::cell::Cell as Mutable;
use std::hash::{BuildHasher, Hasher};

use super::block::Block;
use super::cell::Cell;
use super::find::Residents;
use super::index::Index;
use super::key::Key;
use super::policy::{self, Policy};
use super::quota::Amount;
use super::slab::{Life, Slab};
use super::stamp::{FOREVER, Stamp};
use super::stats::{Counts, Reads};
use super::terms::{Cause, Class};
use super::views::View;
use super::wheel::{PENDING, UNFILED, Wheel};
use ahash::RandomState;

/// What an entry is charged beyond its key and value, in bytes: its block's count and head less a short
/// key (58), its slot and seat (9), its share of the index (8 to 16) and of the wheel (1), and rounding.
pub const ENTRY_OVERHEAD: u64 = 80;

/// What every operation brings along.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) hasher: &'a RandomState,
    pub(crate) now: u64,
}

/// The hash of a key: keyed, because clients choose session ids.
///
/// Bits 54 to 63 choose the shard, 46 to 53 the tag, the low ones the bucket.
#[inline(always)]
pub(crate) fn hash_of(hasher: &RandomState, key: &Key<'_>) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(key.bytes);
    state.finish() ^ u64::from(key.word() >> 16).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Names an entry within its shard: its class and its slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Id(u32);

const PROTECTED: u32 = 1 << 31;

impl Id {
    #[inline]
    pub(crate) fn new(class: Class, slot: u32) -> Self {
        Self(match class {
            Class::Anonymous => slot,
            Class::Protected => slot | PROTECTED,
        })
    }

    #[inline]
    pub(crate) fn class(self) -> Class {
        if self.0 & PROTECTED == 0 {
            Class::Anonymous
        } else {
            Class::Protected
        }
    }

    #[inline]
    pub(crate) fn slot(self) -> u32 {
        self.0 & !PROTECTED
    }

    #[inline]
    pub(crate) fn from_raw(raw: u32) -> Self {
        Self(raw)
    }
}

/// An entry that left, to be dropped or reported outside the lock.
pub(crate) struct Dead {
    pub(crate) block: Block,
    pub(crate) cause: Cause,
}

/// The entries of one class: they share slots, wheel and policy, and compete only with each other.
#[repr(C)]
pub(crate) struct Arena {
    pub(crate) slab: Slab,
    pub(crate) wheel: Wheel,
    pub(crate) policy: Policy,
}

pub(crate) struct Arenas([Arena; 2]);

impl Arenas {
    #[inline]
    pub(crate) fn of(&self, class: Class) -> &Arena {
        &self.0[usize::from(class == Class::Protected)]
    }

    #[inline]
    pub(crate) fn of_mut(&mut self, class: Class) -> &mut Arena {
        &mut self.0[usize::from(class == Class::Protected)]
    }
}

/// See the module's text.
// In this order, like the structures in it: what every read looks at comes first.
#[repr(C)]
pub(crate) struct State {
    pub(crate) index: Index,
    /// The latest time anybody brought; see [`State::at`].
    now: u64,
    pub(crate) reads: Reads,
    pub(crate) arenas: Arenas,
    pub(crate) counts: Counts,
    pub(crate) held: Amount,
    /// Entries that changed class so far.
    pub(crate) moved: u64,
    /// Numbers the shard's writes.
    version: u32,
}

pub(crate) const CLASSES: [Class; 2] = [Class::Anonymous, Class::Protected];

impl State {
    /// `room` is about how many entries of each class the shard will hold if that class can ever
    /// be evicted; a policy that never chooses costs nothing.
    pub(crate) fn new(room: [Option<usize>; 2], version: u32) -> Self {
        let arena = |room| Arena {
            slab: Slab::new(),
            wheel: Wheel::new(),
            policy: Policy::new(room),
        };
        Self {
            // Room for what a shard gets by chance beyond its share, three deviations.
            index: Index::new(room[0].map_or(0, |share| share + 3 * share.isqrt())),
            now: 0,
            arenas: Arenas(room.map(arena)),
            reads: Reads::default(),
            counts: Counts::default(),
            held: Amount::default(),
            moved: 0,
            version,
        }
    }

    /// A version for a write: another than those of 2^32 writes before it.
    #[inline]
    pub(crate) fn next_version(&mut self) -> u32 {
        self.version = self.version.wrapping_add(1);
        self.version
    }

    /// The time in this shard: never earlier than anybody saw it here before.
    ///
    /// Operations read the clock before they get the lock. One that waited must not take an idle
    /// timeout back, nor see what another already saw end.
    #[inline(always)]
    pub(crate) fn at(&mut self, now: u64) -> u64 {
        if now > self.now {
            self.now = now;
        }
        self.now
    }

    /// What the shard holds, expired entries not yet reclaimed included.
    pub(crate) fn held(&self) -> Amount {
        self.held
    }

    /// Moves the index on, if it is being resized; a read calls it before it looks.
    #[inline]
    pub(crate) fn move_index(&mut self, context: Context<'_>) {
        if self.index.is_resizing() {
            self.move_buckets(context);
        }
    }

    #[cold]
    fn move_buckets(&mut self, context: Context<'_>) {
        let mut residents = Residents::new(&self.arenas, context);
        self.index.move_some(&mut residents);
    }

    /// Idle timeout and absolute end of an entry, if it has any.
    #[inline(always)]
    pub(crate) fn life(&self, cell: Cell<'_>) -> Option<&Mutable<Life>> {
        if !cell.stamp().has_life() {
            return None;
        }
        let id = cell.id();
        self.arenas.of(id.class()).slab.life(id.slot())
    }

    /// Has the wheel look at an entry whose deadline came nearer; returns when.
    #[cold]
    pub(crate) fn hasten(&mut self, id: Id, deadline: u64) -> u64 {
        file(self.arenas.of_mut(id.class()), id.slot(), deadline)
    }

    #[inline]
    pub(crate) fn stamp(&self, id: Id) -> Stamp {
        self.arenas.of(id.class()).slab.stamp(id.slot())
    }

    /// The entry itself, for reading.
    #[inline(always)]
    pub(crate) fn cell(&self, id: Id) -> Option<Cell<'_>> {
        self.arenas.of(id.class()).slab.cell(id.slot())
    }

    /// What the entry is charged.
    pub(crate) fn charge_of(&self, id: Id) -> u64 {
        self.cell(id).map_or(0, charge)
    }

    /// Puts a new entry in, whose room is paid for, and says when the wheel must look.
    #[inline]
    pub(crate) fn place(
        &mut self,
        class: Class,
        hash: u64,
        (deadline, life): (u64, Option<Life>),
        block: Block,
        context: Context<'_>,
    ) -> u64 {
        let cell = block.cell();
        self.held.add(Amount::of(class, charge(cell)));
        let stamp = Stamp::new(deadline, hash).with_life(life.is_some());
        cell.set_stamp(stamp.with_apart(cell.stamp().is_apart()));
        let address = cell.address();
        let arena = self.arenas.of_mut(class);
        let slot = arena.slab.place(class, block);
        if let Some(life) = life {
            arena.slab.set_life(slot, life);
        }
        let due = file(arena, slot, deadline);
        let Arena { slab, policy, .. } = arena;
        policy.inserted(slot, short(hash), &mut View { slab, context });
        let mut residents = Residents::new(&self.arenas, context);
        self.index.insert(hash, address, &mut residents);
        due
    }

    /// Replaces the block and the lifetimes of an entry, and says when the wheel must look.
    #[inline]
    pub(crate) fn overwrite(
        &mut self,
        id: Id,
        hash: u64,
        (deadline, life): (u64, Option<Life>),
        block: Block,
    ) -> (Block, u64) {
        let cell = block.cell();
        let (fresh, address) = (charge(cell), cell.address());
        let arena = self.arenas.of_mut(id.class());
        let slot = id.slot();
        let before = arena.slab.stamp(slot);
        let stamp = before
            .with_deadline(deadline)
            .with_life(life.is_some())
            .with_mark(policy::hit(before.mark()));
        cell.set_stamp(stamp.with_apart(cell.stamp().is_apart()));
        cell.set_id(id);
        let named = arena.slab.cell(slot).map_or(0, Cell::address);
        // Not in debug builds alone: the old block must not go while the index names it.
        let found = self.index.replace(hash, named, address);
        assert!(found, "every entry is in the index under its key's hash");
        // At once: until then the index names a block that is in no slot.
        let old = arena.slab.exchange(slot, block);
        if let Some(life) = life {
            arena.slab.set_life(slot, life);
        }
        let due = if deadline < before.deadline() {
            file(arena, slot, deadline)
        } else {
            u64::MAX
        };
        // Added before it is subtracted: the sum never dips below zero.
        self.held.add(Amount::some(id.class(), 0, fresh));
        self.held
            .spend(Amount::some(id.class(), 0, charge(old.cell())));
        (old, due)
    }

    /// When the wheels must be looked at next.
    pub(crate) fn next_due(&self) -> u64 {
        let [a, b] = &self.arenas.0;
        a.wheel.next_due().min(b.wheel.next_due())
    }

    /// The slots of a class ever used, in chunks; for walks that stop between chunks.
    pub(crate) fn chunks(&self, class: Class) -> u32 {
        self.arenas.of(class).slab.slots() / super::slab::CHUNK_SLOTS
    }

    /// The entries in one chunk, dead or alive.
    pub(crate) fn chunk(&self, class: Class, chunk: u32) -> impl Iterator<Item = Id> {
        let slab = &self.arenas.of(class).slab;
        let first = chunk * super::slab::CHUNK_SLOTS;
        (first..first + super::slab::CHUNK_SLOTS)
            .filter(|&slot| slab.is_live(slot))
            .map(move |slot| Id::new(class, slot))
    }

    /// The earliest deadline of any entry, found by looking at all.
    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn first_deadline(&self) -> u64 {
        let deadlines = CLASSES.into_iter().flat_map(|class| {
            (0..self.chunks(class))
                .flat_map(move |chunk| self.chunk(class, chunk))
                .map(|id| self.stamp(id).deadline())
        });
        // "Never" is not a deadline that anybody must look at.
        deadlines
            .filter(|&at| at != FOREVER)
            .min()
            .unwrap_or(u64::MAX)
    }

    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn arena(&self, class: Class) -> &Arena {
        self.arenas.of(class)
    }

    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}

/// Files the group of `slot` if `deadline` is the earliest it knows; returns when to look.
#[inline]
fn file(arena: &mut Arena, slot: u32, deadline: u64) -> u64 {
    if deadline == FOREVER {
        return u64::MAX;
    }
    let group = Slab::group_of(slot);
    let Some((due, filed)) = arena.slab.group(group) else {
        return u64::MAX;
    };
    if filed != UNFILED && due <= deadline {
        return u64::MAX;
    }
    let filed = match filed {
        PENDING => PENDING,
        _ => arena.wheel.file(group, deadline),
    };
    arena.slab.set_group(group, deadline, filed);
    if arena.wheel.filings() > 64 + 4 * arena.slab.groups() {
        refile(arena);
    }
    deadline
}

/// Drops stale filings: only deadlines shortened over and over leave so many.
#[cold]
fn refile(arena: &mut Arena) {
    arena.wheel.empty();
    for group in 0..u32::try_from(arena.slab.groups()).unwrap_or(u32::MAX) {
        if let Some((due, filed)) = arena.slab.group(group)
            && filed != UNFILED
        {
            let filed = arena.wheel.file(group, due);
            arena.slab.set_group(group, due, filed);
        }
    }
}

/// What an entry is charged.
pub(crate) fn charge(cell: Cell<'_>) -> u64 {
    cell.stored() as u64 + ENTRY_OVERHEAD
}

/// The bits of a hash that the policy remembers: others than those that choose shard and bucket.
#[inline]
pub(crate) fn short(hash: u64) -> u32 {
    let [_, _, a, b, c, d, ..] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
