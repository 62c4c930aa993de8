//! A hierarchical timing wheel of groups: seven levels of 64 slots, one millisecond per tick.
//!
//! The wheel files *groups* of sixteen entries under the earliest deadline among them, not entries.
//! Extending a deadline or removing an entry therefore touches nothing here: when the group fires,
//! whoever drives the wheel looks at the sixteen stamps, ends what has ended, and files the group
//! again under the earliest deadline left. A group that needs an earlier slot is filed a second
//! time; the group remembers under which slot it is filed, so the older filing is recognised as
//! stale when it comes up. The wheel costs under one byte per entry.
//!
//! Seven levels of 64 reach 139 years. A slot of level `k` spans `64^k` ms; its groups move to
//! lower levels when time enters the slot. All moving is done one group at a time by the caller,
//! within the caller's budget: a slot that is due is detached whole, in one step, into `pending`.
//!
//! Sources: Varghese & Lauck 1987 (hierarchical wheels); the level arithmetic is Tokio's.

/// Marks a group that no slot holds.
pub(crate) const UNFILED: u16 = u16::MAX;
/// Marks a group that waits in `pending`.
pub(crate) const PENDING: u16 = u16::MAX - 1;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = TOP_LEVEL as usize + 1;
const TOP_LEVEL: u32 = 6;

struct Level {
    /// Bit `s` is set exactly if `slots[s]` is not empty.
    occupied: u64,
    slots: [Vec<u32>; SLOTS],
}

/// See the module's text.
pub(crate) struct Wheel {
    /// No slot that begins at or before this time is occupied.
    time: u64,
    levels: [Option<Box<Level>>; LEVELS],
    pending: Vec<u32>,
    /// The slot that `pending` was detached from.
    pending_from: u16,
    /// Filings in slots and in `pending`, stale ones included.
    filings: usize,
}

/// The level and slot where `due` is filed while the wheel stands at `time`, `due > time`.
///
/// The level is that of the highest digit (of base 64) in which the two differ, so within a level
/// all filings share the higher digits with `time`, and their slots lie ahead of it.
fn place(time: u64, due: u64) -> (usize, usize) {
    let differ = (time ^ due) | (SLOTS as u64 - 1);
    let level = ((63 - differ.leading_zeros()) / BITS).min(TOP_LEVEL);
    let slot = (due >> (level * BITS)) & (SLOTS as u64 - 1);
    (level as usize, usize::try_from(slot).unwrap_or(0))
}

/// When slot `slot` of level `level` begins, for a wheel that stands at `time`.
fn begin(time: u64, level: usize, slot: usize) -> u64 {
    let shift = u32::try_from(level).unwrap_or(0) * BITS;
    let above = time >> (shift + BITS) << (shift + BITS);
    above | (slot as u64) << shift
}

