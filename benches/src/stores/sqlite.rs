//! Loads from SQLite and writes to it on one core: the thread, the runtime and the driver's own threads share it.

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use sessile::store::{NewRecord, SessionStore, SqlStore, Terms};
use tokio::runtime::Builder;

use super::pace::{figure, spread};
use crate::args::Args;
use crate::measure::Found;
use crate::report::Table;

const RECORDS: usize = 50_000;
const VALUE_BYTES: usize = 300;
const LOADS: usize = 20_000;
/// Each of a round's writes waits for its own transaction.
const WRITES: usize = 5_000;
const HOUR: Duration = Duration::from_secs(3600);
const AT_ONCE: [usize; 3] = [1, 4, 16];

/// What the rounds came to, per second.
struct Measured {
    /// For each number of tasks.
    loads: Vec<Vec<f64>>,
    /// A single one: the records of the rest.
    created: Vec<f64>,
    puts: Vec<f64>,
    touches: Vec<f64>,
}

pub(super) fn take(args: &Args) -> Found {
    let (records, loads) = (args.size(RECORDS), args.size(LOADS));
    let (writes, rounds) = (args.size(WRITES), args.rounds());
    // A thread of its own, so that those it starts have its one core and the others keep theirs.
    let measured = thread::scope(|scope| {
        let measure = scope.spawn(|| {
            keep_to_one_core()?;
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|reason| reason.to_string())?;
            runtime.block_on(measure(records, loads, writes, rounds))
        });
        measure
            .join()
            .map_err(|_| "the measure panicked".to_owned())?
    })?;
    let mut table = Table::new(
        "sqlite: loads per second, everything on one core",
        "50,000 records of 300 bytes in a file, keys in no order.",
        &["", "loads/s", "min-max", "target"],
    );
    for (tasks, rates) in AT_ONCE.into_iter().zip(&measured.loads) {
        let (low, middle, high) = spread(rates);
        table.row([
            format!("{tasks} at once"),
            figure(middle),
            format!("{low:.0}-{high:.0}"),
            ">= 20000".to_owned(),
        ]);
    }
    let mut written = Table::new(
        "sqlite: writes per second, everything on one core",
        "Puts and touches one after the other, each in a transaction of its own; `create_many` of all \
         records, once. No write waits for the disk.",
        &["", "writes/s", "min-max"],
    );
    for (verb, rates) in [
        ("put", &measured.puts),
        ("touch", &measured.touches),
        ("create_many", &measured.created),
    ] {
        let (low, middle, high) = spread(rates);
        written.row([verb.into(), figure(middle), format!("{low:.0}-{high:.0}")]);
    }
    Ok(vec![table, written])
}

/// The first of those that this thread may have.
fn keep_to_one_core() -> Result<(), String> {
    let failed = |reason: rustix::io::Errno| format!("keep to one core: {reason}");
    let all = sched_getaffinity(None).map_err(failed)?;
    let first = (0..CpuSet::MAX_CPU).find(|&core| all.is_set(core));
    let mut one = CpuSet::new();
    one.set(first.unwrap_or(0));
    sched_setaffinity(None, &one).map_err(failed)
}

/// Creates the records, then loads by each number of tasks, puts and touches, round by round.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
async fn measure(
    records: usize,
    loads: usize,
    writes: usize,
    rounds: usize,
) -> Result<Measured, String> {
    let failed = |error: sessile::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(|reason| reason.to_string())?;
    let url = format!("sqlite:{}", folder.path().join("pace.db").display());
    let store = SqlStore::builder().create_table(true).connect(&url).await;
    let store = store.map_err(failed)?;
    let value = super::record(VALUE_BYTES);
    let record = |number| NewRecord {
        key: Bytes::copy_from_slice(&super::key(number)),
        value: value.clone(),
        terms: Terms::ttl(HOUR),
    };
    let many: Vec<_> = (0..records).map(record).collect();
    let began = Instant::now();
    store.create_many(many).await.map_err(failed)?;
    let mut measured = Measured {
        created: vec![records as f64 / began.elapsed().as_secs_f64()],
        loads: vec![Vec::new(); AT_ONCE.len()],
        puts: Vec::new(),
        touches: Vec::new(),
    };
    for _ in 0..rounds {
        for (tasks, rates) in AT_ONCE.into_iter().zip(&mut measured.loads) {
            let each = loads / tasks;
            let began = Instant::now();
            let running: Vec<_> = (0..tasks)
                .map(|task| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        for number in task * each..(task + 1) * each {
                            let found = store.load(&super::key(number * 7 % records)).await;
                            assert!(found.is_ok_and(|found| found.is_some()));
                        }
                    })
                })
                .collect();
            for task in running {
                task.await.map_err(|reason| reason.to_string())?;
            }
            rates.push((each * tasks) as f64 / began.elapsed().as_secs_f64());
        }
        let began = Instant::now();
        for number in 0..writes {
            let key = super::key(number * 7 % records);
            let put = store.put(&key, value.clone(), Terms::ttl(HOUR)).await;
            put.map_err(failed)?;
        }
        measured
            .puts
            .push(writes as f64 / began.elapsed().as_secs_f64());
        let began = Instant::now();
        for number in 0..writes {
            let touched = store.touch(&super::key(number * 7 % records), HOUR).await;
            assert!(touched.is_ok_and(|touched| touched));
        }
        measured
            .touches
            .push(writes as f64 / began.elapsed().as_secs_f64());
    }
    store.close().await.map_err(failed)?;
    Ok(measured)
}
