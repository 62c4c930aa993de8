//! Ending sessions, reclaiming what has ended, and making what a store needs.

use clap::Args;
use sessile::SessionStore;
use sessile::session::SessionHandle;

use super::place::{Place, Where};
use super::walk::Walk;
use super::{look, row, say, told};

/// End sessions: those of these handles, of an owner, or all
///
/// Requests that work on an ended session fail to save it, and its cookie is worth nothing any more.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct Revoke {
    /// Which store.
    #[command(flatten)]
    pub place: Where,

    /// Sessions, as `list` shows them
    #[arg(group = "which", value_name = "HANDLE")]
    pub handles: Vec<String>,

    /// All sessions of this owner
    #[arg(long, group = "which", value_name = "NAME")]
    pub owner: Option<String>,

    /// All sessions there are
    #[arg(long, group = "which")]
    pub all: bool,
}

/// Walks until one finds nothing to end; sessions that move to other ids meanwhile are met then.
const WALKS_MAX: usize = 8;

pub(super) async fn revoke(options: &Revoke) -> Result<(), String> {
    let handles: Vec<SessionHandle> = options
        .handles
        .iter()
        .map(|handle| look::parse(handle))
        .collect::<Result<_, _>>()?;
    let place = options.place.open().await?;
    let mut ended = 0;
    let mut ends_all = false;
    for _ in 0..WALKS_MAX {
        let (now, moved) = once(&place, options, &handles).await?;
        ended += now;
        if now + moved == 0 || !handles.is_empty() {
            ends_all = true;
            break;
        }
    }
    place.close(ended > 0).await?;
    let sessions = if ended == 1 {
        "session has"
    } else {
        "sessions have"
    };
    say(&format!("{ended} {sessions} ended"))?;
    if !ends_all {
        return Err("new sessions kept coming: repeat it, or stop the servers first".to_owned());
    }
    if ended < handles.len() {
        return Err(format!(
            "{} of the sessions were not there: they had ended, or moved to other ids",
            handles.len() - ended
        ));
    }
    Ok(())
}

/// How many sessions it ended, and how many places it removed whose sessions had moved, perhaps to
/// where this walk has been already.
async fn once(
    place: &Place,
    options: &Revoke,
    handles: &[SessionHandle],
) -> Result<(usize, usize), String> {
    let mut walk = Walk::through(place)?;
    let (mut ended, mut moved) = (0, 0);
    while let Some(page) = walk.next().await? {
        if options.all {
            for surveyed in page.records.iter().filter(|record| row::is_claim(record)) {
                let done = place.store.remove(&surveyed.key).await;
                moved += usize::from(done.map_err(|error| told(&error))?);
            }
        }
        for surveyed in page.records.iter().filter(|record| row::is_session(record)) {
            let is_meant = options.all
                || match &options.owner {
                    Some(owner) => row::read(surveyed).0.owner.as_ref() == Some(owner),
                    None => handles.contains(&SessionHandle::of_record(&surveyed.key)),
                };
            if is_meant {
                let done = place.store.remove(&surveyed.key).await;
                ended += usize::from(done.map_err(|error| told(&error))?);
            }
        }
    }
    Ok((ended, moved))
}

/// Reclaim what expired sessions take up, in stores that have no expiry of their own
///
/// Expired sessions are never served, reclaimed or not. Run it from time to time, like Django's
/// clearsessions; the work is done in bounded batches.
#[derive(Args, Clone, Debug)]
pub struct ClearExpired {
    /// Which store.
    #[command(flatten)]
    pub place: Where,

    /// Records per batch
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch: u32,
}

pub(super) async fn clear_expired(options: &ClearExpired) -> Result<(), String> {
    let place = options.place.open().await?;
    let budget = usize::try_from(options.batch).unwrap_or(usize::MAX);
    let mut removed = 0;
    loop {
        let purged = place.store.purge_expired(budget).await;
        let purged = purged.map_err(|error| told(&error))?;
        removed += purged.removed;
        if !purged.more {
            break;
        }
    }
    place.close(removed > 0).await?;
    let records = if removed == 1 { "record" } else { "records" };
    say(&format!("{removed} expired {records} removed"))?;
    Ok(())
}

/// Make the tables, indexes or directories that a store needs; what is there stays
#[derive(Args, Clone, Debug)]
pub struct Prepare {
    /// Which store.
    #[command(flatten)]
    pub place: Where,
}

pub(super) async fn prepare(options: &Prepare) -> Result<(), String> {
    let place = options.place.open_prepared().await?;
    let name = place.store.name().to_owned();
    place.close(false).await?;
    say(&format!("the store {name} is ready"))?;
    Ok(())
}
