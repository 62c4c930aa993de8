//! One's own sessions: listed and ended.

use std::time::SystemTime;

use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;
use sessile::session::{Level, Session, SessionHandle};

use super::{Answer, Button, Posted, answer, bare_frame, frame};
use crate::serve::app::App;
use crate::serve::pages::Place;
use crate::serve::pages::sessions::{self as pages, Row};
use crate::serve::refusal::Refusal;

/// Lists them.
pub async fn page(State(App(app)): State<App>, session: Session) -> Answer {
    let Some(owner) = session.owner() else {
        let frame = bare_frame(&session, Place::Sessions)?;
        return Ok(answer(pages::nobody(&frame)));
    };
    let Some(sessions) = app.sessions() else {
        let frame = bare_frame(&session, Place::Sessions)?;
        return Ok(answer(pages::in_cookies(&frame)));
    };
    let now = SystemTime::now();
    let since = |then: SystemTime| now.duration_since(then).unwrap_or_default();
    let listed = sessions.list(&owner, Some(&session)).await?;
    let rows = listed.into_iter().map(|info| Row {
        handle: info.handle.to_string(),
        age: since(info.created),
        unused: since(info.last_seen),
        is_current: info.is_current,
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by_key(|row| !row.is_current);
    let frame = frame(&session, Place::Sessions)?;
    Ok(answer(pages::sessions(&frame, &rows)))
}

/// Which session to end.
#[derive(Deserialize)]
pub struct End {
    handle: String,
}

/// Ends one of them; only its owner can.
pub async fn end(
    State(App(app)): State<App>,
    Posted { session, form }: Posted<End>,
) -> Answer<Redirect> {
    let handle = SessionHandle::parse(&form.handle).ok_or(Refusal::BadForm)?;
    let owner = session.owner().ok_or(Refusal::StaleForm)?;
    let sessions = app.sessions().ok_or(Refusal::StaleForm)?;
    let listed = sessions.list(&owner, Some(&session)).await?;
    if listed
        .iter()
        .any(|info| info.handle == handle && info.is_current)
    {
        session.destroy();
        return Ok(Redirect::to("/goodbye"));
    }
    if sessions.end(&owner, &handle).await? {
        session
            .messages()
            .add(Level::SUCCESS, "That session has ended.")?;
    } else {
        session
            .messages()
            .add(Level::INFO, "That session had ended already.")?;
    }
    Ok(Redirect::to("/sessions"))
}

/// Ends all but this one.
pub async fn end_others(
    State(App(app)): State<App>,
    Posted { session, .. }: Posted<Button>,
) -> Answer<Redirect> {
    let owner = session.owner().ok_or(Refusal::StaleForm)?;
    let sessions = app.sessions().ok_or(Refusal::StaleForm)?;
    let ended = sessions.end_all(&owner, Some(&session)).await?;
    let told = match ended {
        1 => "One other session has ended.".to_owned(),
        _ => format!("{ended} other sessions have ended."),
    };
    session.messages().add(Level::SUCCESS, told)?;
    Ok(Redirect::to("/sessions"))
}

/// Ends all of them.
pub async fn end_all(
    State(App(app)): State<App>,
    Posted { session, .. }: Posted<Button>,
) -> Answer<Redirect> {
    let owner = session.owner().ok_or(Refusal::StaleForm)?;
    let sessions = app.sessions().ok_or(Refusal::StaleForm)?;
    sessions.end_all(&owner, Some(&session)).await?;
    session.destroy();
    Ok(Redirect::to("/goodbye"))
}
