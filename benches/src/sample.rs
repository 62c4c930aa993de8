//! What the rounds found: a sample per round, a row per contender.

/// What one contender did in one round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Wall time over the operations of one client.
    pub ns_per_op: f64,
    /// Share of reads that hit, where there were reads.
    pub hit_ratio: Option<f64>,
    /// Entries held after the round.
    pub held: usize,
    /// The slowest single operation, where each was timed.
    pub slowest_ns: u64,
    /// Heap bytes left, where the workload asks.
    pub left: Option<i64>,
}

/// All rounds of one contender in one workload.
#[derive(Clone, Debug)]
pub struct Row {
    /// The contender's name.
    pub contender: &'static str,
    /// One sample per round.
    pub samples: Vec<Sample>,
}
