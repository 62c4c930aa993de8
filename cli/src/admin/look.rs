//! Listing sessions, and showing one.

use clap::Args;
use sessile::session::SessionHandle;

use super::place::Where;
use super::row::{self, Row, ago, kind, shown};
use super::say;
use super::walk::Walk;

/// List the sessions of a store: handle, owner, age, time left and size, never an id or a value
///
/// A handle names a session for `show` and `revoke` and opens nothing. The order means nothing.
#[derive(Args, Clone, Debug)]
pub struct List {
    /// Which store.
    #[command(flatten)]
    pub place: Where,

    /// Only the sessions of this owner
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn list(options: &List) -> Result<(), String> {
    let place = options.place.open().await?;
    let mut walk = Walk::through(&place)?;
    let most = options.limit.unwrap_or(usize::MAX);
    let mut count = 0;
    if !options.json && !say(Row::HEAD)? {
        return Ok(());
    }
    'walk: while let Some(page) = walk.next().await? {
        for record in page.records.iter().filter(|record| row::is_session(record)) {
            if count >= most {
                break 'walk;
            }
            let (row, decoded) = row::read(record);
            if decoded.is_some_and(|record| record.header.moved) {
                continue;
            }
            if options.owner.is_some() && row.owner != options.owner {
                continue;
            }
            count += 1;
            let line = match options.json {
                true => serde_json::to_string(&row).map_err(|error| error.to_string())?,
                false => row.to_string(),
            };
            if !say(&line)? {
                return Ok(());
            }
        }
    }
    if !options.json {
        let sessions = if count == 1 { "session" } else { "sessions" };
        say(&format!("{count} {sessions}"))?;
    }
    place.close(false).await
}

/// Show one session: what it is and which values it has, by name, kind and size
///
/// The values themselves are never shown. Looks through the store for the handle.
#[derive(Args, Clone, Debug)]
pub struct Show {
    /// Which store.
    #[command(flatten)]
    pub place: Where,

    /// The session, as `list` shows it: 32 hex digits
    pub handle: String,
}

pub(super) async fn show(options: &Show) -> Result<(), String> {
    let handle = parse(&options.handle)?;
    let place = options.place.open().await?;
    let mut walk = Walk::through(&place)?;
    while let Some(page) = walk.next().await? {
        for surveyed in &page.records {
            if SessionHandle::of_record(&surveyed.key) != handle {
                continue;
            }
            let (row, record) = row::read(surveyed);
            say(Row::HEAD)?;
            say(&row.to_string())?;
            if let Some(record) = record {
                let header = &record.header;
                if header.written_ms > 0 {
                    say(&format!("written {}", ago(header.written_ms / 1000)))?;
                }
                say(&format!("expiry  {:?}", header.expiry))?;
                for (name, value) in record.fields.iter() {
                    let kind = kind(record.fields.format(), value);
                    say(&format!("  {}: {kind}", shown(name, 60)))?;
                }
            }
            return place.close(false).await;
        }
    }
    Err(
        "no session of this store has that handle: it has ended, or has moved to another id since"
            .into(),
    )
}

pub(super) fn parse(handle: &str) -> Result<SessionHandle, String> {
    SessionHandle::parse(handle).ok_or_else(|| {
        "that is no handle: it is 32 lower-case hex digits, as `sessile list` shows them".to_owned()
    })
}
