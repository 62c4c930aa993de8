//! Interleaved rounds: in every round each contender runs once, and the order
//! turns by one place per round, so that a busy moment of the machine falls on
//! all of them rather than on one.

use std::sync::Barrier;
use std::time::Instant;

use crate::args::Args;
use crate::contender::{Contender, Plan};
use crate::heap;
use crate::machine;
pub use crate::sample::{Row, Sample};

/// When a contender is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Once, before the first round: all contenders stay in memory.
    Once,
    /// A new cache for every round, dropped after it.
    EachRound,
}

/// What one client did in one round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Operations.
    pub ops: u64,
    /// Reads among them.
    pub reads: u64,
    /// Reads that found their session.
    pub hits: u64,
    /// What was read, so that no read can be left out.
    pub sum: u64,
    /// The slowest single operation in nanoseconds, where each was timed.
    pub slowest_ns: u64,
}

/// Something to measure on every contender.
pub trait Workload: Sync {
    /// What the caches are built for.
    fn plan(&self) -> Plan;

    /// When they are filled.
    fn fills(&self) -> Fill {
        Fill::Once
    }

    /// Whether the workload says anything about this contender.
    fn suits<C: Contender>(&self) -> bool {
        true
    }

    /// Rounds worth doing of those asked for.
    fn rounds(&self, asked: usize) -> usize {
        asked
    }

    /// Whether the heap is counted while a cache of it lives.
    fn counts_heap(&self) -> bool {
        false
    }

    /// Untimed: what the cache holds before the rounds.
    fn fill<C: Contender>(&self, cache: &C);

    /// Untimed: brings the cache near the processor again before each round.
    fn warm<C: Contender>(&self, _cache: &C, _thread: usize) {}

    /// Timed: what one client does in this round.
    fn run<C: Contender>(&self, cache: &C, thread: usize, round: usize) -> Tally;

    /// Untimed, after a round: heap bytes that the cache should have given back.
    fn left<C: Contender>(&self, _cache: &C) -> Option<i64> {
        None
    }
}

trait Lane {
    fn name(&self) -> &'static str;
    fn round(&mut self, round: usize, threads: usize) -> Sample;
}

struct Entrant<'a, W, C> {
    workload: &'a W,
    cache: Option<C>,
}

impl<W: Workload, C: Contender> Lane for Entrant<'_, W, C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn round(&mut self, round: usize, threads: usize) -> Sample {
        let workload = self.workload;
        if workload.counts_heap() {
            heap::count(true);
        }
        let cache = self.cache.take().unwrap_or_else(|| filled(workload));
        let sample = timed(workload, &cache, round, threads);
        if workload.fills() == Fill::Once {
            self.cache = Some(cache);
        }
        heap::count(false);
        sample
    }
}

fn filled<W: Workload, C: Contender>(workload: &W) -> C {
    let cache = C::build(&workload.plan());
    workload.fill(&cache);
    cache.settle();
    cache
}

fn timed<W: Workload, C: Contender>(
    workload: &W,
    cache: &C,
    round: usize,
    threads: usize,
) -> Sample {
    let barrier = Barrier::new(threads);
    let outcomes: Vec<(Instant, Instant, Tally)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..threads)
            .map(|thread| {
                let barrier = &barrier;
                scope.spawn(move || {
                    machine::stay(thread);
                    workload.warm(cache, thread);
                    barrier.wait();
                    let start = Instant::now();
                    let tally = workload.run(cache, thread, round);
                    (start, Instant::now(), tally)
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client ran to its end"))
            .collect()
    });
    summed(&outcomes, cache.held(), workload.left(cache))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "operations and nanoseconds of a round lie far below 2^53"
)]
fn summed(outcomes: &[(Instant, Instant, Tally)], held: usize, left: Option<i64>) -> Sample {
    let start = outcomes.iter().map(|outcome| outcome.0).min();
    let end = outcomes.iter().map(|outcome| outcome.1).max();
    let wall = start
        .zip(end)
        .map_or(0, |(start, end)| (end - start).as_nanos());
    let tallies = || outcomes.iter().map(|outcome| &outcome.2);
    std::hint::black_box(tallies().map(|tally| tally.sum).fold(0, u64::wrapping_add));
    let ops: u64 = tallies().map(|tally| tally.ops).sum();
    let reads: u64 = tallies().map(|tally| tally.reads).sum();
    let hits: u64 = tallies().map(|tally| tally.hits).sum();
    let per_client = ops.max(1) as f64 / outcomes.len().max(1) as f64;
    Sample {
        ns_per_op: wall as f64 / per_client,
        hit_ratio: (reads > 0).then(|| hits as f64 / reads as f64),
        held,
        slowest_ns: tallies().map(|tally| tally.slowest_ns).max().unwrap_or(0),
        left,
    }
}

/// Runs a workload on every contender asked for.
pub fn measure<W: Workload>(workload: &W, args: &Args, threads: usize) -> Vec<Row> {
    let mut lanes: Vec<Box<dyn Lane + '_>> = Vec::new();
    macro_rules! enter {
        ($contender:ty) => {
            if args.wants_contender(<$contender>::NAME) && workload.suits::<$contender>() {
                let cache = match workload.fills() {
                    Fill::Once => Some(filled::<W, $contender>(workload)),
                    Fill::EachRound => None,
                };
                lanes.push(Box::new(Entrant { workload, cache }));
            }
        };
    }
    crate::for_each_contender!(enter);
    let mut rows: Vec<Row> = lanes
        .iter()
        .map(|lane| Row {
            contender: lane.name(),
            samples: Vec::new(),
        })
        .collect();
    for round in 0..workload.rounds(args.rounds()) {
        for place in 0..lanes.len() {
            let turn = (place + round) % lanes.len();
            let sample = lanes[turn].round(round, threads);
            rows[turn].samples.push(sample);
        }
    }
    rows
}

/// The names of all contenders.
#[must_use]
pub fn contenders() -> Vec<&'static str> {
    let mut names = Vec::new();
    macro_rules! name {
        ($contender:ty) => {
            names.push(<$contender>::NAME);
        };
    }
    crate::for_each_contender!(name);
    names
}
