//! How entries leave a shard: taken out, evicted, or swept away after their end.

use super::block::Block;
use super::find::Residents;
use super::quota::Amount;
use super::shard::{Arena, CLASSES, Context, Dead, Id, State, charge, hash_of, short};
use super::slab::Slab;
use super::stamp::FOREVER;
use super::terms::{Cause, Class};
use super::views::{View, Without};
use super::wheel::{PENDING, UNFILED};

impl State {
    /// Takes an entry out; its room is to be given back by the caller.
    pub(crate) fn take_out(&mut self, id: Id, context: Context<'_>) -> (Block, Amount) {
        let arena = self.arenas.of_mut(id.class());
        arena.policy.removed(arena.slab.seat(id.slot()));
        self.unlink(id, context)
    }

    /// As [`State::take_out`], for an entry that its policy has forgotten already.
    fn unlink(&mut self, id: Id, context: Context<'_>) -> (Block, Amount) {
        let (hash, address) = self.cell(id).map_or((0, 0), |cell| {
            let hash = cell.with_key(|key| hash_of(context.hasher, &key));
            (hash, cell.address())
        });
        let mut residents = Residents::new(&self.arenas, context);
        let found = self.index.remove(hash, address, &mut residents);
        // Not in debug builds alone: a block must not go while the index names it.
        assert!(found, "every entry is in the index under its key's hash");
        let block = self.arenas.of_mut(id.class()).slab.release(id.slot());
        let amount = Amount::of(id.class(), charge(block.cell()));
        self.held.spend(amount);
        (block, amount)
    }

    /// Evicts the entry its policy values least, but not `spare`.
    pub(crate) fn evict(
        &mut self,
        class: Class,
        spare: Option<Id>,
        context: Context<'_>,
    ) -> Option<(Dead, Amount)> {
        let mut victim = self.choose(class, None, context)?;
        if Some(victim) == spare {
            // Forgotten by being chosen, and hidden lest it is forgotten twice; make it known again once another is
            // found.
            let other = self.choose(class, Some(victim), context);
            let arena = self.arenas.of_mut(class);
            let Arena { slab, policy, .. } = arena;
            let hash = slab.cell(victim.slot()).map_or(0, |cell| {
                short(cell.with_key(|key| hash_of(context.hasher, &key)))
            });
            policy.inserted(victim.slot(), hash, &mut View { slab, context });
            victim = other?;
        }
        let (block, amount) = self.unlink(victim, context);
        self.prefetch_next(class, context);
        self.counts.evicted += 1;
        if class == Class::Protected {
            self.counts.evicted_protected += 1;
        }
        let cause = Cause::Evicted;
        Some((Dead { block, cause }, amount))
    }

    /// Asks for the bucket that the next eviction will need, which is that of the entry that will
    /// probably go. Its block was asked for one eviction ago.
    fn prefetch_next(&self, class: Class, context: Context<'_>) {
        let arena = self.arenas.of(class);
        if let Some(cell) = (arena.policy.upcoming()).and_then(|slot| arena.slab.cell(slot)) {
            let hash = cell.with_key(|key| hash_of(context.hasher, &key));
            self.index.prefetch(hash);
            arena.policy.prefetch(short(hash));
        }
    }

    fn choose(&mut self, class: Class, hidden: Option<Id>, context: Context<'_>) -> Option<Id> {
        let Arena { slab, policy, .. } = self.arenas.of_mut(class);
        if slab.live() == 0 {
            return None;
        }
        let mut view = View { slab, context };
        let slot = match hidden {
            None => policy.victim(&mut view)?,
            Some(id) => policy.victim(&mut Without(&mut view, id.slot()))?,
        };
        Some(Id::new(class, slot))
    }

    /// Reclaims expired entries and keeps the wheels going, at most `budget` steps of work.
    ///
    /// A step is a group looked at or an entry reclaimed. What was freed is added to `freed`, and
    /// its room is to be given back by the caller.
    pub(crate) fn sweep(
        &mut self,
        context: Context<'_>,
        budget: &mut usize,
        dead: &mut Vec<Dead>,
        freed: &mut Amount,
    ) {
        for class in CLASSES {
            self.sweep_class(class, context, budget, dead, freed);
        }
    }

    fn sweep_class(
        &mut self,
        class: Class,
        context: Context<'_>,
        budget: &mut usize,
        dead: &mut Vec<Dead>,
        freed: &mut Amount,
    ) {
        let now = context.now;
        while *budget > 0 {
            let arena = self.arenas.of_mut(class);
            let Some(group) = arena.wheel.peek(now) else {
                return;
            };
            *budget -= 1;
            let Some((due, filed)) = arena.slab.group(group) else {
                arena.wheel.pop();
                continue;
            };
            if !arena.wheel.is_current(filed) {
                arena.wheel.pop();
                continue;
            }
            if due > now {
                arena.wheel.pop();
                let filed = arena.wheel.file(group, due);
                arena.slab.set_group(group, due, filed);
                continue;
            }
            // Stays first in the wheel, and is current, until it was looked at to the end.
            arena.slab.set_group(group, due, PENDING);
            let mut next = FOREVER;
            let mut taken = false;
            for (slot, stamp) in Slab::group_slots(group).zip(arena.slab.group_stamps(group)) {
                if stamp.is_free() {
                    continue;
                }
                if stamp.is_live(now) {
                    next = next.min(stamp.deadline());
                    continue;
                }
                // The smallest budget still reclaims one.
                if *budget == 0 && taken {
                    return;
                }
                taken = true;
                *budget = budget.saturating_sub(1);
                let (block, amount) = self.take_out(Id::new(class, slot), context);
                self.counts.expired += 1;
                freed.add(amount);
                let cause = Cause::Expired;
                dead.push(Dead { block, cause });
            }
            let arena = self.arenas.of_mut(class);
            arena.wheel.pop();
            // The chunk may have been given back with its last entry.
            if arena.slab.group(group).is_some() {
                let filed = match next {
                    FOREVER => UNFILED,
                    _ => arena.wheel.file(group, next),
                };
                arena.slab.set_group(group, next, filed);
            }
        }
    }
}
