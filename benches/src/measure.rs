//! Measures that are no workload of contenders: each makes tables of its own. And the main function of the
//! binaries that are made of them.

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::report::{self, Table};

/// What a measure found: its tables, or why there are none.
pub type Found = Result<Vec<Table>, String>;

/// Something that is measured by itself.
pub struct Measure {
    /// The name for `--workload`.
    pub name: &'static str,
    /// Takes the measure.
    pub take: fn(&Args) -> Found,
}

/// A binary that takes measures and nothing else.
pub struct Measures {
    /// The name of the binary.
    pub binary: &'static str,
    /// What it calls one of them.
    pub one: &'static str,
    /// The first line of its results file.
    pub heading: &'static str,
    /// All of them, in the order in which they are taken.
    pub all: &'static [Measure],
}

impl Measures {
    /// Reads the command line and takes the measures that it asks for.
    #[must_use]
    pub fn main(&self) -> ExitCode {
        match self.run(&Args::parse()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                eprintln!("{reason}");
                ExitCode::from(2)
            }
        }
    }

    fn run(&self, args: &Args) -> Result<(), String> {
        if args.list {
            for measure in self.all {
                println!("{}", measure.name);
            }
            return Ok(());
        }
        if args.csv.is_some() {
            return Err(format!(
                "`--csv` is for `peers`; `{}` writes its tables with `--markdown`",
                self.binary
            ));
        }
        let asked_for = self.all.iter();
        let mut asked_for = asked_for
            .filter(|measure| args.wants_workload(measure.name))
            .peekable();
        if asked_for.peek().is_none() {
            return Err(format!(
                "no {} has such a name: `--list` shows them",
                self.one
            ));
        }
        let mut tables = Vec::new();
        for measure in asked_for {
            match (measure.take)(args) {
                Ok(found) => {
                    for table in found {
                        print!("{}", table.text());
                        tables.push(table);
                    }
                }
                // What cannot be measured here does not silence the others.
                Err(reason) => println!("\n{}: {reason}", measure.name),
            }
        }
        match &args.markdown {
            Some(path) => report::write_markdown(path, self.heading, &tables),
            None => Ok(()),
        }
    }
}
