//! What a manager says about all its sessions.

use std::time::Duration;

use super::message::Level;
use crate::codec::{Format, Layout, Limits};

/// What becomes of a session's record when its last value is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EmptyPolicy {
    /// It is removed, and the session is no more: an empty session says nothing worth a record.
    #[default]
    Delete,
    /// It is kept, and the session keeps its id, as in Django.
    Keep,
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
    pub(crate) permanent: bool,
    pub(crate) sliding: bool,
    pub(crate) on_empty: EmptyPolicy,
    pub(crate) owner_sessions_max: Option<usize>,
    pub(crate) when_reached: WhenReached,
    pub(crate) minimum: Level,
    pub(crate) format: Format,
    pub(crate) layout: Layout,
    pub(crate) limits: Limits,
}

impl Default for Rules {
    fn default() -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        Self {
            idle_ms: 14 * DAY_MS,
            absolute_ms: Some(90 * DAY_MS),
            permanent: true,
            sliding: true,
            on_empty: EmptyPolicy::default(),
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

pub(super) fn duration(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
