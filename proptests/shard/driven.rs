//! The shard beside its model: what is held, dead or alive, under numbers, each with the lifetimes it was given.

use std::collections::BTreeMap;
use std::time::Duration;

use sessile::internals::{Found, Gone, Held, LoneShard};
use sessile::{Cause, Class, Key, TimeToLive};

use super::{Act, Number, Plant};
use crate::model::{FOREVER, Item};
use crate::ops::Kept;

fn length(number: Number) -> usize {
    const LENGTHS: [usize; 7] = [4, 8, 22, 23, 32, 40, 2100];
    LENGTHS[usize::from(number) % LENGTHS.len()]
}

fn bytes(number: Number) -> Vec<u8> {
    let mut bytes = format!("{number:04}").into_bytes();
    bytes.resize(length(number), b'.');
    bytes
}

fn number(key: &[u8]) -> Number {
    let text = std::str::from_utf8(&key[..4]).expect("four digits");
    let number = text.parse().expect("four digits");
    assert_eq!(bytes(number), key, "a key comes out as it went in");
    number
}

pub(super) fn class(protected: bool) -> Class {
    match protected {
        true => Class::Protected,
        false => Class::Anonymous,
    }
}

/// What is held, dead or alive, and what was read last from the clock.
pub(super) struct Driven {
    shard: LoneShard,
    items: BTreeMap<Number, Item>,
    now: u64,
    late: u64,
    /// Whether the classes can be evicted.
    evicts: [bool; 2],
    plant: Plant,
}

impl Driven {
    pub(super) fn new(room: [Option<usize>; 2], plant: Plant) -> Self {
        Self {
            shard: LoneShard::new(room, 64),
            items: BTreeMap::new(),
            now: 1,
            late: 0,
            evicts: room.map(|room| room.is_some()),
            plant,
        }
    }

    /// The time that the next operation brings along: the latest, unless it read the clock before others did.
    fn brought(&mut self) -> u64 {
        let late = std::mem::take(&mut self.late).min(self.now - 1);
        match self.plant {
            Plant::ServesTheEnded => self.now - 1,
            Plant::GoesBack => {
                self.now -= late;
                self.now
            }
            _ => self.now - late,
        }
    }

    fn is_live(&self, number: Number) -> bool {
        let item = self.items.get(&number);
        item.is_some_and(|item| item.deadline > self.now)
    }

    /// What a reader of a live entry is told.
    fn expected(&self, number: Number) -> Option<Found> {
        let item = self.items.get(&number)?;
        self.is_live(number).then(|| Found {
            value: item.value.clone().into(),
            version: item.version,
            time_to_live: match item.deadline {
                FOREVER => TimeToLive::Forever,
                end => TimeToLive::Left(Duration::from_millis(end - self.now)),
            },
            class: class(item.protected),
        })
    }

    /// Takes an entry that left out of the model, which must have had it like this.
    fn gone(&mut self, gone: &Gone) -> Item {
        let item = self.items.remove(&number(&gone.key));
        let item = item.expect("what leaves was held");
        assert_eq!(item.value, gone.value, "another value left");
        item
    }

    pub(super) fn act(&mut self, step: usize, act: &Act) {
        match *act {
            Act::Insert(first, count, len, kept) => {
                for number in first..first + count {
                    self.insert(step, number, len, kept);
                }
            }
            Act::Use(number) => {
                let key = bytes(number);
                let now = self.brought();
                if self.is_live(number) {
                    let item = self.items.get_mut(&number).expect("live");
                    item.used(self.now);
                }
                let found = self.shard.find(Key::from(&key), true, now);
                assert_eq!(found, self.expected(number), "found");
            }
            Act::Peek(number) => {
                let key = bytes(number);
                let now = self.brought();
                let found = self.shard.find(Key::from(&key), false, now);
                assert_eq!(found, self.expected(number), "found");
            }
            Act::Touch(number, ms) => {
                let key = bytes(number);
                let now = self.brought();
                let by = Duration::from_millis(ms);
                let expected = self.is_live(number);
                if self.plant != Plant::ForgetsTouches {
                    let touched = self.shard.touch(Key::from(&key), by, now);
                    assert_eq!(touched, expected, "touched");
                }
                if expected {
                    let item = self.items.get_mut(&number).expect("live");
                    item.touched(self.now, ms);
                }
            }
            Act::Remove(number) => {
                let key = bytes(number);
                let now = self.brought();
                let expected = self.is_live(number);
                if self.plant == Plant::KeepsTheRemoved {
                    if expected {
                        self.items.remove(&number);
                    }
                    return;
                }
                let removed = self.shard.remove(Key::from(&key), now);
                assert_eq!(removed.is_some(), expected, "removed");
                if let Some(removed) = removed {
                    assert_eq!(removed.cause, Cause::Removed);
                    self.gone(&removed);
                }
            }
            Act::Evict(class, spare, count) => (0..count).for_each(|_| self.evict(class, spare)),
            Act::Sweep(budget) => self.sweep(budget),
            Act::Pass(ms) => {
                // The wheel reaches 2^42 ms; whatever ends has ended at half of it.
                self.now = (self.now + ms).min(1 << 40);
                self.late = 0;
                // Somebody brings the time: whoever is late is late behind others.
                let now = self.brought();
                assert_eq!(self.shard.find(Key::from("nobody"), false, now), None);
            }
            Act::Late(ms) => self.late = ms,
        }
    }

