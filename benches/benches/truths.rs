//! What is not throughput, measured: memory per entry, thresholds, storms,
//! expiry and hit ratios, each beside the peers.

use std::process::ExitCode;

use clap::Parser;
use sessile_benches::args::Args;
use sessile_benches::heap::Counting;
use sessile_benches::{report, truths};

#[global_allocator]
static HEAP: Counting = Counting;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    if args.list {
        for truth in &truths::ALL {
            println!("{}", truth.name);
        }
        return Ok(());
    }
    if args.csv.is_some() {
        return Err("`--csv` is for `peers`; `truths` writes its tables with `--markdown`".into());
    }
    let mut tables = Vec::new();
    let mut found = false;
    for truth in truths::ALL
        .iter()
        .filter(|truth| args.wants_workload(truth.name))
    {
        found = true;
        match (truth.tell)(args) {
            Ok(told) => {
                for table in told {
                    print!("{}", table.text());
                    tables.push(table);
                }
            }
            // A truth that cannot be told here does not silence the others.
            Err(reason) => println!("\n{}: {reason}", truth.name),
        }
    }
    if !found {
        return Err("no truth has such a name: `--list` shows them".into());
    }
    match &args.markdown {
        Some(path) => report::write_markdown(path, "Truths beside the peers", &tables),
        None => Ok(()),
    }
}
