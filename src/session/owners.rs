//! A user's sessions: list them, end them, limit them.

use std::time::UNIX_EPOCH;

use super::manager::{Sessions, Shared};
use super::owner::{Admitted, OwnerEntry, OwnerIndex, SessionHandle, SessionInfo};
use super::rules::{WhenReached, duration};
use super::session::Session;
use super::state::Attempt;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SessionId, StoreKey};
use crate::store::SessionStore;

/// Listed sessions that are looked up in the store whenever one is added.
const CHECKS_PER_LISTING: usize = 2;
/// How long a session may be listed before its record is stored.
const CREATION_MS_MAX: u64 = 60_000;
/// Times that the list is looked at for sessions that moved while others were ended.
const LOOKS_MAX: usize = 256;
/// Sessions that end to make room for one.
const ENDED_MAX: usize = 1024;

impl<S: SessionStore, I: OwnerIndex> Sessions<S, I> {
    /// Lists the live sessions of `owner`, last used first.
    ///
    /// `current` is the session that asks, to be marked. Each session is looked up in the store, so
    /// the list is true; a session is on it from the commit that bound it. With a
    /// [`LocalIndex`](super::LocalIndex), sessions of an earlier process come back as they are used.
    ///
    /// # Errors
    /// Faults of the store or the index.
    pub async fn list(&self, owner: &str, current: Option<&Session>) -> Result<Vec<SessionInfo>> {
        let current = current.and_then(Session::key);
        let mut live = self.0.live(owner).await?;
        live.retain(|entry| entry.is_stored);
        live.sort_by_key(|entry| std::cmp::Reverse(entry.seen_ms));
        let info = |entry: OwnerEntry| SessionInfo {
            handle: SessionHandle::of(&entry.key),
            created: UNIX_EPOCH + duration(entry.created_ms),
            last_seen: UNIX_EPOCH + duration(entry.seen_ms),
            is_current: current.as_ref() == Some(&entry.key),
        };
        Ok(live.into_iter().map(info).collect())
    }

    /// The handle under which [`list`](Self::list) shows `session`; `None` before its first commit.
    #[must_use]
    pub fn handle(&self, session: &Session) -> Option<SessionHandle> {
        Some(SessionHandle::of(&session.key()?))
    }

    /// Ends the session of `owner` that `handle` names; says whether there was one.
    ///
    /// Requests that work on it fail to commit from then on.
    ///
    /// # Errors
    /// Faults of the store or the index.
    pub async fn end(&self, owner: &str, handle: &SessionHandle) -> Result<bool> {
        let listed = self.0.index.list(owner).await?;
        let named = |entry: &&OwnerEntry| SessionHandle::of(&entry.key) == *handle;
        match listed.iter().find(named) {
            Some(entry) => self.0.end(owner, &entry.key).await,
            None => Ok(false),
        }
    }

    /// Ends all sessions of `owner` but `keep`; says how many there were.
    ///
    /// When it returns, no session that was the owner's when it was called is good any more, `keep`
    /// excepted; one that another request creates at the same time may be.
    ///
    /// # Cancellation
    /// Dropped, it has ended some of them.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if sessions kept moving to other ids; faults of the store or
    /// the index. Some may have ended then.
    pub async fn end_all(&self, owner: &str, keep: Option<&Session>) -> Result<usize> {
        let keep = keep.and_then(Session::key);
        let now_ms = self.0.now_ms();
        let is_older =
            |entry: &OwnerEntry| keep.as_ref() != Some(&entry.key) && entry.created_ms <= now_ms;
        let mut ended = 0;
        // A session that moves to another id meanwhile is listed under the new one before the old one
        // goes, and keeps its beginning: it is found at the next look.
        for _ in 0..LOOKS_MAX {
            let mut older = self.0.index.list(owner).await?;
            older.retain(is_older);
            if older.is_empty() {
                return Ok(ended);
            }
            for entry in older {
                ended += usize::from(self.0.end(owner, &entry.key).await?);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "end an owner's sessions: they kept moving to other ids; try again",
        ))
    }

