//! The two queues: a small window of newcomers and the main part.
//!
//! Newcomers wait in a short ring of slot ids. Those read while they wait move to the main part; the others are
//! evicted and remembered as ghosts, and a remembered key that comes back enters the main part at once. The main part
//! has no queue of its own: a hand walks the slab in slot order and gives entries that were read another turn. Entries
//! that arrive while there is room overflow from the window into the main part unfiltered. The main part therefore
//! starts full and only yields to keys that have proved themselves, which is what holds a loop larger than the cache.

use std::collections::VecDeque;

use super::Marks;
use super::ghost::Ghost;
use super::mark::{GROUND, MAIN, READS, TOUCHED, in_main};
use super::settings::Settings;
use super::trials::{LATE, LATEST, SINGLE, Trials, UNDOUBTED};

/// Second chances granted in one eviction before the least read entry seen has to go.
const CHANCES: u32 = 32;
/// Slots the hand looks at in one eviction when most of them are not in the main part.
const VISITS: u32 = 4 * CHANCES;
/// How far ahead of the hand entries are asked for.
const HAND_AHEAD: u32 = 4;

/// Both queues of one shard.
#[derive(Debug)]
pub(crate) struct Queues {
    settings: Settings,
    /// Slot ids of the window, oldest first, with the tag in the lowest bits; some may be stale.
    ring: VecDeque<u32>,
    /// Live entries in the window, which the ring's length overstates.
    waiting: usize,
    /// Entries that exceed the window's share and are to be evicted rather than to overflow into the main part.
    surplus: usize,
    live: usize,
    /// Entries evicted since the latest newcomer.
    paid: usize,
    /// Entries evicted beyond one for each newcomer: their places are not room, a newcomer takes them.
    spare: usize,
    hand: u32,
    ghost: Ghost,
    pushes: u32,
    trials: Trials,
}

