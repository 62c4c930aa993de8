//! Snapshots: all live entries in one file that a later process reads back whole or not at all.
//!
//! ```text
//! file    header block* end
//! header  | magic (8) | format u32 | taken at u64 | crc32 u32 |
//! block   | 1 u32 | payload length u32 | crc32 u32 | payload: record* |
//! end     | 2 u32 | 28 u32             | crc32 u32 | entries u64 | namespaces u64 | blocks u64 |
//!                                                  | crc32 of all before this block u32 |
//!
//! record  namespace  | 0 u8 | length u16 | prefix, UTF-8 |
//!         entry      | 1 u8 | flags u8 | namespace u16 | key length u32 | value length u32 |
//!                    | deadline u64 |
//!                    | time to live ends u64 | idle ms u64 | absolute end u64 |   if flags say so
//!                    | key | value |
//! ```
//!
//! All numbers are little-endian; times are milliseconds of the Unix epoch, all bits set for never;
//! flag 1 is the protected class, flag 2 an idle timeout or an absolute end. A block's checksum
//! covers its kind, length and payload. Namespaces are numbered in the order of their records, from
//! one; 0 is the default one. Versions are not kept: they name writes of one process.
//!
//! Checksums find accidents, not forgeries: whoever may write the file may sign anybody in. That is
//! why files are made for their owner only.

mod decode;
mod encode;
mod file;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bytes::Bytes;

use super::cache::Cache;
use super::key::Namespace;
use super::slab::Life;
use super::stamp::FOREVER;
use super::terms::Class;
use super::walk::Place;
use crate::error::{Error, ErrorKind, Result};
use decode::{Decoder, Record};
use encode::Encoder;

#[cfg(feature = "__internals")]
pub use decode::decode_snapshot;

/// First byte not text, so that a transfer that minds line ends breaks it at once.
const MAGIC: [u8; 8] = *b"\x93SESSILE";
const FORMAT: u32 = 1;
const HEADER: usize = 24;
const BLOCK_HEADER: usize = 12;
const END: usize = 28;
const KIND_RECORDS: u32 = 1;
const KIND_END: u32 = 2;
const TAG_NAMESPACE: u8 = 0;
const TAG_ENTRY: u8 = 1;
const FLAG_PROTECTED: u8 = 1;
const FLAG_LIFE: u8 = 2;
const NEVER: u64 = u64::MAX;

/// A block is written when it holds this much; only one large entry makes it longer.
const BLOCK_FULL: usize = 256 * 1024;
/// The largest value in a snapshot, 1 GiB.
const VALUE_MAX: usize = 1 << 30;
/// The longest block: almost full, then the largest entry.
const BLOCK_MAX: usize = BLOCK_FULL + VALUE_MAX + super::key::KEY_MAX + 64;
/// The longest source that is verified in memory, 4 GiB.
const MEMORY_MAX: u64 = 1 << 32;
/// The longest file, 1 TiB.
const FILE_MAX: u64 = 1 << 40;

/// What a [`Cache::snapshot`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Entries written.
    pub entries: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// What a [`Cache::restore`] did with the entries it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Restored {
    /// Entries put into the cache. Where there are more than its limits allow, later ones evict
    /// earlier ones.
    pub entries: u64,
    /// Entries left out because their time was up meanwhile.
    pub expired: u64,
    /// Entries left out because the cache refuses them: too large for its limits, or protected
    /// while that class is full.
    pub refused: u64,
}

/// An entry with all its times, in milliseconds of a cache's own time or of the Unix epoch.
#[derive(Clone)]
struct Held {
    key: Bytes,
    namespace: Namespace,
    value: Bytes,
    class: Class,
    deadline: u64,
    life: Option<Life>,
}

