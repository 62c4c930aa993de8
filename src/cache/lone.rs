//! One shard by itself, for property tests: no lock, no meters, no clock; whoever drives it has room for
//! everything and brings the time.

use std::time::Duration;

use ahash::RandomState;
use bytes::Bytes;

use super::block::Block;
use super::cell::Cell;
use super::key::Key;
use super::quota::Amount;
use super::read::left;
use super::shard::{Context, Dead, State, hash_of};
use super::terms::{Cause, Class, Terms, TimeToLive, Version, after};

/// What a shard holds, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Entries, expired ones not yet reclaimed included.
    pub entries: u64,
    /// Bytes charged for them.
    pub bytes: u64,
    /// Of the entries, protected ones.
    pub protected_entries: u64,
    /// Of the bytes, those of protected entries.
    pub protected_bytes: u64,
}

impl From<Amount> for Held {
    fn from(amount: Amount) -> Self {
        Self {
            entries: amount.entries,
            bytes: amount.bytes,
            protected_entries: amount.protected_entries,
            protected_bytes: amount.protected_bytes,
        }
    }
}

/// An entry that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The key, without its namespace.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// Why it left.
    pub cause: Cause,
}

impl Gone {
    fn of(dead: &Dead) -> Self {
        let cell = dead.block.cell();
        Self {
            key: cell.copy_key(),
            value: cell.value().clone(),
            cause: dead.cause,
        }
    }
}

/// A live entry as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: Bytes,
    /// The version of its last write.
    pub version: Version,
    /// How long it has left.
    pub time_to_live: TimeToLive,
    /// Its class.
    pub class: Class,
}

/// A shard as the cache drives it, behind the verbs of a cache.
pub struct LoneShard {
    state: State,
    hasher: RandomState,
    next_due: u64,
    copy_up_to: usize,
}

impl LoneShard {
    /// `room` is about how many entries of each class it will hold, if they can be evicted.
    #[must_use]
    pub fn new(room: [Option<usize>; 2], copy_up_to: usize) -> Self {
        Self {
            state: State::new(room, 0),
            hasher: crate::sync::hash_state(),
            next_due: u64::MAX,
            copy_up_to,
        }
    }

    /// Writes an entry, and returns its version and whatever lay under its key.
    pub fn insert(
        &mut self,
        key: Key<'_>,
        value: &[u8],
        terms: Terms,
        now: u64,
    ) -> (Version, Option<Gone>) {
        let now = self.state.at(now);
        let context = context(&self.hasher, now);
        let hash = hash_of(&self.hasher, &key);
        let lifetime = terms.resolve(now);
        let block = match value.len() <= self.copy_up_to {
            true => Block::copy(&key, value),
            false => Block::keep(&key, Bytes::copy_from_slice(value)),
        };
        let version = self.state.next_version();
        block.cell().set_version(version);
        let there = self.state.find(hash, &key).map(|cell| {
            let cause = match cell.stamp().is_live(now) {
                true => Cause::Replaced,
                false => Cause::Expired,
            };
            (cell.id(), cause)
        });
        let (old, due) = match there {
            Some((id, cause @ Cause::Replaced)) if id.class() == terms.class => {
                let (block, due) = self.state.overwrite(id, hash, lifetime, block);
                (Some(Dead { block, cause }), due)
            }
            there => {
                let old = there.map(|(id, cause)| {
                    let (block, _) = self.state.take_out(id, context);
                    Dead { block, cause }
                });
                (
                    old,
                    self.state
                        .place(terms.class, hash, lifetime, block, context),
                )
            }
        };
        self.next_due = self.next_due.min(due);
        let version = Version::from_u64(u64::from(version));
        (version, old.as_ref().map(Gone::of))
    }

    /// Finds a live entry; with `use_it`, marks it used.
    pub fn find(&mut self, key: Key<'_>, use_it: bool, now: u64) -> Option<Found> {
        let now = self.state.at(now);
        self.state.move_index(context(&self.hasher, now));
        let hash = hash_of(&self.hasher, &key);
        let cell = match use_it {
            true => self.state.hit(hash, &key, now)?,
            false => self.state.peek(hash, &key, now)?,
        };
        Some(Found {
            value: cell.value().clone(),
            version: Version::from_u64(u64::from(cell.version())),
            time_to_live: left(cell.stamp().deadline(), now),
            class: cell.id().class(),
        })
    }

    /// Gives a live entry a new time to live; false if there is none.
    pub fn touch(&mut self, key: Key<'_>, time_to_live: Duration, now: u64) -> bool {
        let now = self.state.at(now);
        self.state.move_index(context(&self.hasher, now));
        let hash = hash_of(&self.hasher, &key);
        let Some(cell) = self.state.hit(hash, &key, now) else {
            return false;
        };
        let deadline = match time_to_live.is_zero() {
            true => now,
            false => after(now, time_to_live),
        };
        let before = cell.stamp();
        let end = self.state.life(cell).map_or(deadline, |life| {
            life.update(|life| super::slab::Life { deadline, ..life });
            life.get().deadline_at(now)
        });
        cell.set_stamp(before.with_deadline(end));
        if end < before.deadline() {
            let id = cell.id();
            let due = self.state.hasten(id, end);
            self.next_due = self.next_due.min(due);
        }
        true
    }

    /// Takes a live entry out.
    pub fn remove(&mut self, key: Key<'_>, now: u64) -> Option<Gone> {
        let now = self.state.at(now);
        let hash = hash_of(&self.hasher, &key);
        let id = self.state.peek(hash, &key, now).map(Cell::id)?;
        let (block, _) = self.state.take_out(id, context(&self.hasher, now));
        let cause = Cause::Removed;
        Some(Gone::of(&Dead { block, cause }))
    }

    /// Evicts one of `class`, whichever its policy values least, but not the entry of `spare`.
    pub fn evict(&mut self, class: Class, spare: Option<Key<'_>>, now: u64) -> Option<Gone> {
        let now = self.state.at(now);
        let spare = spare.and_then(|key| self.state.find(hash_of(&self.hasher, &key), &key));
        let spare = spare.map(Cell::id);
        let (dead, _) = (self.state).evict(class, spare, context(&self.hasher, now))?;
        Some(Gone::of(&dead))
    }

    /// Reclaims what has ended, and says how much room that gave; takes its steps off `budget`.
    pub fn sweep(&mut self, budget: &mut usize, now: u64) -> (Vec<Gone>, Held) {
        let now = self.state.at(now);
        let (mut dead, mut freed) = (Vec::new(), Amount::default());
        let context = context(&self.hasher, now);
        self.state.sweep(context, budget, &mut dead, &mut freed);
        self.next_due = self.state.next_due();
        (dead.iter().map(Gone::of).collect(), freed.into())
    }

    /// What it says that it holds.
    #[must_use]
    pub fn held(&self) -> Held {
        self.state.held().into()
    }

    /// When it asks to be swept; `u64::MAX` for never.
    #[must_use]
    pub fn next_due(&self) -> u64 {
        self.next_due
    }

    /// Recounts it.
    ///
    /// # Panics
    /// Panics at the first disagreement between what it believes and what it holds.
    pub fn check_invariants(&mut self, now: u64) {
        let now = self.state.at(now);
        super::check::state(&self.state, context(&self.hasher, now));
        // A deadline that had passed when it was filed waits for the time it was filed at.
        assert!(self.next_due <= self.state.first_deadline().max(now));
    }
}

fn context(hasher: &RandomState, now: u64) -> Context<'_> {
    Context { hasher, now }
}
