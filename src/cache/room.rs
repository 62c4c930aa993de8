//! Making room: expired entries first, then the coldest of the right class, wherever they are.

use super::cache::{Cache, Shard};
use super::cell::Cell;
use super::quota::{Amount, Short};
use super::reentry;
use super::shard::{Dead, State};
use super::terms::{Class, WhenFull};
use super::write::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::Guard;
use crate::sync::atomic::Ordering;

/// Steps of sweeping that one write at a limit does before it evicts something live.
const SWEEP_BEFORE_EVICT: usize = 1024;
/// Steps that an operation does for its own shard when something is due there.
const OWN_STEPS: usize = 24;
/// Steps that every 64th operation does for another shard.
const VISIT_STEPS: usize = 128;
/// How often a write looks for room that is in the hands of other writes on their way. After a hundred turns it
/// sleeps in between: for a tenth of a second at least.
pub(crate) const PATIENCE: u32 = 1101;

/// What [`Cache::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// Expired entries reclaimed.
    pub reclaimed: usize,
    /// Whether the budget ran out while something was still due.
    pub more: bool,
}

impl Cache {
    /// Reclaims expired entries in all shards, at most `budget` steps of work, and says what is left.
    ///
    /// A step is an entry reclaimed or a group of sixteen looked at. Operations do
    /// the same on their way, so a cache with traffic needs no call; without traffic, call it from
    /// a timer for memory to come back.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let clock = sessile::ManualClock::new();
    /// let cache = sessile::Cache::builder().unlimited_entries().clock(clock.clone()).build()?;
    /// cache.insert("id", "cart", Duration::from_secs(60))?;
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(cache.maintain(1000).reclaimed, 1);
    /// assert!(cache.is_empty());
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn maintain(&self, budget: usize) -> Maintained {
        let now = self.timeline.now();
        let mut left = budget;
        let mut reclaimed = 0;
        // Relaxed: any start will do; it moves on so that a small budget reaches every shard.
        let first = self.cursor.fetch_add(1, Ordering::Relaxed);
        for turn in 0..self.shards.len() {
            let shard = &self.shards[first.wrapping_add(turn) & (self.shards.len() - 1)];
            while shard.is_due(now) && left > 0 {
                // One lock's hold stays short however large the budget is.
                let mut steps = left.min(VISIT_STEPS);
                left -= steps;
                reclaimed += self.sweep(shard, now, &mut steps);
                left += steps;
            }
        }
        Maintained {
            reclaimed,
            more: self.shards.iter().any(|shard| shard.is_due(now)),
        }
    }

    /// Sweeps one shard and returns how many entries were reclaimed.
    fn sweep(&self, shard: &Shard, now: u64, steps: &mut usize) -> usize {
        self.sweep_locked(shard, reentry::lock(&shard.state), now, steps)
    }

    /// As [`Cache::sweep`], for a shard whose lock is held: it is given back before anything is
    /// dropped.
    fn sweep_locked(
        &self,
        shard: &Shard,
        mut state: Guard<'_, State>,
        now: u64,
        steps: &mut usize,
    ) -> usize {
        let mut dead = Vec::new();
        let mut room = Amount::default();
        let context = self.context(state.at(now));
        state.sweep(context, steps, &mut dead, &mut room);
        shard.looked(&state);
        // Before the lock is free, as wherever entries leave: room in nobody's sight costs others a live entry.
        self.quota.give(room);
        drop(state);
        let reclaimed = dead.len();
        self.bury(dead);
        reclaimed
    }

    /// An operation's share of the work that is due in its own shard.
    #[cold]
    pub(crate) fn help(&self, shard: &Shard, now: u64) {
        // A shard that somebody else holds is being looked after.
        if let Some(state) = shard.state.try_lock() {
            self.sweep_locked(shard, state, now, &mut { OWN_STEPS });
        }
    }

    /// Looks after one other shard, so that memory comes back also where nobody reads or writes.
    #[cold]
    pub(crate) fn visit(&self, now: u64) {
        // Relaxed: a round robin that may skip or repeat.
        let at = self.cursor.fetch_add(1, Ordering::Relaxed) & (self.shards.len() - 1);
        let shard = &self.shards[at];
        if shard.is_due(now)
            && let Some(state) = shard.state.try_lock()
        {
            self.sweep_locked(shard, state, now, &mut { VISIT_STEPS });
        }
    }

    /// Refuses an entry that could not fit if everything else were gone.
    pub(crate) fn check_size(&self, draft: &Draft<'_>) -> Result<()> {
        if self.quota.holds_none(draft.terms.class) {
            return Err(Error::new(
                ErrorKind::Full,
                "store a protected entry: protected_entries leaves no room for any; raise \
                 max_entries above one",
            ));
        }
        let largest = self.quota.largest(draft.terms.class);
        if draft.charge <= largest {
            return Ok(());
        }
        Err(Error::input(format!(
            "store an entry: it is charged {} bytes and its class can hold {largest} at most; \
             store less or raise max_bytes",
            draft.charge
        )))
    }

