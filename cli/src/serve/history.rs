//! How busy the cache was in each of the last seconds.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sessile::Stats;

/// Seconds that are remembered.
const SECONDS: usize = 60;

/// Calls per second: as many as are shown, and no more.
#[derive(Debug, Default)]
pub struct History(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    /// All calls until the last note; none before the first.
    calls: Option<u64>,
    recent: VecDeque<u64>,
}

impl History {
    /// Notes what happened since the last note; to be called each second.
    pub fn note(&self, stats: &Stats) {
        let calls = stats.hits + stats.misses + stats.inserts + stats.updates;
        let mut notes = self.lock();
        let before = notes.calls.replace(calls).unwrap_or(calls);
        notes.recent.push_back(calls.saturating_sub(before));
        if notes.recent.len() > SECONDS {
            notes.recent.pop_front();
        }
    }

    /// The last minute, oldest first; seconds before the start count nothing.
    #[must_use]
    pub fn recent(&self) -> Vec<u64> {
        let notes = self.lock();
        let missing = SECONDS - notes.recent.len();
        let before = std::iter::repeat_n(0, missing);
        before.chain(notes.recent.iter().copied()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        // Nothing in here can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_remembered_and_no_more() {
        let history = History::default();
        let mut stats = Stats::default();
        history.note(&stats);
        for second in 1..=100 {
            stats.hits += second;
            stats.inserts += 1;
            history.note(&stats);
        }
        let recent = history.recent();
        assert_eq!(recent.len(), SECONDS);
        assert_eq!((recent[0], recent[SECONDS - 1]), (42, 101));
    }

    #[test]
    fn seconds_before_the_start_count_nothing() {
        assert_eq!(History::default().recent(), [0; SECONDS]);
    }
}
