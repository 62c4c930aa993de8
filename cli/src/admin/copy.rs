//! Copying all sessions of one store into another.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use sessile::codec::{Limits, Record};
use sessile::store::{NewRecord, PAGE_MAX, Page, Surveyed};
use sessile::{SessionStore, Terms};

use super::mark::Mark;
use super::place::{Place, Where};
use super::tally;
use super::walk::Walk;
use super::{say, told};

/// Copy all live sessions into another store, with the time that each has left
///
/// FROM and TO are addresses as --store takes them. What is in TO already stays as it is, since it may be
/// newer: so a copy that broke off is simply repeated. At the end the two are compared, and the command
/// fails if a session that lives in FROM is not in TO. Both applications must make keys and records
/// alike (the same SESSION_KEY_PREFIX, SESSION_RECORD_LAYOUT and so on).
#[derive(Args, Clone, Debug)]
pub struct Copy {
    /// Where the sessions are
    #[arg(value_name = "FROM")]
    pub from: String,

    /// Where they are wanted
    #[arg(value_name = "TO")]
    pub to: String,

    /// A document of settings for both, TOML or JSON
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Note here how far it got, and go on from there if the file exists; it goes at the end. Not for
    /// snapshots, which are read at once
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,

    /// Make missing tables in TO
    #[arg(long)]
    pub prepare: bool,
}

/// Sessions and bytes that are on their way at once. The target writes them in the order of their keys:
/// the more they are, the fewer pages of its index does each write again.
const BATCH_MAX: usize = 8 * PAGE_MAX;
const BATCH_BYTES_MAX: usize = 16 << 20;

/// What became of the sessions.
#[derive(Default)]
struct Counts {
    seen: u64,
    stored: u64,
}

pub(super) async fn copy(options: &Copy) -> Result<(), String> {
    if options.from == options.to {
        return Err("FROM and TO are the same store".to_owned());
    }
    let settings = Where {
        store: None,
        config: options.config.clone(),
    };
    let source = settings.open_at(&options.from, false).await?;
    let target = settings.open_at(&options.to, options.prepare).await?;
    let mark = match &options.resume {
        Some(_) if options.from.starts_with("snapshot:") => {
            return Err(
                "--resume: a snapshot is read at once; repeat the command without it".into(),
            );
        }
        Some(file) => Some(Mark::at(file.clone(), &options.from, &options.to)?),
        None => None,
    };

    let bar = bar();
    let started = Instant::now();
    let counts = transfer(&source, &target, mark.as_ref(), &bar).await?;
    let took = started.elapsed();
    bar.set_message("comparing");
    let found = tally::compare(&source, &target, &bar).await?;
    bar.finish_and_clear();

    target.close(true).await?;
    source.close(false).await?;
    say(&format!(
        "{} sessions read, {} copied, {} were there already; {} per second",
        HumanCount(counts.seen),
        HumanCount(counts.stored),
        HumanCount(counts.seen - counts.stored),
        HumanCount(per_second(counts.seen, took)),
    ))?;
    say(&format!(
        "{} live in FROM now, {} of them in TO",
        HumanCount(found.live),
        HumanCount(found.present)
    ))?;
    if found.present < found.live {
        return Err(format!(
            "{} sessions are missing in TO: it dropped them, or they began meanwhile; repeat the \
             command, and see to it that TO has room",
            found.live - found.present
        ));
    }
    match mark {
        Some(mark) => mark.forget(),
        None => Ok(()),
    }
}

async fn transfer(
    source: &Place,
    target: &Place,
    mark: Option<&Mark>,
    bar: &ProgressBar,
) -> Result<Counts, String> {
    let begin = mark.and_then(Mark::cursor);
    let mut walk = match begin {
        Some(cursor) => Walk::from(source, Some(cursor)),
        None => Walk::through(source)?,
    };
    let mut counts = Counts::default();
    let mut page = gather(&mut walk).await?;
    while let Some(Page { records, next }) = page {
        let batch: Vec<NewRecord> = records.into_iter().filter_map(new_record).collect();
        let seen = batch.len() as u64;
        let (stored, following) = tokio::join!(target.store.create_many(batch), gather(&mut walk));
        counts.stored += stored.map_err(|error| told(&error))? as u64;
        counts.seen += seen;
        bar.inc(seen);
        if let (Some(mark), Some(next)) = (mark, &next) {
            mark.note(next)?;
        }
        page = following?;
    }
    Ok(counts)
}

/// Several pages as one.
async fn gather(walk: &mut Walk<'_>) -> Result<Option<Page>, String> {
    let bytes = |page: &Page| -> usize { page.records.iter().map(|of| of.value.len()).sum() };
    let Some(mut all) = walk.next().await? else {
        return Ok(None);
    };
    let mut gathered = bytes(&all);
    while all.records.len() < BATCH_MAX && gathered < BATCH_BYTES_MAX {
        let Some(page) = walk.next().await? else {
            break;
        };
        gathered += bytes(&page);
        all.records.extend(page.records);
        all.next = page.next;
    }
    Ok(Some(all))
}

/// The record as the other store is to have it; `None` if it ends now.
fn new_record(surveyed: Surveyed) -> Option<NewRecord> {
    let terms = match surveyed.left {
        None => Terms::forever(),
        Some(Duration::ZERO) => return None,
        Some(left) => Terms::ttl(left),
    };
    // A store with classes keeps the sessions of those who are logged in apart.
    let record = Record::decode(surveyed.value.clone(), &Limits::default());
    let is_owned = record.is_ok_and(|record| record.header.owner.is_some());
    Some(NewRecord {
        key: surveyed.key,
        value: surveyed.value,
        terms: if is_owned { terms.protected() } else { terms },
    })
}

fn per_second(count: u64, took: Duration) -> u64 {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
    let rate = u128::from(count) * 1_000_000_000 / u128::from(nanos);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style =
        ProgressStyle::with_template("{spinner} {msg} {human_pos} sessions  {per_sec}  {elapsed}");
    bar.set_style(style.expect("the template is well formed"));
    bar.set_message("copying");
    bar
}
