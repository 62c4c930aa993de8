//! The `sessile` command.

use std::alloc::System;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cap::Cap;
use clap::{Args, Parser, Subcommand, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use sessile::ErrorKind;
use sessile_cli::admin::{self, Admin};
use sessile_cli::input::Source;
use sessile_cli::replay::{self, Settings};
use sessile_cli::report::Report;
use sessile_cli::serve;
use sessile_cli::trace::{Reader, TTL_SECONDS_MAX, VALUE_BYTES_MAX, one_line};
use sessile_cli::workload::{Defaults, Slack, Workload};

/// Counts the bytes on the heap for the memory figures of the report, at the cost of one atomic
/// addition per allocation; it never refuses one.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// The exit code of what cannot be replayed or served, and of wrong arguments.
const EXIT_INPUT: u8 = 2;

/// The in-process session store, from the command line.
#[derive(Debug, Parser)]
#[command(name = "sessile", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Replay(Replay),
    Serve(serve::options::Options),
    #[command(flatten)]
    Admin(Admin),
}

/// Replay a trace of session requests through the cache, and report hits, expiry, speed and memory
///
/// Time is that of the trace, so a day takes milliseconds. Without a path the embedded log of a web
/// server (NASA, 1 August 1995) is replayed.
///
/// A trace is csv, plain or compressed with zstd, sorted by time, with the first line
/// "t_seconds,op,key_id,value_size,ttl_seconds". op is g (read; a miss fills), s (overwrite), a (add
/// if absent), c (compare and swap) or t (session touch: slide, or create). A value_size or
/// ttl_seconds of 0 leaves the choice to the options below.
///
/// The whole trace is held in memory: 24 bytes per record (up to 48 while reading) and 22 bytes per
/// key; at most 200 million records. Each thread takes 1.3 MB for its measurements. The sessions come
/// on top.
#[derive(Debug, Args)]
struct Replay {
    /// The trace; "-" reads standard input
    trace: Option<PathBuf>,

    /// Time to live of sessions whose record has none; at most 10 years
    #[arg(long, value_name = "SECONDS", default_value_t = 1800,
          value_parser = value_parser!(u32).range(1..=i64::from(TTL_SECONDS_MAX)))]
    ttl: u32,

    /// The most sessions the cache may hold [default: no limit]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1 << 32))]
    max_entries: Option<u64>,

    /// The most bytes the cache may charge [default: no limit]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1 << 46))]
    max_bytes: Option<u64>,

    /// Threads; each session stays on one, and they keep together along the trace
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = value_parser!(u16).range(1..=1024))]
    threads: u16,

    /// Bytes of a value whose record has none; at most 16 MiB
    #[arg(long, value_name = "BYTES", default_value_t = 200,
          value_parser = value_parser!(u32).range(1..=i64::from(VALUE_BYTES_MAX)))]
    value_size: u32,

    /// Show a progress bar on standard error
    #[arg(long)]
    progress: bool,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// How many records threads may be apart, where the trace's time does not keep them closer: few
/// beside the entries of any cache worth several threads.
const SLACK_RECORDS: u32 = 1024;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Replay(options) => replay(options).map(|report| print(&report)),
        Command::Serve(options) => {
            serve::run(&options, || HEAP.allocated()).map(|()| ExitCode::SUCCESS)
        }
        Command::Admin(what) => admin::run(what).map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(message) => {
            // Nothing is left to tell if standard error is gone as well.
            let _ = writeln!(io::stderr(), "sessile: {}", one_line(&message));
            ExitCode::from(EXIT_INPUT)
        }
    }
}

/// Replays and returns the report, or one line that says what is wrong.
fn replay(options: Replay) -> Result<String, String> {
    let source = Source::from_argument(options.trace);
    let defaults = Defaults {
        ttl_seconds: options.ttl,
        value_size: options.value_size,
    };
    let entries = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let settings = Settings {
        max_entries: options.max_entries.map(entries),
        max_bytes: options.max_bytes,
        heap: Some(|| HEAP.allocated()),
    };

    let slack = Slack {
        // Half a minute for the usual half hour: too little to change what expires.
        time: Duration::from_secs(options.ttl.into()) / 60,
        records: SLACK_RECORDS,
    };

    let bar = Bar::new(options.progress);
    let input = source
        .open()
        .map_err(|error| format!("{}: {error}", source.name()))?;
    let workload = Reader::new(input)
        .and_then(|reader| {
            let threads = options.threads.into();
            Workload::read(reader, threads, slack, defaults, &|records| {
                bar.reading(records);
            })
        })
        .map_err(|error| format!("{}: line {}: {error}", source.name(), error.line()))?;

    bar.replaying(workload.records());
    let outcome =
        replay::run(&workload, &settings, &|records| bar.advance(records)).map_err(|error| {
            match error.kind() {
                ErrorKind::InvalidConfig => {
                    format!("{error}; see --max-entries and --max-bytes")
                }
                _ => format!("{}: {error}", source.name()),
            }
        })?;
    bar.finish();

    let report = Report::new(&source, &workload, defaults, &settings, &outcome);
    Ok(if options.json {
        report.to_json()
    } else {
        report.to_string()
    })
}

/// Prints the report at once; a reader that has gone away is no failure.
fn print(report: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(report.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "sessile: standard output: the report cannot be written: {error}; check where it goes"
            );
            ExitCode::FAILURE
        }
    }
}

/// The progress on standard error, if wanted; silent where that is no terminal.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(wanted: bool) -> Self {
        Self(wanted.then(|| {
            let bar = ProgressBar::no_length();
            bar.set_style(style("reading   {human_pos} records  {elapsed}"));
            bar
        }))
    }

    fn reading(&self, records: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(records);
        }
    }

    fn replaying(&self, records: u64) {
        if let Some(bar) = &self.0 {
            bar.set_style(style(
                "replaying {wide_bar} {human_pos}/{human_len} records  {eta}",
            ));
            bar.set_length(records);
            bar.set_position(0);
        }
    }

    fn advance(&self, records: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(records);
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well formed")
}
