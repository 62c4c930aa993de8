//! The timing wheel against a map from group to time.

use std::collections::BTreeMap;

use proptest::prelude::*;
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

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn every_group_fires_when_its_time_has_come_and_not_before(
        acts in prop::collection::vec(act(), 1..120),
    ) {
        let mut alarms = Alarms::default();
        let mut model = BTreeMap::new();
        // The wheel reaches 2^42 ms; a test's whole time stays far below.
        let (mut now, end) = (0_u64, 1_u64 << 41);
        for act in acts {
            match act {
                Act::Set(group, span) => {
                    let due = (now + span).min(end);
                    alarms.set(group, due);
                    model.insert(group, due);
                }
                Act::Pass(span) => {
                    now = (now + span).min(end - 1);
                    let mut fired = alarms.advance(now);
                    fired.sort_unstable();
                    let expected: Vec<(u32, u64)> = model
                        .iter()
                        .filter(|&(_, &due)| due <= now)
                        .map(|(&group, &due)| (group, due))
                        .collect();
                    prop_assert_eq!(&fired, &expected);
                    model.retain(|_, due| *due > now);
                }
            }
            alarms.check();
            let first = model.values().copied().min().unwrap_or(u64::MAX);
            prop_assert!(alarms.next_due() <= first);
        }
    }
}
