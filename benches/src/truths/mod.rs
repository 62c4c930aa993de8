//! What is not throughput: memory, thresholds, storms, growth, expiry, hit ratios.
//! Each truth makes tables of its own.

mod expiry;
mod growth;
mod hit_ratio;
mod lag;
mod memory;
mod spread;
mod storm;
mod threshold;

use crate::args::Args;
use crate::report::Table;

/// What a truth says: its tables, or why there are none.
pub type Told = Result<Vec<Table>, String>;

/// A measure of something other than speed.
pub struct Truth {
    /// The name for `--workload`.
    pub name: &'static str,
    /// Takes the measure.
    pub tell: fn(&Args) -> Told,
}

/// All of them, in the order in which they are told.
pub const ALL: [Truth; 7] = [
    Truth {
        name: "memory",
        tell: memory::tell,
    },
    Truth {
        name: "threshold",
        tell: threshold::tell,
    },
    Truth {
        name: "storm",
        tell: storm::tell,
    },
    Truth {
        name: "growth",
        tell: growth::tell,
    },
    Truth {
        name: "expiry",
        tell: expiry::tell,
    },
    Truth {
        name: "lag",
        tell: lag::tell,
    },
    Truth {
        name: "hit-ratio",
        tell: hit_ratio::tell,
    },
];
