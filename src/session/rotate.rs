//! Rotation: the same session under a new id.

use std::time::Duration;

use super::commit::{Committed, Step};
use super::manager::Shared;
use super::owner::OwnerIndex;
use super::session::Session;
use super::state::Stored;
use crate::cache::{Replaced, Terms, Version};
use crate::codec::{FieldsBuilder, Header, Layout, Record};
use crate::error::Result;
use crate::id::StoreKey;
use crate::store::SessionStore;

/// How long the mark of a moved session may stay if its removal fails.
const MARK_LIFE: Duration = Duration::from_secs(60);

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Stores the new record, claims the old one, and only then removes that.
    ///
    /// The claim is a versioned write, so that of two rotations one wins, and what others saved under
    /// the old id in the meantime is not lost but carried over.
    pub(super) async fn rotate(&self, session: &Session, old: Stored, now_ms: u64) -> Result<Step> {
        let open = self.begin(session, now_ms)?;
        let (owner, was) = (open.attempt.owner.clone(), open.attempt.was.clone());
        let new = self.store_new(&open, Some(&old.key)).await?;
        let new_key = new.key.clone();
        if let Replaced::Done(_) = self.claim(&old.key, old.version).await? {
            // No await between: whoever drops this commit from here on finds it done.
            let session = open.session();
            open.done(new);
            session.0.state.lock().retire(old.id, was);
            self.retire(session).await?;
            self.confirm(session, owner.as_deref(), &new_key).await?;
            return Ok(Step::Done(Committed::Rotated));
        }
        open.refused();
        self.store.remove(new_key.as_ref()).await?;
        self.unlist(owner.as_deref(), &new_key).await?;
        self.catch_up(session, &old.key).await
    }

    /// Makes a record of this version one that nobody can load or write.
    pub(super) async fn claim(&self, key: &StoreKey, version: Version) -> Result<Replaced> {
        if self.rules.layout == Layout::Bare {
            // A Python program would not know the mark, so that the version is not asked for.
            return Ok(match self.store.remove(key.as_ref()).await? {
                true => Replaced::Done(version),
                false => Replaced::Gone,
            });
        }
        let header = Header {
            moved: true,
            ..Header::default()
        };
        let bytes = Record::begin(&header, Layout::Native, self.rules.format);
        let mark = FieldsBuilder::new(Layout::Native, self.rules.format, 0, bytes)
            .finish()
            .0;
        let terms = Terms::ttl(MARK_LIFE);
        self.store
            .replace(key.as_ref(), mark, terms, Some(version))
            .await
    }
}
