//! What to evict when a shard is full.

mod duel;
mod ghost;
mod mark;
mod queues;
mod settings;
mod trials;

use duel::{Duel, SMALL};
use mark::TOUCHED;
use queues::Queues;
use settings::Settings;

/// Read and write access to what the policy keeps of slots.
pub(crate) trait Marks {
    /// The three mark bits of a slot's entry; a cache miss, so the policy asks only where reads matter.
    fn mark(&self, slot: u32) -> u8;
    /// Replaces the three mark bits of a slot's entry.
    fn set_mark(&mut self, slot: u32, mark: u8);
    /// The three seat bits of a slot.
    fn seat(&self, slot: u32) -> u8;
    /// Replaces the three seat bits of a slot.
    fn set_seat(&mut self, slot: u32, seat: u8);
    /// Whether the slot holds an entry.
    fn is_live(&self, slot: u32) -> bool;
    /// Slots ever allocated, which is how far the hand walks.
    fn slots(&self) -> u32;
    /// Says that a slot will be asked about soon.
    fn prefetch(&self, _slot: u32) {}
    /// Says that `prefetch` will be called for a slot soon.
    fn prefetch_slot(&self, _slot: u32) {}
    /// Bits of the key's hash; a cache miss, so the policy asks only for entries about to leave.
    fn hash(&self, slot: u32) -> u32;
}

/// Where these bits are all set, a hit changes nothing.
pub(crate) const SATURATED: u8 = mark::READS | TOUCHED;

/// The mark after a hit; equal to the one before when there is nothing to store.
#[must_use]
pub(crate) const fn hit(mark: u8) -> u8 {
    mark::hit(mark)
}

/// Eviction order of one shard.
#[derive(Debug)]
pub(crate) struct Policy {
    state: Option<Box<State>>,
}

#[derive(Debug)]
struct State {
    queues: Queues,
    duel: Option<Duel>,
}

