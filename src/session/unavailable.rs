//! Sessions that cannot be written: Flask's null session, with the real reason.

use std::sync::Arc;

use super::commit::Committed;
use super::rules::Rules;
use super::session::{Boxed, Driver, Session};
use super::state::State;
use crate::id::SessionId;

/// Stands in for a manager that there is none of.
struct NoDriver {
    reason: String,
    rules: Rules,
}

impl Session {
    /// Makes a session that reads as empty and refuses every write with `reason`.
    ///
    /// For programs that run without sessions, so that what misses them says why and how to mend it:
    /// write `reason` as an error's text, "write a session: no secret key is set; set SECRET_KEY".
    /// Methods that cannot fail do nothing; a commit does nothing.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        let rules = Rules::default();
        let state = State::fresh(&rules);
        let reason = reason.into();
        Self::new(state, Arc::new(NoDriver { reason, rules }))
    }

    /// Why the session cannot be written; `None` for every other session.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.0.driver.refusal()
    }
}

impl Driver for NoDriver {
    fn rules(&self) -> &Rules {
        &self.rules
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn commit<'a>(&'a self, _: &'a Session, _: bool) -> Boxed<'a, Committed> {
        Box::pin(std::future::ready(Ok(Committed::Nothing)))
    }

    fn load<'a>(&'a self, _: &'a SessionId, _: Arc<dyn Driver>) -> Boxed<'a, Option<Session>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn refusal(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
