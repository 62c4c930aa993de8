//! One shard by itself, without lock, meters or clock, against a sorted map that is walked for everything.
//!
//! A cache evicts when it must and hides what has ended. A shard shows more: what has ended stays held until a
//! sweep has the steps for it, and anybody may evict at any time.

mod driven;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sessile::Class;

use crate::ops::{Kept, kept, len, life};
use driven::{Driven, class};

/// Which key: its number is in its bytes.
type Number = u16;

/// What is done to a shard.
#[derive(Debug, Clone)]
enum Act {
    /// Writes so many keys from this one on.
    Insert(Number, u16, usize, Kept),
    Use(Number),
    Peek(Number),
    Touch(Number, u64),
    Remove(Number),
    /// Evicts so many of a class, but not this one.
    Evict(Class, Option<Number>, u8),
    Sweep(usize),
    Pass(u64),
    /// What comes next read the clock so long ago.
    Late(u64),
}

/// What goes wrong between the shard and whoever drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    None,
    /// A removal answers and takes nothing out.
    KeepsTheRemoved,
    /// A touch does nothing.
    ForgetsTouches,
    /// Time reaches a sweep a millisecond early.
    SweepsEarly,
    /// Time reaches the shard a millisecond late.
    ServesTheEnded,
    /// Whoever was late takes time back.
    GoesBack,
    /// A sweep with no steps left sweeps on.
    OverdrawsTheBudget,
    /// One of those that a sweep reclaimed is lost on the way.
    LosesTheReclaimed,
    /// Whoever should be spared is not.
    EvictsTheSpared,
    /// One more is evicted than is told of.
    EvictsTwo,
}

fn run(room: [Option<usize>; 2], acts: &[Act], plant: Plant) {
    let mut driven = Driven::new(room, plant);
    for (step, act) in acts.iter().enumerate() {
        driven.act(step, act);
        driven.compare();
        if step % 16 == 0 {
            driven.recount();
        }
    }
    driven.recount();
    driven.end();
}

fn act() -> impl Strategy<Value = Act> {
    let number = || prop_oneof![8 => 0..6_u16, 4 => 0..24_u16, 1 => 0..600_u16];
    let class = || prop::bool::weighted(0.25).prop_map(class);
    let spare = || prop::option::weighted(0.7, number());
    let count = prop_oneof![30 => Just(1), 1 => 1..300_u16];
    prop_oneof![
        14 => (number(), count, len(), kept()).prop_map(|(n, c, l, k)| Act::Insert(n, c, l, k)),
        8 => number().prop_map(Act::Use),
        2 => number().prop_map(Act::Peek),
        5 => (number(), prop_oneof![1 => Just(0), 9 => life()]).prop_map(|(n, ms)| Act::Touch(n, ms)),
        4 => number().prop_map(Act::Remove),
        6 => (class(), spare(), 1..6_u8).prop_map(|(c, s, n)| Act::Evict(c, s, n)),
        5 => (0..20_usize).prop_map(Act::Sweep),
        7 => life().prop_map(Act::Pass),
        1 => (1..2_000_u64).prop_map(Act::Late),
    ]
}

fn cases() -> impl Strategy<Value = ([Option<usize>; 2], Vec<Act>)> {
    let room = || prop::sample::select(vec![None, Some(1), Some(1), Some(8), Some(500), Some(500)]);
    ([room(), room()], prop::collection::vec(act(), 1..70))
}

#[test]
fn a_shard_does_what_the_model_does() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&cases(), |(room, acts)| {
        run(room, &acts, Plant::None);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn planted_bugs_are_found() {
    // What moves a deadline or the time shows first in an answer, in what asks to be swept, or in what is left.
    let late = ["found", "touched", "asks too late", "left behind"];
    for (plant, words) in [
        (Plant::KeepsTheRemoved, &["held"][..]),
        (Plant::ForgetsTouches, &late),
        (
            Plant::SweepsEarly,
            &["reclaimed alive", "found", "asks too late"],
        ),
        (Plant::ServesTheEnded, &late),
        (Plant::GoesBack, &["found", "replaced", "asks too late"]),
        (Plant::OverdrawsTheBudget, &["more than the steps were for"]),
        (Plant::LosesTheReclaimed, &["room given back"]),
        (
            Plant::EvictsTheSpared,
            &["the spared one went", "somebody to evict"],
        ),
        (Plant::EvictsTwo, &["held", "somebody to evict"]),
    ] {
        let mut runner = TestRunner::new(crate::config_of_plants());
        let result = runner.run(&cases(), |(room, acts)| {
            run(room, &acts, plant);
            Ok(())
        });

        crate::found(plant, words, result);
    }
}
