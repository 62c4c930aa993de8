//! Clients that read sessions, some of them writing: the everyday of a server.

use super::{VALUE, ends, value};
use crate::contender::{Contender, Plan};
use crate::id::Id;
use crate::rounds::{Tally, Workload};
use crate::script::{Pick, Step, steps};

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// By `get`, owning the value.
    Owned,
    /// By `get_with`, without owning it.
    Borrowed,
    /// By `get_and_touch`, sliding the deadline.
    Sliding,
}

/// Reads and overwrites of sessions that are all present.
pub struct Traffic {
    sessions: usize,
    read: Read,
    scripts: Vec<Vec<Step>>,
}

impl Traffic {
    /// Traffic over so many sessions, of which `write_percent` overwrites.
    #[must_use]
    pub fn new(
        read: Read,
        sessions: usize,
        pick: Pick,
        write_percent: u64,
        length: usize,
        threads: usize,
    ) -> Traffic {
        Traffic {
            sessions,
            read,
            scripts: steps(threads, length, sessions, pick, write_percent),
        }
    }

    fn drive<C: Contender>(&self, cache: &C, script: &[Step]) -> Tally {
        let ttl = self.plan().ttl;
        let write = |id: &Id| cache.insert(id, value(VALUE), ttl);
        match self.read {
            Read::Owned => follow(script, write, |id| {
                cache.get(id).map(|held| ends(held.as_ref()))
            }),
            Read::Borrowed => follow(script, write, |id| cache.get_with(id, ends)),
            Read::Sliding => follow(script, write, |id| {
                cache.get_and_touch(id, ttl).map(|held| ends(held.as_ref()))
            }),
        }
    }
}

impl Workload for Traffic {
    fn plan(&self) -> Plan {
        let plan = Plan::roomy(self.sessions);
        match self.read {
            Read::Sliding => plan.sliding(),
            Read::Owned | Read::Borrowed => plan,
        }
    }

    fn fill<C: Contender>(&self, cache: &C) {
        fill(cache, self.sessions, VALUE, &self.plan());
    }

    fn warm<C: Contender>(&self, cache: &C, thread: usize) {
        let script = &self.scripts[thread];
        let some = script.len().min(self.sessions.min(50_000) * 2);
        std::hint::black_box(self.drive(cache, &script[..some]).sum);
    }

    fn run<C: Contender>(&self, cache: &C, thread: usize, _: usize) -> Tally {
        self.drive(cache, &self.scripts[thread])
    }
}

/// Inserts the sessions and reads each once: a value made from a `Vec` gets
/// its shared count at the first read, which is no part of what is measured.
pub(super) fn fill<C: Contender>(cache: &C, sessions: usize, length: usize, plan: &Plan) {
    for number in 0..sessions as u64 {
        cache.insert(&Id::nth(number), value(length), plan.ttl);
    }
    cache.settle();
    for number in 0..sessions as u64 {
        std::hint::black_box(cache.get(&Id::nth(number)).is_some());
    }
}

#[inline]
fn follow(script: &[Step], write: impl Fn(&Id), read: impl Fn(&Id) -> Option<u64>) -> Tally {
    let mut tally = Tally::default();
    for step in script {
        if step.write {
            write(&step.id);
            continue;
        }
        tally.reads += 1;
        if let Some(seen) = read(&step.id) {
            tally.hits += 1;
            tally.sum = tally.sum.wrapping_add(seen);
        }
    }
    tally.ops = script.len() as u64;
    tally
}
