//! Short lives: sessions of 50 ms to 1 s, inserted and read without pause,
//! and what remains of them in memory when all have ended.

use std::time::Duration;

use super::{VALUE, ends, value};
use crate::clock::Ttl;
use crate::contender::{Contender, Plan};
use crate::heap;
use crate::id::{Id, Random};
use crate::rounds::{Fill, Tally, Workload};

/// Inserts with random short lives, each followed by a read of a recent one.
pub struct Churn {
    ids: Vec<Id>,
    lives: Vec<Ttl>,
    /// How many sessions back each read goes.
    backs: Vec<u32>,
    threads: usize,
}

impl Churn {
    /// So many sessions in all, shared out to the threads.
    #[must_use]
    pub fn new(sessions: usize, threads: usize) -> Churn {
        const RECENT: u64 = 20_000;
        let mut random = Random::new(0xc0);
        let ids = Id::range(0, sessions);
        let (lives, backs) = ids
            .iter()
            .map(|_| {
                let life = Ttl::from_ms(50 + random.below(951));
                (life, u32::try_from(random.below(RECENT)).unwrap_or(0))
            })
            .unzip();
        Churn {
            ids,
            lives,
            backs,
            threads,
        }
    }
}

impl Workload for Churn {
    fn plan(&self) -> Plan {
        Plan {
            ttl: Ttl::from_ms(1_000),
            ..Plan::roomy(self.ids.len())
        }
    }

    fn fills(&self) -> Fill {
        Fill::EachRound
    }

    fn rounds(&self, asked: usize) -> usize {
        asked.min(3)
    }

    fn counts_heap(&self) -> bool {
        true
    }

    fn fill<C: Contender>(&self, _: &C) {}

    fn run<C: Contender>(&self, cache: &C, thread: usize, _: usize) -> Tally {
        let mut tally = Tally::default();
        let share = self.ids.len() / self.threads;
        let from = thread * share;
        for now in from..from + share {
            cache.insert(&self.ids[now], value(VALUE), self.lives[now]);
            let read = now.saturating_sub(self.backs[now] as usize).max(from);
            if let Some(held) = cache.get(&self.ids[read]) {
                tally.hits += 1;
                tally.sum = tally.sum.wrapping_add(ends(held.as_ref()));
            }
        }
        tally.reads = share as u64;
        tally.ops = tally.reads * 2;
        tally
    }

    // A second and a half after the end nothing lives any more. A little more
    // traffic gives those a chance that work only when called.
    fn left<C: Contender>(&self, cache: &C) -> Option<i64> {
        std::thread::sleep(Duration::from_millis(1_500));
        for id in self.ids.iter().cycle().take(200_000) {
            std::hint::black_box(cache.get(id).is_some());
        }
        Some(heap::live())
    }
}
