//! Memory of keys evicted unread, kept as fingerprints.
//!
//! A newcomer whose fingerprint is remembered was evicted too early and goes straight to the main part. Remembering
//! costs two bytes per key and touches one or two neighbouring cache lines per lookup.

use crate::cache::prefetch::prefetch;

/// Fingerprints per bucket of a large memory: 32 bytes, so that a bucket never spans more than two cache lines.
const WAYS: usize = 16;
/// Up to this depth the memory is one exact queue, because a handful of buckets would fill unevenly. A duel relies on
/// it: its candidates know no more of a key than the fingerprint, which cannot choose a bucket.
const EXACT: usize = 2 * super::duel::SMALL as usize;

/// A bounded first-in, first-out memory of key hashes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ghost {
    marks: Box<[u16]>,
    ways: usize,
}

impl Ghost {
    /// Remembers about `depth` keys; a depth of zero remembers nothing and allocates nothing.
    #[must_use]
    pub(crate) fn new(depth: usize) -> Self {
        let ways = if depth <= EXACT { depth } else { WAYS };
        let buckets = if ways == 0 { 0 } else { depth.div_ceil(ways) };
        Self {
            marks: vec![0; buckets * ways].into_boxed_slice(),
            ways,
        }
    }

    /// How many keys fit.
    #[must_use]
    pub(crate) fn depth(&self) -> usize {
        self.marks.len()
    }

    /// Remembers a key, forgetting the oldest one of its bucket.
    pub(crate) fn remember(&mut self, hash: u32) {
        let bucket = self.bucket(hash);
        let last = bucket.len().saturating_sub(1);
        bucket.copy_within(..last, 1.min(last));
        if let Some(first) = bucket.first_mut() {
            *first = fingerprint(hash);
        }
    }

    /// How long ago the key was remembered, in thirds of the depth, if it was; it no longer is afterwards.
    pub(crate) fn recall(&mut self, hash: u32) -> Option<usize> {
        let wanted = fingerprint(hash);
        let bucket = self.bucket(hash);
        let age = find(bucket, wanted)?;
        // The hole is left in place: closing it would let older keys stay for longer than the depth allows.
        if let Some(mark) = bucket.get_mut(age) {
            *mark = 0;
        }
        Some(age * 3 / bucket.len())
    }

    /// Asks for the line of a key's bucket, which is cold when a newcomer or a victim is looked up there.
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(first) = self.marks.get(self.at(hash)) {
            prefetch(first);
        }
    }

    fn bucket(&mut self, hash: u32) -> &mut [u16] {
        let at = self.at(hash);
        self.marks.get_mut(at..at + self.ways).unwrap_or_default()
    }

    fn at(&self, hash: u32) -> usize {
        let buckets = self.marks.len().checked_div(self.ways).unwrap_or(0);
        // The multiplication spreads hashes whose top bits were already spent on choosing a shard.
        let spread = u64::from(hash.wrapping_mul(0x9E37_79B1));
        ((spread * buckets as u64) >> 32) as usize * self.ways
    }
}

/// Sixteen bits of the hash; zero stands for an empty place and is never returned.
pub(crate) fn fingerprint(hash: u32) -> u16 {
    let [a, b, c, d] = hash.to_le_bytes();
    u16::from_le_bytes([a ^ c, b ^ d]).max(1)
}

/// Where a fingerprint is. Sixteen at a time without an early exit compile to a few vector instructions.
pub(crate) fn find(all: &[u16], wanted: u16) -> Option<usize> {
    let (blocks, rest) = all.as_chunks::<16>();
    for (at, block) in blocks.iter().enumerate() {
        if block
            .iter()
            .fold(false, |found, mark| found | (*mark == wanted))
        {
            return block
                .iter()
                .position(|mark| *mark == wanted)
                .map(|within| at * 16 + within);
        }
    }
    rest.iter()
        .position(|mark| *mark == wanted)
        .map(|within| blocks.len() * 16 + within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest_first() {
        let mut ghost = Ghost::new(30);
        for key in 1..=40 {
            ghost.remember(key);
        }
        assert_eq!(ghost.recall(10), None);
        assert_eq!(ghost.recall(11), Some(2));
        assert_eq!(ghost.recall(40), Some(0));
        assert_eq!(ghost.recall(40), None);
    }

    #[test]
    fn a_large_memory_holds_about_its_depth() {
        let mut ghost = Ghost::new(100_000);
        let hash = |key: u32| key.wrapping_mul(0x85EB_CA6B) ^ key.rotate_left(13);
        for key in 0..300_000 {
            ghost.remember(hash(key));
        }
        let held = (200_000..300_000)
            .filter(|key| ghost.recall(hash(*key)).is_some())
            .count();
        assert!((80_000..=100_000).contains(&held), "{held}");
    }

    #[test]
    fn nothing_is_remembered_without_depth() {
        let mut ghost = Ghost::new(0);
        ghost.remember(1);
        assert_eq!((ghost.recall(1), ghost.depth()), (None, 0));
    }

    #[test]
    fn finds_across_blocks() {
        let all: Vec<u16> = (1..=40).collect();
        assert!((1..=40).all(|wanted| find(&all, wanted) == Some(usize::from(wanted) - 1)));
        assert_eq!(find(&all, 41), None);
    }
}
