//! A renewal that is known to be due goes to the store together with the load, and not after it.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::manager::Shared;
use super::owner::OwnerIndex;
use super::rules::{duration, is_renewal_due};
use super::session::{Driver, Session};
use crate::error::Result;
use crate::id::{SessionId, StoreKey};
use crate::store::SessionStore;

/// A touch that is sent with the load.
struct Ahead {
    now_ms: u64,
    idle_ms: u64,
}

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Loads the session of a request. If this process has renewed it before and it is due again, load
    /// and touch wait for their answers side by side: on a remote store one round trip instead of two.
    pub(super) async fn load_in_use(
        &self,
        id: &SessionId,
        driver: Arc<dyn Driver>,
    ) -> Result<Option<Session>> {
        if self.store.is_immediate() {
            return self.load_session(id, driver).await;
        }
        let key = self.keys.key(id);
        match self.due_ahead(&key) {
            Some(ahead) => Box::pin(self.load_and_renew(id, key, ahead, driver)).await,
            None => {
                let loaded = self.store.load(key.as_ref()).await?;
                self.open_loaded(id, key, loaded, driver).await
            }
        }
    }

    fn due_ahead(&self, key: &StoreKey) -> Option<Ahead> {
        // A touch of an id that was renewed would prolong the time for which it leads to the new one.
        if !self.rules.sliding || self.rules.id_renewal.is_some() {
            return None;
        }
        let now_ms = self.now_ms();
        let idle_ms = self.renewals.idle_ms(key.as_ref())?;
        let last_ms = self.renewals.last_ms(key.as_ref());
        let is_due = last_ms != 0 && is_renewal_due(idle_ms, now_ms, last_ms);
        is_due.then_some(Ahead { now_ms, idle_ms })
    }

    async fn load_and_renew(
        &self,
        id: &SessionId,
        key: StoreKey,
        ahead: Ahead,
        driver: Arc<dyn Driver>,
    ) -> Result<Option<Session>> {
        let load = self.store.load(key.as_ref());
        let touch = self.store.touch(key.as_ref(), duration(ahead.idle_ms));
        let (loaded, touched) = both(load, touch).await;
        let session = self.open_loaded(id, key.clone(), loaded?, driver).await?;
        let (Some(session), Ok(true)) = (&session, touched) else {
            // A touch that failed is the commit's to make: nothing is noted, it is still due.
            return Ok(session);
        };
        let (idle_ms, right_ms) = {
            let mut state = session.0.state.lock();
            if state.stored.as_ref().is_none_or(|it| it.key != key) {
                // A claim, which says itself how long it leads to where the session is now.
                return Ok(Some(session.clone()));
            }
            state.prolonged = state.slides(&self.rules);
            let idle_ms = state.prolonged.then(|| state.idle_ms(&self.rules));
            (idle_ms, state.life_ms(&self.rules, ahead.now_ms).max(1))
        };
        if right_ms != ahead.idle_ms {
            // Its end draws near, or another process has changed it: for some the store alone keeps it.
            self.store.touch(key.as_ref(), duration(right_ms)).await?;
            let idle_ms = idle_ms.filter(|idle_ms| *idle_ms == right_ms);
            self.renewals.note_idle(key.as_ref(), idle_ms);
        }
        self.renewals.note(key.as_ref(), ahead.now_ms);
        Ok(Some(session.clone()))
    }
}

/// Waits for both; the first is polled first.
async fn both<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut one, mut other) = (None, None);
    std::future::poll_fn(move |context| {
        if one.is_none()
            && let Poll::Ready(output) = first.as_mut().poll(context)
        {
            one = Some(output);
        }
        if other.is_none()
            && let Poll::Ready(output) = second.as_mut().poll(context)
        {
            other = Some(output);
        }
        match (one.take(), other.take()) {
            (Some(one), Some(other)) => Poll::Ready((one, other)),
            (unready_one, unready_other) => {
                (one, other) = (unready_one, unready_other);
                Poll::Pending
            }
        }
    })
    .await
}
