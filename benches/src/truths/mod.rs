//! What is not throughput: memory, thresholds, attacks, storms, growth, expiry, hit ratios.
//! Each truth makes tables of its own.

mod attack;
mod expiry;
mod growth;
mod hit_ratio;
mod lag;
mod memory;
mod storm;
mod threshold;

use crate::measure::{Measure, Measures};

/// What is measured, in the order in which it is told.
pub const MEASURES: Measures = Measures {
    binary: "truths",
    one: "truth",
    heading: "Truths beside the peers",
    all: &[
        Measure {
            name: "memory",
            take: memory::take,
        },
        Measure {
            name: "threshold",
            take: threshold::take,
        },
        Measure {
            name: "attack",
            take: attack::take,
        },
        Measure {
            name: "storm",
            take: storm::take,
        },
        Measure {
            name: "growth",
            take: growth::take,
        },
        Measure {
            name: "expiry",
            take: expiry::take,
        },
        Measure {
            name: "lag",
            take: lag::take,
        },
        Measure {
            name: "hit-ratio",
            take: hit_ratio::take,
        },
    ],
};
