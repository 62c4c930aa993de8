//! The manager: opens sessions from their ids.

use std::fmt;
use std::sync::Arc;

use super::builder::SessionsBuilder;
use super::commit::Committed;
use super::index::LocalIndex;
use super::lazy::LazySession;
use super::owner::OwnerIndex;
use super::renewals::Renewals;
use super::rules::Rules;
use super::session::{Boxed, Driver, Session};
use super::state::{State, Stored};
use super::turn::Turn;
use crate::cache::Terms;
use crate::codec::Record;
use crate::error::Result;
use crate::id::{IdFormat, KeyMaker, SessionId, StoreKey};
use crate::store::{Loaded, SessionStore};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Clock;

/// Opens, commits and ends the sessions of one store.
///
/// Clones share everything. See the [module](super) for how a request goes and
/// [`SessionsBuilder`] for the settings.
pub struct Sessions<S, I = LocalIndex>(pub(super) Arc<Shared<S, I>>);

pub(super) struct Shared<S, I> {
    pub(super) store: S,
    pub(super) index: I,
    pub(super) keys: KeyMaker,
    pub(super) id_format: IdFormat,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: Rules,
    pub(super) renewals: Renewals,
    pub(super) nonce: AtomicU64,
    pub(super) lanes: Box<[Turn]>,
}

impl<S: SessionStore> Sessions<S> {
    /// Begins a manager of the sessions in `store`.
    pub fn builder(store: S) -> SessionsBuilder<S> {
        SessionsBuilder::new(store)
    }
}

impl<S: SessionStore, I: OwnerIndex> Sessions<S, I> {
    /// Opens the session of the id that a client sent, or a new one; nothing is loaded yet.
    ///
    /// Costs one allocation. An id that no record has is not adopted: the session is a new one, and
    /// a commit gives it an id of its own.
    #[must_use]
    pub fn open(&self, id: Option<&SessionId>) -> LazySession {
        LazySession::new(id.copied(), self.driver())
    }

    /// Loads the session of `id`, or `None` if there is none: unknown, expired, moved to another id,
    /// or not decodable, which is logged as a security event.
    ///
    /// Dropped while it waits, it has done nothing.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn load(&self, id: &SessionId) -> Result<Option<Session>> {
        self.0.load_session(id, self.driver()).await
    }

    /// Makes a session without a record, as [`open`](Self::open) does without an id.
    #[must_use]
    pub fn fresh(&self) -> Session {
        Session::new(State::fresh(&self.0.rules), self.driver())
    }

    /// Writes what `session` changed, and says what became of it.
    ///
    /// An empty new session is not stored; an untouched one is at most prolonged, or gets a new id if
    /// [its own is due](SessionsBuilder::renew_ids_after): call it where a response follows that can
    /// tell the client. If other requests
    /// wrote the record in the meantime, the changes are repeated on theirs, at most 16 times.
    /// Commits of one session's handles take turns.
    ///
    /// # Cancellation
    /// Dropped while it waits for the store, it leaves the old record or the new one. The changes
    /// stay with the session, and a later commit writes them; it recognizes its own earlier write if
    /// nobody wrote since.
    ///
    /// # Errors
    /// [`Gone`](crate::ErrorKind::Gone) if the session was destroyed, revoked or has expired since it
    /// was loaded: nothing was written. [`Conflict`](crate::ErrorKind::Conflict) if others kept
    /// writing. [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is too large.
    /// [`Full`](crate::ErrorKind::Full) if the store or the owner's limit has no room. Faults of the
    /// store. After an error the changes are still there.
    pub async fn commit(&self, session: &Session) -> Result<Committed> {
        self.0.commit(session, true).await
    }

    /// The wall clock, in milliseconds since the Unix epoch.
    #[cfg(feature = "http")]
    pub(crate) fn now_ms(&self) -> u64 {
        self.0.clock.wall_ms()
    }

    /// The form of ids: what to parse a client's cookie with.
    #[must_use]
    pub fn id_format(&self) -> IdFormat {
        self.0.id_format
    }

    /// The key that the store knows `id` by.
    #[must_use]
    pub fn key(&self, id: &SessionId) -> StoreKey {
        self.0.keys.key(id)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.0.store
    }

    /// The owner index.
    #[must_use]
    pub fn index(&self) -> &I {
        &self.0.index
    }

    pub(super) fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.0) as Arc<dyn Driver>
    }
}

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    pub(super) fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }

    pub(super) fn next_nonce(&self) -> u64 {
        // Relaxed: only has to differ from other nonces.
        self.nonce.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn terms(&self, life_ms: u64, owned: bool) -> Terms {
        let terms = Terms::ttl(super::rules::duration(life_ms.max(1)));
        if owned { terms.protected() } else { terms }
    }

    pub(super) async fn load_session(
        &self,
        id: &SessionId,
        driver: Arc<dyn Driver>,
    ) -> Result<Option<Session>> {
        let key = self.keys.key(id);
        let loaded = self.store.load(key.as_ref()).await?;
        self.open_loaded(id, key, loaded, driver).await
    }

    /// The session of a record that was loaded.
    pub(super) async fn open_loaded(
        &self,
        id: &SessionId,
        key: StoreKey,
        loaded: Option<Loaded>,
        driver: Arc<dyn Driver>,
    ) -> Result<Option<Session>> {
        let Some(loaded) = loaded else {
            return Ok(None);
        };
        let Some(record) = self.rules.decode(loaded.value) else {
            return Ok(None);
        };
        if record.header.moved {
            // Boxed, and the record given away: other loads need no room for it and move nothing.
            return Box::pin(self.load_moved(*id, record, driver)).await;
        }
        let stored = Stored {
            id: *id,
            key,
            version: loaded.version,
        };
        let state = State::of(record, stored);
        if state.life_ms(&self.rules, self.now_ms()) == 0 {
            return Ok(None);
        }
        Ok(Some(Session::new(state, driver)))
    }

    /// The session that a renewed id still leads to.
    async fn load_moved(
        &self,
        id: SessionId,
        claim: Record,
        driver: Arc<dyn Driver>,
    ) -> Result<Option<Session>> {
        let Some(found) = self.follow(&claim).await? else {
            return Ok(None);
        };
        let stored = Stored {
            id,
            key: found.key,
            version: found.version,
        };
        let mut state = State::of(found.record, stored);
        state.superseded = true;
        let is_over = state.life_ms(&self.rules, self.now_ms()) == 0;
        Ok((!is_over).then(|| Session::new(state, driver)))
    }
}

impl<S: SessionStore, I: OwnerIndex> Driver for Shared<S, I> {
    fn rules(&self) -> &Rules {
        &self.rules
    }

    fn now_ms(&self) -> u64 {
        self.now_ms()
    }

    fn commit<'a>(&'a self, session: &'a Session, renews: bool) -> Boxed<'a, Committed> {
        Box::pin(self.commit(session, renews))
    }

    fn load<'a>(
        &'a self,
        id: &'a SessionId,
        driver: Arc<dyn Driver>,
    ) -> Boxed<'a, Option<Session>> {
        Box::pin(self.load_in_use(id, driver))
    }
}

impl<S, I> Clone for Sessions<S, I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, I> fmt::Debug for Sessions<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("id_format", &self.0.id_format)
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}
