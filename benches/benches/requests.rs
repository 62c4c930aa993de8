//! What a session layer costs a request, beside its peers, in interleaved rounds.

use std::process::ExitCode;

use clap::Parser;
use sessile_benches::args::Args;
use sessile_benches::heap::Counting;
use sessile_benches::report::{self, Table};
use sessile_benches::requests::{self, Course, Deed, Routing};

#[global_allocator]
static HEAP: Counting = Counting;

const WORKLOADS: [(&str, Deed, Routing); 6] = [
    ("untouched", Deed::Untouched, Routing::After),
    ("untouched, routed", Deed::Untouched, Routing::Before),
    ("read one of 20", Deed::Read, Routing::After),
    ("write one of 20", Deed::Write, Routing::After),
    ("login", Deed::Login, Routing::After),
    ("logout", Deed::Logout, Routing::After),
];
const CROWD: &str = "crowd";

fn main() -> ExitCode {
    let mut run = Run {
        args: Args::parse(),
        tables: Vec::new(),
        csv: String::new(),
    };
    let outcome = if run.args.list {
        run.list();
        Ok(())
    } else {
        run.all()
    };
    match outcome {
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
    fn list(&self) {
        println!("contenders: {}", requests::contenders().join("; "));
        println!("workloads:");
        for name in WORKLOADS.map(|(name, ..)| name).into_iter().chain([CROWD]) {
            if self.args.wants_workload(name) {
                println!("  {name}");
            }
        }
    }

    fn all(&mut self) -> Result<(), String> {
        for (name, deed, routing) in WORKLOADS {
            if self.args.wants_workload(name) {
                self.alone(name, deed, routing)?;
            }
        }
        if self.args.wants_workload(CROWD) {
            self.crowd()?;
        }
        match self.tables.is_empty() {
            true => Err("no workload has such a name: `--list` shows them".into()),
            false => Ok(()),
        }
    }

    fn alone(&mut self, name: &str, deed: Deed, routing: Routing) -> Result<(), String> {
        let course = Course {
            clients: if self.args.quick { 100 } else { 1_000 },
            passes: if self.args.quick { 1 } else { 10 },
            rounds: self.args.rounds(),
        };
        let lanes = requests::lanes(routing, |contender| self.args.wants_contender(contender));
        let rows = requests::measure(lanes, deed, course);
        requests::csv(&mut self.csv, name, &rows);
        self.add(requests::table(name, &rows))
    }

    fn crowd(&mut self) -> Result<(), String> {
        let columns = [
            "clients",
            "threads",
            "requests",
            "refused",
            "lost",
            "requests/s",
        ];
        let mut table = Table::new("crowd: modify +1 on one session", "", &columns);
        let requests = if self.args.quick { 20 } else { 2_000 };
        for &threads in &self.args.threads {
            let crowd = requests::crowd(64, requests, threads.into());
            let per_second = crowd.added as f64 / crowd.took.as_secs_f64();
            table.row([
                crowd.clients.to_string(),
                threads.to_string(),
                (crowd.added + crowd.refused).to_string(),
                crowd.refused.to_string(),
                (i128::from(crowd.added) - i128::from(crowd.found)).to_string(),
                format!("{per_second:.0}"),
            ]);
            if crowd.added != crowd.found {
                return Err(format!("increments were lost or doubled: {crowd:?}"));
            }
        }
        self.add(table)
    }

    /// Written after each table, so that a run cut short leaves what it has.
    fn add(&mut self, table: Table) -> Result<(), String> {
        print!("{}", table.text());
        self.tables.push(table);
        if let Some(path) = &self.args.csv {
            report::write(path, &self.csv)?;
        }
        match &self.args.markdown {
            Some(path) => report::write_markdown(path, "Requests with sessions", &self.tables),
            None => Ok(()),
        }
    }
}
