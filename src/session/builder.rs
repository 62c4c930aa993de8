//! Settings of a manager.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::index::LocalIndex;
use super::manager::{Sessions, Shared};
use super::message::Level;
use super::owner::OwnerIndex;
use super::renewals::Renewals;
use super::rules::{EmptyPolicy, OnConflict, Rules, WhenReached};
use super::turn::Turn;
use crate::codec::{Format, Layout, Limits};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{IdFormat, KeyMaker};
use crate::store::SessionStore;
use crate::sync::atomic::AtomicU64;
use crate::time::{Clock, CoarseClock};

/// Builds [`Sessions`]; every setting has a default.
///
/// ```
/// use std::time::Duration;
/// use sessile::session::{Sessions, WhenReached};
/// use sessile::{Cache, CacheStore};
///
/// let store = CacheStore::new(Cache::builder().max_entries(100_000).build()?.into());
/// let sessions = Sessions::builder(store)
///     .idle(Duration::from_secs(30 * 60))
///     .absolute(Some(Duration::from_secs(12 * 60 * 60)))
///     .owner_limit(5, WhenReached::EndOldest)
///     .build()?;
/// # let _ = sessions;
/// # Ok::<(), sessile::Error>(())
/// ```
#[must_use]
pub struct SessionsBuilder<S, I = LocalIndex> {
    store: S,
    index: I,
    keys: KeyMaker,
    id_format: IdFormat,
    clock: Arc<dyn Clock>,
    idle: Duration,
    absolute: Option<Duration>,
    renew_ids_after: Option<Duration>,
    renewal_overlap: Option<Duration>,
    rules: Rules,
}

impl<S: SessionStore> SessionsBuilder<S> {
    pub(super) fn new(store: S) -> Self {
        let rules = Rules::default();
        Self {
            store,
            index: LocalIndex::new(),
            keys: KeyMaker::digest("id", None),
            id_format: IdFormat::default(),
            clock: Arc::new(CoarseClock),
            idle: Duration::from_millis(rules.idle_ms),
            absolute: rules.absolute_ms.map(Duration::from_millis),
            renew_ids_after: None,
            renewal_overlap: None,
            rules,
        }
    }
}

impl<S: SessionStore, I: OwnerIndex> SessionsBuilder<S, I> {
    /// Sets how ids become store keys. Default: digests in the namespace `id`.
    ///
    /// Two managers over one store need different namespaces.
    pub fn keys(mut self, keys: KeyMaker) -> Self {
        self.keys = keys;
        self
    }

    /// Sets the form of ids. Default: [`IdFormat::Base64`].
    pub fn id_format(mut self, format: IdFormat) -> Self {
        self.id_format = format;
        self
    }

    /// Sets how values are encoded. Default: [`Format::MessagePack`]. Records in the other format
    /// are read and change over when they are written.
    pub fn format(mut self, format: Format) -> Self {
        self.rules.format = format;
        self
    }

