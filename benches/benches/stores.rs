//! The stores outside the process beside what they are made of, and beside their targets.

use std::process::ExitCode;

use sessile_benches::stores;

fn main() -> ExitCode {
    stores::MEASURES.main()
}
