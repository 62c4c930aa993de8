//! Where the sessions of a layer live: in a store, with an id in the cookie, or in the cookie itself.

use std::num::NonZeroU64;

use super::id_text::IdText;
use super::interface::Change;
use crate::error::Result;
use crate::id::SessionId;
use crate::session::{Committed, LocalIndex, OwnerIndex, Session, Sessions};
use crate::store::SessionStore;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Keeps the sessions of a [`Core`](super::Core).
///
/// [`Stored`] keeps them in a store; a whole session may also travel in its cookie.
pub trait Backend: Send + Sync + 'static {
    /// Whether its futures are ready at the first poll; see
    /// [`SessionStore::is_immediate`](crate::SessionStore::is_immediate).
    fn is_immediate(&self) -> bool;

    /// Returns the session that one of the `values` of the cookie `name` leads to: the first that
    /// is genuine and exists. Writes nothing.
    ///
    /// # Errors
    /// Faults of the store.
    fn open<'v>(
        &'v self,
        name: &'v str,
        values: impl Iterator<Item = &'v str> + Send + 'v,
    ) -> impl Future<Output = Result<Option<Session>>> + Send + 'v;

    /// Returns a new session. Writes nothing.
    fn fresh(&self) -> Session;

    /// Does what the session's changes ask for.
    ///
    /// # Errors
    /// As [`Sessions::commit`].
    fn commit<'s>(
        &'s self,
        session: &'s Session,
    ) -> impl Future<Output = Result<Committed>> + Send + 's;

    /// Says what the client has to learn, or `None` if there is no session any more; `before` is the
    /// id that the session had when it was opened.
    fn change(
        &self,
        before: Option<&SessionId>,
        session: &Session,
        done: Committed,
    ) -> Option<Change>;

    /// Returns what the cookie `name` is to carry; called only where there is a session.
    ///
    /// # Errors
    /// As [`IdText::write`]; [`TooLarge`](crate::ErrorKind::TooLarge).
    fn value(&self, name: &str, session: &Session) -> Result<String>;

    /// The wall clock, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}

/// Sessions in a store: the cookie carries an id.
pub struct Stored<S, X = LocalIndex> {
    pub(super) sessions: Sessions<S, X>,
    pub(super) id_text: Box<dyn IdText>,
    pub(super) purge: Option<Purge>,
}

/// Purges expired records now and then.
pub(super) struct Purge {
    every: NonZeroU64,
    commits: AtomicU64,
}

/// Records that one purge looks at.
const PURGE_BUDGET: usize = 1000;

impl Purge {
    pub(super) fn every(commits: NonZeroU64) -> Self {
        Self {
            every: commits,
            commits: AtomicU64::new(0),
        }
    }

    fn is_due(&self) -> bool {
        // Relaxed: a counter, and nothing else is read by it.
        let before = self.commits.fetch_add(1, Ordering::Relaxed);
        before % self.every == self.every.get() - 1
    }
}

impl<S: SessionStore, X: OwnerIndex> Backend for Stored<S, X> {
    #[inline]
    fn is_immediate(&self) -> bool {
        self.sessions.store().is_immediate() && self.sessions.index().is_immediate()
    }

    async fn open<'v>(
        &'v self,
        name: &'v str,
        values: impl Iterator<Item = &'v str> + Send + 'v,
    ) -> Result<Option<Session>> {
        let now_ms = self.now_ms();
        for value in values {
            let Some(id) = self.id_text.read(value, name, now_ms) else {
                continue;
            };
            if let Some(session) = self.sessions.load(&id).await? {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    fn fresh(&self) -> Session {
        self.sessions.fresh()
    }

    async fn commit(&self, session: &Session) -> Result<Committed> {
        let committed = self.sessions.commit(session).await?;
        if self.purge.as_ref().is_some_and(Purge::is_due) {
            let purged = self.sessions.store().purge_expired(PURGE_BUDGET).await;
            // The request has what it came for.
            if let Err(error) = purged {
                tracing::warn!(%error, "expired sessions could not be purged");
            }
        }
        Ok(committed)
    }

    fn change(
        &self,
        before: Option<&SessionId>,
        session: &Session,
        done: Committed,
    ) -> Option<Change> {
        let id = session.id()?;
        // Both are the client's own: their comparison need not take constant time.
        let is_new = before.is_none_or(|before| before.bytes() != id.bytes());
        // An explicit save in the handler may have done the work already: the id tells.
        Some(match done {
            _ if is_new => Change::NewId,
            Committed::Saved => Change::Written,
            Committed::Renewed => Change::Renewed,
            _ => Change::None,
        })
    }

    fn value(&self, name: &str, session: &Session) -> Result<String> {
        match session.id() {
            Some(id) => Ok(self.id_text.write(&id, name, self.now_ms())?.into_owned()),
            // Destroyed by another handle since: an empty value takes nothing from anybody.
            None => Ok(String::new()),
        }
    }

    fn now_ms(&self) -> u64 {
        self.sessions.now_ms()
    }
}
