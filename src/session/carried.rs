//! Sessions without a store: the client carries the record, and whoever answers it asks for it here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::commit::Committed;
use super::rules::{Rules, duration};
use super::session::{Boxed, Driver, Session};
use super::state::{Plan, State, Stored};
use crate::cache::Version;
use crate::error::Result;
use crate::id::{IdFormat, SessionId, StoreKey};
use crate::time::Clock;

/// Makes sessions of records and records of sessions, by the same rules as a manager.
///
/// Its sessions have no id: an explicit save does nothing, since only a response can carry a record.
#[derive(Clone)]
pub(crate) struct Carried(Arc<Carrier>);

struct Carrier {
    rules: Rules,
    clock: Arc<dyn Clock>,
}

impl Carried {
    pub(crate) fn new(rules: Rules, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Carrier { rules, clock }))
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.0.clock.wall_ms()
    }

    pub(crate) fn fresh(&self) -> Session {
        self.session(State::fresh(&self.0.rules))
    }

    /// The session of a record that was sent at `sent_ms`, the moment from which renewal counts; `None`
    /// if its time is up or it cannot be decoded, which is logged.
    pub(crate) fn open(&self, record: Bytes, sent_ms: u64) -> Option<Session> {
        let mut record = self.0.rules.decode(record)?;
        record.header.written_ms = sent_ms;
        let state = State::of(record, carried());
        let is_over = state.life_ms(&self.0.rules, self.now_ms()) == 0;
        (!is_over).then(|| self.session(state))
    }

    /// Says what the session's changes ask for. What is to be written is asked for by
    /// [`Carried::record`]; until then the changes are still to be made.
    pub(crate) fn settle(&self, session: &Session) -> Committed {
        let rules = &self.0.rules;
        let mut state = session.0.state.lock();
        match state.plan(rules, self.now_ms(), state.header.written_ms) {
            Plan::Create => Committed::Created,
            Plan::Replace | Plan::Rotate | Plan::RenewId => Committed::Saved,
            Plan::Touch => Committed::Renewed,
            Plan::Remove | Plan::RemoveEmpty => {
                state.lost(rules);
                state.forget_retired(|_| true);
                Committed::Removed
            }
            Plan::Nothing | Plan::Gone if state.next_retired().is_none() => Committed::Nothing,
            Plan::Nothing | Plan::Gone => {
                state.forget_retired(|_| true);
                Committed::Removed
            }
        }
    }

    /// The session's record as it is now, and how long it is good for.
    ///
    /// # Errors
    /// `InvalidInput` if it is larger than the limits; nothing has changed then.
    pub(crate) fn record(&self, session: &Session) -> Result<(Bytes, Duration)> {
        let mut state = session.0.state.lock();
        let attempt = state.begin(&self.0.rules, self.now_ms(), 0, false)?;
        state.done(&attempt, carried());
        state.forget_retired(|_| true);
        Ok((attempt.bytes, duration(attempt.life_ms)))
    }

    fn session(&self, state: State) -> Session {
        Session::new(state, Arc::clone(&self.0) as Arc<dyn Driver>)
    }
}

/// Where a record lies that lies nowhere: nobody is told this id, and no store knows it.
fn carried() -> Stored {
    let id = SessionId::parse(IdFormat::Django, [b'0'; 32]);
    let id = id.expect("32 digits have Django's form");
    Stored {
        id,
        key: StoreKey::NOWHERE,
        version: Version::from_u64(0),
    }
}

impl Driver for Carrier {
    fn rules(&self) -> &Rules {
        &self.rules
    }

    fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }

    fn commit<'a>(&'a self, _: &'a Session, _: bool) -> Boxed<'a, Committed> {
        Box::pin(std::future::ready(Ok(Committed::Nothing)))
    }

    fn load<'a>(&'a self, _: &'a SessionId, _: Arc<dyn Driver>) -> Boxed<'a, Option<Session>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn has_ids(&self) -> bool {
        false
    }
}
