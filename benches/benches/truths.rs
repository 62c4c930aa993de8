//! What is not throughput, measured: memory per entry, thresholds, storms,
//! expiry and hit ratios, each beside the peers.

use std::process::ExitCode;

use sessile_benches::heap::Counting;
use sessile_benches::truths;

#[global_allocator]
static HEAP: Counting = Counting;

fn main() -> ExitCode {
    truths::MEASURES.main()
}
