//! A full cache before a slower source: a miss inserts, and evicts.

use super::{VALUE, ends, value};
use crate::contender::{Contender, Plan};
use crate::contenders::Stretto;
use crate::rounds::{Tally, Workload};
use crate::script::{Pick, Step, steps};

/// Stretches of script, one per round in turn: a stretch that came round again
/// soon would favour whoever remembers its accidents.
const STRETCHES: usize = 8;

/// At a capacity of 100 k stretto takes more than 20 us per operation here, so
/// that its rounds would outlast all others together.
const STRETTO_MAX: usize = 10_000;

/// Zipf reads over ten times as many sessions as the cache may hold.
pub struct LookAside {
    capacity: usize,
    scripts: Vec<Vec<Step>>,
}

impl LookAside {
    /// Reads over so many sessions with a tenth of them as capacity, `length`
    /// of them per round.
    #[must_use]
    pub fn new(sessions: usize, length: usize, threads: usize) -> LookAside {
        LookAside {
            capacity: sessions / 10,
            scripts: steps(threads, length * STRETCHES, sessions, Pick::Zipf, 0),
        }
    }
}

impl Workload for LookAside {
    fn plan(&self) -> Plan {
        Plan::bounded(self.capacity)
    }

    // Whoever never evicts would hold everything and hit always.
    fn suits<C: Contender>(&self) -> bool {
        let crawls = C::NAME == Stretto::NAME && self.capacity > STRETTO_MAX;
        C::EVICTS && !crawls
    }

    fn fill<C: Contender>(&self, cache: &C) {
        self.run(cache, 0, STRETCHES - 1);
    }

    fn run<C: Contender>(&self, cache: &C, thread: usize, round: usize) -> Tally {
        let length = self.scripts[thread].len() / STRETCHES;
        let script = &self.scripts[thread][round % STRETCHES * length..][..length];
        let ttl = self.plan().ttl;
        let mut tally = Tally::default();
        for step in script {
            match cache.get(&step.id) {
                Some(held) => {
                    tally.hits += 1;
                    tally.sum = tally.sum.wrapping_add(ends(held.as_ref()));
                }
                None => cache.insert(&step.id, value(VALUE), ttl),
            }
        }
        tally.ops = script.len() as u64;
        tally.reads = tally.ops;
        tally
    }
}