impl Queues {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            ring: VecDeque::new(),
            waiting: 0,
            surplus: 0,
            live: 0,
            paid: 0,
            spare: 0,
            hand: 0,
            ghost: Ghost::default(),
            pushes: 0,
            trials: Trials::default(),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// Bytes allocated.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.ring.capacity() * 4 + self.ghost.depth() * 2
    }

    /// Places a newcomer; a proved one needs no wait in the window.
    pub(crate) fn inserted(&mut self, slot: u32, hash: u32, proved: bool, marks: &mut impl Marks) {
        self.live += 1;
        let room_is_free = match std::mem::take(&mut self.paid) {
            0 if self.spare > 0 => {
                self.spare -= 1;
                false
            }
            0 => true,
            paid => {
                self.spare = (self.spare + paid - 1).min(self.live);
                false
            }
        };
        let ground = match self.ghost.recall(hash) {
            _ if self.settings.recency => None,
            _ if proved && self.surplus > 0 => Some(UNDOUBTED),
            Some(0) => Some(UNDOUBTED),
            Some(_) if !self.settings.doubt => Some(UNDOUBTED),
            Some(1) => Some(LATE),
            Some(_) => Some(LATEST),
            None => None,
        };
        if let Some(ground) = ground.filter(|ground| self.trials.stands(*ground)) {
            // Where a model has the key, this miss was a hit, and whatever the model does not hold should go before it.
            marks.set_mark(slot, u8::from(proved));
            marks.set_seat(slot, MAIN | ground);
            return;
        }
        self.push(slot, 0, marks);
        self.waiting += 1;
        if room_is_free {
            self.overflow(marks);
        }
        self.tidy(marks);
    }

    /// Forgets an entry that left for another reason than eviction.
    pub(crate) fn removed(&mut self, seat: u8) {
        self.live = self.live.saturating_sub(1);
        if !in_main(seat) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }

    /// Chooses an entry to evict and forgets it.
    pub(crate) fn victim(&mut self, marks: &mut impl Marks) -> Option<u32> {
        if self.live == 0 {
            return None;
        }
        let slot = if self.settings.recency {
            self.stalest(marks)
        } else {
            self.unproved(marks)
        };
        let slot = slot.or_else(|| self.any(marks));
        self.live = if slot.is_some() { self.live - 1 } else { 0 };
        self.paid += 1;
        // The newcomer that this makes room for counts already.
        self.surplus = self
            .surplus
            .min((self.waiting + 1).saturating_sub(self.room()));
        slot
    }

    /// Takes over the settings and the order of a model that saw the same keys. `own` finds the slot here of an entry
    /// there. Entries the model does not hold are the first to go.
    pub(crate) fn adopt(
        &mut self,
        model: &Self,
        theirs: &impl Marks,
        own: impl Fn(u32) -> Option<u32>,
        marks: &mut impl Marks,
    ) {
        let places: Vec<u32> = model
            .ring
            .iter()
            .filter_map(|place| Self::tenant(*place, theirs))
            .collect();
        let main: Vec<u32> = (0..theirs.slots())
            .filter(|slot| theirs.is_live(*slot) && in_main(theirs.seat(*slot)))
            .collect();
        self.settings = model.settings;
        self.trials = model.trials;
        self.ghost = model.ghost.clone();
        self.ring.clear();
        let strangers: Vec<u32> = {
            let known: Vec<u32> = places
                .iter()
                .chain(&main)
                .filter_map(|slot| own(*slot))
                .collect();
            (0..marks.slots())
                .filter(|slot| marks.is_live(*slot) && !known.contains(slot))
                .collect()
        };
        for slot in strangers {
            self.push(slot, 0, marks);
        }
        for slot in main {
            if let Some(slot_here) = own(slot) {
                marks.set_mark(slot_here, theirs.mark(slot) & READS);
                marks.set_seat(slot_here, MAIN);
            }
        }
        for slot in places {
            if let Some(slot_here) = own(slot) {
                self.push(slot_here, theirs.mark(slot) & READS, marks);
            }
        }
        self.waiting = self.ring.len();
        self.surplus = self.waiting.saturating_sub(self.room());
    }

    /// Asks for what the ghosts know of a key.
    pub(crate) fn prefetch_ghost(&self, hash: u32) {
        self.ghost.prefetch(hash);
    }

    /// The window's size in entries.
    fn room(&self) -> usize {
        if self.settings.recency {
            return usize::MAX;
        }
        (self.live * usize::from(self.settings.window) / 256).max(1)
    }

    fn push(&mut self, slot: u32, bits: u8, marks: &mut impl Marks) {
        self.pushes = self.pushes.wrapping_add(1);
        let tag = self.pushes & 3;
        marks.set_mark(slot, bits);
        marks.set_seat(slot, tag as u8);
        self.ring.push_back((slot << 2) | tag);
    }

    /// The slot of a ring entry, unless the entry is stale.
    fn tenant(place: u32, marks: &impl Marks) -> Option<u32> {
        let slot = place >> 2;
        if slot >= marks.slots() || !marks.is_live(slot) {
            return None;
        }
        // In the window, and with this tag: the seat is then the tag alone.
        (u32::from(marks.seat(slot)) == place & 3).then_some(slot)
    }

    /// The slot of the window's oldest place, which may be stale.
    pub(crate) fn upcoming(&self) -> Option<u32> {
        self.ring.front().map(|place| place >> 2)
    }

    /// Takes the oldest newcomer off the ring.
    fn pop(&mut self, marks: &impl Marks) -> Option<u32> {
        while let Some(place) = self.ring.pop_front() {
            if let Some(slot) = Self::tenant(place, marks) {
                self.waiting = self.waiting.saturating_sub(1);
                return Some(slot);
            }
        }
        self.waiting = 0;
        None
    }

    /// Takes the oldest newcomer off the ring to look at its mark, and asks for the next ones': cold when their turns
    /// come, one eviction after the next, and so are the slots that say where they lie.
    fn pop_marked(&mut self, marks: &impl Marks) -> Option<(u32, u8)> {
        let slot = self.pop(marks)?;
        if let Some(next) = self.ring.get(1) {
            marks.prefetch(next >> 2);
        }
        if let Some(later) = self.ring.get(3) {
            marks.prefetch_slot(later >> 2);
        }
        Some((slot, marks.mark(slot)))
    }

    /// Moves the oldest newcomer to the main part as it is.
    fn shift(&mut self, marks: &mut impl Marks) -> bool {
        let Some(slot) = self.pop(marks) else {
            return false;
        };
        marks.set_seat(slot, MAIN);
        true
    }

    /// Nothing was evicted for the latest newcomer when the window exceeds its share, so there is room for everybody.
    /// Two per insert catch up with a share that shrank, without a long pause.
    fn overflow(&mut self, marks: &mut impl Marks) {
        for _ in 0..2 {
            if self.waiting <= self.room().saturating_add(self.surplus) || !self.shift(marks) {
                return;
            }
        }
    }

    /// Drops stale ring entries once they outnumber the others, which keeps the cost per insert constant.
    fn tidy(&mut self, marks: &impl Marks) {
        if self.ring.len() > 2 * self.waiting + 32 {
            self.ring
                .retain(|place| Self::tenant(*place, marks).is_some());
            self.waiting = self.ring.len();
        }
    }

    fn resize(&mut self) {
        let depth = if self.settings.recency {
            0
        } else {
            self.live * usize::from(self.settings.ghosts) / 4
        };
        let now = self.ghost.depth();
        // Fingerprints cannot be moved to other buckets, so growing forgets them; hence the slack on both sides.
        if depth > now + now / 4 || depth < now / 4 {
            self.ghost = Ghost::new(depth);
        }
    }

    /// A newcomer that was not read, or failing that an entry of the main part.
    fn unproved(&mut self, marks: &mut impl Marks) -> Option<u32> {
        self.resize();
        for chance in 0..=CHANCES {
            if self.waiting < self.room() && self.waiting < self.live {
                break;
            }
            let Some((slot, mark)) = self.pop_marked(marks) else {
                break;
            };
            let ground = match mark & READS {
                0 => None,
                1 => Some(SINGLE),
                _ => Some(UNDOUBTED),
            };
            if let Some(ground) =
                ground.filter(|ground| chance < CHANCES && self.trials.stands(*ground))
            {
                // The reads that earned the promotion are spent: in the main part the entry has to be read again.
                marks.set_mark(slot, mark & TOUCHED);
                marks.set_seat(slot, MAIN | ground);
                continue;
            }
            self.ghost.remember(marks.hash(slot));
            return Some(slot);
        }
        self.sweep(marks)
    }

    /// Walks the hand to an unread entry of the main part.
    fn sweep(&mut self, marks: &mut impl Marks) -> Option<u32> {
        let slots = marks.slots();
        let mut least: Option<(u8, u32)> = None;
        let mut chances = 0;
        for _ in 0..VISITS {
            let slot = self.hand;
            self.hand = if slot.saturating_add(1) < slots {
                slot + 1
            } else {
                0
            };
            marks.prefetch(slot.saturating_add(HAND_AHEAD));
            if slot >= slots || !marks.is_live(slot) {
                continue;
            }
            let seat = marks.seat(slot);
            if !in_main(seat) {
                continue;
            }
            let mark = marks.mark(slot);
            let reads = mark & READS;
            self.trials.judge(seat & GROUND, reads > 0);
            if reads == 0 {
                return Some(slot);
            }
            marks.set_mark(slot, (mark & !READS) | (reads - 1));
            marks.set_seat(slot, MAIN);
            if least.is_none_or(|(fewest, _)| reads < fewest) {
                least = Some((reads, slot));
            }
            chances += 1;
            if chances == CHANCES {
                break;
            }
        }
        least.map(|(_, slot)| slot)
    }

    /// Least recently used, up to the order of entries read since the last eviction.
    fn stalest(&mut self, marks: &mut impl Marks) -> Option<u32> {
        let mut read = Vec::new();
        self.ring.retain(|place| match Self::tenant(*place, marks) {
            Some(slot) if marks.mark(slot) & READS != 0 => {
                read.push((slot, marks.mark(slot)));
                false
            }
            found => found.is_some(),
        });
        for (slot, mark) in read {
            self.push(slot, mark & TOUCHED, marks);
        }
        self.waiting = self.ring.len();
        self.pop(marks)
    }

    /// The last resort when the main part is sparse and nobody waits: any live entry.
    fn any(&mut self, marks: &impl Marks) -> Option<u32> {
        if let Some(slot) = self.pop(marks) {
            return Some(slot);
        }
        let slots = marks.slots();
        let start = self.hand.min(slots);
        let slot = (start..slots)
            .chain(0..start)
            .find(|slot| marks.is_live(*slot))?;
        self.hand = slot;
        Some(slot)
    }
}
