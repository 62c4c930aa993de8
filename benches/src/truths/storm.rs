//! A million sessions that end in the same tick, under one client's traffic.

use std::time::{Duration, Instant};

use sessile::time::{Clock, CoarseClock};

use crate::args::Args;
use crate::clock::{Coarse, Ttl};
use crate::contender::{Contender, Plan};
use crate::contenders::{Dash, MokaExpiry, Ours, Quick, Stretto};
use crate::heap;
use crate::id::{Id, Random};
use crate::measure::Found;
use crate::report::{Table, mib};
use crate::spread::Spread;
use crate::workloads::{VALUE, ends, value};

/// Sessions of the client whose traffic goes on.
const OTHERS: u64 = 10_000;
/// The first number of those sessions, beyond the ones that end.
const BEYOND: u64 = 1 << 40;
/// Traffic before the storm, and after it.
const BEFORE: Duration = Duration::from_millis(500);
const AFTER: Duration = Duration::from_secs(2);
/// How long the machine alone is watched, before and after.
const WATCH: Duration = Duration::from_secs(1);

/// One storm per contender and run, in turns.
pub(super) fn take(args: &Args) -> Found {
    let sessions = args.size(1_000_000);
    let mut table = Table::new(
        format!(
            "A storm: {sessions} sessions end in one tick, one client reads 95 and inserts 5 of 100"
        ),
        "Single operations in microseconds, from half a second before the tick to 2 s after it; \
         noise: the longest of the same loop around an operation that only spins about as \
         long, right before and after on the same thread. Heap in MiB: full, and 2 s after the tick.",
        &[
            "contender",
            "run",
            "ops",
            "p50",
            "p99.99",
            "worst",
            "noise",
            "full",
            "after 2 s",
        ],
    );
    for run in 1..=args.rounds().min(3) {
        macro_rules! endure {
            ($contender:ty) => {
                if args.wants_contender(<$contender>::NAME) {
                    storm::<$contender>(sessions, args.quick).report(
                        &mut table,
                        <$contender>::NAME,
                        run,
                    );
                }
            };
        }
        endure!(Ours);
        endure!(Dash<Coarse>);
        endure!(Quick<Coarse>);
        endure!(MokaExpiry);
        endure!(Stretto);
    }
    Ok(vec![table])
}

struct Outcome {
    spread: Spread,
    noise: u64,
    full: i64,
    after: i64,
}

impl Outcome {
    fn report(&self, table: &mut Table, name: &str, run: usize) {
        table.row([
            name.to_owned(),
            run.to_string(),
            self.spread.total().to_string(),
            micros(self.spread.at(1, 2)),
            micros(self.spread.at(9_999, 10_000)),
            micros(self.spread.longest()),
            micros(self.noise),
            mib(self.full),
            mib(self.after),
        ]);
    }
}

fn micros(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}

fn storm<C: Contender>(sessions: usize, quick: bool) -> Outcome {
    heap::count(true);
    let others = usize::try_from(OTHERS).expect("a small constant");
    let plan = Plan::roomy(sessions + others);
    let cache = C::build(&plan);
    for number in 0..OTHERS {
        cache.insert(&Id::nth(BEYOND + number), value(VALUE), plan.ttl);
    }
    // All deadlines are the same millisecond of the coarse clock.
    let fill_time = Duration::from_secs(if quick { 1 } else { 6 });
    let clock = CoarseClock;
    let start = Instant::now();
    let end_ms = clock.now_ms() + u64::try_from(fill_time.as_millis()).unwrap_or(u64::MAX);
    for number in 0..sessions as u64 {
        let left = end_ms.saturating_sub(clock.now_ms()).max(1);
        cache.insert(&Id::nth(number), value(VALUE), Ttl::from_ms(left));
    }
    cache.settle();
    let full = heap::live();
    let due = start + fill_time;
    let calm = Duration::from_nanos(150);
    let mut noise = watch(calm);
    while Instant::now() + BEFORE < due {
        std::hint::spin_loop();
    }
    let spread = traffic(&cache, &plan, due + AFTER);
    let after = heap::live();
    drop(cache);
    heap::count(false);
    noise = noise.max(watch(Duration::from_nanos(spread.at(1, 2))));
    Outcome {
        spread,
        noise,
        full,
        after,
    }
}

/// The client's traffic until `end`, each operation timed.
fn traffic<C: Contender>(cache: &C, plan: &Plan, end: Instant) -> Spread {
    let mut spread = Spread::new();
    let mut random = Random::new(0x57);
    let mut sum: u64 = 0;
    let mut before = Instant::now();
    while before < end {
        let insert = random.below(100) < 5;
        let id = Id::nth(BEYOND + random.below(OTHERS));
        let new = insert.then(|| value(VALUE));
        let start = Instant::now();
        match new {
            Some(new) => {
                cache.insert(&id, new, plan.ttl);
            }
            None => {
                if let Some(held) = cache.get(&id) {
                    sum = sum.wrapping_add(ends(held.as_ref()));
                }
            }
        }
        before = Instant::now();
        spread.add(nanos(before - start));
    }
    std::hint::black_box(sum);
    spread
}

/// The longest of operations that only spin for `calm`: what the machine does
/// to a thread that does nothing.
fn watch(calm: Duration) -> u64 {
    let end = Instant::now() + WATCH;
    let mut longest = Duration::ZERO;
    let mut start = Instant::now();
    while start < end {
        while start.elapsed() < calm {
            std::hint::spin_loop();
        }
        let after = Instant::now();
        longest = longest.max(after - start);
        start = Instant::now();
    }
    nanos(longest)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
