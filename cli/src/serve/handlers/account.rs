//! The start page, the login and the logout.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sessile::Result;
use sessile::session::{Level, Session};

use super::{Answer, Button, Posted, USER, VISITS, answer, frame};
use crate::serve::app::App;
use crate::serve::csrf;
use crate::serve::pages::home::{self, Home, NAME_CHARS_MAX};
use crate::serve::pages::{Frame, Place};

/// Counts the visit and shows what is stored.
pub async fn home(State(App(app)): State<App>, session: Session) -> Answer {
    session.modify(VISITS, |visits: Option<u64>| {
        Some(visits.unwrap_or(0).saturating_add(1))
    })?;
    let frame = frame(&session, Place::Home)?;
    let page = Home {
        visits: session.get(VISITS)?.unwrap_or(0),
        stored: stored(&session)?,
        idle: app.idle,
        cookie: app.cookie.clone(),
        is_secure: app.is_secure,
    };
    Ok(answer(home::home(&frame, &page)))
}

fn stored(session: &Session) -> Result<Vec<(String, String)>> {
    let mut stored = Vec::new();
    for (name, value) in session.items()? {
        // What it protects could be read over a shoulder.
        let value = if name == csrf::NAME {
            "a secret of 32 bytes for this site’s forms".to_owned()
        } else {
            serde_json::to_string(&value).unwrap_or_default()
        };
        stored.push((name, value));
    }
    stored.sort();
    Ok(stored)
}

/// Who wants to be logged in.
#[derive(Deserialize)]
pub struct Login {
    name: String,
}

/// Logs in under the name of the form.
pub async fn login(Posted { session, form }: Posted<Login>) -> Answer<Redirect> {
    let name = form.name.trim();
    let is_long = name.chars().count() > NAME_CHARS_MAX;
    if name.is_empty() || is_long || name.chars().any(char::is_control) {
        let told = format!("Write a name of at most {NAME_CHARS_MAX} characters.");
        session.messages().add(Level::ERROR, told)?;
        return Ok(Redirect::to("/"));
    }
    // Whoever knew the id or a form before the login, knows nothing any more.
    session.cycle_id();
    csrf::rotate(&session)?;
    session.bind_owner(name)?;
    session.insert(USER, name)?;
    let told = format!("Welcome, {name}. You have a new session id, and your cart came along.");
    session.messages().add(Level::SUCCESS, told)?;
    Ok(Redirect::to("/"))
}

/// Ends this session.
pub async fn logout(Posted { session, .. }: Posted<Button>) -> Redirect {
    session.destroy();
    Redirect::to("/goodbye")
}

/// Says that nothing is left. Touches no session, so that none begins.
pub async fn goodbye() -> Response {
    answer(home::goodbye(&Frame::default())).into_response()
}
