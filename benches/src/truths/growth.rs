//! What growing costs single operations: each insert on the way to ten million sessions, beside as many
//! writes to the sessions that are then there, where nothing grows.

use std::time::Instant;

use crate::args::Args;
use crate::clock::Coarse;
use crate::contender::{Contender, Plan};
use crate::contenders::{Dash, Ours, Quick};
use crate::id::Id;
use crate::measure::Found;
use crate::report::Table;
use crate::spread::Spread;
use crate::workloads::value;

/// Bytes in a value here: ten million of them have to fit the memory.
const SMALL: usize = 64;
/// What a session takes at the most, of any contender.
const ROOM: usize = 320;
/// The target: no operation takes longer because something grows.
const LONG_NS: u64 = 1_000_000;

/// One growth per size, contender and run, in turns.
pub(super) fn take(args: &Args) -> Found {
    let mut table = Table::new(
        "Growth: the slowest operations while a table grows, and while it does not".to_owned(),
        "Inserts of new sessions into an empty cache, then writes to the same sessions in the same order, each timed. \
         Microseconds; `over 1 ms` counts operations. Memory is touched before each run, so that the \
         host has given it to the machine. What both columns have is the machine's.",
        &[
            "contender",
            "sessions",
            "run",
            "growing p50",
            "p99.99",
            "worst",
            "over 1 ms",
            "standing p50",
            "p99.99",
            "worst",
            "over 1 ms",
        ],
    );
    for sessions in [args.size(1_000_000), args.size(10_000_000)] {
        for run in 1..=args.rounds().min(3) {
            macro_rules! grow {
                ($contender:ty) => {
                    if args.wants_contender(<$contender>::NAME) {
                        let [growing, standing] = grow::<$contender>(sessions);
                        let mut row = vec![
                            <$contender>::NAME.to_owned(),
                            sessions.to_string(),
                            run.to_string(),
                        ];
                        row.extend(cells(&growing));
                        row.extend(cells(&standing));
                        table.row(row);
                    }
                };
            }
            grow!(Ours);
            grow!(Dash<Coarse>);
            grow!(Quick<Coarse>);
        }
    }
    Ok(vec![table])
}

fn cells(spread: &Spread) -> [String; 4] {
    [
        micros(spread.at(1, 2)),
        micros(spread.at(9_999, 10_000)),
        micros(spread.longest()),
        spread.over(LONG_NS).to_string(),
    ]
}

fn micros(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}

fn grow<C: Contender>(sessions: usize) -> [Spread; 2] {
    // A page that the host has not given yet stops the machine for as long as it takes the host.
    std::hint::black_box(vec![1_u8; sessions * ROOM]);
    let plan = Plan::roomy(sessions);
    let cache = C::build(&plan);
    [0, 1].map(|_| {
        let mut spread = Spread::new();
        for number in 0..sessions as u64 {
            let (id, value) = (Id::nth(number), value(SMALL));
            let start = Instant::now();
            cache.insert(&id, value, plan.ttl);
            spread.add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        spread
    })
}
