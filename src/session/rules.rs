//! What a manager says about all its sessions.

use std::time::Duration;

use bytes::Bytes;

use super::id_renewal::IdRenewal;
use super::message::Level;
use crate::codec::{Format, Layout, Limits, Record};
use crate::error::{Error, Result};
use crate::time::millis;

/// What becomes of a session's record when its last value is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EmptyPolicy {
    /// It is removed, and the session is no more: an empty session says nothing worth a record.
    #[default]
    Delete,
    /// It is kept, and the session keeps its id, as in Django.
    Keep,
}

/// What becomes of a commit when another request has written the session since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnConflict {
    /// The changes are made again on top of what the other one left.
    #[default]
    Merge,
    /// The commit fails with [`Conflict`](crate::ErrorKind::Conflict) and leaves the other's.
    Fail,
}

/// Who yields when an owner has as many sessions as allowed and begins another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum WhenReached {
    /// The new session: its commit fails with [`Full`](crate::ErrorKind::Full).
    #[default]
    Refuse,
    /// The session that was longest not seen ends.
    EndOldest,
}

/// The settings that sessions and commits go by.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) idle_ms: u64,
    pub(crate) absolute_ms: Option<u64>,
    pub(crate) id_renewal: Option<IdRenewal>,
    pub(crate) permanent: bool,
    pub(crate) sliding: bool,
    pub(crate) on_empty: EmptyPolicy,
    pub(crate) on_conflict: OnConflict,
    pub(crate) owner_sessions_max: Option<usize>,
    pub(crate) when_reached: WhenReached,
    pub(crate) minimum: Level,
    pub(crate) format: Format,
    pub(crate) layout: Layout,
    pub(crate) limits: Limits,
}

impl Rules {
    /// Takes the timeouts.
    ///
    /// # Errors
    /// `InvalidConfig` for less than a millisecond.
    pub(crate) fn set_timeouts(
        &mut self,
        idle: Duration,
        absolute: Option<Duration>,
    ) -> Result<()> {
        let check = |name: &str, time: Duration| match millis(time) {
            0 => Err(Error::config(format!(
                "configure sessions: the {name} timeout is zero; sessions that end at once are none"
            ))),
            ms => Ok(ms),
        };
        self.idle_ms = check("idle", idle)?;
        self.absolute_ms = absolute.map(|time| check("absolute", time)).transpose()?;
        Ok(())
    }

    /// The record in the format that is written here; `None` if the bytes are none, which is logged.
    pub(super) fn decode(&self, bytes: Bytes) -> Option<Record> {
        let decoded = Record::decode(bytes, &self.limits).and_then(|mut record| {
            if record.fields.format() != self.format {
                record.fields = record.fields.transcode(self.format)?;
            }
            Ok(record)
        });
        decoded
            .inspect_err(|error| {
                tracing::warn!(
                    target: "sessile::security",
                    %error,
                    "a session record cannot be decoded; its client gets an empty session"
                );
            })
            .ok()
    }
}

impl Default for Rules {
    fn default() -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        Self {
            idle_ms: 14 * DAY_MS,
            absolute_ms: Some(90 * DAY_MS),
            id_renewal: None,
            permanent: true,
            sliding: true,
            on_empty: EmptyPolicy::default(),
            on_conflict: OnConflict::default(),
            owner_sessions_max: None,
            when_reached: WhenReached::default(),
            minimum: Level::INFO,
            format: Format::default(),
            layout: Layout::default(),
            limits: Limits::default(),
        }
    }
}

/// An untouched session is renewed when this part of its idle timeout has passed.
pub(crate) const RENEWALS_PER_IDLE: u64 = 20;

/// Whether a session with this idle timeout, last renewed at `renewed_ms`, is to be renewed.
pub(super) fn is_renewal_due(idle_ms: u64, now_ms: u64, renewed_ms: u64) -> bool {
    let step = idle_ms / RENEWALS_PER_IDLE;
    now_ms.saturating_sub(renewed_ms) >= step.max(1)
}

pub(super) fn duration(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
