//! Loads from SQLite on one core: the thread, the runtime and the driver's own threads share it.

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
const HOUR: Duration = Duration::from_secs(3600);
const AT_ONCE: [usize; 3] = [1, 4, 16];

pub(super) fn take(args: &Args) -> Found {
    let (records, loads, rounds) = (args.size(RECORDS), args.size(LOADS), args.rounds());
    // A thread of its own, so that those it starts have its one core and the others keep theirs.
    let measured = thread::scope(|scope| {
        let measure = scope.spawn(|| {
            keep_to_one_core()?;
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|reason| reason.to_string())?;
            runtime.block_on(measure(records, loads, rounds))
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
    for (tasks, rates) in AT_ONCE.into_iter().zip(&measured) {
        let (low, middle, high) = spread(rates);
        table.row([
            format!("{tasks} at once"),
            figure(middle),
            format!("{low:.0}-{high:.0}"),
            ">= 20000".to_owned(),
        ]);
    }
    Ok(vec![table])
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

/// Loads per second, round by round, for each number of tasks.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
async fn measure(records: usize, loads: usize, rounds: usize) -> Result<Vec<Vec<f64>>, String> {
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
    store
        .create_many((0..records).map(record).collect())
        .await
        .map_err(failed)?;
    let mut rates = vec![Vec::new(); AT_ONCE.len()];
    for _ in 0..rounds {
        for (tasks, rates) in AT_ONCE.into_iter().zip(&mut rates) {
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
    }
    store.close().await.map_err(failed)?;
    Ok(rates)
}