    /// Whose entries give way to this draft, or nobody's.
    pub(crate) fn victims(&self, short: Short, draft: &Draft<'_>) -> Option<Class> {
        match (short, self.when_protected_full) {
            (Short::Total, _) => Some(Class::Anonymous),
            (Short::Protected, WhenFull::EvictColdest) => {
                debug_assert_eq!(draft.terms.class, Class::Protected);
                Some(Class::Protected)
            }
            (Short::Protected, WhenFull::Refuse) => None,
        }
    }

    /// Finds credit for a draft outside its own shard, without holding any lock meanwhile.
    ///
    /// It sweeps what has expired anywhere while that frees something; then it evicts. Of what it frees, as
    /// much as the draft can need stays in the credit, so nobody else can take it in between.
    pub(crate) fn make_room(
        &self,
        draft: &Draft<'_>,
        short: Short,
        (swept, patience): (&mut bool, &mut u32),
        credit: &mut Amount,
        dead: &mut Vec<Dead>,
    ) -> Result<()> {
        if !*swept {
            *swept = !self.sweep_due(draft, credit, dead);
            return Ok(());
        }
        let Some(class) = self.victims(short, draft) else {
            return Err(Error::new(
                ErrorKind::Full,
                "store a protected entry: its class has used its budget; remove some, raise \
                 protected_entries or protected_bytes, or choose WhenFull::EvictColdest",
            ));
        };
        // Relaxed: any start will do.
        let first = self.cursor.fetch_add(1, Ordering::Relaxed);
        for turn in 0..self.shards.len() {
            let shard = &self.shards[first.wrapping_add(turn) & (self.shards.len() - 1)];
            let mut state = reentry::lock(&shard.state);
            // The entry that the draft replaces must not make room for itself.
            let spare = state.find(draft.hash, &draft.key).map(Cell::id);
            let context = self.context(state.at(draft.now));
            if let Some((victim, room)) = state.evict(class, spare, context) {
                credit.add(room);
                self.give_surplus(draft, credit);
                drop(state);
                dead.push(victim);
                return Ok(());
            }
        }
        // All room is in the hands of other writes on their way. Each waits for nobody but may
        // wait for what we hold, so give it up and come back.
        self.quota.give(std::mem::take(credit));
        *patience -= 1;
        if *patience > 0 {
            crate::sync::wait_a_turn(PATIENCE - *patience);
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Full,
            "store an entry: every entry that may be evicted is being replaced by somebody else \
             just now; try again, or raise max_entries and max_bytes",
        ))
    }

    /// Gives back what a draft can have no use for; call it while the shard is locked that it came from.
    fn give_surplus(&self, draft: &Draft<'_>, credit: &mut Amount) {
        let most = Amount::of(draft.terms.class, draft.charge);
        let surplus = most.missing(credit);
        credit.spend(surplus);
        self.quota.give(surplus);
    }

    /// Reclaims what is due, anywhere, into the credit; true if that freed anything.
    fn sweep_due(&self, draft: &Draft<'_>, credit: &mut Amount, dead: &mut Vec<Dead>) -> bool {
        let now = draft.now;
        let mut left = SWEEP_BEFORE_EVICT;
        let before = dead.len();
        for shard in &self.shards {
            while shard.is_due(now) && left > 0 {
                let mut steps = left.min(OWN_STEPS);
                left -= steps;
                let mut state = reentry::lock(&shard.state);
                let context = self.context(state.at(now));
                state.sweep(context, &mut steps, dead, credit);
                shard.looked(&state);
                self.give_surplus(draft, credit);
                drop(state);
                left += steps;
                if dead.len() > before {
                    return true;
                }
            }
        }
        // Nothing due is left, or as much was looked at as one write may: from here on, until the
        // clock moves, writes evict without looking again.
        self.swept_at.fetch_max(now, Ordering::Relaxed);
        false
    }
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::cache::terms::Terms;

    #[test]
    fn whoever_waits_in_vain_is_told_so_and_has_changed_nothing() {
        let builder = Cache::builder().max_entries(2).protected_entries(1);
        let cache = builder.max_bytes(2000).shards(2).build().expect("valid");
        let protected = Terms::forever().protected();
        cache.insert("stays", "v", protected).expect("room");
        // A write on its way that does not arrive.
        let mut in_hand = Amount::default();
        let bytes = Amount::some(Class::Anonymous, 0, 1900);
        cache.quota.fill(&mut in_hand, bytes).expect("room");

        let begun = Instant::now();
        let refused = cache.insert("late", "v", Terms::forever());
        let error = refused.expect_err("nobody gives way");
        assert!(begun.elapsed() >= Duration::from_millis(100), "impatient");
        assert_eq!(error.kind(), ErrorKind::Full);
        let text = error.to_string();
        for words in ["being replaced by somebody else just now", "try again"] {
            assert!(text.contains(words), "{text}");
        }
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.evicted, stats.refused), (1, 0, 1));
        assert!(cache.contains("stays") && !cache.contains("late"));

        // It kept nothing of what it had found, and is let in once the other gives up.
        cache.quota.give(in_hand);
        cache.check_invariants();
        let done = cache.insert("late", "v", Terms::forever());
        done.expect("there is room again");
        cache.check_invariants();
    }
}
