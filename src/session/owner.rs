//! Whose sessions there are: what an index of owners must be able to do.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::Result;
use crate::id::StoreKey;

/// Names one session of an owner to that owner, for links like "end this one".
///
/// 128 bits derived from the record's key, as 32 hex digits. It opens nothing: it is good for ending
/// the session and only together with its owner. A rotated session has another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionHandle([u8; 16]);

const CONTEXT: &str = "sessile 2026-11 handle of a session in a list, version 1";

impl SessionHandle {
    pub(super) fn of(key: &StoreKey) -> Self {
        Self::of_record(key.as_ref())
    }

    /// Returns the handle of the session whose record a store keeps under `key`, for administration.
    #[must_use]
    pub fn of_record(key: &[u8]) -> Self {
        let digest = blake3::derive_key(CONTEXT, key);
        let mut handle = [0; 16];
        handle.copy_from_slice(&digest[..16]);
        Self(handle)
    }

    /// Returns the handle that `text` is, or `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return None;
        }
        Some(Self(u128::from_str_radix(text, 16).ok()?.to_be_bytes()))
    }
}

/// 32 lower-case hex digits.
impl fmt::Display for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionHandle({self})")
    }
}

/// What an owner is told of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionInfo {
    /// Names it.
    pub handle: SessionHandle,
    /// When it began.
    pub created: SystemTime,
    /// When it was last used.
    pub last_seen: SystemTime,
    /// Whether it is the session that asked.
    pub is_current: bool,
}

/// What an index keeps of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerEntry {
    /// The record's key.
    pub key: StoreKey,
    /// When the session began, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// When it was last used.
    pub seen_ms: u64,
    /// Whether its record is known to be stored. A session that is being created is listed first.
    pub is_stored: bool,
}

/// Whether an index took a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Admitted {
    /// It is listed.
    Done,
    /// The owner has as many as allowed. Nothing has changed.
    Full,
}

/// Knows the sessions of each owner.
///
/// An index is a hint and the store is the truth: the manager asks the store about each key before it
/// relies on it, and tells the index which are dead. [`LocalIndex`](super::LocalIndex) serves one
/// process; stores that processes share bring one of their own.
///
/// # What the implementor owes
/// Each call is atomic for its owner. Nothing panics; no error or `Debug` output holds an owner or a
/// key.
///
/// # Cancellation
/// A future that is dropped has done all or nothing.
pub trait OwnerIndex: Send + Sync + 'static {
    /// Whether its futures are ready at the first poll, as an in-process index's are. The answer
    /// never changes. Default: no.
    fn is_immediate(&self) -> bool {
        false
    }

    /// Lists `entry` unless `owner` has `max` others; `instead_of` is not counted and stays.
    fn admit(
        &self,
        owner: &str,
        entry: OwnerEntry,
        instead_of: Option<&StoreKey>,
        max: Option<usize>,
    ) -> impl Future<Output = Result<Admitted>> + Send;

    /// Notes that the session was used; lists it if it is not listed.
    fn seen(&self, owner: &str, entry: OwnerEntry) -> impl Future<Output = Result<()>> + Send;

    /// All sessions of `owner`.
    fn list(&self, owner: &str) -> impl Future<Output = Result<Vec<OwnerEntry>>> + Send;

    /// Notes that the record of `key` is stored; `false` if it is not listed any more.
    fn settle(&self, owner: &str, key: &StoreKey) -> impl Future<Output = Result<bool>> + Send;

    /// Takes `key` off the list; says whether it was there.
    fn remove(&self, owner: &str, key: &StoreKey) -> impl Future<Output = Result<bool>> + Send;

    /// Up to `budget` sessions that nobody has asked about for longest, for the manager to look
    /// whether they live. An index whose entries expire by themselves returns none.
    fn stalest(
        &self,
        budget: usize,
    ) -> impl Future<Output = Result<Vec<(Arc<str>, OwnerEntry)>>> + Send;
}
