//! Growing to ten million sessions: what inserts and reads cost on the way,
//! and the slowest single insert, which is where a table is moved.

use std::time::Instant;

use super::traffic::fill;
use super::{ends, value};
use crate::clock::Coarse;
use crate::contender::{Contender, Plan};
use crate::contenders::{Dash, Ours, Quick};
use crate::id::Id;
use crate::rounds::{Fill, Tally, Workload};
use crate::script::{Pick, Step, steps};

/// Bytes in a value here: ten million of them have to fit the memory.
const SMALL: usize = 64;

/// Those that are worth growing: ours, the fastest plain map, and the nearest
/// evicting cache.
fn grows<C: Contender>() -> bool {
    [
        Ours::NAME,
        <Dash<Coarse> as Contender>::NAME,
        <Quick<Coarse> as Contender>::NAME,
    ]
    .contains(&C::NAME)
}

/// Inserts into an empty, unlimited cache, each timed on its own.
pub struct GrowthInsert {
    ids: Vec<Id>,
}

impl GrowthInsert {
    /// Growth to so many sessions.
    #[must_use]
    pub fn new(sessions: usize) -> GrowthInsert {
        GrowthInsert {
            ids: Id::range(0, sessions),
        }
    }
}

impl Workload for GrowthInsert {
    fn plan(&self) -> Plan {
        Plan::roomy(self.ids.len())
    }

    fn fills(&self) -> Fill {
        Fill::EachRound
    }

    fn suits<C: Contender>(&self) -> bool {
        grows::<C>()
    }

    fn rounds(&self, asked: usize) -> usize {
        asked.min(3)
    }

    fn fill<C: Contender>(&self, _: &C) {}

    fn run<C: Contender>(&self, cache: &C, _: usize, _: usize) -> Tally {
        let ttl = self.plan().ttl;
        let mut slowest = 0;
        let mut before = Instant::now();
        for id in &self.ids {
            cache.insert(id, value(SMALL), ttl);
            let after = Instant::now();
            slowest = slowest.max((after - before).as_nanos());
            before = after;
        }
        Tally {
            ops: self.ids.len() as u64,
            slowest_ns: u64::try_from(slowest).unwrap_or(u64::MAX),
            ..Tally::default()
        }
    }
}

/// Uniform reads of a grown cache.
pub struct GrowthGet {
    sessions: usize,
    script: Vec<Step>,
}

impl GrowthGet {
    /// Reads of so many sessions.
    #[must_use]
    pub fn new(sessions: usize, length: usize) -> GrowthGet {
        let script = steps(1, length, sessions, Pick::Uniform, 0).remove(0);
        GrowthGet { sessions, script }
    }
}

impl Workload for GrowthGet {
    fn plan(&self) -> Plan {
        Plan::roomy(self.sessions)
    }

    fn fills(&self) -> Fill {
        Fill::EachRound
    }

    fn suits<C: Contender>(&self) -> bool {
        grows::<C>()
    }

    fn rounds(&self, asked: usize) -> usize {
        asked.min(3)
    }

    fn fill<C: Contender>(&self, cache: &C) {
        fill(cache, self.sessions, SMALL, &self.plan());
    }

    fn run<C: Contender>(&self, cache: &C, _: usize, _: usize) -> Tally {
        let mut tally = Tally::default();
        for step in &self.script {
            if let Some(held) = cache.get(&step.id) {
                tally.hits += 1;
                tally.sum = tally.sum.wrapping_add(ends(held.as_ref()));
            }
        }
        tally.ops = self.script.len() as u64;
        tally.reads = tally.ops;
        tally
    }
}
