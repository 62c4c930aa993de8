//! `sessile copy snapshot:FILE sqlite:FILE --prepare`, end to end: reading the snapshot, making the table,
//! copying, and comparing both stores.

use std::path::Path;
use std::time::{Duration, Instant};

use sessile::{Cache, Terms};
use sessile_cli::admin::{self, Admin};

use super::pace::{figure, spread};
use crate::args::Args;
use crate::measure::Found;
use crate::report::Table;

const SESSIONS: usize = 200_000;
const VALUE_BYTES: usize = 300;
const HOUR: Duration = Duration::from_secs(3600);
/// A round takes seconds.
const ROUNDS_MAX: usize = 5;

pub(super) fn take(args: &Args) -> Found {
    let sessions = args.size(SESSIONS);
    let folder = tempfile::tempdir().map_err(|reason| reason.to_string())?;
    let snapshot = folder.path().join("sessions.snapshot");
    write(&snapshot, sessions).map_err(|error| error.to_string())?;
    let mut rates = Vec::new();
    for round in 0..args.rounds().min(ROUNDS_MAX) {
        rates.push(copy(
            &snapshot,
            &folder.path().join(format!("{round}.db")),
            sessions,
        )?);
    }
    let mut table = Table::new(
        "copy: snapshot to SQLite, sessions per second end to end",
        "What the command prints counts the copying alone.",
        &["", "sessions/s", "min-max", "target"],
    );
    let (low, middle, high) = spread(&rates);
    table.row([
        format!("{sessions} sessions"),
        figure(middle),
        format!("{low:.0}-{high:.0}"),
        ">= 50000".to_owned(),
    ]);
    Ok(vec![table])
}

/// Writes a snapshot of so many sessions.
fn write(file: &Path, sessions: usize) -> sessile::Result<()> {
    let cache = Cache::builder().unlimited_entries().build()?;
    let value = super::record(VALUE_BYTES);
    for number in 0..sessions {
        cache.insert(&super::key(number), value.clone(), Terms::ttl(HOUR))?;
    }
    cache.snapshot_to_file(file)?;
    Ok(())
}

/// Runs the command; sessions per second.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn copy(snapshot: &Path, database: &Path, sessions: usize) -> Result<f64, String> {
    let began = Instant::now();
    admin::run(Admin::Copy(admin::Copy {
        from: format!("snapshot:{}", snapshot.display()),
        to: format!("sqlite:{}", database.display()),
        config: None,
        resume: None,
        prepare: true,
    }))?;
    Ok(sessions as f64 / began.elapsed().as_secs_f64())
}
