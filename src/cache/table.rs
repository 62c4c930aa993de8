//! The index's table: where a hash's bucket is, and where its entry is if that was full.
//!
//! A bucket that overflowed counts the entries it sent on to other buckets, and lookups go on only
//! while that count is not zero; a removal takes its count back, so no tombstones pile up and a
//! table of constant size never needs rebuilding (the scheme of Folly's F14).

use super::bucket::{Bucket, tag_of};

/// Where an entry was put: told to the entry, so that growing need not look at its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Put {
    /// In the bucket that the low bits of its hash name.
    Home,
    /// In a later one.
    Displaced,
}

/// A power of two of buckets.
#[repr(C)]
pub(super) struct Table {
    pub(super) buckets: Box<[Bucket]>,
    pub(super) used: usize,
}

impl Table {
    pub(super) fn new(buckets: usize) -> Self {
        Self {
            buckets: vec![Bucket::EMPTY; buckets].into_boxed_slice(),
            used: 0,
        }
    }

    #[inline]
    pub(super) fn home(&self, hash: u64) -> usize {
        // Lossless: the mask keeps far fewer bits than a word has.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "masked to the table's size"
        )]
        let low = hash as usize;
        low & (self.buckets.len() - 1)
    }

    /// The bucket after `at` for this tag; an odd step visits every bucket of a power of two.
    #[inline]
    fn step(&self, at: usize, tag: u8) -> usize {
        (at + 2 * usize::from(tag) + 1) & (self.buckets.len() - 1)
    }

    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u64) -> bool) -> Option<u64> {
        let mut at = self.home(hash);
        // Bounded: two buckets can hold each other's overflow, and then no count on the way is zero.
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let found = bucket.candidates(hash).find(|&address| is_it(address));
            if found.is_some() || !bucket.has_overflow() {
                return found;
            }
            at = self.step(at, tag_of(hash));
        }
        None
    }

    pub(super) fn insert(&mut self, hash: u64, address: u64) -> Put {
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        let mut put = Put::Home;
        loop {
            let empty = self.buckets[at].matches(0);
            if empty != 0 {
                self.buckets[at].set(empty.trailing_zeros() as usize, tag, address);
                self.used += 1;
                return put;
            }
            self.buckets[at].add_overflow();
            at = self.step(at, tag);
            put = Put::Displaced;
        }
    }

    /// The bucket and place of the entry at `address`, and the buckets passed before it.
    fn locate(&self, hash: u64, address: u64) -> Option<(usize, usize, usize)> {
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        for hops in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let mut found = bucket.matches(tag);
            while found != 0 {
                let place = found.trailing_zeros() as usize;
                if bucket.address(place) == Some(address) {
                    return Some((at, place, hops));
                }
                found &= found - 1;
            }
            if !bucket.has_overflow() {
                return None;
            }
            at = self.step(at, tag);
        }
        None
    }

    pub(super) fn remove(&mut self, hash: u64, address: u64) -> bool {
        let Some((at, place, hops)) = self.locate(hash, address) else {
            return false;
        };
        self.buckets[at].set(place, 0, 0);
        self.used -= 1;
        let tag = tag_of(hash);
        let mut passed = self.home(hash);
        for _ in 0..hops {
            self.buckets[passed].sub_overflow();
            passed = self.step(passed, tag);
        }
        true
    }

    pub(super) fn replace(&mut self, hash: u64, old: u64, new: u64) -> bool {
        let Some((at, place, _)) = self.locate(hash, old) else {
            return false;
        };
        self.buckets[at].set(place, tag_of(hash), new);
        true
    }
}
