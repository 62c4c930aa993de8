//! The cache at work.

use axum::extract::{RawQuery, State};

use sessile::session::Session;

use super::{Answer, answer, bare_frame};
use crate::serve::app::App;
use crate::serve::pages::Place;
use crate::serve::pages::cache::{self, Work};

/// Shows the cache's counters.
///
/// The page comes again by itself, so it takes no messages: they belong to the page that somebody asked
/// for.
pub async fn page(
    State(App(app)): State<App>,
    RawQuery(query): RawQuery,
    session: Session,
) -> Answer {
    let frame = bare_frame(&session, Place::Cache)?;
    let Some(counters) = app.cache() else {
        return Ok(answer(cache::elsewhere(&frame, &app.store)));
    };
    let heap_bytes = u64::try_from((app.heap)()).unwrap_or(u64::MAX);
    let work = Work {
        stats: counters.stats(),
        max_entries: app.max_entries,
        heap_bytes,
        uptime: app.started.elapsed(),
        recent: app.history.recent(),
        is_paused: query.as_deref() == Some("pause"),
    };
    Ok(answer(cache::cache(&frame, &work)))
}
