//! The slab of a shard as its policy sees it: whole, or without one entry.

use super::policy::Marks;
use super::shard::{Context, hash_of, short};
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
        if let Some(cell) = self.slab.cell(slot) {
            cell.set_stamp(cell.stamp().with_mark(mark));
        }
    }

    fn seat(&self, slot: u32) -> u8 {
        self.slab.seat(slot)
    }

    fn set_seat(&mut self, slot: u32, seat: u8) {
        self.slab.set_seat(slot, seat);
    }

    fn is_live(&self, slot: u32) -> bool {
        self.slab.is_live(slot)
    }

    fn slots(&self) -> u32 {
        self.slab.slots()
    }

    fn prefetch(&self, slot: u32) {
        self.slab.prefetch(slot);
    }

    fn prefetch_slot(&self, slot: u32) {
        self.slab.prefetch_slot(slot);
    }

    fn hash(&self, slot: u32) -> u32 {
        self.slab.cell(slot).map_or(0, |cell| {
            short(cell.with_key(|key| hash_of(self.context.hasher, &key)))
        })
    }
}

/// The same without the entry of one slot.
pub(crate) struct Without<'v, M>(pub(crate) &'v mut M, pub(crate) u32);

impl<M: Marks> Marks for Without<'_, M> {
    fn mark(&self, slot: u32) -> u8 {
        self.0.mark(slot)
    }

    fn set_mark(&mut self, slot: u32, mark: u8) {
        self.0.set_mark(slot, mark);
    }

    fn seat(&self, slot: u32) -> u8 {
        self.0.seat(slot)
    }

    fn set_seat(&mut self, slot: u32, seat: u8) {
        self.0.set_seat(slot, seat);
    }

    fn is_live(&self, slot: u32) -> bool {
        slot != self.1 && self.0.is_live(slot)
    }

    fn slots(&self) -> u32 {
        self.0.slots()
    }

    fn prefetch(&self, slot: u32) {
        self.0.prefetch(slot);
    }

    fn prefetch_slot(&self, slot: u32) {
        self.0.prefetch_slot(slot);
    }

    fn hash(&self, slot: u32) -> u32 {
        self.0.hash(slot)
    }
}
