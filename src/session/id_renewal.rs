//! When ids are renewed: the setting, its bounds, and the age of an id.

use std::time::Duration;

use super::rules::Rules;
use super::state::State;
use crate::codec::Layout;
use crate::error::{Error, Result};
use crate::time::millis;

/// Ids are renewed after some time in use, and lead to their session for a while longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdRenewal {
    after_ms: u64,
    pub(super) overlap_ms: u64,
}

impl IdRenewal {
    pub(crate) const OVERLAP_DEFAULT: Duration = Duration::from_secs(10);
    pub(crate) const OVERLAP_MAX: Duration = Duration::from_secs(60);

    /// Up to this age nobody renews an id within the time that a response takes to arrive.
    pub(super) fn safe_ms(self) -> u64 {
        self.after_ms - self.overlap_ms
    }
}

impl Rules {
    /// Takes the time after which ids are renewed, and how long the old ones still lead on.
    ///
    /// # Errors
    /// `InvalidConfig` for what cannot be or would do nothing.
    pub(super) fn set_id_renewal(
        &mut self,
        after: Option<Duration>,
        overlap: Option<Duration>,
    ) -> Result<()> {
        let refused = |why: &str| {
            Err(Error::config(format!(
                "configure the renewal of ids: {why}"
            )))
        };
        let overlap_ms = millis(overlap.unwrap_or(IdRenewal::OVERLAP_DEFAULT));
        let Some(after_ms) = after.map(millis) else {
            return match overlap {
                None => Ok(()),
                Some(_) => {
                    refused("an overlap without renewal; say after how long ids are renewed")
                }
            };
        };
        if overlap_ms == 0 || overlap_ms > millis(IdRenewal::OVERLAP_MAX) {
            return refused(
                "the overlap is 1 ms to 1 minute; an id that stays good is not renewed",
            );
        }
        // Shorter, so that a claim never leads to a record that has been renewed again.
        if after_ms <= overlap_ms {
            return refused(
                "the overlap must be shorter than the time after which ids are renewed",
            );
        }
        if self
            .absolute_ms
            .is_some_and(|absolute| after_ms >= absolute)
        {
            return refused("it comes after the absolute timeout, that is never; shorten it");
        }
        if self.layout == Layout::Bare {
            return refused(
                "bare records, which Python programs share, have no place for it; use the native \
                 layout, or do without",
            );
        }
        self.id_renewal = Some(IdRenewal {
            after_ms,
            overlap_ms,
        });
        Ok(())
    }
}

impl State {
    /// Whether the session's id is to be renewed, and is this session's to renew.
    pub(super) fn is_id_due(&self, rules: &Rules, now_ms: u64) -> bool {
        let Some(renewal) = rules.id_renewal else {
            return false;
        };
        let is_its_own = self.stored.is_some() && !self.gone && !self.superseded;
        is_its_own && self.id_age_ms(now_ms) >= renewal.after_ms
    }

    /// How long the id has been in use. Of a record that does not say, for ever.
    pub(super) fn id_age_ms(&self, now_ms: u64) -> u64 {
        let issued_ms = match self.header.id_issued_ms {
            0 => self.header.created_ms,
            issued_ms => issued_ms,
        };
        now_ms.saturating_sub(issued_ms)
    }
}