    fn insert(&mut self, step: usize, number: Number, len: usize, kept: Kept) {
        let value: Vec<u8> = step.to_le_bytes().into_iter().cycle().take(len).collect();
        let key = bytes(number);
        let now = self.brought();
        let live = self.is_live(number);
        let (version, old) = (self.shard).insert(Key::from(&key), &value, kept.terms(), now);
        assert_eq!(old.is_some(), self.items.contains_key(&number), "replaced");
        if let Some(old) = old {
            let cause = match live {
                true => Cause::Replaced,
                false => Cause::Expired,
            };
            assert_eq!(old.cause, cause, "replaced");
            let before = self.gone(&old);
            assert_ne!(before.version, version, "a version of its own");
        }
        let item = Item::new(self.now, value, kept, version);
        self.items.insert(number, item);
    }

    fn evict(&mut self, of: Class, spare: Option<Number>) {
        let key = spare.map(bytes);
        let now = self.brought();
        let spared = match self.plant {
            Plant::EvictsTheSpared => None,
            _ => key.as_deref().map(Key::from),
        };
        let evicted = self.shard.evict(of, spared, now);
        if self.plant == Plant::EvictsTwo {
            self.shard.evict(of, spared, now);
        }
        // The policy knows who is held, not who is alive.
        let candidates = |(number, item): (&Number, &Item)| {
            class(item.protected) == of && Some(*number) != spare
        };
        let any = self.items.iter().any(candidates);
        let evicts = self.evicts[usize::from(of == Class::Protected)];
        assert_eq!(evicted.is_some(), any && evicts, "somebody to evict");
        if let Some(evicted) = evicted {
            assert_eq!(evicted.cause, Cause::Evicted);
            assert_ne!(Some(number(&evicted.key)), spare, "the spared one went");
            let item = self.gone(&evicted);
            assert_eq!(class(item.protected), of, "of another class");
        }
    }

    fn sweep(&mut self, budget: usize) {
        let early = u64::from(self.plant == Plant::SweepsEarly);
        let now = self.brought() + early;
        let more = usize::from(self.plant == Plant::OverdrawsTheBudget);
        let mut left = budget + more;
        let (mut reclaimed, freed) = self.shard.sweep(&mut left, now);
        // The smallest step of a sweep may finish the entry that it began.
        assert!(reclaimed.len() <= budget, "more than the steps were for");
        if self.plant == Plant::LosesTheReclaimed {
            reclaimed.pop();
        }
        let before = self.held();
        for gone in &reclaimed {
            assert_eq!(gone.cause, Cause::Expired);
            let item = self.gone(gone);
            assert!(item.deadline <= self.now, "reclaimed alive");
        }
        let after = self.held();
        assert_eq!(before.bytes - after.bytes, freed.bytes, "room given back");
        assert_eq!(before.entries - after.entries, freed.entries);
        if left > 0 {
            // Everything that has ended is gone, and nothing asks to be looked at now.
            assert!(self.shard.next_due() > self.now, "due after a whole sweep");
            let mut items = self.items.values();
            assert!(items.all(|item| item.deadline > self.now), "left behind");
        }
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        for (&number, item) in &self.items {
            let charge = 80 + (length(number) + item.value.len()) as u64;
            held.entries += 1;
            held.bytes += charge;
            if item.protected {
                held.protected_entries += 1;
                held.protected_bytes += charge;
            }
        }
        held
    }

    pub(super) fn compare(&mut self) {
        assert_eq!(self.shard.held(), self.held(), "held");
        let ends = self.items.values().map(|item| item.deadline);
        let first = ends.min().unwrap_or(FOREVER).max(self.now);
        assert!(self.shard.next_due() <= first, "asks too late");
    }

    pub(super) fn recount(&mut self) {
        self.shard.check_invariants(self.now);
        for number in self.items.keys().copied().collect::<Vec<_>>() {
            let key = bytes(number);
            let found = self.shard.find(Key::from(&key), false, self.now);
            assert_eq!(found, self.expected(number), "found");
        }
    }

    /// Lets all that ends end, in steps of seven; what does not is evicted, if it can be.
    pub(super) fn end(&mut self) {
        self.now = 1 << 41;
        while self.shard.next_due() <= self.now {
            self.sweep(7);
        }
        let mut items = self.items.values();
        assert!(items.all(|item| item.deadline == FOREVER), "left behind");
        for class in [Class::Anonymous, Class::Protected] {
            (0..=self.items.len()).for_each(|_| self.evict(class, None));
        }
        self.compare();
        self.recount();
    }
}
