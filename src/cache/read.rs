//! The reading verbs, and those that move deadlines.

use std::time::Duration;

use bytes::Bytes;

use super::cache::{Cache, Shard};
use super::cell::Cell;
use super::key::Key;
use super::reentry;
use super::shard::State;
use super::slab::Life;
use super::stamp::FOREVER;
use super::terms::{TimeToLive, Version, after};
use crate::sync::atomic::Ordering;

impl Cache {
    /// Returns the value of `key`, sharing the stored buffer.
    ///
    /// Counts as use: an idle timeout starts again. Costs one lock, one lookup and one reference
    /// count; nothing is copied or allocated.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
    /// cache.insert("id", "cart", Duration::from_secs(60))?;
    /// let (a, b) = (cache.get("id").unwrap(), cache.get("id").unwrap());
    /// assert_eq!(a.as_ptr(), b.as_ptr());
    /// # Ok::<(), sessile::Error>(())
    /// ```
    #[inline]
    pub fn get<'k>(&self, key: impl Into<Key<'k>>) -> Option<Bytes> {
        let key = key.into();
        self.read(&key, |_, cell| cell.value().clone())
    }

    /// Returns the value of `key` and its version, for a later [`Cache::replace`].
    #[inline]
    pub fn get_versioned<'k>(&self, key: impl Into<Key<'k>>) -> Option<(Bytes, Version)> {
        let key = key.into();
        self.read(&key, |_, cell| {
            (cell.value().clone(), self.version(cell.version()))
        })
    }

    /// As [`Cache::get`], with the time at which it was asked for: whoever has to compare it with another
    /// needs no clock of his own.
    #[cfg(feature = "tiered")]
    #[inline]
    pub(crate) fn get_timed(&self, key: Key<'_>) -> Option<(Bytes, u64)> {
        if !key.is_possible() {
            return None;
        }
        let hash = self.hash(&key);
        let shard = self.shard(hash);
        shard.prefetch(hash);
        let now = self.timeline.now();
        let value = self.read_at(now, shard, hash, &key, |_, cell| cell.value().clone())?;
        Some((value, now))
    }

    /// As [`Cache::get_versioned`], with the deadline in the cache's own time; no deadline if the next
    /// use would move it.
    #[inline]
    pub(crate) fn get_dated(&self, key: Key<'_>) -> Option<Dated> {
        self.read(&key, |state, cell| {
            let stamp = cell.stamp();
            let slides = state.life(cell).is_some_and(|life| life.get().idle != 0);
            Dated {
                value: cell.value().clone(),
                version: self.version(cell.version()),
                deadline: (!slides).then(|| stamp.deadline()),
            }
        })
    }

    /// Calls `read` with the value of `key`, borrowed: not even a reference count is touched.
    ///
    /// `read` runs under the shard's lock: keep it short. A panic in it leaves the cache usable.
    ///
    /// # Panics
    /// Panics if `read` calls the cache: always in debug builds, and in release builds where it
    /// would otherwise wait for itself.
    ///
    /// ```
    /// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
    /// cache.insert("id", "cart", sessile::Terms::forever())?;
    /// assert_eq!(cache.get_with("id", |value| value.len()), Some(4));
    /// # Ok::<(), sessile::Error>(())
    /// ```
    #[inline]
    pub fn get_with<'k, R>(
        &self,
        key: impl Into<Key<'k>>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        self.read(&key.into(), |_, cell| {
            let _inside = reentry::enter();
            read(cell.value())
        })
    }

    /// Returns the values of several keys, in their order; each shard is locked once.
    ///
    /// Not one moment's picture: shards are read one after another. Costs two allocations.
    #[must_use]
    pub fn get_many(&self, keys: &[Key<'_>]) -> Vec<Option<Bytes>> {
        let now = self.timeline.now();
        let mut order: Vec<(u64, usize)> = keys
            .iter()
            .enumerate()
            .filter(|(_, key)| key.is_possible())
            .map(|(at, key)| (self.hash(key), at))
            .collect();
        order.sort_unstable();
        let mut values = vec![None; keys.len()];
        for group in order.chunk_by(|a, b| std::ptr::eq(self.shard(a.0), self.shard(b.0))) {
            let shard = self.shard(group[0].0);
            if shard.is_due(now) {
                self.help(shard, now);
            }
            let mut turn = Turn::of(self);
            let mut state = reentry::lock(&shard.state);
            let now = state.at(now);
            state.move_index(self.context(now));
            for &(hash, at) in group {
                values[at] = state
                    .hit(hash, &keys[at], now)
                    .map(|cell| cell.value().clone());
                turn.has_come |= state.reads.count(values[at].is_some());
            }
        }
        values
    }

    /// Says whether `key` has a live entry. Does not count as use, nor as hit or miss.
    #[inline]
    pub fn contains<'k>(&self, key: impl Into<Key<'k>>) -> bool {
        let key = key.into();
        self.glance(&key, |_| ()).is_some()
    }

    /// Returns how long `key` has left, as things stand. Does not count as use.
    pub fn time_to_live<'k>(&self, key: impl Into<Key<'k>>) -> Option<TimeToLive> {
        let key = key.into();
        let now = self.timeline.now();
        let deadline = self.glance(&key, |cell| cell.stamp().deadline())?;
        Some(left(deadline, now))
    }

    /// Gives `key` a new time to live from now; false if it has no live entry.
    ///
    /// An idle timeout starts again; an absolute end stays where it is. A time to live of zero ends
    /// the entry now.
    #[inline]
    pub fn touch<'k>(&self, key: impl Into<Key<'k>>, time_to_live: Duration) -> bool {
        self.slide(&key.into(), time_to_live, |_| ()).is_some()
    }

    /// Returns the value of `key` and gives it a new time to live, in one lookup.
    ///
    /// The verb of a sliding session. See [`Cache::touch`] for what moves.
    #[inline]
    pub fn get_and_touch<'k>(
        &self,
        key: impl Into<Key<'k>>,
        time_to_live: Duration,
    ) -> Option<Bytes> {
        let key = key.into();
        self.slide(&key, time_to_live, |cell| cell.value().clone())
    }

    /// Finds the live entry of `key`, marks it used, and calls `act` on it under the lock.
    #[inline(always)]
    fn read<R>(&self, key: &Key<'_>, act: impl FnOnce(&State, Cell<'_>) -> R) -> Option<R> {
        if !key.is_possible() {
            return None;
        }
        let hash = self.hash(key);
        let shard = self.shard(hash);
        // The clock is asked while the line comes.
        shard.prefetch(hash);
        self.read_at(self.timeline.now(), shard, hash, key, act)
    }

    /// As `read`, for a caller who has asked the clock.
    // What `act` makes is the last thing made, so that nothing keeps the compiler from making it where it is
    // wanted. Where it still copies it, sixteen bytes at a time after they were written eight at a time, the
    // processor waits for them.
    #[inline(always)]
    fn read_at<R>(
        &self,
        now: u64,
        shard: &Shard,
        hash: u64,
        key: &Key<'_>,
        act: impl FnOnce(&State, Cell<'_>) -> R,
    ) -> Option<R> {
        if shard.is_due(now) {
            self.help(shard, now);
        }
        let mut turn = Turn::of(self);
        let mut state = reentry::lock(&shard.state);
        let now = state.at(now);
        turn.has_come = state.reads.begin();
        state.move_index(self.context(now));
        let Some(cell) = state.hit(hash, key, now) else {
            state.reads.miss();
            return None;
        };
        Some(act(&state, cell))
    }

    /// As `read`, and gives the entry a new time to live.
    // `act` comes last, as in `read_at`.
    #[inline(always)]
    fn slide<R>(
        &self,
        key: &Key<'_>,
        time_to_live: Duration,
        act: impl FnOnce(Cell<'_>) -> R,
    ) -> Option<R> {
        if !key.is_possible() {
            return None;
        }
        let hash = self.hash(key);
        let shard = self.shard(hash);
        shard.prefetch(hash);
        let now = self.timeline.now();
        if shard.is_due(now) {
            self.help(shard, now);
        }
        let mut turn = Turn::of(self);
        let mut state = reentry::lock(&shard.state);
        let now = state.at(now);
        turn.has_come = state.reads.begin();
        state.move_index(self.context(now));
        let deadline = match time_to_live.is_zero() {
            true => now,
            false => after(now, time_to_live),
        };
        let Some(cell) = state.hit(hash, key, now) else {
            state.reads.miss();
            return None;
        };
        let stamp = cell.stamp();
        let end = match state.life(cell) {
            None => deadline,
            Some(life) => {
                let moved = Life {
                    deadline,
                    ..life.get()
                };
                life.set(moved);
                moved.deadline_at(now)
            }
        };
        cell.set_stamp(stamp.with_deadline(end));
        if end < stamp.deadline() {
            let result = act(cell);
            let id = cell.id();
            shard.look_at(state.hasten(id, end));
            if end <= now {
                // Something is due at a time that was already found to have nothing due.
                self.swept_at.store(0, Ordering::Relaxed);
            }
            return Some(result);
        }
        Some(act(cell))
    }

    /// Calls `look` with the live entry of `key` without marking it used.
    #[inline(always)]
    fn glance<R>(&self, key: &Key<'_>, look: impl FnOnce(Cell<'_>) -> R) -> Option<R> {
        if !key.is_possible() {
            return None;
        }
        let hash = self.hash(key);
        let shard = self.shard(hash);
        shard.prefetch(hash);
        let now = self.timeline.now();
        if shard.is_due(now) {
            self.help(shard, now);
        }
        let mut state = reentry::lock(&shard.state);
        let now = state.at(now);
        state.move_index(self.context(now));
        state.peek(hash, key, now).map(look)
    }
}

/// Looks after another shard when it goes out of scope, if its reader's turn has come.
///
/// Declared before the lock is taken, so that it goes after the lock.
struct Turn<'a> {
    cache: &'a Cache,
    has_come: bool,
}

impl<'a> Turn<'a> {
    #[inline(always)]
    fn of(cache: &'a Cache) -> Self {
        Self {
            cache,
            has_come: false,
        }
    }
}

impl Drop for Turn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // What is swept is dropped, which may be user code: not while a user's closure unwinds.
        if self.has_come && !std::thread::panicking() {
            self.cache.visit(self.cache.timeline.now());
        }
    }
}

/// What a read found, and when it ends.
pub(crate) struct Dated {
    pub(crate) value: Bytes,
    pub(crate) version: Version,
    pub(crate) deadline: Option<u64>,
}

/// What is left until `deadline`.
pub(crate) fn left(deadline: u64, now: u64) -> TimeToLive {
    match deadline {
        FOREVER => TimeToLive::Forever,
        _ => TimeToLive::Left(Duration::from_millis(deadline.saturating_sub(now))),
    }
}
