//! New sessions into a cache with room for them.

use super::{VALUE, value};
use crate::contender::{Contender, Plan};
use crate::id::Id;
use crate::rounds::{Fill, Tally, Workload};

/// Inserts of new sessions, into a new cache each round.
pub struct Insert {
    ids: Vec<Id>,
    threads: usize,
}

impl Insert {
    /// Inserts of so many sessions, shared out to the threads.
    #[must_use]
    pub fn new(sessions: usize, threads: usize) -> Insert {
        Insert {
            ids: Id::range(0, sessions),
            threads,
        }
    }
}

impl Workload for Insert {
    fn plan(&self) -> Plan {
        Plan::bounded(self.ids.len() / 5 * 6)
    }

    fn fills(&self) -> Fill {
        Fill::EachRound
    }

    fn fill<C: Contender>(&self, _: &C) {}

    fn run<C: Contender>(&self, cache: &C, thread: usize, _: usize) -> Tally {
        let share = self.ids.len() / self.threads;
        let ttl = self.plan().ttl;
        for id in &self.ids[thread * share..][..share] {
            cache.insert(id, value(VALUE), ttl);
        }
        Tally {
            ops: share as u64,
            ..Tally::default()
        }
    }
}
