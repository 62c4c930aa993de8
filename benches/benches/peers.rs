//! Throughput of the cache beside its peers, in interleaved rounds.

use std::process::ExitCode;

use clap::Parser;
use sessile_benches::args::Args;
use sessile_benches::heap::Counting;
use sessile_benches::report::{self, Table};
use sessile_benches::rounds::{self, Workload};
use sessile_benches::script::Pick::{Uniform, Zipf};
use sessile_benches::workloads::{
    Churn, GrowthGet, GrowthInsert, Insert, LookAside, Read, Traffic,
};

#[global_allocator]
static HEAP: Counting = Counting;

fn main() -> ExitCode {
    let mut run = Run {
        args: Args::parse(),
        tables: Vec::new(),
        csv: String::new(),
    };
    if run.args.list {
        println!("contenders: {}", rounds::contenders().join("; "));
        println!("workloads:");
    }
    match run.all().and_then(|()| run.checked()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

struct Run {
    args: Args,
    tables: Vec<Table>,
    csv: String,
}

impl Run {
    fn all(&mut self) -> Result<(), String> {
        let args = self.args.clone();
        let most = args.threads.iter().copied().max().map_or(1, usize::from);
        let small = 10_000;
        let large = args.size(1_000_000);
        let long = args.size(2_000_000);
        let huge = args.size(10_000_000);
        let traffic = |read, sessions, pick, writes| {
            move |_: usize| Traffic::new(read, sessions, pick, writes, long, most)
        };
        self.threaded("get 10k", traffic(Read::Owned, small, Uniform, 0))?;
        self.threaded("get 1M", traffic(Read::Owned, large, Uniform, 0))?;
        self.threaded(
            "borrowed get 10k",
            traffic(Read::Borrowed, small, Uniform, 0),
        )?;
        self.threaded(
            "borrowed get 1M",
            traffic(Read::Borrowed, large, Uniform, 0),
        )?;
        self.threaded("zipf 1M 95/5", traffic(Read::Owned, large, Zipf, 5))?;
        self.threaded("zipf 1M 50/50", traffic(Read::Owned, large, Zipf, 50))?;
        self.threaded("sliding 10k", traffic(Read::Sliding, small, Zipf, 0))?;
        self.threaded("sliding 1M zipf", traffic(Read::Sliding, large, Zipf, 0))?;
        self.threaded(
            "sliding 1M zipf 95/5",
            traffic(Read::Sliding, large, Zipf, 5),
        )?;
        self.threaded("insert 1M", |threads| Insert::new(large, threads))?;
        self.threaded("look-aside", |_| LookAside::new(large, large, most))?;
        self.threaded("churn", |threads| Churn::new(large, threads))?;
        self.single("growth insert 1M", |_| GrowthInsert::new(large))?;
        self.single("growth get 1M", |_| GrowthGet::new(large, long))?;
        self.single("growth insert 10M", |_| GrowthInsert::new(huge))?;
        self.single("growth get 10M", |_| GrowthGet::new(huge, long))
    }

    fn threaded<W: Workload>(
        &mut self,
        name: &str,
        make: impl Fn(usize) -> W,
    ) -> Result<(), String> {
        let threads = self.args.threads.clone();
        self.on(name, &threads, make)
    }

    fn single<W: Workload>(&mut self, name: &str, make: impl Fn(usize) -> W) -> Result<(), String> {
        self.on(name, &[1], make)
    }

    fn on<W: Workload>(
        &mut self,
        name: &str,
        threads: &[u16],
        make: impl Fn(usize) -> W,
    ) -> Result<(), String> {
        if !self.args.wants_workload(name) {
            return Ok(());
        }
        if self.args.list {
            println!("  {name}");
            return Ok(());
        }
        for &threads in threads {
            let threads = usize::from(threads);
            let workload = make(threads);
            let rows = rounds::measure(&workload, &self.args, threads);
            let table = report::workload(name, threads, &rows);
            print!("{}", table.text());
            report::csv(&mut self.csv, name, threads, &rows);
            self.tables.push(table);
            // After each table, so that a run cut short leaves what it has.
            self.written()?;
        }
        Ok(())
    }

    fn checked(&self) -> Result<(), String> {
        if self.tables.is_empty() && !self.args.list {
            return Err("no workload has such a name: `--list` shows them".into());
        }
        Ok(())
    }

    fn written(&self) -> Result<(), String> {
        if let Some(path) = &self.args.csv {
            report::write(path, &self.csv)?;
        }
        match &self.args.markdown {
            Some(path) => report::write_markdown(path, "Throughput beside the peers", &self.tables),
            None => Ok(()),
        }
    }
}