    /// Ends the session of `id`, whosever it is; says whether there was one.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn revoke(&self, id: &SessionId) -> Result<bool> {
        let session = self.0.load_session(id, self.driver()).await?;
        let owner = session.as_ref().and_then(Session::owner);
        let key = session.and_then(|session| session.key());
        let key = key.unwrap_or_else(|| self.0.keys.key(id));
        self.0.unlist(owner.as_deref(), &key).await?;
        self.0.end_record(&key).await
    }

    /// Looks up to `budget` listed sessions up in the store and forgets the dead ones; says how many
    /// these were.
    ///
    /// Listing sessions does it by itself, two at a time; call it where owners come and go while
    /// nobody signs in.
    ///
    /// # Errors
    /// Faults of the store or the index.
    pub async fn sweep_owners(&self, budget: usize) -> Result<usize> {
        self.0.sweep(budget).await
    }
}

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Lists a session that is bound to `owner`, within the limit.
    pub(super) async fn admit(
        &self,
        owner: &str,
        attempt: &Attempt,
        key: &StoreKey,
        instead_of: Option<&StoreKey>,
    ) -> Result<()> {
        let entry = OwnerEntry {
            key: key.clone(),
            created_ms: attempt.created_ms,
            seen_ms: self.now_ms(),
            is_stored: instead_of == Some(key),
        };
        // Who was bound before and only moves is let in whatever the limit: it may have been
        // lowered since.
        let is_bound = attempt.was.as_deref() == Some(owner);
        let max = self.rules.owner_sessions_max.filter(|_| !is_bound);
        self.sweep(CHECKS_PER_LISTING).await?;
        for _ in 0..ENDED_MAX {
            let admitted = self.index.admit(owner, entry.clone(), instead_of, max);
            if admitted.await? == Admitted::Done {
                return Ok(());
            }
            let Some(max) = max else { break };
            let live = self.live(owner).await?;
            let others = live.iter().filter(|other| instead_of != Some(&other.key));
            let others: Vec<_> = others.collect();
            if others.len() < max {
                continue;
            }
            let oldest = others.iter().min_by_key(|other| other.seen_ms);
            match (self.rules.when_reached, oldest) {
                (WhenReached::EndOldest, Some(oldest)) => self.end(owner, &oldest.key).await?,
                _ => break,
            };
        }
        Err(Error::new(
            ErrorKind::Full,
            "bind a session to its owner: as many sessions as allowed are open; end one first",
        ))
    }

    /// The sessions of `owner` that the store has or is about to get; the others are forgotten.
    async fn live(&self, owner: &str) -> Result<Vec<OwnerEntry>> {
        let mut live = Vec::new();
        for entry in self.index.list(owner).await? {
            if self.lives(&entry).await? {
                live.push(entry);
            } else {
                self.index.remove(owner, &entry.key).await?;
            }
        }
        Ok(live)
    }

    async fn end(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        // Off the list first: a session that is being created under this key finds out and goes.
        self.index.remove(owner, key).await?;
        self.end_record(key).await
    }

    async fn sweep(&self, budget: usize) -> Result<usize> {
        let mut dead = 0;
        for (owner, entry) in self.index.stalest(budget).await? {
            if !self.lives(&entry).await? {
                self.index.remove(&owner, &entry.key).await?;
                dead += 1;
            }
        }
        Ok(dead)
    }

    async fn lives(&self, entry: &OwnerEntry) -> Result<bool> {
        let age_ms = self.now_ms().saturating_sub(entry.seen_ms);
        if !entry.is_stored && age_ms < CREATION_MS_MAX {
            return Ok(true);
        }
        match self.rules.id_renewal {
            None => self.store.exists(entry.key.as_ref()).await,
            // A claim is there, and no session.
            Some(_) => self.has_session(&entry.key).await,
        }
    }
}
