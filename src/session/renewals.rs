//! When records were last prolonged, so that reading a session does not touch it every time.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::hash_state;

/// Remembers the last renewal of recently renewed records in 128 KiB, whatever their number.
///
/// Lossy: a record that shares its place with a busier one is forgotten, and is touched once more than
/// needed. A word is 24 bits of the key's hash and 40 bits of milliseconds since the beginning (34
/// years).
pub(super) struct Renewals {
    words: Box<[AtomicU64]>,
    hash: ahash::RandomState,
    start_ms: u64,
}

/// Few under a model checker, to which each is an object of its own.
const PLACES: usize = match cfg!(any(sessile_loom, sessile_shuttle)) {
    true => 1 << 4,
    false => 1 << 14,
};
const TIME_BITS: u32 = 40;

impl Renewals {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            words: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hash: hash_state(),
            start_ms: now_ms,
        }
    }

    /// When `key` was last renewed, in milliseconds of the wall clock; 0 if nobody remembers.
    pub(super) fn last_ms(&self, key: &[u8]) -> u64 {
        let (word, tag) = self.place(key);
        // Relaxed: a stale answer costs one touch; no other memory is ordered by it.
        let word = word.load(Ordering::Relaxed);
        match word >> TIME_BITS == tag && word != 0 {
            true => self.start_ms + (word & ((1 << TIME_BITS) - 1)),
            false => 0,
        }
    }

    pub(super) fn note(&self, key: &[u8], now_ms: u64) {
        let (word, tag) = self.place(key);
        let time = now_ms.saturating_sub(self.start_ms) & ((1 << TIME_BITS) - 1);
        // Relaxed: as in `last_ms`.
        word.store(tag << TIME_BITS | time, Ordering::Relaxed);
    }

    fn place(&self, key: &[u8]) -> (&AtomicU64, u64) {
        let hash = self.hash.hash_one(key);
        let place = usize::try_from(hash & 0xFFFF_FFFF).expect("an address has at least 32 bits");
        (&self.words[place % PLACES], hash >> TIME_BITS)
    }
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
}
