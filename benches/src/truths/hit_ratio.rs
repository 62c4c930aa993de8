//! Hit ratios on recorded traces beside what known policies reach on them.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use sessile::time::ManualClock;
use sessile::{Cache, Terms};

use crate::args::Args;
use crate::measure::Found;
use crate::report::Table;
use crate::trace::{self, Anchor, Record};

/// The policies among which the best is the mark to reach.
const POLICIES: [&str; 5] = ["LRU", "CLOCK", "SIEVE", "S3FIFO", "WTLFU"];

/// Both tables: every record an access that fills on a miss, and sessions.
pub(super) fn take(args: &Args) -> Found {
    let folder = trace::folder().ok_or(trace::ABSENT)?;
    Ok(vec![reads(&folder, args)?, sessions(&folder)?])
}

fn reads(folder: &Path, args: &Args) -> Result<Table, String> {
    let mut table = table(
        "Hit ratio in percent at 1 and 10 % of the keys",
        "Single-threaded, without expiry; every record is an access that fills on a miss. ",
        "size",
    );
    let anchors = trace::anchors(folder, "anchors_hit_ratio")?;
    let mut differences = Differences::default();
    let mut name = String::new();
    let mut records = Vec::new();
    for anchor in anchors.iter().filter(|anchor| is_large(anchor, &anchors)) {
        let long = anchor.number("records").unwrap_or(0) > 100_000;
        if args.quick && long {
            continue;
        }
        if anchor.text("trace") != name {
            anchor.text("trace").clone_into(&mut name);
            records = trace::read(folder, &name)?;
        }
        let size = anchor.number("size").unwrap_or(1);
        let ours = filled(&records, size)?;
        differences.row(&mut table, anchor, &size.to_string(), ours);
    }
    table.note.push_str(&differences.summary());
    Ok(table)
}

fn sessions(folder: &Path) -> Result<Table, String> {
    let mut table = table(
        "Hit ratio in percent on sessions that slide",
        "A touch slides the deadline or creates the session. ",
        "ttl s / size",
    );
    let mut differences = Differences::default();
    for anchor in trace::anchors(folder, "anchors_session_policy")? {
        let records = trace::read(folder, anchor.text("trace"))?;
        let seconds = anchor.number("ttl_s").unwrap_or(1_800);
        let size = anchor.number("capacity").unwrap_or(1);
        let ours = touched(&records, seconds, size)?;
        differences.row(&mut table, &anchor, &format!("{seconds} / {size}"), ours);
    }
    table.note.push_str(&differences.summary());
    Ok(table)
}

fn table(title: &str, note: &str, size: &str) -> Table {
    let note = format!("{note}best: of {}. ", POLICIES.join(", "));
    Table::new(
        title,
        note,
        &[
            "trace",
            size,
            "best",
            "LRU",
            "ours",
            "ours - best",
            "ours - LRU",
        ],
    )
}

/// Whether a line's size is one of its trace's two largest (1 and 10 %).
fn is_large(anchor: &Anchor, all: &[Anchor]) -> bool {
    let larger = all
        .iter()
        .filter(|other| other.text("trace") == anchor.text("trace"))
        .filter(|other| other.number("size") > anchor.number("size"))
        .count();
    larger < 2
}

fn cache(size: usize, clock: &ManualClock) -> Result<Cache, String> {
    Cache::builder()
        .max_entries(size)
        .clock(clock.clone())
        .build()
        .map_err(|reason| format!("a cache of {size} entries: {reason}"))
}

fn filled(records: &[Record], size: usize) -> Result<f64, String> {
    let cache = cache(size, &ManualClock::new())?;
    let mut hits = 0;
    for record in records {
        let key = record.key.to_le_bytes();
        if cache.get(&key).is_some() {
            hits += 1;
        } else {
            cache
                .insert(&key, Bytes::from_static(b"v"), Terms::forever())
                .map_err(|reason| reason.to_string())?;
        }
    }
    Ok(percent(hits, records.len()))
}

fn touched(records: &[Record], seconds: usize, size: usize) -> Result<f64, String> {
    let clock = ManualClock::new();
    let cache = cache(size, &clock)?;
    let ttl = Duration::from_secs(seconds as u64);
    let mut hits = 0;
    for record in records {
        clock.set_ms(record.at_ms);
        let key = record.key.to_le_bytes();
        if cache.get_and_touch(&key, ttl).is_some() {
            hits += 1;
        } else {
            cache
                .insert(&key, Bytes::from_static(b"v"), ttl)
                .map_err(|reason| reason.to_string())?;
        }
    }
    Ok(percent(hits, records.len()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "records are counted in millions, far below 2^53"
)]
fn percent(hits: usize, records: usize) -> f64 {
    hits as f64 * 100.0 / records.max(1) as f64
}

/// What the rows of a table come to.
#[derive(Default)]
struct Differences {
    to_best: Vec<f64>,
    to_lru: Vec<f64>,
}

impl Differences {
    fn row(&mut self, table: &mut Table, anchor: &Anchor, size: &str, ours: f64) {
        let lru = anchor.figure("LRU").unwrap_or(f64::NAN);
        let best = POLICIES
            .iter()
            .filter_map(|policy| anchor.figure(policy))
            .fold(f64::NAN, f64::max);
        self.to_best.push(ours - best);
        self.to_lru.push(ours - lru);
        table.row([
            anchor.text("trace").to_owned(),
            size.to_owned(),
            format!("{best:.2}"),
            format!("{lru:.2}"),
            format!("{ours:.2}"),
            format!("{:+.2}", ours - best),
            format!("{:+.2}", ours - lru),
        ]);
    }

    fn summary(&self) -> String {
        let behind = self.to_best.iter().filter(|&&by| by < -1.0).count();
        let lowest = self.to_best.iter().copied().fold(f64::INFINITY, f64::min);
        format!(
            "Mean of ours - best {:+.2}, of ours - LRU {:+.2}; {behind} of {} rows more than 1.0 \
             below the best, the lowest {lowest:+.2}.",
            mean(&self.to_best),
            mean(&self.to_lru),
            self.to_best.len(),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a table has some tens of rows")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
