//! Rotation: the same session under a new id.

use super::commit::{Committed, Step};
use super::id_renewal::IdRenewal;
use super::manager::Shared;
use super::owner::OwnerIndex;
use super::retired::Left;
use super::session::Session;
use super::state::Stored;
use crate::cache::Replaced;
use crate::error::{ErrorKind, Result};
use crate::store::SessionStore;

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Stores the new record, claims the old one, and only then removes that; of a `renewal`, the
    /// claim stays for a while and leads to the new record.
    ///
    /// The claim is a versioned write, so that of two rotations one wins, and what others saved under
    /// the old id in the meantime is not lost but carried over.
    pub(super) async fn rotate(
        &self,
        session: &Session,
        old: Stored,
        now_ms: u64,
        renewal: Option<IdRenewal>,
    ) -> Result<Step> {
        let open = self.begin(session, now_ms, true)?;
        let (owner, was) = (open.attempt.owner.clone(), open.attempt.was.clone());
        let new = self.store_new(&open, Some(&old.key)).await?;
        let new_key = new.key.clone();
        let (claimed, left) = match renewal {
            None => (self.claim(&old.key, old.version).await?, Left::Mark),
            Some(renewal) => {
                let is_owned = was.is_some();
                let claim = self.lead(&old.key, old.version, &new_key, renewal, is_owned);
                (claim.await?, Left::Claim)
            }
        };
        if let Replaced::Done(_) = claimed {
            // No await between: whoever drops this commit from here on finds it done.
            let session = open.session();
            open.done(new);
            session.0.state.lock().retire(old.key, was, left);
            self.retire(session).await?;
            self.confirm(session, owner.as_deref(), &new_key).await?;
            return Ok(Step::Done(Committed::Rotated));
        }
        open.refused();
        self.store.remove(new_key.as_ref()).await?;
        self.unlist(owner.as_deref(), &new_key).await?;
        self.catch_up(session, &old.key).await
    }

    /// Renews an id that has been in use for long. What the request is about does not fail by it: if
    /// there is no room for the new record, another request renews the id.
    pub(super) async fn renew_id(
        &self,
        session: &Session,
        stored: Stored,
        now_ms: u64,
    ) -> Result<Step> {
        let key = stored.key.clone();
        let is_modified = session.0.state.lock().is_modified();
        let renewal = self.rules.id_renewal;
        let error = match self.rotate(session, stored, now_ms, renewal).await {
            Ok(step) => return Ok(step),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Full | ErrorKind::TooLarge | ErrorKind::InvalidInput => Ok(Step::Again),
            // Nothing of this request is lost: it has only read.
            ErrorKind::Gone if !is_modified => self.lost(session, &key).await,
            _ => Err(error),
        }
    }
}
