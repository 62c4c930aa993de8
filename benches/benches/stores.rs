//! The stores outside the process beside what they are made of, and beside their targets.

use std::process::ExitCode;

use clap::Parser;
use sessile_benches::args::Args;
use sessile_benches::{report, stores};

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
        for target in &stores::ALL {
            println!("{}", target.name);
        }
        return Ok(());
    }
    if args.csv.is_some() {
        return Err("`--csv` is for `peers`; `stores` writes its tables with `--markdown`".into());
    }
    let mut tables = Vec::new();
    let mut found = false;
    for target in stores::ALL
        .iter()
        .filter(|target| args.wants_workload(target.name))
    {
        found = true;
        match (target.tell)(args) {
            Ok(told) => {
                for table in told {
                    print!("{}", table.text());
                    tables.push(table);
                }
            }
            // What is not installed does not silence the others.
            Err(reason) => println!("\n{}: {reason}", target.name),
        }
    }
    if !found {
        return Err("no target has such a name: `--list` shows them".into());
    }
    match &args.markdown {
        Some(path) => report::write_markdown(path, "Stores beside their drivers", &tables),
        None => Ok(()),
    }
}