impl Cache {
    /// Writes all live entries, with their namespaces, classes and lifetimes, to `to`.
    ///
    /// Weakly consistent, as [`Cache::iter`]: an entry that is there throughout is written as it is
    /// at one moment; one that comes, goes or changes class meanwhile is written, missed or, with two
    /// states, written twice, of which the later counts. No lock is held during I/O, and each for at
    /// most 256 entries. Takes memory for those and 256 KiB. `to` is flushed at the end and gets few,
    /// large writes.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if `to` fails, with its error as source; what was written until
    /// then is refused by [`Cache::restore`]. [`InvalidInput`](crate::ErrorKind::InvalidInput) if a
    /// value is longer than 1 GiB.
    ///
    /// ```
    /// # let cache = sessile::Cache::builder().unlimited_entries().build()?;
    /// # let other = sessile::Cache::builder().unlimited_entries().build()?;
    /// cache.insert("id", "cart", sessile::Terms::forever())?;
    /// let mut bytes = Vec::new();
    /// assert_eq!(cache.snapshot(&mut bytes)?.entries, 1);
    /// assert_eq!(other.restore(&bytes[..])?.entries, 1);
    /// assert_eq!(other.get("id").as_deref(), Some(&b"cart"[..]));
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn snapshot(&self, to: impl Write) -> Result<Snapshot> {
        let mut encoder = Encoder::start(to, self.timeline.wall())?;
        let mut held = Vec::new();
        let mut place = Some(Place::default());
        while let Some(at) = place {
            let wall = self.timeline.wall();
            let now = self.timeline.now();
            place = self.look(at, now, |state, id, cell| {
                held.push(Held {
                    key: cell.copy_key(),
                    namespace: cell.namespace(),
                    value: cell.value().clone(),
                    class: id.class(),
                    deadline: cell.stamp().deadline(),
                    life: state.life(cell).map(|life| life.get()),
                });
            });
            for mut entry in held.drain(..) {
                entry.move_times(|at| to_wall(at, now, wall));
                encoder.entry(&entry, |namespace| self.namespaces.prefix(namespace))?;
            }
        }
        encoder.end()
    }

    /// Puts the entries of a snapshot into the cache, if all of it is as it was written.
    ///
    /// Everything is read into memory and verified before anything is put in. Entries whose time has
    /// come meanwhile are left out; others have as long left as the calendar says, and never longer
    /// than when the snapshot was taken, should the system's clock have been set back. Live entries
    /// under the same keys are overwritten. Limits hold; the rest of the cache is in use meanwhile.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the bytes are no snapshot, torn, altered or longer
    /// than 4 GiB; [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) if a newer version
    /// wrote them; [`Io`](crate::ErrorKind::Io) if `from` fails;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the cache has no namespaces left. Nothing
    /// was put in then.
    pub fn restore(&self, from: impl Read) -> Result<Restored> {
        let mut decoder = Decoder::open(from, MEMORY_MAX)?;
        let mut blocks = Vec::new();
        while let Some(block) = decoder.block()? {
            blocks.push(block);
        }
        let names = self.name_all(&decoder)?;
        let mut restored = Restored::default();
        for block in blocks {
            self.put_block(&block, decoder.taken_ms(), &names, &mut restored)?;
        }
        Ok(restored)
    }

    /// Writes a snapshot to `path`, which afterwards holds the old content or all of the new one.
    ///
    /// Writes a temporary file with an unpredictable name beside it, readable by its owner only,
    /// syncs it, renames it and syncs the folder, so that a crash at any moment leaves a whole file.
    /// A process that is killed meanwhile leaves the temporary one behind, `.<name>.<number>.tmp`; the
    /// next writer of the same path removes it once it is a minute old.
    /// Blocks the calling thread for as long as that takes.
    ///
    /// # Errors
    /// As [`Cache::snapshot`]; the temporary file is removed and the old one untouched. Only if the
    /// folder alone cannot be synced, the new file is in place already.
    pub fn snapshot_to_file(&self, path: impl AsRef<Path>) -> Result<Snapshot> {
        file::replace(path.as_ref(), |file| {
            let mut to = BufWriter::new(file);
            let snapshot = self.snapshot(&mut to)?;
            to.flush().map_err(encode::failed)?;
            Ok(snapshot)
        })
    }

    /// Puts the entries of a snapshot file into the cache, as [`Cache::restore`] does.
    ///
    /// Reads the file twice, first to verify it, so that it needs memory for one block only. Nobody
    /// may write into the file meanwhile; replacing it, as [`Cache::snapshot_to_file`] does, is safe.
    ///
    /// # Errors
    /// As [`Cache::restore`]; the limit is 1 TiB.
    pub fn restore_from_file(&self, path: impl AsRef<Path>) -> Result<Restored> {
        let mut file = open(path.as_ref())?;
        let mut verified = Decoder::open(BufReader::new(&file), FILE_MAX)?;
        while verified.block()?.is_some() {}
        let names = self.name_all(&verified)?;
        file.seek(SeekFrom::Start(0)).map_err(decode::failed)?;
        let mut decoder = Decoder::open(BufReader::new(&file), FILE_MAX)?;
        let mut restored = Restored::default();
        while let Some(block) = decoder.block()? {
            self.put_block(&block, decoder.taken_ms(), &names, &mut restored)?;
        }
        Ok(restored)
    }

