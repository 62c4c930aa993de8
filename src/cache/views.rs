//! The slabs of a shard as its policy and its index see them.

use super::index::{Entries, Put};
use super::policy::Marks;
use super::shard::{Arenas, Context, Id, hash_of, short};
use super::slab::Slab;

/// The slab as the policy sees it.
pub(crate) struct View<'a, 'b> {
    pub(crate) slab: &'a mut Slab,
    pub(crate) context: Context<'b>,
}

impl Marks for View<'_, '_> {
    fn mark(&self, slot: u32) -> u8 {
        self.slab.stamp(slot).mark()
    }

    fn set_mark(&mut self, slot: u32, mark: u8) {
        let stamp = self.slab.stamp(slot);
        if !stamp.is_free() {
            self.slab.set_stamp(slot, stamp.with_mark(mark));
        }
    }

    fn is_live(&self, slot: u32) -> bool {
        !self.slab.stamp(slot).is_free()
    }

    fn slots(&self) -> u32 {
        self.slab.slots()
    }

    fn prefetch(&self, slot: u32) {
        self.slab.prefetch(slot);
    }

    fn hash(&self, slot: u32) -> u32 {
        self.slab.cell(slot).map_or(0, |cell| {
            short(cell.with_key(|key| hash_of(self.context.hasher, &key)))
        })
    }
}

/// The slabs as the index sees them.
pub(crate) struct Residents<'a, 'b> {
    pub(crate) arenas: &'a mut Arenas,
    pub(crate) context: Context<'b>,
}

impl Entries for Residents<'_, '_> {
    fn hash(&self, id: u32) -> u64 {
        let id = Id::from_raw(id);
        self.arenas
            .of(id.class())
            .slab
            .cell(id.slot())
            .map_or(0, |cell| {
                cell.with_key(|key| hash_of(self.context.hasher, &key))
            })
    }

    fn home_bit(&self, id: u32, bit: u32) -> Option<u64> {
        let id = Id::from_raw(id);
        let stamp = self.arenas.of(id.class()).slab.stamp(id.slot());
        if stamp.is_displaced() {
            return None;
        }
        stamp.hash_bit(bit)
    }

    fn moved(&mut self, id: u32, put: Put) {
        let id = Id::from_raw(id);
        let slab = &mut self.arenas.of_mut(id.class()).slab;
        let stamp = slab.stamp(id.slot());
        let displaced = put == Put::Displaced;
        if stamp.is_displaced() != displaced {
            slab.set_stamp(id.slot(), stamp.with_displaced(displaced));
        }
    }
}
