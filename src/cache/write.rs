//! The writing verbs: one road for all of them.
//!
//! A write builds its block outside the lock, finds out under the lock what its rule says about
//! the entry that is there, and pays for room before it puts anything in. If a limit is reached it
//! evicts in its own shard, where nothing expired can be left (see [`super::room`]), and in others
//! only if its own has nothing to give.

use bytes::Bytes;

use super::block::Block;
use super::cache::{Cache, Shard};
use super::cell::Cell;
use super::key::Key;
use super::quota::{Amount, Short};
use super::reentry;
use super::room::PATIENCE;
use super::shard::{Dead, Id, State, charge, short};
use super::slab::Life;
use super::terms::{Cause, Class, Replaced, Terms, Version};
use crate::error::Result;
use crate::sync::Guard;
use crate::sync::atomic::Ordering;

/// What a write does about an entry that is there, or is not.
#[derive(Clone, Copy)]
enum Rule {
    Upsert,
    IfAbsent,
    IfPresent(Option<Version>),
}

/// What became of it.
enum Outcome {
    Done(Version),
    Taken,
    Gone,
    Conflict(Version),
}

/// A write on its way: everything that was prepared outside the lock.
pub(crate) struct Draft<'k> {
    pub(crate) key: Key<'k>,
    pub(crate) hash: u64,
    pub(crate) now: u64,
    pub(crate) terms: Terms,
    pub(crate) lifetime: (u64, Option<Life>),
    pub(crate) charge: u64,
}

