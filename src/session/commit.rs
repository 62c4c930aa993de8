//! Commits: what a state's plan means in the store.

use super::manager::Shared;
use super::owner::{OwnerEntry, OwnerIndex};
use super::retired::{Left, Retired};
use super::session::Session;
use super::state::{Attempt, Plan, Stored};
use crate::cache::Replaced;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SessionId, StoreKey};
use crate::store::{Created, SessionStore};

/// Times a commit tries again on top of what others wrote.
pub(super) const TRIES: usize = 16;
/// Ids drawn for a new record before randomness is taken for broken.
const DRAWS: usize = 8;

/// What a commit did.
///
/// What the client's cookie needs follows from [`Session::id`]: set it if that differs from what the
/// client sent, remove it if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Committed {
    /// Nothing: there was nothing to do.
    Nothing,
    /// The record's life was prolonged.
    Renewed,
    /// A first record was stored, under a new id.
    Created,
    /// The record was written.
    Saved,
    /// The record was stored under a new id, and the old one removed or, when an id that was in use
    /// for long was renewed, left to lead to it for a while.
    Rotated,
    /// The record was removed or found to be gone; the session has no id any more.
    Removed,
}

/// Whether a step ended the commit.
pub(super) enum Step {
    Done(Committed),
    /// Somebody else wrote; the state is up to date again.
    Again,
}

/// What a commit sees of its session at one moment.
struct Look {
    plan: Plan,
    stored: Option<Stored>,
    now_ms: u64,
    /// Whether records wait to be removed.
    retires: bool,
    is_bound: bool,
    /// Whether the record's life was prolonged when it was loaded, and no commit has said so.
    prolonged: bool,
}

/// A write under way. Dropped before it is done, by an error or a cancellation, it hands the changes
/// back to the session.
pub(super) struct Open<'a> {
    session: &'a Session,
    pub(super) attempt: Attempt,
    is_done: bool,
    is_refused: bool,
}

impl<'a> Open<'a> {
    pub(super) fn done(mut self, stored: Stored) {
        self.session.0.state.lock().done(&self.attempt, stored);
        self.is_done = true;
    }

    /// The store has said that it did not write.
    pub(super) fn refused(mut self) {
        self.is_refused = true;
    }

    pub(super) fn session(&self) -> &'a Session {
        self.session
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let mut state = self.session.0.state.lock();
            state.undo(&self.attempt, self.is_refused);
        }
    }
}

#[cold]
pub(super) fn gone() -> Error {
    Error::new(
        ErrorKind::Gone,
        "commit a session: it was destroyed, revoked or has expired since it was loaded",
    )
}

