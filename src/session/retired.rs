//! Places that a session has left, until a commit has cleared them.

use std::sync::Arc;

use super::state::State;
use crate::id::StoreKey;

/// A place that a session has left: it was destroyed or moved.
#[derive(Clone)]
pub(super) struct Retired {
    pub(super) key: StoreKey,
    pub(super) owner: Option<Arc<str>>,
    pub(super) left: Left,
}

/// What lies where a session was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The record, unless another request has moved the session since.
    Record,
    /// A claim that leads nowhere.
    Mark,
    /// A claim that leads to the new record, and stays for its time.
    Claim,
}

impl State {
    /// Notes a place that is to be cleared.
    pub(super) fn retire(&mut self, key: StoreKey, owner: Option<Arc<str>>, left: Left) {
        let retired = Retired { key, owner, left };
        self.rare_mut().retired.push(retired);
    }

    /// A place that is to be cleared.
    pub(super) fn next_retired(&self) -> Option<&Retired> {
        self.rare()?.retired.last()
    }

    /// There is nothing to be cleared any more.
    pub(super) fn forget_retired(&mut self, gone: impl Fn(&Retired) -> bool) {
        if self.rare().is_some() {
            self.rare_mut().retired.retain(|retired| !gone(retired));
        }
    }
}
