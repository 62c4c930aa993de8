//! The backend that a configuration names: any store, the cookie itself, or none at all.

use std::fmt;

use super::backend::{Backend, Stored};
use super::cookie_sessions::CookieSessions;
use super::core::Core;
use super::interface::{Change, Interface};
use crate::error::Result;
use crate::id::SessionId;
use crate::session::{AnyIndex, Committed, Session, Sessions};
use crate::store::AnyStore;

/// Sessions wherever `SESSION_TYPE` says; [`Settings::core`](super::config::Settings::core) and
/// [`Settings::connect`](super::config::Settings::connect) make it.
pub struct Configured(pub(super) Kind);

pub(super) enum Kind {
    Stored(Box<Stored<AnyStore, AnyIndex>>),
    Cookie(Box<CookieSessions>),
    /// Reads are empty, writes fail with this reason.
    Null(&'static str),
}

impl<I: Interface> Core<Configured, I> {
    /// The sessions in the store, for what has no request: lists, revocation, the store itself.
    /// `None` where sessions live in their cookies or nowhere.
    #[must_use]
    pub fn sessions(&self) -> Option<&Sessions<AnyStore, AnyIndex>> {
        match &self.0.backend.0 {
            Kind::Stored(stored) => Some(&stored.sessions),
            _ => None,
        }
    }
}

impl Backend for Configured {
    fn is_immediate(&self) -> bool {
        match &self.0 {
            Kind::Stored(stored) => stored.is_immediate(),
            Kind::Cookie(_) | Kind::Null(_) => true,
        }
    }

    async fn open<'v>(
        &'v self,
        name: &'v str,
        values: impl Iterator<Item = &'v str> + Send + 'v,
    ) -> Result<Option<Session>> {
        match &self.0 {
            Kind::Stored(stored) => stored.open(name, values).await,
            Kind::Cookie(cookie) => cookie.open(name, values).await,
            Kind::Null(_) => Ok(None),
        }
    }

    fn fresh(&self) -> Session {
        match &self.0 {
            Kind::Stored(stored) => stored.fresh(),
            Kind::Cookie(cookie) => cookie.fresh(),
            Kind::Null(reason) => Session::unavailable(*reason),
        }
    }

    async fn commit(&self, session: &Session) -> Result<Committed> {
        match &self.0 {
            Kind::Stored(stored) => stored.commit(session).await,
            Kind::Cookie(cookie) => cookie.commit(session).await,
            Kind::Null(_) => Ok(Committed::Nothing),
        }
    }

    fn change(
        &self,
        before: Option<&SessionId>,
        session: &Session,
        done: Committed,
    ) -> Option<Change> {
        match &self.0 {
            Kind::Stored(stored) => stored.change(before, session, done),
            Kind::Cookie(cookie) => cookie.change(before, session, done),
            Kind::Null(_) => None,
        }
    }

    fn value(&self, name: &str, session: &Session) -> Result<String> {
        match &self.0 {
            Kind::Stored(stored) => stored.value(name, session),
            Kind::Cookie(cookie) => cookie.value(name, session),
            Kind::Null(_) => Ok(String::new()),
        }
    }

    fn now_ms(&self) -> u64 {
        match &self.0 {
            Kind::Stored(stored) => stored.now_ms(),
            Kind::Cookie(cookie) => cookie.now_ms(),
            Kind::Null(_) => 0,
        }
    }
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.0 {
            Kind::Stored(stored) => stored.sessions.store().name(),
            Kind::Cookie(_) => "cookie",
            Kind::Null(_) => "null",
        };
        write!(f, "Configured({name})")
    }
}