    /// This cache's namespaces for the numbers of a snapshot that was read to its end.
    fn name_all<R>(&self, decoder: &Decoder<R>) -> Result<Vec<Namespace>> {
        let mut names = vec![Namespace::DEFAULT];
        for prefix in decoder.prefixes() {
            names.push(self.namespace(prefix)?);
        }
        Ok(names)
    }

    /// Puts in the entries of one verified block.
    fn put_block(
        &self,
        block: &Bytes,
        taken_ms: u64,
        names: &[Namespace],
        restored: &mut Restored,
    ) -> Result<()> {
        let wall = self.timeline.wall().max(taken_ms);
        let now = self.timeline.now();
        decode::records(block, |record| {
            let Record::Entry { mut entry, number } = record else {
                return Ok(());
            };
            if entry.deadline <= wall {
                restored.expired += 1;
                return Ok(());
            }
            entry.namespace = *names.get(usize::from(number)).ok_or_else(decode::altered)?;
            // A slice would keep the whole block alive; up to `copy_up_to` the cache copies anyway.
            if entry.value.len() > self.copy_up_to {
                entry.value = Bytes::copy_from_slice(&entry.value);
            }
            entry.move_times(|at| from_wall(at, now, wall));
            let key = entry.namespace.key(&entry.key);
            let lifetime = (entry.deadline, entry.life);
            match self.put_back(key, entry.value, entry.class, now, lifetime) {
                Ok(()) => restored.entries += 1,
                Err(_) => restored.refused += 1,
            }
            Ok(())
        })
    }
}

impl Held {
    fn move_times(&mut self, shift: impl Fn(u64) -> u64) {
        self.deadline = shift(self.deadline);
        if let Some(life) = &mut self.life {
            life.deadline = shift(life.deadline);
            life.end = shift(life.end);
        }
    }
}

fn to_wall(at: u64, now: u64, wall: u64) -> u64 {
    match at {
        FOREVER => NEVER,
        _ => wall.saturating_add(at.saturating_sub(now)).min(NEVER - 1),
    }
}

/// At least `now` + 1: the entry's own deadline has been found to be in the future.
fn from_wall(at: u64, now: u64, wall: u64) -> u64 {
    match at {
        NEVER => FOREVER,
        _ => now
            .saturating_add(at.saturating_sub(wall).max(1))
            .min(FOREVER),
    }
}

fn open(path: &Path) -> Result<File> {
    // Opening a pipe would wait for its writer, and reading it twice is impossible.
    let regular = std::fs::metadata(path).map_err(decode::failed)?.is_file();
    if !regular {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "read a snapshot: the path is not a regular file; open it and use restore",
        ));
    }
    File::open(path).map_err(decode::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_there_and_back() {
        for (at, now) in [(5, 4), (1_000_000, 7), (FOREVER - 1, 1), (FOREVER, 1)] {
            let wall = to_wall(at, now, 1_700_000_000_000);
            assert_eq!(from_wall(wall, now, 1_700_000_000_000), at);
        }
        assert_eq!(to_wall(10, 4, u64::MAX), NEVER - 1);
        assert_eq!(from_wall(NEVER - 1, 5, 0), FOREVER);
        assert_eq!(from_wall(3, 5, 100), 6);
    }

    #[test]
    fn a_source_beyond_its_limit_is_refused() {
        let cache = Cache::builder().unlimited_entries().build().unwrap();
        cache.insert("k", "v", crate::Terms::forever()).unwrap();
        let mut bytes = Vec::new();
        let written = cache.snapshot(&mut bytes).unwrap();
        assert_eq!(written.bytes, bytes.len() as u64);
        let read = |limit| {
            let mut decoder = Decoder::open(&bytes[..], limit)?;
            while decoder.block()?.is_some() {}
            Ok::<_, Error>(())
        };
        assert!(read(written.bytes).is_ok());
        for limit in 0..written.bytes {
            assert_eq!(read(limit).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