impl Policy {
    /// The capacity decides only whether the shard is small enough for a duel; everything else follows the entries
    /// held. Without a capacity nothing is ever evicted and nothing is kept.
    #[must_use]
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let state = capacity.map(|capacity| {
            let duel = (2..=SMALL as usize)
                .contains(&capacity)
                .then(|| Duel::new(capacity));
            let settings = duel.as_ref().map_or(Settings::STANDARD, Duel::settings);
            Box::new(State {
                queues: Queues::new(settings),
                duel,
            })
        });
        Self { state }
    }

    /// Places a newcomer, whose mark and seat are overwritten.
    pub(crate) fn inserted(&mut self, slot: u32, hash: u32, marks: &mut impl Marks) {
        let Some(state) = &mut self.state else { return };
        let proved = state.duel.as_ref().is_some_and(|duel| duel.proved(hash));
        state.queues.inserted(slot, hash, proved, marks);
        if let Some(duel) = &mut state.duel
            && duel.access(hash)
        {
            duel.hand_over(&mut state.queues, marks);
        }
    }

    /// Says that a key will soon be placed or evicted.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(state) = &self.state {
            state.queues.prefetch_ghost(hash);
        }
    }

    /// Forgets an entry that was removed or expired. The seat is the one it had.
    pub(crate) fn removed(&mut self, seat: u8) {
        if let Some(state) = &mut self.state {
            state.queues.removed(seat);
        }
    }

    /// The slot that the next eviction will probably look at first.
    pub(crate) fn upcoming(&self) -> Option<u32> {
        self.state.as_ref()?.queues.upcoming()
    }

    /// Chooses an entry to evict and forgets it; none when the policy holds none.
    pub(crate) fn victim(&mut self, marks: &mut impl Marks) -> Option<u32> {
        let state = self.state.as_mut()?;
        if let Some(duel) = &mut state.duel {
            let before = duel.settings();
            // A slab that once grew far beyond the capacity is not worth walking on every eviction.
            for slot in 0..marks.slots().min(2 * SMALL) {
                let mark = marks.mark(slot);
                if marks.is_live(slot) && mark & TOUCHED != 0 {
                    marks.set_mark(slot, mark & !TOUCHED);
                    duel.access(marks.hash(slot));
                }
            }
            if duel.settings() != before {
                duel.hand_over(&mut state.queues, marks);
            }
        }
        state.queues.victim(marks)
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the tests' numbers are small"
)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Slab {
        marks: Vec<u8>,
        seats: Vec<u8>,
        keys: Vec<Option<u32>>,
        free: Vec<u32>,
    }

    impl Marks for Slab {
        fn mark(&self, slot: u32) -> u8 {
            self.marks[slot as usize]
        }
        fn set_mark(&mut self, slot: u32, mark: u8) {
            assert!(mark < 8, "three bits are all there is");
            self.marks[slot as usize] = mark;
        }
        fn seat(&self, slot: u32) -> u8 {
            self.seats[slot as usize]
        }
        fn set_seat(&mut self, slot: u32, seat: u8) {
            assert!(seat < 8, "three bits are all there is");
            self.seats[slot as usize] = seat;
        }
        fn is_live(&self, slot: u32) -> bool {
            self.keys[slot as usize].is_some()
        }
        fn slots(&self) -> u32 {
            self.marks.len() as u32
        }
        fn hash(&self, slot: u32) -> u32 {
            spread(self.keys[slot as usize].unwrap_or_default())
        }
    }

    fn spread(key: u32) -> u32 {
        let mixed = (u64::from(key) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) as u32
    }

    struct Model {
        policy: Policy,
        slab: Slab,
        map: HashMap<u32, u32>,
        capacity: usize,
    }

    impl Model {
        fn new(capacity: usize) -> Self {
            Self {
                policy: Policy::new(Some(capacity)),
                slab: Slab::default(),
                map: HashMap::new(),
                capacity,
            }
        }

        fn access(&mut self, key: u32) -> bool {
            if let Some(slot) = self.map.get(&key) {
                let mark = &mut self.slab.marks[*slot as usize];
                *mark = hit(*mark);
                return true;
            }
            if self.map.len() >= self.capacity {
                let slot = self
                    .policy
                    .victim(&mut self.slab)
                    .expect("a full cache has a victim");
                let gone = self.slab.keys[slot as usize]
                    .take()
                    .expect("a victim is live");
                assert_eq!(self.map.remove(&gone), Some(slot));
                self.slab.free.push(slot);
            }
            let slot = self.slab.free.pop().unwrap_or_else(|| {
                self.slab.marks.push(0);
                self.slab.seats.push(0);
                self.slab.keys.push(None);
                self.slab.slots() - 1
            });
            self.slab.keys[slot as usize] = Some(key);
            self.map.insert(key, slot);
            self.policy.inserted(slot, spread(key), &mut self.slab);
            false
        }

        fn remove(&mut self, key: u32) {
            if let Some(slot) = self.map.remove(&key) {
                self.policy.removed(self.slab.seats[slot as usize]);
                self.slab.keys[slot as usize] = None;
                self.slab.free.push(slot);
            }
        }
    }

    fn random(state: &mut u64, below: u32) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (((*state >> 32) * u64::from(below)) >> 32) as u32
    }

    #[test]
    fn unlimited_costs_nothing() {
        let mut policy = Policy::new(None);
        let mut slab = Slab {
            marks: vec![0; 4],
            seats: vec![0; 4],
            keys: vec![Some(1); 4],
            free: Vec::new(),
        };
        policy.inserted(0, 7, &mut slab);
        policy.removed(0);
        assert_eq!(policy.victim(&mut slab), None);
        assert!(policy.state.is_none());
        assert_eq!(size_of::<Policy>(), size_of::<usize>());
    }

    #[test]
    fn hit_saturates() {
        let mut mark = 0;
        for _ in 0..3 {
            let next = hit(mark);
            assert_ne!(next, mark);
            mark = next;
        }
        assert_eq!(hit(mark), mark);
    }

    #[test]
    fn flood_of_newcomers_spares_entries_in_use() {
        for capacity in [20, 100, 500, 20_000] {
            let mut model = Model::new(capacity);
            let used = capacity as u32 / 2;
            let mut fresh = 1_000_000;
            let mut lost = 0;
            for round in 0..60 {
                for key in 0..used {
                    lost += u32::from(!model.access(key) && round > 9);
                }
                for _ in 0..capacity * 2 {
                    model.access(fresh);
                    fresh += 1;
                }
            }
            assert!(lost <= used, "{lost} of {used} lost at {capacity}");
        }
    }

    #[test]
    fn loop_larger_than_the_cache_keeps_hitting() {
        for capacity in [40, 400] {
            let mut model = Model::new(capacity);
            let hits = (0..100 * capacity)
                .filter(|at| model.access((at % (4 * capacity)) as u32))
                .count();
            assert!(hits > 15 * capacity, "{hits} at {capacity}");
        }
    }

    #[test]
    fn newcomer_survives_its_own_insertion() {
        for capacity in [1, 2, 3, 10, 193] {
            let mut model = Model::new(capacity);
            for key in 0..5_000 {
                model.access(key);
                assert!(model.map.contains_key(&key));
                assert!(model.map.len() <= capacity);
            }
        }
    }

    #[test]
    fn removals_at_any_time_leave_it_sound() {
        let mut state = 0x5EED;
        for capacity in [1, 7, 64, 192, 193, 1_000] {
            let mut model = Model::new(capacity);
            for _ in 0..60_000 {
                let key = random(&mut state, 3 * capacity as u32);
                match random(&mut state, 4) {
                    0 => model.remove(key),
                    _ => {
                        model.access(key);
                    }
                }
            }
            for _ in 0..model.map.len() {
                let slot = model
                    .policy
                    .victim(&mut model.slab)
                    .expect("every live entry can be evicted");
                assert!(model.slab.keys[slot as usize].take().is_some());
            }
            assert_eq!(model.policy.victim(&mut model.slab), None);
        }
    }

    #[test]
    fn memory_stays_bounded_when_sessions_come_and_go() {
        let mut model = Model::new(10_000);
        for key in 0..1_000_000 {
            model.access(key);
            model.remove(key);
        }
        let state = model.policy.state.expect("a bounded policy keeps state");
        assert!(state.queues.bytes() < 4_096, "{}", state.queues.bytes());
    }

    #[test]
    fn a_wrong_report_is_no_panic() {
        let mut state = 99;
        let mut slab = Slab {
            marks: vec![0; 300],
            seats: vec![0; 300],
            keys: vec![Some(3); 300],
            free: Vec::new(),
        };
        for capacity in [0, 1, 50, 5_000] {
            let mut policy = Policy::new(Some(capacity));
            for _ in 0..20_000 {
                let slot = random(&mut state, 300);
                slab.marks[slot as usize] = random(&mut state, 8) as u8;
                slab.seats[slot as usize] = random(&mut state, 8) as u8;
                slab.keys[slot as usize] = (random(&mut state, 3) > 0).then_some(slot);
                match random(&mut state, 3) {
                    0 => policy.removed(random(&mut state, 8) as u8),
                    1 => policy.inserted(slot, state as u32, &mut slab),
                    _ => {
                        if let Some(slot) = policy.victim(&mut slab) {
                            assert!(slab.is_live(slot));
                        }
                    }
                }
            }
        }
    }
}