    /// Sets what surrounds the values. Default: [`Layout::Native`]. Records of the other layout are
    /// read and change over when they are written.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.rules.layout = layout;
        self
    }

    /// Sets what a session may hold at most. Default: 1 MiB, 64 levels, 4096 values.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.rules.limits = limits;
        self
    }

    /// Sets how long a session lives without use. Default: 14 days.
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// Sets how long a session lives in all, however much it is used. Default: 90 days.
    ///
    /// Counted from the first commit; neither rotation nor saving moves it. A stolen id that is kept
    /// in use would otherwise be good for ever.
    pub fn absolute(mut self, timeout: Option<Duration>) -> Self {
        self.absolute = timeout;
        self
    }

    /// Replaces ids that have been in use for so long by new ones, in the middle of the session: what
    /// OWASP calls the renewal timeout. Default: `None`, ids change only by
    /// [`cycle_id`](super::Session::cycle_id).
    ///
    /// An id that was stolen is then good for so long and no longer, unless the thief is the first to
    /// come after that. The first commit of a session that was opened, if only to read it, renews; of
    /// several at once one does. [`save`](super::Session::save) does not. Requests that are under way
    /// with the old id go on with the same session for the
    /// [`renewal_overlap`](Self::renewal_overlap), and so does a client that never gets the response
    /// which tells the new id: once that is over, it has no session any more.
    ///
    /// A renewal costs what [`cycle_id`](super::Session::cycle_id) does, and some 100 bytes in the store
    /// for the overlap; prolonging a session costs one operation of the store more than without, ending
    /// one two. An id that is not due costs nothing. All nodes should have the same settings, and clocks
    /// that differ by less than the overlap.
    pub fn renew_ids_after(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.renew_ids_after = time.into();
        self
    }

    /// Sets how long a renewed id still leads to its session, at most a minute. Default: 10 seconds.
    ///
    /// Longer than requests take: what is under way for longer fails to save with
    /// [`Gone`](crate::ErrorKind::Gone), and does not end the session that moved.
    pub fn renewal_overlap(mut self, time: Duration) -> Self {
        self.renewal_overlap = Some(time);
        self
    }

    /// Says whether reading a session prolongs it. Default: yes; otherwise only writing does.
    ///
    /// A record's life is prolonged at most once per twentieth of the idle timeout, so a session may
    /// end that much earlier than its last reading would have it.
    pub fn sliding(mut self, sliding: bool) -> Self {
        self.rules.sliding = sliding;
        self
    }

    /// Says whether the cookies of sessions that say nothing themselves outlive the browser.
    /// Default: yes.
    pub fn permanent(mut self, permanent: bool) -> Self {
        self.rules.permanent = permanent;
        self
    }

    /// Sets what becomes of sessions whose last value is gone. Default: [`EmptyPolicy::Delete`].
    pub fn on_empty(mut self, policy: EmptyPolicy) -> Self {
        self.rules.on_empty = policy;
        self
    }

    /// Sets what becomes of commits that others came before. Default: [`OnConflict::Merge`].
    pub fn on_conflict(mut self, choice: OnConflict) -> Self {
        self.rules.on_conflict = choice;
        self
    }

    /// Limits how many sessions an owner has at once. Default: no limit.
    pub fn owner_limit(mut self, max: usize, when_reached: WhenReached) -> Self {
        self.rules.owner_sessions_max = Some(max);
        self.rules.when_reached = when_reached;
        self
    }

    /// Sets below which level messages are dropped. Default: [`Level::INFO`].
    pub fn minimum_level(mut self, level: Level) -> Self {
        self.rules.minimum = level;
        self
    }

    /// Replaces the clock. Only its wall time is read.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the owner index, for stores that several processes share.
    pub fn owner_index<J: OwnerIndex>(self, index: J) -> SessionsBuilder<S, J> {
        SessionsBuilder {
            store: self.store,
            index,
            keys: self.keys,
            id_format: self.id_format,
            clock: self.clock,
            idle: self.idle,
            absolute: self.absolute,
            renew_ids_after: self.renew_ids_after,
            renewal_overlap: self.renewal_overlap,
            rules: self.rules,
        }
    }

    /// Checks the settings and makes the manager.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for timeouts below a millisecond, limits of
    /// zero or beyond 1 GiB, an owner limit of zero, an overlap that is zero, longer than a minute, not
    /// shorter than the time after which ids are renewed or there without one, ids that are renewed
    /// later than the absolute timeout or whose records are [`Layout::Bare`], which have no place for it;
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the system gives no randomness.
    pub fn build(mut self) -> Result<Sessions<S, I>> {
        self.rules.set_timeouts(self.idle, self.absolute)?;
        self.rules
            .set_id_renewal(self.renew_ids_after, self.renewal_overlap)?;
        if self.rules.owner_sessions_max == Some(0) {
            return Err(Error::config(
                "configure sessions: a limit of no session per owner lets nobody in",
            ));
        }
        let Limits {
            bytes,
            depth,
            entries,
        } = self.rules.limits;
        let is_depth = (1..=Limits::DEPTH_MAX).contains(&depth);
        if bytes == 0 || bytes > 1 << 30 || !is_depth || entries == 0 {
            return Err(Error::config(format!(
                "configure sessions: limits are 1 byte to 1 GiB, 1 to {} levels, 1 value or more",
                Limits::DEPTH_MAX
            )));
        }
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|source| {
            Error::new(
                ErrorKind::Unavailable,
                "configure sessions: the operating system gives no randomness",
            )
            .with_source(source)
        })?;
        Ok(Sessions(Arc::new(Shared {
            renewals: Renewals::new(self.clock.wall_ms()),
            store: self.store,
            index: self.index,
            keys: self.keys,
            id_format: self.id_format,
            clock: self.clock,
            rules: self.rules,
            nonce: AtomicU64::new(u64::from_le_bytes(nonce)),
            lanes: (0..LANES).map(|_| Turn::new()).collect(),
        })))
    }
}

/// Commits that met a conflict queue up in so many lanes, by their record's key.
const LANES: usize = match cfg!(any(sessile_loom, sessile_shuttle)) {
    // Few under a model checker, to which each is an object of its own.
    true => 2,
    false => 64,
};

impl<S, I> fmt::Debug for SessionsBuilder<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
