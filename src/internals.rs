//! What the model checkers and property tests need to see; no part of the public interface.

pub use crate::cache::decode_snapshot;
pub use crate::cache::lone::{Found, Gone, Held, LoneShard};
use crate::cache::wheel::{UNFILED, Wheel};
use crate::cache::{Cache, Key};
use crate::sync::Guard;

/// Counts what `cache` holds at one moment: every shard is locked before the first is counted.
#[must_use]
pub fn held(cache: &Cache) -> Held {
    // Nothing in the cache holds two of these locks at once, so their order cannot deadlock.
    let shards: Vec<Guard<'_, _>> = cache
        .shards
        .iter()
        .map(|shard| shard.state.lock())
        .collect();
    let mut held = Held::default();
    for shard in &shards {
        let amount = shard.held();
        held.entries += amount.entries;
        held.bytes += amount.bytes;
        held.protected_entries += amount.protected_entries;
        held.protected_bytes += amount.protected_bytes;
    }
    held
}

/// Says which shard `key` falls on, for models that need two keys together or apart.
#[must_use]
pub fn shard_of<'k>(cache: &Cache, key: impl Into<Key<'k>>) -> usize {
    let wanted = cache.shard(cache.hash(&key.into()));
    cache
        .shards
        .iter()
        .position(|shard| std::ptr::eq(&raw const **shard, wanted))
        .expect("every key has a shard")
}

/// The timing wheel as a shard drives it, with groups that are due at one time each.
#[derive(Default)]
pub struct Alarms {
    wheel: Option<Wheel>,
    due: Vec<(u64, u16)>,
}

impl Alarms {
    /// Sets group `group` to `due`; a group may be set again, earlier or later.
    pub fn set(&mut self, group: u32, due: u64) {
        let at = usize::try_from(group).expect("a group number fits a word");
        if self.due.len() <= at {
            self.due.resize(at + 1, (u64::MAX, UNFILED));
        }
        let wheel = self.wheel.get_or_insert_with(Wheel::new);
        let (known, filed) = self.due[at];
        // As in a shard: a later time is found when the filing comes up, an earlier one is filed.
        if filed == UNFILED || due < known {
            self.due[at] = (due, wheel.file(group, due));
        } else {
            self.due[at].0 = due;
        }
    }

    /// Moves time to `now` and returns the groups that fired, with the times they were due.
    pub fn advance(&mut self, now: u64) -> Vec<(u32, u64)> {
        let mut fired = Vec::new();
        let wheel = self.wheel.get_or_insert_with(Wheel::new);
        while let Some(group) = wheel.peek(now) {
            let at = usize::try_from(group).expect("a group number fits a word");
            let (due, filed) = self.due[at];
            let current = wheel.is_current(filed);
            wheel.pop();
            if !current {
                continue;
            }
            self.due[at].1 = if due <= now {
                fired.push((group, due));
                UNFILED
            } else {
                wheel.file(group, due)
            };
        }
        fired
    }

    /// When the wheel asks to be looked at next.
    #[must_use]
    pub fn next_due(&self) -> u64 {
        self.wheel.as_ref().map_or(u64::MAX, Wheel::next_due)
    }

    /// Recounts the wheel.
    pub fn check(&self) {
        if let Some(wheel) = &self.wheel {
            wheel.check(|_, _| ());
        }
    }
}
