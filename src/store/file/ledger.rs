//! Tells the processes that share a directory where records came or went.
//!
//! A file of a count and a ring: the bucket of change `n` lies at `n` modulo the ring's length. Whoever
//! changes the number of records, under the directory's lock, writes the bucket and the next count
//! first; so whoever finds the count as he left it knows that his own count of records still holds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::directory::Directory;
use super::fault::failed;
use crate::error::Result;

const FILE: &str = "ledger";
/// Changes that are remembered.
const RING: u64 = 4096;
const COUNT: u64 = 8;

/// Where records came or went since a count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Nowhere,
    In(Vec<u8>),
    /// Too long ago to tell.
    Anywhere,
}

/// The ledger, opened for one look or one note: an operator may have emptied the directory meanwhile, and
/// then all processes must find the new one.
pub(super) struct Ledger(File);

impl Ledger {
    pub(super) fn open(directory: &Directory) -> Result<Self> {
        Ok(Self(directory.own_file(FILE)?))
    }

    /// The count of changes so far; the directory's lock must be held.
    pub(super) fn count(&self) -> Result<u64> {
        self.read()
            .map_err(|error| failed("read a file store's ledger", error))
    }

    /// Writes that a record of `bucket` comes or goes, and returns the count that it makes; the
    /// directory's lock must be held.
    pub(super) fn note(&self, bucket: u8) -> Result<u64> {
        let note = || -> io::Result<u64> {
            let count = self.read()?;
            self.0.write_all_at(&[bucket], COUNT + count % RING)?;
            let count = count.wrapping_add(1);
            self.0.write_all_at(&count.to_le_bytes(), 0)?;
            Ok(count)
        };
        note().map_err(|error| failed("write a file store's ledger", error))
    }

    /// Where records came or went between two counts.
    pub(super) fn changed(&self, seen: u64, count: u64) -> Result<Changed> {
        let changes = count.wrapping_sub(seen);
        if changes == 0 {
            return Ok(Changed::Nowhere);
        }
        if changes > RING {
            return Ok(Changed::Anywhere);
        }
        let mut ring = [0; 4096];
        let problem = |error| failed("read a file store's ledger", error);
        let filled = self.0.read_at(&mut ring, COUNT).map_err(problem)?;
        let mut buckets = Vec::new();
        for change in 0..changes {
            let at = usize::try_from(seen.wrapping_add(change) % RING).unwrap_or(usize::MAX);
            let Some(bucket) = ring[..filled].get(at) else {
                return Ok(Changed::Anywhere);
            };
            buckets.push(*bucket);
        }
        buckets.sort_unstable();
        buckets.dedup();
        Ok(Changed::In(buckets))
    }

    fn read(&self) -> io::Result<u64> {
        let mut count = [0; 8];
        // A new ledger is empty and counts from zero.
        self.0.read_at(&mut count, 0)?;
        Ok(u64::from_le_bytes(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_where_something_changed_as_far_back_as_it_remembers() {
        let ledger = Ledger(tempfile::tempfile().expect("a file"));
        assert_eq!(ledger.count().expect("read"), 0);
        assert_eq!(ledger.changed(0, 0).expect("read"), Changed::Nowhere);
        for bucket in [7, 9, 7] {
            ledger.note(bucket).expect("written");
        }
        assert_eq!(ledger.changed(0, 3).expect("read"), Changed::In(vec![7, 9]));
        assert_eq!(ledger.changed(2, 3).expect("read"), Changed::In(vec![7]));
        for change in 0..5_000_u64 {
            let bucket = u8::try_from(change % 200).expect("small");
            assert_eq!(ledger.note(bucket).expect("written"), 4 + change);
        }
        assert_eq!(
            ledger.changed(4_999, 5_003).expect("read"),
            Changed::In(vec![196, 197, 198, 199])
        );
        assert_eq!(ledger.changed(3, 5_003).expect("read"), Changed::Anywhere);
        assert_eq!(ledger.changed(9, 2).expect("read"), Changed::Anywhere);
    }
}