fn id(level: usize, slot: usize) -> u16 {
    u16::try_from(level * SLOTS + slot).unwrap_or(UNFILED)
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            time: 0,
            levels: [const { None }; LEVELS],
            pending: Vec::new(),
            pending_from: PENDING,
            filings: 0,
        }
    }

    /// Files `group` under `due` and returns the slot's id, or [`PENDING`] if the time has come.
    pub(crate) fn file(&mut self, group: u32, due: u64) -> u16 {
        self.filings += 1;
        if due <= self.time {
            self.pending.push(group);
            return PENDING;
        }
        let (level, slot) = place(self.time, due);
        let wheel_level = self.levels[level].get_or_insert_with(|| {
            Box::new(Level {
                occupied: 0,
                slots: [const { Vec::new() }; SLOTS],
            })
        });
        wheel_level.occupied |= 1 << slot;
        wheel_level.slots[slot].push(group);
        id(level, slot)
    }

    /// The earliest time at which something is to be done; `u64::MAX` if never.
    pub(crate) fn next_due(&self) -> u64 {
        if !self.pending.is_empty() {
            return self.time;
        }
        self.next_slot()
            .map_or(u64::MAX, |(level, slot)| begin(self.time, level, slot))
    }

    /// The earliest occupied slot: levels are ordered in time, and slots within a level.
    fn next_slot(&self) -> Option<(usize, usize)> {
        self.levels.iter().enumerate().find_map(|(number, level)| {
            let level = level.as_ref()?;
            (level.occupied != 0).then(|| (number, level.occupied.trailing_zeros() as usize))
        })
    }

    /// The group to look at next, if any is due at `now`; it stays first until [`Wheel::pop`].
    ///
    /// Returns the group and whether a filing under `filed` is the current one. Costs O(levels).
    pub(crate) fn peek(&mut self, now: u64) -> Option<u32> {
        if self.pending.is_empty() {
            let next = self
                .next_slot()
                .map(|(level, slot)| (level, slot, begin(self.time, level, slot)))
                .filter(|&(_, _, at)| at <= now);
            let Some((level, slot, at)) = next else {
                self.time = self.time.max(now);
                return None;
            };
            if let Some(level) = self.levels[level].as_mut() {
                level.occupied &= !(1 << slot);
                self.pending = std::mem::take(&mut level.slots[slot]);
            }
            self.pending_from = id(level, slot);
            self.time = at;
        }
        self.pending.last().copied()
    }

    /// Whether a group filed under `filed` is the one that [`Wheel::peek`] shows, not a stale twin.
    pub(crate) fn is_current(&self, filed: u16) -> bool {
        filed == PENDING || filed == self.pending_from
    }

    /// Forgets the group that [`Wheel::peek`] shows.
    pub(crate) fn pop(&mut self) {
        if self.pending.pop().is_some() {
            self.filings -= 1;
        }
        if self.pending.is_empty() {
            // Gives a storm's memory back.
            self.pending = Vec::new();
        }
    }

    /// Filings held, stale ones included.
    pub(crate) fn filings(&self) -> usize {
        self.filings
    }

    /// Forgets every filing and keeps the time; the caller files each group again.
    pub(crate) fn empty(&mut self) {
        let time = self.time;
        *self = Self::new();
        self.time = time;
    }

    /// All filings, for the recount in `check_invariants`.
    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn check(&self, mut seen: impl FnMut(u32, u16)) {
        let mut filings = 0;
        for (number, level) in self.levels.iter().enumerate() {
            let Some(level) = level else { continue };
            for (slot, groups) in level.slots.iter().enumerate() {
                let is_occupied = level.occupied >> slot & 1 == 1;
                assert_eq!(
                    is_occupied,
                    !groups.is_empty(),
                    "a slot with groups is marked"
                );
                if !groups.is_empty() {
                    let is_ahead = begin(self.time, number, slot) > self.time;
                    assert!(is_ahead, "no slot that has begun holds groups");
                }
                filings += groups.len();
                groups
                    .iter()
                    .for_each(|&group| seen(group, id(number, slot)));
            }
        }
        self.pending.iter().for_each(|&group| {
            seen(group, PENDING);
            seen(group, self.pending_from);
        });
        let all = filings + self.pending.len();
        assert_eq!(all, self.filings, "filings are counted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::check::refused;

    /// Drives a wheel as the shard does and returns when each group fired.
    fn fire_all(wheel: &mut Wheel, due: &mut [(u64, u16)], until: u64) -> Vec<(u32, u64)> {
        let mut fired = Vec::new();
        while let Some(group) = wheel.peek(until) {
            let (at, filed) = due[group as usize];
            let current = wheel.is_current(filed);
            wheel.pop();
            if !current {
                continue;
            }
            if at <= until && at <= wheel.time {
                due[group as usize].1 = UNFILED;
                fired.push((group, wheel.time));
            } else {
                due[group as usize].1 = wheel.file(group, at);
            }
        }
        fired
    }

    #[test]
    fn fires_each_group_at_its_very_tick_across_every_level_boundary() {
        let mut times = Vec::new();
        for level in 0..=TOP_LEVEL {
            let edge = 1_u64 << (level * BITS);
            for offset in [0, 1, 2, 63, 64, 65] {
                times.push(edge + offset);
                times.push((edge * 63).saturating_sub(offset).max(1));
            }
        }
        times.retain(|&at| at < (1 << 42) - 1);
        for start in [0, 1, 63, 64, 4095, 4096, 1 << 30] {
            let mut wheel = Wheel::new();
            assert!(wheel.peek(start).is_none());
            let mut due: Vec<(u64, u16)> = times.iter().map(|&at| (start + at, UNFILED)).collect();
            for (group, (at, filed)) in (0..).zip(due.iter_mut()) {
                *filed = wheel.file(group, *at);
            }
            let mut expected: Vec<u64> = due.iter().map(|pair| pair.0).collect();
            expected.sort_unstable();
            let fired = fire_all(&mut wheel, &mut due, 1 << 43);
            assert_eq!(fired.iter().map(|f| f.1).collect::<Vec<_>>(), expected);
            for (group, at) in fired {
                assert_eq!(at, start + times[group as usize]);
            }
            assert_eq!(wheel.filings(), 0);
            assert_eq!(wheel.next_due(), u64::MAX);
        }
    }

    #[test]
    fn a_stale_filing_is_told_from_the_current_one() {
        let mut wheel = Wheel::new();
        let late = wheel.file(0, 5000);
        let early = wheel.file(0, 10);
        let mut due = [(10, early)];
        assert_ne!(late, early);
        assert_eq!(fire_all(&mut wheel, &mut due, 6000), [(0, 10)]);
        assert_eq!(wheel.filings(), 0);
    }

    #[test]
    fn what_is_due_already_waits_in_pending() {
        let mut wheel = Wheel::new();
        assert!(wheel.peek(100).is_none());
        assert_eq!(wheel.file(3, 100), PENDING);
        assert_eq!(wheel.next_due(), 100);
        assert_eq!(wheel.peek(100), Some(3));
    }

    #[test]
    fn the_recount_finds_what_is_broken() {
        type Damage = fn(&mut Wheel);
        let damages: [(&str, Damage); 3] = [
            ("a slot with groups is marked", |wheel| {
                let level = wheel.levels[0].as_mut().expect("a group is filed there");
                level.occupied = 0;
            }),
            ("no slot that has begun holds groups", |wheel| {
                wheel.time = 10
            }),
            ("filings are counted", |wheel| wheel.filings = 2),
        ];
        for (words, damage) in damages {
            let mut wheel = Wheel::new();
            wheel.file(3, 10);
            wheel.check(|_, _| ());
            damage(&mut wheel);
            refused(words, || wheel.check(|_, _| ()));
        }
    }
}
