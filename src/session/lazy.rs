//! Sessions that are loaded when somebody looks.

use std::fmt;
use std::sync::Arc;

use super::commit::Committed;
use super::session::{Driver, Session};
use super::state::State;
use super::turn::Turn;
use crate::error::Result;
use crate::id::SessionId;
use crate::sync::Lock;

/// A request's session before anybody asked for it; [`Sessions::open`](super::Sessions::open)
/// makes one.
///
/// Clones are handles of the same. A request that never asks costs the store nothing, and does not
/// prolong the session.
#[derive(Clone)]
pub struct LazySession(Arc<Inner>);

struct Inner {
    id: Option<SessionId>,
    driver: Arc<dyn Driver>,
    session: Lock<Option<Session>>,
    turn: Turn,
}

impl LazySession {
    pub(super) fn new(id: Option<SessionId>, driver: Arc<dyn Driver>) -> Self {
        Self(Arc::new(Inner {
            id,
            driver,
            session: Lock::new(None),
            turn: Turn::new(),
        }))
    }

    /// The id that the client sent; whether it is a session's is not known yet.
    #[must_use]
    pub fn sent_id(&self) -> Option<&SessionId> {
        self.0.id.as_ref()
    }

    /// Returns the session, loaded at the first call; a new one if the id is no session's.
    ///
    /// Of calls at once, one loads and the others wait. Dropped while it waits, it has done nothing but
    /// prolonged the session, if that was due: on a store that waits for its answers, a renewal that this
    /// process knows to be due, because it made the last one, is sent with the load, and both together
    /// take the time of one. The [commit](Self::commit) then says that it was
    /// [renewed](super::Committed::Renewed).
    ///
    /// # Errors
    /// Faults of the store. The next call tries again.
    pub async fn session(&self) -> Result<Session> {
        if let Some(session) = self.loaded() {
            return Ok(session);
        }
        let _taken = self.0.turn.take().await;
        if let Some(session) = self.loaded() {
            return Ok(session);
        }
        let driver = || Arc::clone(&self.0.driver);
        let loaded = match &self.0.id {
            Some(id) => self.0.driver.load(id, driver()).await?,
            None => None,
        };
        let session =
            loaded.unwrap_or_else(|| Session::new(State::fresh(self.0.driver.rules()), driver()));
        *self.0.session.lock() = Some(session.clone());
        Ok(session)
    }

    /// The session, if somebody asked for it.
    #[must_use]
    pub fn loaded(&self) -> Option<Session> {
        self.0.session.lock().clone()
    }

    /// Commits the session if somebody asked for it; see
    /// [`Sessions::commit`](super::Sessions::commit).
    ///
    /// # Errors
    /// As there.
    pub async fn commit(&self) -> Result<Committed> {
        match self.loaded() {
            Some(session) => self.0.driver.commit(&session, true).await,
            None => Ok(Committed::Nothing),
        }
    }
}

impl fmt::Debug for LazySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazySession")
            .field("has_id", &self.0.id.is_some())
            .field("is_loaded", &self.0.session.lock().is_some())
            .finish_non_exhaustive()
    }
}
