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
    reads: Vec<u32>,
}

impl Churn {
    /// So many sessions in all.
    #[must_use]
    pub fn new(sessions: usize) -> Churn {
        const RECENT: u64 = 20_000;
        let mut random = Random::new(0xc0);
        let ids = Id::range(0, sessions);
        let lives = ids
            .iter()
            .map(|_| Ttl::from_ms(50 + random.below(951)))
            .collect();
        let reads = (0..u32::try_from(sessions).unwrap_or(u32::MAX))
            .map(|now| {
                let back = u32::try_from(random.below(RECENT)).unwrap_or(0);
                now.saturating_sub(back)
            })
            .collect();
        Churn { ids, lives, reads }
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

    fn run<C: Contender>(&self, cache: &C, _: usize, _: usize) -> Tally {
        let mut tally = Tally::default();
        for ((id, life), read) in self.ids.iter().zip(&self.lives).zip(&self.reads) {
            cache.insert(id, value(VALUE), *life);
            if let Some(held) = cache.get(&self.ids[*read as usize]) {
                tally.hits += 1;
                tally.sum = tally.sum.wrapping_add(ends(held.as_ref()));
            }
        }
        tally.reads = self.ids.len() as u64;
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
