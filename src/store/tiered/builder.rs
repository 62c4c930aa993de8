//! Settings of a tiered store.

use std::fmt;
use std::time::Duration;

use super::store::TieredStore;
use crate::error::{Error, Result};
use crate::store::{CacheStore, SessionStore};

/// What a load does when the back cannot be reached or does not answer in time.
///
/// Writes always fail then: nothing is acknowledged that the back did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenBackFails {
    /// It fails with the back's error. A session that was ended on another node cannot be used in
    /// the meantime, and nobody is taken for a new visitor.
    #[default]
    Fail,
    /// It is answered with this process's copy, if there is one that is fresh or was until `up_to`
    /// ago; otherwise it fails. Sessions that end on other nodes may be served that much longer.
    ///
    /// A record that this node tried to change in vain is not served: what became of it is unknown.
    /// After a failure the back is left alone for a second, so that not every load waits for it.
    ServeFront {
        /// How much longer copies are kept; never past the end of their records.
        up_to: Duration,
    },
}

/// Builds a [`TieredStore`]; every setting has a default.
#[must_use]
pub struct TieredBuilder<B> {
    front: CacheStore,
    back: B,
    fresh_for: Duration,
    when_back_fails: WhenBackFails,
}

/// What is longer than this is no bound.
const KEPT_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl<B: SessionStore> TieredBuilder<B> {
    pub(super) fn new(front: CacheStore, back: B) -> Self {
        Self {
            front,
            back,
            fresh_for: Duration::from_secs(1),
            when_back_fails: WhenBackFails::default(),
        }
    }

    /// How long a copy is served without asking the back. Default: 1 s, about as long as the
    /// requests of one page take.
    ///
    /// Without [`listen`](TieredStore::listen) this is how long a session may still be served here
    /// after it was ended on another node. Minutes are right where this node is the only one or
    /// listens. Zero asks the back each time; concurrent loads of one key still share one answer.
    pub fn fresh_for(mut self, duration: Duration) -> Self {
        self.fresh_for = duration;
        self
    }

    /// What loads do when the back fails. Default: [`WhenBackFails::Fail`].
    pub fn when_back_fails(mut self, choice: WhenBackFails) -> Self {
        self.when_back_fails = choice;
        self
    }

    /// Checks the settings and makes the store.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if copies were to be kept for more than a
    /// year, or no time at all where they stand in for the back.
    pub fn build(self) -> Result<TieredStore<B>> {
        let grace = match self.when_back_fails {
            WhenBackFails::Fail => Duration::ZERO,
            WhenBackFails::ServeFront { up_to } if up_to < Duration::from_millis(1) => {
                return Err(Error::config(
                    "configure a tiered store: copies that stand in for the back for no time at all \
                     do not stand in; say how long, or let loads fail",
                ));
            }
            WhenBackFails::ServeFront { up_to } => up_to,
        };
        if self.fresh_for.saturating_add(grace) > KEPT_MAX {
            return Err(Error::config(
                "configure a tiered store: copies would be kept for more than a year; say less",
            ));
        }
        Ok(TieredStore::assemble(
            self.front,
            self.back,
            self.fresh_for,
            grace,
        ))
    }
}

impl<B> fmt::Debug for TieredBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredBuilder")
            .field("fresh_for", &self.fresh_for)
            .field("when_back_fails", &self.when_back_fails)
            .finish_non_exhaustive()
    }
}
