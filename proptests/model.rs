//! The naive model: a sorted map, a list walk for everything, and time as a number.

use std::collections::BTreeMap;

use sessile::Version;

use crate::ops::{Kept, Name};

pub(crate) const FOREVER: u64 = u64::MAX;

/// What the model knows of an entry.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Vec<u8>,
    pub(crate) version: Version,
    pub(crate) protected: bool,
    pub(crate) deadline: u64,
    ttl_end: u64,
    idle: u64,
    end: u64,
}

impl Item {
    /// An item as it is written at `now`.
    pub(crate) fn new(now: u64, value: Vec<u8>, kept: Kept, version: Version) -> Self {
        let mut item = Self {
            value,
            version,
            protected: kept.protected,
            deadline: 0,
            ttl_end: after(now, kept.ttl),
            idle: kept.idle,
            end: after(now, kept.max_age),
        };
        item.used(now);
        item
    }

    /// A use, which starts an idle timeout again.
    pub(crate) fn used(&mut self, now: u64) {
        self.deadline = self.ttl_end.min(after(now, self.idle)).min(self.end);
    }

    pub(crate) fn touched(&mut self, now: u64, ms: u64) {
        self.ttl_end = now + ms;
        self.used(now);
    }

    pub(crate) fn charge(&self, name: Name) -> u64 {
        80 + (name.bytes().len() + self.value.len()) as u64
    }
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) items: BTreeMap<Name, Item>,
    pub(crate) now: u64,
    /// How far the clock is behind the latest reading of it.
    behind: u64,
}

fn after(now: u64, ms: u64) -> u64 {
    if ms == 0 { FOREVER } else { now + ms }
}

impl Model {
    /// Drops what has ended.
    pub(crate) fn expire(&mut self) {
        let now = self.now;
        self.items.retain(|_, item| item.deadline > now);
    }

    pub(crate) fn advance(&mut self, ms: u64) {
        let caught_up = self.behind.min(ms);
        self.behind -= caught_up;
        self.now += ms - caught_up;
        self.expire();
    }

    /// More than a second back is a step of the clock, less is a late reading: time stands still.
    pub(crate) fn rewind(&mut self, ms: u64) {
        self.behind += ms;
        if self.behind > 1000 {
            self.behind = 0;
        }
    }

    pub(crate) fn write(&mut self, name: Name, value: Vec<u8>, kept: Kept, version: Version) {
        let item = Item::new(self.now, value, kept, version);
        self.items.insert(name, item);
    }

    /// A read that counts as use.
    pub(crate) fn read(&mut self, name: Name) -> Option<&Item> {
        let now = self.now;
        let item = self.items.get_mut(&name)?;
        item.used(now);
        Some(item)
    }

    pub(crate) fn touch(&mut self, name: Name, ms: u64) -> Option<Vec<u8>> {
        let now = self.now;
        let item = self.items.get_mut(&name)?;
        item.touched(now, ms);
        let value = item.value.clone();
        self.expire();
        Some(value)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.items
            .iter()
            .map(|(name, item)| item.charge(*name))
            .sum()
    }
}
