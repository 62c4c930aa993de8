//! When records were last prolonged, so that reading a session does not touch it every time.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::hash_state;

/// Remembers the last renewal of recently renewed records, and the idle timeout that was renewed, in
/// 256 KiB, whatever their number.
///
/// Lossy: a record that shares its place with a busier one is forgotten, and is touched once more than
/// needed. A word is 24 bits of the key's hash and 40 bits of milliseconds (34 years), since the
/// beginning where it is a moment.
pub(super) struct Renewals {
    words: Box<[AtomicU64]>,
    /// Idle timeouts, each at the place of its record's last renewal.
    idle_words: Box<[AtomicU64]>,
    hash: ahash::RandomState,
    start_ms: u64,
}

/// Few under a model checker, to which each is an object of its own.
const PLACES: usize = match cfg!(any(sessile_loom, sessile_shuttle)) {
    true => 1 << 4,
    false => 1 << 14,
};
const TIME_BITS: u32 = 40;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

impl Renewals {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            words: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            idle_words: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hash: hash_state(),
            start_ms: now_ms,
        }
    }

    /// When `key` was last renewed, in milliseconds of the wall clock; 0 if nobody remembers.
    pub(super) fn last_ms(&self, key: &[u8]) -> u64 {
        let (place, tag) = self.place(key);
        read(&self.words[place], tag).map_or(0, |time| self.start_ms + time)
    }

    /// The idle timeout that `key` was last renewed for, if it is known and nothing cut it short.
    pub(super) fn idle_ms(&self, key: &[u8]) -> Option<u64> {
        let (place, tag) = self.place(key);
        read(&self.idle_words[place], tag).filter(|idle_ms| *idle_ms != 0)
    }

    pub(super) fn note(&self, key: &[u8], now_ms: u64) {
        let (place, tag) = self.place(key);
        let time = now_ms.saturating_sub(self.start_ms) & TIME_MASK;
        // Relaxed: as in `read`.
        self.words[place].store(tag << TIME_BITS | time, Ordering::Relaxed);
    }

    /// Notes with which idle timeout `key` is renewed; `None` forgets it.
    pub(super) fn note_idle(&self, key: &[u8], idle_ms: Option<u64>) {
        let (place, tag) = self.place(key);
        let idle_ms = idle_ms.filter(|idle_ms| *idle_ms <= TIME_MASK);
        let word = tag << TIME_BITS | idle_ms.unwrap_or(0);
        // Relaxed: as in `read`.
        self.idle_words[place].store(word, Ordering::Relaxed);
    }

    fn place(&self, key: &[u8]) -> (usize, u64) {
        let hash = self.hash.hash_one(key);
        let place = usize::try_from(hash & 0xFFFF_FFFF).expect("an address has at least 32 bits");
        (place % PLACES, hash >> TIME_BITS)
    }
}

/// What the word says of the record with this tag.
fn read(word: &AtomicU64, tag: u64) -> Option<u64> {
    // Relaxed: a stale answer costs one touch; no other memory is ordered by it.
    let word = word.load(Ordering::Relaxed);
    (word >> TIME_BITS == tag && word != 0).then_some(word & TIME_MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_recent_renewals_and_never_invents_one() {
        let renewals = Renewals::new(1_000);
        assert_eq!(renewals.last_ms(b"a"), 0);
        renewals.note(b"a", 5_000);
        assert_eq!(renewals.last_ms(b"a"), 5_000);
        assert_eq!(renewals.last_ms(b"b"), 0);
        renewals.note(b"a", 9_000);
        assert_eq!(renewals.last_ms(b"a"), 9_000);
    }

    #[test]
    fn idle_timeouts_are_known_until_they_are_forgotten() {
        let renewals = Renewals::new(1_000);
        assert_eq!(renewals.idle_ms(b"a"), None);
        renewals.note_idle(b"a", Some(60_000));
        assert_eq!(renewals.idle_ms(b"a"), Some(60_000));
        assert_eq!(renewals.idle_ms(b"b"), None);
        assert_eq!(renewals.last_ms(b"a"), 0);
        for forgotten in [None, Some(0), Some(1 << TIME_BITS)] {
            renewals.note_idle(b"a", forgotten);
            assert_eq!(renewals.idle_ms(b"a"), None);
        }
    }
}
