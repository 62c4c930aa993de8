//! A session's life: its id, owner and end, its flags, and the explicit save.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::commit::Committed;
use super::rules::duration;
use super::session::Session;
use crate::codec::{Expiry, Layout, OWNER_BYTES_MAX};
use crate::error::{Error, Result};
use crate::id::{SessionId, StoreKey};

/// Where the test cookie's mark lies; Django's name and value.
const TEST_COOKIE: &str = "testcookie";
const TEST_COOKIE_VALUE: &str = "worked";

impl Session {
    /// The id, if the session has a record: new ones get theirs from the first commit, a rotated one
    /// has the old id until the commit, and one that was destroyed or lives in its cookie has none. One
    /// whose id another request has renewed keeps the id that its client sent.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        let state = self.0.state.lock();
        let has_id = !state.gone && self.0.driver.has_ids();
        let stored = state.stored.as_ref().filter(|_| has_id);
        stored.map(|stored| stored.id)
    }

    /// Where the session's record lies; the id's own key, unless that id was renewed.
    pub(super) fn key(&self) -> Option<StoreKey> {
        let state = self.0.state.lock();
        let has_id = !state.gone && self.0.driver.has_ids();
        let stored = state.stored.as_ref().filter(|_| has_id);
        stored.map(|stored| stored.key.clone())
    }

    /// Whether a response may tell the client its id again, to prolong its cookie.
    ///
    /// Not if another request has renewed the id, or may just be doing so: the old id would overwrite
    /// the new one in the client. Matters only with
    /// [`renew_ids_after`](super::SessionsBuilder::renew_ids_after), and to those who set cookies
    /// themselves.
    #[must_use]
    pub fn is_id_lasting(&self) -> bool {
        let state = self.0.state.lock();
        let renewal = self.rules().id_renewal;
        renewal.is_none_or(|it| state.id_age_ms(self.0.driver.now_ms()) < it.safe_ms())
            && !state.superseded
    }

    /// Whether the session has no record yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.0.state.lock().stored.is_none()
    }

    /// Whether data was read or written: what a response depends on (`Vary: Cookie`).
    ///
    /// Looking at flags, id, owner or expiry is not access.
    #[must_use]
    pub fn is_accessed(&self) -> bool {
        self.0.state.lock().accessed
    }

    /// Whether something is to be written.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        self.0.state.lock().is_modified()
    }

    /// Has the next commit write the record though nothing changed.
    pub fn set_modified(&self) {
        self.0.state.lock().modified();
    }

    /// Gives the session a new id at the next commit; all else stays.
    ///
    /// Do it whenever somebody signs in or gains rights, so that an id known before is worth
    /// nothing. The new record is stored before the old one goes; a save under the old id that comes
    /// later fails.
    pub fn cycle_id(&self) {
        if self.0.driver.refusal().is_none() {
            self.0.state.lock().rotate();
        }
    }

    /// Ends the session: data, owner and id are gone at once, the record at the next commit.
    ///
    /// Late commits of other requests do not bring it back. What is written to this handle
    /// afterwards belongs to a new session with a new id.
    pub fn destroy(&self) {
        if self.0.driver.refusal().is_none() {
            self.0.state.lock().destroy(self.rules());
        }
    }

    /// Sets when the session ends. Setting what is set already changes nothing.
    ///
    /// A moment that has passed removes the record at the commit.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an idle time below a millisecond.
    pub fn set_expiry(&self, expiry: Expiry) -> Result<()> {
        self.writable("")?;
        if matches!(expiry, Expiry::Idle(time) if time < Duration::from_millis(1)) {
            return Err(Error::input(
                "set a session's expiry: an idle time of zero; destroy the session to end it now",
            ));
        }
        self.0.state.lock().set_expiry(expiry);
        Ok(())
    }

    /// What was set by [`set_expiry`](Self::set_expiry).
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        self.0.state.lock().header.expiry
    }

    /// How long the session has left if it is not used any more; zero if its time is up.
    ///
    /// Never more than the absolute timeout leaves.
    #[must_use]
    pub fn expiry_age(&self) -> Duration {
        let now_ms = self.0.driver.now_ms();
        duration(self.0.state.lock().life_ms(self.rules(), now_ms))
    }

    /// When the session ends if it is not used any more.
    #[must_use]
    pub fn expiry_date(&self) -> SystemTime {
        let now_ms = self.0.driver.now_ms();
        let end_ms = self.0.state.lock().end_ms(self.rules(), now_ms);
        // The year 9999: later moments have no form in cookies.
        UNIX_EPOCH + duration(end_ms.min(253_402_300_799_000))
    }

    /// Whether the cookie ends with the browser.
    ///
    /// The last word of [`set_permanent`](Self::set_permanent) and [`set_expiry`](Self::set_expiry)
    /// counts; without either, the manager's setting. The record's end is another matter: it is
    /// always finite.
    #[must_use]
    pub fn expires_at_browser_close(&self) -> bool {
        let state = self.0.state.lock();
        match (state.header.permanent, state.header.expiry) {
            (Some(permanent), _) => !permanent,
            (None, Expiry::BrowserSession) => true,
            (None, Expiry::Default) => !self.rules().permanent,
            (None, _) => false,
        }
    }

    /// The opposite of [`expires_at_browser_close`](Self::expires_at_browser_close), Flask's word.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !self.expires_at_browser_close()
    }

    /// Says whether the cookie outlives the browser; metadata, which makes no session worth storing.
    pub fn set_permanent(&self, permanent: bool) {
        if self.0.driver.refusal().is_none() {
            self.0.state.lock().set_permanent(permanent);
        }
    }

    /// When the session began; `None` before its first commit, and if its record does not say.
    #[must_use]
    pub fn created(&self) -> Option<SystemTime> {
        match self.0.state.lock().header.created_ms {
            0 => None,
            created_ms => UNIX_EPOCH.checked_add(duration(created_ms)),
        }
    }

    /// Says that the session belongs to `owner`, a user's lasting name or number.
    ///
    /// From the commit on, it is among those that [`Sessions::list`](super::Sessions::list) and its
    /// neighbours know, and its record is in the cache's protected class: visitors do not push it
    /// out. Bind and [`cycle_id`](Self::cycle_id) together when somebody signs in.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an owner that is empty or longer than 255
    /// bytes, or if records are [`Layout::Bare`], which have no place for it.
    pub fn bind_owner(&self, owner: &str) -> Result<()> {
        self.writable("")?;
        if owner.is_empty() || owner.len() > OWNER_BYTES_MAX {
            return Err(Error::input(format!(
                "bind a session to an owner of {} bytes: 1 to {OWNER_BYTES_MAX} fit",
                owner.len()
            )));
        }
        if self.rules().layout == Layout::Bare {
            return Err(Error::input(
                "bind a session to an owner: bare records have no place for it; use the native layout",
            ));
        }
        let mut state = self.0.state.lock();
        let is_same = state.header.owner.as_deref() == Some(owner);
        if !is_same {
            state.set_owner(Some(owner.into()));
        }
        Ok(())
    }

    /// Says that the session belongs to nobody; it goes on as a visitor's.
    pub fn unbind_owner(&self) {
        self.0.state.lock().set_owner(None);
    }

    /// Whose session it is.
    #[must_use]
    pub fn owner(&self) -> Option<Arc<str>> {
        self.0.state.lock().header.owner.clone()
    }

    /// Puts a mark into the session, to see at the next request whether the client keeps cookies.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn set_test_cookie(&self) -> Result<()> {
        self.insert(TEST_COOKIE, TEST_COOKIE_VALUE)
    }

    /// Whether the mark came back.
    #[must_use]
    pub fn test_cookie_worked(&self) -> bool {
        let mark = self.get::<String>(TEST_COOKIE);
        matches!(mark, Ok(Some(mark)) if mark == TEST_COOKIE_VALUE)
    }

    /// Removes the mark; says whether it was there.
    pub fn delete_test_cookie(&self) -> bool {
        self.remove(TEST_COOKIE)
    }

    /// Writes what has changed, now instead of when the request ends.
    ///
    /// Costs nothing if nothing has changed. Of handles that save at once, one does and the others
    /// wait. Dropped while it waits for the store, it leaves the old record or the new one, and the
    /// changes are written by the next commit. An id that is due for renewal waits for the commit at
    /// the request's end: only a response can tell the client the new one.
    ///
    /// # Errors
    /// As [`Sessions::commit`](super::Sessions::commit).
    pub async fn save(&self) -> Result<Committed> {
        self.0.driver.commit(self, false).await
    }
}
