//! What a caller says about an entry and what it is told: lifetimes, classes, versions, causes.

use std::time::Duration;

use super::slab::Life;
use super::stamp::FOREVER;
use crate::error::{Error, Result};
use crate::time::millis;

/// The terms under which an entry is kept: its lifetimes and its class.
///
/// Three lifetimes can be combined; the earliest end wins.
/// - *time to live* ([`Terms::ttl`]): counted from the write; `touch` and writes move it, reads do
///   not;
/// - *idle timeout* ([`Terms::idle`]): every read, touch or write grants that much from then on;
/// - *maximum age* ([`Terms::max_age`]): counted from the write; nothing but a write moves it.
///
/// Durations are cut to whole milliseconds, never below one. Nothing is returned at or after its
/// end. The default class is [`Class::Anonymous`].
///
/// ```
/// use std::time::Duration;
/// use sessile::Terms;
///
/// let minute = Duration::from_secs(60);
/// let login = Terms::forever().idle(30 * minute).max_age(12 * 60 * minute).protected();
/// let visitor = Terms::ttl(30 * minute);
/// # let _ = (login, visitor);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) class: Class,
}

impl Terms {
    /// Keeps the entry until it is removed or evicted.
    #[must_use]
    pub const fn forever() -> Self {
        Self {
            ttl: None,
            idle: None,
            max_age: None,
            class: Class::Anonymous,
        }
    }

    /// Ends the entry after `time_to_live`, unless touched.
    #[must_use]
    pub const fn ttl(time_to_live: Duration) -> Self {
        Self {
            ttl: Some(time_to_live),
            ..Self::forever()
        }
    }

    /// Ends the entry when it was not used for `timeout`.
    #[must_use]
    pub const fn idle(mut self, timeout: Duration) -> Self {
        self.idle = Some(timeout);
        self
    }

    /// Ends the entry `age` after it was written, whatever happens in between.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Puts the entry into the protected class.
    #[must_use]
    pub const fn protected(mut self) -> Self {
        self.class = Class::Protected;
        self
    }

    /// The class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The time to live, if there is one.
    #[must_use]
    pub const fn time_to_live(&self) -> Option<Duration> {
        self.ttl
    }

    /// The idle timeout, if there is one.
    #[must_use]
    pub const fn idle_timeout(&self) -> Option<Duration> {
        self.idle
    }

    /// The maximum age, if there is one.
    #[must_use]
    pub const fn maximum_age(&self) -> Option<Duration> {
        self.max_age
    }

    pub(crate) fn check(&self) -> Result<()> {
        for (name, duration) in [
            ("time to live", self.ttl),
            ("idle timeout", self.idle),
            ("maximum age", self.max_age),
        ] {
            if duration.is_some_and(|duration| duration.is_zero()) {
                return Err(Error::input(format!(
                    "store an entry: its {name} is zero; leave it out for none"
                )));
            }
        }
        Ok(())
    }

    /// The deadline at `now`, and what must be kept to compute later ones.
    pub(crate) fn resolve(&self, now: u64) -> (u64, Option<Life>) {
        let deadline = self.ttl.map_or(FOREVER, |ttl| after(now, ttl));
        if self.idle.is_none() && self.max_age.is_none() {
            return (deadline, None);
        }
        let life = Life {
            deadline,
            idle: self.idle.map_or(0, |idle| millis(idle).max(1)),
            end: self.max_age.map_or(FOREVER, |age| after(now, age)),
        };
        (life.deadline_at(now), Some(life))
    }
}

/// `now` plus a duration of at least one millisecond, never beyond [`FOREVER`].
pub(crate) fn after(now: u64, duration: Duration) -> u64 {
    now.saturating_add(millis(duration).max(1)).min(FOREVER)
}

impl Life {
    /// The deadline of an entry used at `now`.
    #[inline]
    pub(crate) fn deadline_at(&self, now: u64) -> u64 {
        let idle_end = match self.idle {
            0 => FOREVER,
            idle => now.saturating_add(idle),
        };
        self.deadline.min(idle_end).min(self.end)
    }
}

impl From<Duration> for Terms {
    fn from(time_to_live: Duration) -> Self {
        Self::ttl(time_to_live)
    }
}

/// Whose pressure can evict an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Class {
    /// Evicted when the cache is full.
    #[default]
    Anonymous,
    /// Has a budget of its own; evicted only by its own class, or never. For logged-in users.
    Protected,
}

/// What an owner wants when the protected class has used its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenFull {
    /// The newcomer is refused with [`ErrorKind::Full`](crate::ErrorKind::Full): nobody who is
    /// logged in is logged out by somebody else's login.
    #[default]
    Refuse,
    /// The coldest protected entry is evicted.
    EvictColdest,
}

/// Identifies one write of one key, for compare-and-swap.
///
/// Two writes in one cache have different versions until 2^32 writes to one shard have passed
/// between them; a key removed and written again has a new one. Versions do not survive a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// The version as a number, for stores that keep it elsewhere.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The version of a number that [`Version::to_u64`] gave.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

/// What became of a [`replace`](crate::Cache::replace).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Replaced {
    /// The entry now holds the new value, under this version.
    Done(Version),
    /// There is no such entry: it was removed, evicted or has expired. Nothing was written.
    Gone,
    /// Somebody wrote in between; the entry has this version. Nothing was written.
    Conflict(Version),
}

/// How long an entry has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeToLive {
    /// It has no deadline.
    Forever,
    /// Until its earliest deadline, as things stand now.
    Left(Duration),
}

/// Why an entry left the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Somebody removed or took it.
    Removed,
    /// A new value took its place.
    Replaced,
    /// Its time was up.
    Expired,
    /// It made room.
    Evicted,
    /// `clear`, `clear_namespace` or `retain` removed it.
    Cleared,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_earliest_end_wins() {
        let terms = Terms::ttl(10 * SECOND).idle(3 * SECOND).max_age(5 * SECOND);
        let (deadline, life) = terms.resolve(1_000);
        assert_eq!(deadline, 4_000);
        let life = life.expect("idle and maximum age are kept");
        assert_eq!(life.deadline_at(2_500), 5_500);
        assert_eq!(life.deadline_at(4_000), 6_000);
    }

    #[test]
    fn plain_time_to_live_needs_no_side_table_and_forever_is_forever() {
        assert!(matches!(Terms::ttl(SECOND).resolve(5), (1_005, None)));
        assert!(matches!(Terms::forever().resolve(5), (FOREVER, None)));
        assert!(matches!(
            Terms::ttl(Duration::MAX).resolve(5),
            (FOREVER, None)
        ));
        assert!(matches!(
            Terms::ttl(Duration::from_nanos(1)).resolve(5),
            (6, None)
        ));
    }

    #[test]
    fn zero_lifetimes_are_refused_by_name() {
        for (terms, name) in [
            (Terms::ttl(Duration::ZERO), "time to live"),
            (Terms::forever().idle(Duration::ZERO), "idle timeout"),
            (Terms::forever().max_age(Duration::ZERO), "maximum age"),
        ] {
            let error = terms.check().expect_err("zero is refused");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
