//! Catching up: a commit's changes on top of what others made of the record meanwhile.

use super::commit::{Committed, Step, conflict, gone};
use super::manager::Shared;
use super::owner::OwnerIndex;
use super::rules::OnConflict;
use super::session::Session;
use crate::error::Result;
use crate::id::StoreKey;
use crate::store::SessionStore;

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Puts the session's changes on top of the record as it is now, here or where a claim leads.
    pub(super) async fn catch_up(&self, session: &Session, key: &StoreKey) -> Result<Step> {
        let Some(now) = self.find(key).await? else {
            return self.found_gone(session, key, None).await;
        };
        // Again only if another handle of this session wrote in between.
        loop {
            let (repeats, stamp) = {
                let mut state = session.0.state.lock();
                if state.is_own(&now.record) {
                    state.arrived(now.record);
                    state.lies_at(key, now.key, now.version);
                    return Ok(Step::Again);
                }
                if self.rules.on_conflict == OnConflict::Fail && state.is_modified() {
                    return Err(conflict("another request wrote it since it was loaded"));
                }
                (state.data.repeats(), state.stamp)
            };
            // Outside the lock: these are the application's closures.
            let values = repeats
                .into_iter()
                .map(|repeat| repeat.run(&now.record.fields));
            let values = values.collect::<Result<Vec<_>>>()?;
            let mut state = session.0.state.lock();
            if state.stamp == stamp {
                state.bound.clone_from(&now.record.header.owner);
                state.adopt(now.record.header);
                state.data.rebase(now.record.fields, values);
                state.lies_at(key, now.key, now.version);
                return Ok(Step::Again);
            }
        }
    }

    /// The record is not there any more: the session must not come back.
    pub(super) async fn found_gone(
        &self,
        session: &Session,
        key: &StoreKey,
        owner: Option<&str>,
    ) -> Result<Step> {
        session.0.state.lock().gone = true;
        self.unlist(owner, key).await?;
        Err(gone())
    }

    /// The record of a session that has no changes is not there any more.
    pub(super) async fn lost(&self, session: &Session, key: &StoreKey) -> Result<Step> {
        let owner = {
            let mut state = session.0.state.lock();
            let owner = state.bound.clone();
            state.lost(&self.rules);
            owner
        };
        self.unlist(owner.as_deref(), key).await?;
        Ok(Step::Done(Committed::Removed))
    }
}
