//! The command line of the `peers`, `requests`, `truths` and `stores` binaries.

use std::path::PathBuf;

use clap::Parser;

/// Measures of the cache beside its peers.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo bench -p sessile-benches --bench <NAME> --")]
pub struct Args {
    /// Only the workloads (or truths) whose name contains one of these (or, after `=`, is it), comma-separated
    #[arg(short, long, value_delimiter = ',', value_name = "TEXT")]
    pub workload: Vec<String>,

    /// Only the contenders whose name contains one of these (or, after `=`, is it), comma-separated
    #[arg(short, long, value_delimiter = ',', value_name = "TEXT")]
    pub contender: Vec<String>,

    /// Interleaved rounds of each workload
    #[arg(short, long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,

    /// Numbers of threads for the workloads that take several, comma-separated
    #[arg(short, long, value_delimiter = ',', default_value = "1,2", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Vec<u16>,

    /// Also write every round of every row to this file
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Also write the tables to this file, with date, machine, compiler and commit
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Small sizes: a smoke run of seconds, whose figures mean nothing
    #[arg(long)]
    pub quick: bool,

    /// Name the workloads and contenders, and measure nothing
    #[arg(long)]
    pub list: bool,

    /// Given by `cargo bench`; without meaning here
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Args {
    /// Whether the workload with this name was asked for.
    #[must_use]
    pub fn wants_workload(&self, name: &str) -> bool {
        wanted(&self.workload, name)
    }

    /// Whether the contender with this name was asked for.
    #[must_use]
    pub fn wants_contender(&self, name: &str) -> bool {
        wanted(&self.contender, name)
    }

    /// Interleaved rounds; a smoke run does 2 at most.
    #[must_use]
    pub fn rounds(&self) -> usize {
        let rounds = usize::from(self.rounds);
        if self.quick { rounds.min(2) } else { rounds }
    }

    /// The full size, or a hundredth of it in a smoke run.
    #[must_use]
    pub fn size(&self, full: usize) -> usize {
        if self.quick {
            (full / 100).max(1_000)
        } else {
            full
        }
    }
}

/// A filter that starts with `=` selects the one name: `=get 1M` does not
/// also ask for `borrowed get 1M`.
fn wanted(filters: &[String], name: &str) -> bool {
    filters.is_empty()
        || filters.iter().any(|filter| match filter.strip_prefix('=') {
            Some(exact) => exact == name,
            None => name.contains(filter.as_str()),
        })
}