impl Cache {
    /// Stores `value` under `key`, whether or not there is an entry, and returns its version.
    ///
    /// The entry is kept under the new terms; an entry of the other class changes class. A value
    /// of at most `copy_up_to` bytes is copied once.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key is empty or longer than 64 KiB,
    /// a lifetime is zero, or the entry could never fit into `max_bytes`;
    /// [`Full`](crate::ErrorKind::Full) if the entry is protected, its class has used its budget,
    /// and [`WhenFull::Refuse`](crate::WhenFull::Refuse) was chosen; or, in a cache of few entries, if other
    /// threads' writes on their way held all the room for a tenth of a second. Nothing was changed then.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
    /// let first = cache.insert("id", "one", Duration::from_secs(60))?;
    /// let second = cache.insert("id", "two", Duration::from_secs(60))?;
    /// assert_ne!(first, second);
    /// # Ok::<(), sessile::Error>(())
    /// ```
    #[inline]
    pub fn insert<'k>(
        &self,
        key: impl Into<Key<'k>>,
        value: impl Into<Bytes>,
        terms: impl Into<Terms>,
    ) -> Result<Version> {
        match self.write(key.into(), value.into(), terms.into(), Rule::Upsert)? {
            Outcome::Done(version) | Outcome::Conflict(version) => Ok(version),
            // An upsert minds nobody; it is done or it has failed.
            Outcome::Taken | Outcome::Gone => Ok(Version::from_u64(0)),
        }
    }

    /// Stores `value` under `key` if there is no live entry, and returns its version; `None` if
    /// there is one, which stays as it is.
    ///
    /// # Errors
    /// As [`Cache::insert`].
    pub fn insert_if_absent<'k>(
        &self,
        key: impl Into<Key<'k>>,
        value: impl Into<Bytes>,
        terms: impl Into<Terms>,
    ) -> Result<Option<Version>> {
        match self.write(key.into(), value.into(), terms.into(), Rule::IfAbsent)? {
            Outcome::Done(version) => Ok(Some(version)),
            Outcome::Taken | Outcome::Gone | Outcome::Conflict(_) => Ok(None),
        }
    }

    /// Replaces the value of a live entry and keeps it under the new terms; with `expected`, only
    /// if nobody wrote since that version.
    ///
    /// Never brings back an entry that was removed: the answer tells done, gone and conflict apart.
    ///
    /// # Errors
    /// As [`Cache::insert`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// use sessile::Replaced;
    /// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
    /// let minute = Duration::from_secs(60);
    /// let seen = cache.insert("id", "1", minute)?;
    /// let written = cache.replace("id", "2", minute, Some(seen))?;
    /// assert!(matches!(written, Replaced::Done(_)));
    /// assert!(matches!(cache.replace("id", "3", minute, Some(seen))?, Replaced::Conflict(_)));
    /// cache.remove("id");
    /// assert_eq!(cache.replace("id", "4", minute, None)?, Replaced::Gone);
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn replace<'k>(
        &self,
        key: impl Into<Key<'k>>,
        value: impl Into<Bytes>,
        terms: impl Into<Terms>,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let rule = Rule::IfPresent(expected);
        Ok(
            match self.write(key.into(), value.into(), terms.into(), rule)? {
                Outcome::Done(version) => Replaced::Done(version),
                Outcome::Conflict(version) => Replaced::Conflict(version),
                Outcome::Gone | Outcome::Taken => Replaced::Gone,
            },
        )
    }

    /// Removes the entry of `key`; false if there was no live one.
    pub fn remove<'k>(&self, key: impl Into<Key<'k>>) -> bool {
        match self.take_entry(&key.into()) {
            Some(dead) => {
                self.bury([dead]);
                true
            }
            None => false,
        }
    }

    /// Removes the entry of `key` and returns its value.
    pub fn take<'k>(&self, key: impl Into<Key<'k>>) -> Option<Bytes> {
        let dead = self.take_entry(&key.into())?;
        let value = dead.block.cell().value().clone();
        self.bury([dead]);
        Some(value)
    }

    fn take_entry(&self, key: &Key<'_>) -> Option<Dead> {
        if !key.is_possible() {
            return None;
        }
        let hash = self.hash(key);
        let shard = self.shard(hash);
        shard.prefetch(hash);
        let now = self.timeline.now();
        if shard.is_due(now) {
            self.help(shard, now);
        }
        let mut state = reentry::lock(&shard.state);
        let context = self.context(state.at(now));
        let found = state.peek(hash, key, context.now).map(Cell::id);
        let turn = state.reads.count(found.is_some());
        let dead = found.map(|id| {
            let (block, room) = state.take_out(id, context);
            state.counts.removed += 1;
            // Before the lock is free: whoever finds the place empty must not find the meter full.
            self.quota.give(room);
            let cause = Cause::Removed;
            Dead { block, cause }
        });
        drop(state);
        if turn {
            self.visit(now);
        }
        dead
    }

    /// Stores an entry whose lifetimes are known already, as they are at `now`.
    pub(crate) fn put_back(
        &self,
        key: Key<'_>,
        value: Bytes,
        class: Class,
        now: u64,
        lifetime: (u64, Option<Life>),
    ) -> Result<()> {
        let terms = Terms {
            class,
            ..Terms::forever()
        };
        self.write_for(key, value, terms, (now, lifetime), Rule::Upsert)?;
        Ok(())
    }

    fn write(&self, key: Key<'_>, value: Bytes, terms: Terms, rule: Rule) -> Result<Outcome> {
        terms.check()?;
        let now = self.timeline.now();
        self.write_for(key, value, terms, (now, terms.resolve(now)), rule)
    }

    /// Drafts a write and carries it out.
    #[inline]
    fn write_for(
        &self,
        key: Key<'_>,
        value: Bytes,
        terms: Terms,
        (now, lifetime): (u64, (u64, Option<Life>)),
        rule: Rule,
    ) -> Result<Outcome> {
        key.check()?;
        let hash = self.hash(&key);
        let shard = self.shard(hash);
        // The block is built while the line comes.
        shard.prefetch(hash);
        let block = self.block(&key, value);
        let mut draft = Draft {
            key,
            hash,
            now,
            terms,
            lifetime,
            charge: charge(block.cell()),
        };
        self.check_size(&draft)?;
        if shard.is_due(now) {
            self.help(shard, now);
        }
        self.settle(shard, &mut draft, block, rule)
    }

    /// The block of a new entry.
    fn block(&self, key: &Key<'_>, value: Bytes) -> Block {
        match value.len() <= self.copy_up_to {
            true => Block::copy(key, &value),
            false => Block::keep(key, value),
        }
    }

    /// Carries out a draft: decides, pays, writes. Each turn of the loop has paid for more.
    fn settle(
        &self,
        shard: &Shard,
        draft: &mut Draft<'_>,
        block: Block,
        rule: Rule,
    ) -> Result<Outcome> {
        let mut dead = Vec::new();
        let mut credit = Amount::default();
        let mut swept = false;
        let mut patience = PATIENCE;
        let result = loop {
            let mut state = reentry::lock(&shard.state);
            draft.now = state.at(draft.now);
            state
                .arenas
                .of(draft.terms.class)
                .policy
                .prefetch(short(draft.hash));
            let there = self.there(&mut state, draft, &mut credit, &mut dead);
            if let Some(outcome) = self.refuse(&state, there, rule) {
                let turn = state.reads.count(there.is_some());
                self.quota.give(std::mem::take(&mut credit));
                drop(state);
                if turn {
                    self.visit(draft.now);
                }
                break Ok(outcome);
            }
            let need = need(&state, there, draft);
            match self.pay(&mut state, &mut credit, need, there, draft, &mut dead) {
                Ok(()) => {
                    credit.spend(need);
                    let version = state.next_version();
                    block.cell().set_version(version);
                    let due = self.put(&mut state, there, draft, block, &mut credit, &mut dead);
                    shard.look_at(due);
                    shard.table.follow(state.index.buckets());
                    if let Rule::IfPresent(_) = rule {
                        state.reads.count(true);
                    }
                    let turn = state.counts.wrote(there.is_none());
                    // Before the lock is free: what is left over must not cost anybody an entry.
                    self.quota.give(std::mem::take(&mut credit));
                    drop(state);
                    if turn {
                        self.visit(draft.now);
                    }
                    break Ok(Outcome::Done(self.version(version)));
                }
                Err(short) => {
                    drop(state);
                    let tries = (&mut swept, &mut patience);
                    if let Err(error) = self.make_room(draft, short, tries, &mut credit, &mut dead)
                    {
                        reentry::lock(&shard.state).counts.refused += 1;
                        break Err(error);
                    }
                }
            }
        };
        self.quota.give(credit);
        self.bury(dead);
        result
    }

    /// The live entry under the draft's key; a dead one is taken out on the way.
    fn there(
        &self,
        state: &mut State,
        draft: &Draft<'_>,
        credit: &mut Amount,
        dead: &mut Vec<Dead>,
    ) -> Option<Id> {
        let cell = state.find(draft.hash, &draft.key)?;
        let id = cell.id();
        if cell.stamp().is_live(draft.now) {
            return Some(id);
        }
        let (block, room) = state.take_out(id, self.context(draft.now));
        state.counts.expired += 1;
        credit.add(room);
        let cause = Cause::Expired;
        dead.push(Dead { block, cause });
        None
    }

    /// Why the rule forbids the write, if it does.
    fn refuse(&self, state: &State, there: Option<Id>, rule: Rule) -> Option<Outcome> {
        match (rule, there) {
            (Rule::Upsert, _) | (Rule::IfAbsent, None) | (Rule::IfPresent(None), Some(_)) => None,
            (Rule::IfAbsent, Some(_)) => Some(Outcome::Taken),
            (Rule::IfPresent(_), None) => Some(Outcome::Gone),
            (Rule::IfPresent(Some(expected)), Some(id)) => {
                let current = self.version(state.cell(id).map_or(0, Cell::version));
                (current != expected).then_some(Outcome::Conflict(current))
            }
        }
    }

    /// Fills the credit from the meters, and from this shard if nothing expired is left anywhere.
    fn pay(
        &self,
        state: &mut Guard<'_, State>,
        credit: &mut Amount,
        need: Amount,
        there: Option<Id>,
        draft: &Draft<'_>,
        dead: &mut Vec<Dead>,
    ) -> Result<(), Short> {
        loop {
            let short = match self.quota.fill(credit, need) {
                Ok(()) => return Ok(()),
                Err(short) => short,
            };
            let Some(class) = self.victims(short, draft) else {
                return Err(short);
            };
            // Relaxed: an old value only means sweeping once more.
            if self.swept_at.load(Ordering::Relaxed) < draft.now {
                return Err(short);
            }
            let Some((victim, room)) = state.evict(class, there, self.context(draft.now)) else {
                return Err(short);
            };
            credit.add(room);
            dead.push(victim);
        }
    }

    /// Puts the content in, whose need is paid, and returns when the wheel must look.
    fn put(
        &self,
        state: &mut Guard<'_, State>,
        there: Option<Id>,
        draft: &Draft<'_>,
        block: Block,
        credit: &mut Amount,
        dead: &mut Vec<Dead>,
    ) -> u64 {
        let context = self.context(draft.now);
        let class = draft.terms.class;
        let cause = Cause::Replaced;
        match there {
            Some(id) if id.class() == class => {
                let before = state.charge_of(id);
                let (block, due) = state.overwrite(id, draft.hash, draft.lifetime, block);
                credit.add(Amount::some(class, 0, before.saturating_sub(draft.charge)));
                dead.push(Dead { block, cause });
                due
            }
            Some(id) => {
                let (old, room) = state.take_out(id, context);
                state.moved += 1;
                credit.add(room);
                // The part of the old entry's room that `need` counted as there already.
                credit.spend(Amount {
                    entries: 1,
                    bytes: room.bytes.min(draft.charge),
                    ..Amount::default()
                });
                dead.push(Dead { block: old, cause });
                state.place(class, draft.hash, draft.lifetime, block, context)
            }
            None => state.place(class, draft.hash, draft.lifetime, block, context),
        }
    }
}

/// What a write must pay for: all of a new entry, or what it is more than the one it replaces.
fn need(state: &State, there: Option<Id>, draft: &Draft<'_>) -> Amount {
    let class = draft.terms.class;
    match there {
        None => Amount::of(class, draft.charge),
        Some(id) if id.class() == class => {
            let before = state.charge_of(id);
            Amount::some(class, 0, draft.charge.saturating_sub(before))
        }
        // Changing class pays anew; what the old entry used comes back when it is taken out. The
        // whole cache's share is the same entry's, so that much is not asked for twice.
        Some(id) => {
            let before = Amount::of(id.class(), state.charge_of(id));
            let mut need = Amount::of(class, draft.charge);
            need.entries = 0;
            need.bytes = need.bytes.saturating_sub(before.bytes);
            need
        }
    }
}