#[cold]
pub(super) fn conflict(why: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("commit a session: {why}; load it anew and try again"),
    )
}

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Commits the session. `renews` says that a response follows, which can tell the client an id
    /// that is renewed.
    pub(super) async fn commit(&self, session: &Session, mut renews: bool) -> Result<Committed> {
        if session.refusal().is_some() {
            return Ok(Committed::Nothing);
        }
        let _turn = session.0.turn.take().await;
        let mut look = self.look(session, renews);
        let retires = look.retires;
        if retires {
            self.retire(session).await?;
            look = self.look(session, renews);
        }
        let mut lane = None;
        for _ in 0..TRIES {
            let Look {
                plan,
                stored,
                now_ms,
                ..
            } = look;
            let key = stored.as_ref().map(|stored| stored.key.clone());
            let lane_here = self.lane(key.as_ref());
            if lane.is_none()
                && matches!(plan, Plan::Replace | Plan::Rotate | Plan::RenewId)
                && lane_here.is_taken()
            {
                // Others are settling a conflict: a newcomer would only cause them another.
                lane = Some(lane_here.take().await);
            }
            let step = match (plan, stored) {
                (Plan::Create, _) => self.create(session, now_ms).await?,
                (Plan::Gone, _) => return Err(gone()),
                (Plan::Touch, Some(stored)) => self.touch(session, stored).await?,
                (Plan::Replace, Some(stored)) => self.replace(session, stored, now_ms).await?,
                (Plan::Rotate, Some(stored)) => self.rotate(session, stored, now_ms, None).await?,
                (Plan::RenewId, Some(stored)) => {
                    // Once: whoever was faster has renewed it, or the next request will.
                    renews = false;
                    self.renew_id(session, stored, now_ms).await?
                }
                (Plan::Remove, Some(stored)) => self.remove(session, stored).await?,
                (Plan::RemoveEmpty, Some(stored)) => self.remove_empty(session, stored).await?,
                (_, stored) => {
                    if look.is_bound {
                        self.seen(session, stored).await?;
                    }
                    return Ok(match (retires, look.prolonged) {
                        (true, _) => Committed::Removed,
                        (false, true) => Committed::Renewed,
                        (false, false) => Committed::Nothing,
                    });
                }
            };
            match step {
                Step::Done(committed) => return Ok(committed),
                // Those who lost once go one by one, so that each next try has few rivals.
                Step::Again if lane.is_none() => lane = Some(lane_here.take().await),
                Step::Again => {}
            }
            look = self.look(session, renews);
        }
        Err(conflict("others wrote it too often meanwhile"))
    }

    /// Looks at the session once: what is to be done, and all that this takes to know.
    fn look(&self, session: &Session, renews: bool) -> Look {
        let now_ms = self.now_ms();
        let mut state = session.0.state.lock();
        let renewed_ms = match &state.stored {
            // What was written is not looked up: a plan to write does not ask.
            Some(stored) if !state.is_modified() => {
                let noted_ms = self.renewals.last_ms(stored.key.as_ref());
                noted_ms.max(state.header.written_ms)
            }
            _ => now_ms,
        };
        let plan = match state.plan(&self.rules, now_ms, renewed_ms) {
            Plan::Nothing | Plan::Touch | Plan::Replace
                if renews && state.is_id_due(&self.rules, now_ms) =>
            {
                Plan::RenewId
            }
            plan => plan,
        };
        let is_bound = state.bound.is_some();
        // Most requests have nothing to do and nobody to tell: they need not know where it lies.
        let is_wanted = is_bound || plan != Plan::Nothing;
        Look {
            plan,
            stored: is_wanted.then(|| state.stored.clone()).flatten(),
            now_ms,
            retires: state.next_retired().is_some(),
            is_bound,
            prolonged: std::mem::take(&mut state.prolonged),
        }
    }

    fn lane(&self, key: Option<&StoreKey>) -> &super::turn::Turn {
        let byte = key.and_then(|key| key.as_ref().last().copied());
        &self.lanes[usize::from(byte.unwrap_or(0)) % self.lanes.len()]
    }

    /// Encodes the session for a write; `moves` says that it goes under a new id.
    pub(super) fn begin<'a>(
        &self,
        session: &'a Session,
        now_ms: u64,
        moves: bool,
    ) -> Result<Open<'a>> {
        let nonce = self.next_nonce();
        // Encoding copies what is stored; only handles of this very session wait for it.
        let mut state = session.0.state.lock();
        let attempt = state.begin(&self.rules, now_ms, nonce, moves)?;
        drop(state);
        Ok(Open {
            session,
            attempt,
            is_done: false,
            is_refused: false,
        })
    }

    async fn create(&self, session: &Session, now_ms: u64) -> Result<Step> {
        let open = self.begin(session, now_ms, false)?;
        let stored = self.store_new(&open, None).await?;
        let owner = open.attempt.owner.clone();
        let key = stored.key.clone();
        open.done(stored);
        self.confirm(session, owner.as_deref(), &key).await?;
        Ok(Step::Done(Committed::Created))
    }

    /// Stores the attempt under a new id.
    pub(super) async fn store_new(
        &self,
        open: &Open<'_>,
        old: Option<&StoreKey>,
    ) -> Result<Stored> {
        let Attempt {
            bytes,
            owner,
            life_ms,
            ..
        } = &open.attempt;
        for _ in 0..DRAWS {
            let id = SessionId::random(self.id_format)?;
            let key = self.keys.key(&id);
            if let Some(owner) = owner {
                // Before the record is there: whoever ends all sessions of the owner finds it.
                self.admit(owner, &open.attempt, &key, old).await?;
            }
            let terms = self.terms(*life_ms, owner.is_some());
            match self.store.create(key.as_ref(), bytes.clone(), terms).await {
                Ok(Created::Done(version)) => return Ok(Stored { id, key, version }),
                Ok(Created::Taken) => self.unlist(owner.as_deref(), &key).await?,
                Err(error) => {
                    self.unlist(owner.as_deref(), &key).await?;
                    return Err(error);
                }
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("store a new session: {DRAWS} random ids were taken; randomness is broken"),
        ))
    }

    /// Removes a new record again if its listing is gone: its owner's sessions were ended between
    /// the listing and the record.
    pub(super) async fn confirm(
        &self,
        session: &Session,
        owner: Option<&str>,
        key: &StoreKey,
    ) -> Result<()> {
        let Some(owner) = owner else {
            return Ok(());
        };
        if self.index.settle(owner, key).await? {
            return Ok(());
        }
        self.store.remove(key.as_ref()).await?;
        let mut state = session.0.state.lock();
        state.gone = true;
        state.modified();
        Err(gone())
    }

    async fn replace(&self, session: &Session, stored: Stored, now_ms: u64) -> Result<Step> {
        let open = self.begin(session, now_ms, false)?;
        let key = stored.key.clone();
        let attempt = &open.attempt;
        let (owner, was) = (attempt.owner.clone(), attempt.was.clone());
        let is_bound = owner.is_some() && owner != was;
        match &owner {
            Some(owner) if is_bound => self.admit(owner, attempt, &key, Some(&key)).await?,
            Some(owner) => self.note_seen(owner, attempt.created_ms, &key).await?,
            None => {}
        }
        let terms = self.terms(attempt.life_ms, owner.is_some());
        let bytes = attempt.bytes.clone();
        let expected = Some(stored.version);
        let replaced = self
            .store
            .replace(key.as_ref(), bytes, terms, expected)
            .await;
        if let Ok(Replaced::Done(version)) = replaced {
            open.done(Stored { version, ..stored });
            if was.is_some() && was != owner {
                self.unlist(was.as_deref(), &key).await?;
            }
            return Ok(Step::Done(Committed::Saved));
        }
        match &replaced {
            Ok(_) => open.refused(),
            Err(_) => drop(open),
        }
        if is_bound {
            self.unlist(owner.as_deref(), &key).await?;
        }
        match replaced? {
            Replaced::Conflict(_) => self.catch_up(session, &key).await,
            _ => self.found_gone(session, &key, was.as_deref()).await,
        }
    }

    async fn touch(&self, session: &Session, stored: Stored) -> Result<Step> {
        let key = stored.key.clone();
        let now_ms = self.now_ms();
        let (life_ms, is_whole) = {
            let state = session.0.state.lock();
            let life_ms = state.life_ms(&self.rules, now_ms);
            (life_ms, life_ms == state.idle_ms(&self.rules))
        };
        let life = super::rules::duration(life_ms.max(1));
        if !self.store.touch(key.as_ref(), life).await? {
            return self.lost(session, &key).await;
        }
        if self.rules.id_renewal.is_some() && self.was_claim(session, &key).await? {
            return Ok(Step::Done(Committed::Nothing));
        }
        self.renewals.note(key.as_ref(), now_ms);
        if !self.store.is_immediate() {
            // Nobody else asks: see `load_in_use`.
            let idle_ms = is_whole.then_some(life_ms);
            self.renewals.note_idle(key.as_ref(), idle_ms);
        }
        self.seen(session, Some(stored)).await?;
        Ok(Step::Done(Committed::Renewed))
    }

    async fn remove_empty(&self, session: &Session, stored: Stored) -> Result<Step> {
        let key = stored.key;
        // Claimed first: what another request has put in meanwhile must not go with it.
        if let Replaced::Conflict(_) = self.claim(&key, stored.version).await? {
            return self.catch_up(session, &key).await;
        }
        {
            // No await between: whoever drops this commit from here on finds it done.
            let mut state = session.0.state.lock();
            let owner = state.bound.take();
            state.lost(&self.rules);
            state.retire(key, owner, Left::Mark);
        }
        self.retire(session).await?;
        Ok(Step::Done(Committed::Removed))
    }

    async fn remove(&self, session: &Session, stored: Stored) -> Result<Step> {
        let key = stored.key;
        self.end_record(&key).await?;
        let owner = {
            let mut state = session.0.state.lock();
            let owner = state.bound.clone();
            // Unless it was destroyed meanwhile, which has put the rest in order.
            if state.stored.is_some() {
                state.lost(&self.rules);
            }
            owner
        };
        self.unlist(owner.as_deref(), &key).await?;
        Ok(Step::Done(Committed::Removed))
    }

    /// Clears the places that the session has left.
    pub(super) async fn retire(&self, session: &Session) -> Result<()> {
        loop {
            let next = session.0.state.lock().next_retired().cloned();
            let Some(Retired { key, owner, left }) = next else {
                return Ok(());
            };
            match left {
                Left::Record => self.end_record(&key).await?,
                Left::Mark => self.store.remove(key.as_ref()).await?,
                Left::Claim => true,
            };
            self.unlist(owner.as_deref(), &key).await?;
            // Only now: a commit that was dropped before tries again.
            let mut state = session.0.state.lock();
            state.forget_retired(|other| other.key == key);
        }
    }

    async fn seen(&self, session: &Session, stored: Option<Stored>) -> Result<()> {
        let (owner, created_ms) = {
            let state = session.0.state.lock();
            (state.bound.clone(), state.header.created_ms)
        };
        match (owner, stored) {
            (Some(owner), Some(stored)) => self.note_seen(&owner, created_ms, &stored.key).await,
            _ => Ok(()),
        }
    }

    async fn note_seen(&self, owner: &str, created_ms: u64, key: &StoreKey) -> Result<()> {
        let entry = OwnerEntry {
            key: key.clone(),
            created_ms,
            seen_ms: self.now_ms(),
            is_stored: true,
        };
        self.index.seen(owner, entry).await
    }

    pub(super) async fn unlist(&self, owner: Option<&str>, key: &StoreKey) -> Result<()> {
        if let Some(owner) = owner {
            self.index.remove(owner, key).await?;
        }
        Ok(())
    }
}
