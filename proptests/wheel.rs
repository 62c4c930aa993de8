//! The timing wheel against a map from group to time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sessile::internals::Alarms;

#[derive(Debug, Clone)]
enum Act {
    /// Sets a group to so many milliseconds from now.
    Set(u32, u64),
    /// Lets so many milliseconds go by, at once.
    Pass(u64),
}

/// Spans on both sides of every level's boundaries, and anything between.
fn span() -> impl Strategy<Value = u64> {
    let edge = (0_u32..7, -2_i64..3).prop_map(|(level, off)| {
        let edge = 1_i64 << (6 * level);
        u64::try_from((edge + off).max(1)).expect("at least one")
    });
    prop_oneof![
        edge,
        1_u64..200,
        (0_u32..41).prop_flat_map(|bits| 1..=(1_u64 << bits))
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0_u32..12, span()).prop_map(|(group, span)| Act::Set(group, span)),
        2 => span().prop_map(Act::Pass),
    ]
}

/// What goes wrong between the wheel and whoever listens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    None,
    /// Time reaches the wheel a millisecond late.
    RingsLate,
    /// Time reaches the wheel a millisecond early.
    RingsEarly,
    /// The last of several groups that fire at once is forgotten.
    ForgetsOne,
    /// A group that is set again, earlier, keeps its time.
    KeepsTheLaterTime,
}

fn run(acts: Vec<Act>, plant: Plant) {
    let mut alarms = Alarms::default();
    let mut model = BTreeMap::new();
    // The wheel reaches 2^42 ms; a test's whole time stays far below.
    let (mut now, end) = (0_u64, 1_u64 << 41);
    for act in acts {
        match act {
            Act::Set(group, span) => {
                let due = (now + span).min(end);
                let before = model.insert(group, due);
                if plant != Plant::KeepsTheLaterTime || before.is_none_or(|before| before <= due) {
                    alarms.set(group, due);
                }
            }
            Act::Pass(span) => {
                now = (now + span).min(end - 1);
                let mut fired = alarms.advance(match plant {
                    Plant::RingsLate => now - 1,
                    Plant::RingsEarly => now + 1,
                    _ => now,
                });
                if plant == Plant::ForgetsOne && fired.len() > 1 {
                    fired.pop();
                }
                fired.sort_unstable();
                let expected: Vec<(u32, u64)> = model
                    .iter()
                    .filter(|&(_, &due)| due <= now)
                    .map(|(&group, &due)| (group, due))
                    .collect();
                assert_eq!(fired, expected, "fired");
                model.retain(|_, due| *due > now);
            }
        }
        alarms.check();
        let first = model.values().copied().min().unwrap_or(u64::MAX);
        assert!(alarms.next_due() <= first, "asks too late");
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(act(), 1..120)
}

#[test]
fn every_group_fires_when_its_time_has_come_and_not_before() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&acts(), |acts| {
        run(acts, Plant::None);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn planted_bugs_are_found() {
    for (plant, words) in [
        (Plant::RingsLate, "fired"),
        (Plant::RingsEarly, "fired"),
        (Plant::ForgetsOne, "fired"),
        (Plant::KeepsTheLaterTime, "asks too late"),
    ] {
        let mut runner = TestRunner::new(crate::config_of_plants());
        let result = runner.run(&acts(), |acts| {
            run(acts, plant);
            Ok(())
        });

        crate::found(plant, &[words], result);
    }
}
