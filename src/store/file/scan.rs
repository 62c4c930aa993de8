//! Keeps the threshold: learns what others wrote, and evicts before a record is written.

use rustix::fs::OFlags;

use super::directory::Bucket;
use super::fault::{failed, is_absent};
use super::ledger::{Changed, Ledger};
use super::name::Name;
use super::record::{self, Head, Stamp};
use super::verbs::{Files, Limit};
use crate::error::Result;

/// After so many victims that turned out to have been used by others, one is evicted all the same.
const RECONSIDERED_MAX: u32 = 1000;

impl Files {
    /// Sees to it that `name` can be written; the directory's lock must be held.
    ///
    /// Whoever is evicted is unlinked before the new record has its name, so at no moment are there more
    /// records than allowed.
    pub(super) fn make_room(&self, name: Name) -> Result<()> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        self.learn(limit)?;
        self.evict_down_to(limit.most - 1, Some(name))
    }

    /// Evicts until there are at most `most` records beside `spared`; the directory's lock must be held.
    pub(super) fn evict_down_to(&self, most: usize, spared: Option<Name>) -> Result<()> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        let mut reconsidered = 0;
        loop {
            let victim = {
                let room = limit.room.lock();
                let spared_is_there = spared.is_some_and(|spared| room.has(spared));
                if room.len() - usize::from(spared_is_there) <= most {
                    return Ok(());
                }
                room.victim(self.now(), spared)
            };
            let Some((victim, stamp)) = victim else {
                return Ok(());
            };
            let believed = (reconsidered < RECONSIDERED_MAX).then_some(stamp);
            reconsidered += u32::from(!self.evict(victim, believed)?);
        }
    }

    /// Unlinks a record, or notes its stamp if it is not the one that it was chosen for; says which.
    fn evict(&self, name: Name, believed: Option<Stamp>) -> Result<bool> {
        let Some(bucket) = self.directory.bucket(name.bucket())? else {
            self.forget(name);
            return Ok(true);
        };
        let _held = self.directory.lock_bucket(&bucket)?;
        let Some(head) = self.head(&bucket, name)? else {
            self.clear_away(&bucket, name)?;
            self.forget(name);
            return Ok(true);
        };
        if believed.is_some_and(|believed| believed != head.stamp) {
            self.know(name, head.stamp);
            return Ok(false);
        }
        self.changing(name)?;
        bucket
            .unlink(&name.file())
            .map_err(|error| failed("evict a record of a file store", error))?;
        self.forget(name);
        Ok(true)
    }

    /// Learns what came and went by others' hands; the directory's lock must be held.
    pub(super) fn learn(&self, limit: &Limit) -> Result<()> {
        let ledger = Ledger::open(&self.directory)?;
        let count = ledger.count()?;
        let seen = limit.room.lock().seen;
        match ledger.changed(seen, count)? {
            Changed::Nowhere => return Ok(()),
            Changed::In(buckets) => {
                for bucket in buckets {
                    self.learn_bucket(limit, bucket)?;
                }
            }
            Changed::Anywhere => self.learn_all(limit)?,
        }
        limit.room.lock().seen = count;
        Ok(())
    }

    /// Learns all there is; the directory's lock must be held.
    pub(super) fn learn_all(&self, limit: &Limit) -> Result<()> {
        for bucket in 0..=u8::MAX {
            self.learn_bucket(limit, bucket)?;
        }
        limit.room.lock().seen = Ledger::open(&self.directory)?.count()?;
        Ok(())
    }

    fn learn_bucket(&self, limit: &Limit, number: u8) -> Result<()> {
        let Some(bucket) = self.directory.bucket(number)? else {
            limit.room.lock().replace_bucket(number, &[]);
            return Ok(());
        };
        // Held until all is noted, so that no newer note of this process is overwritten.
        let _held = self.directory.lock_bucket(&bucket)?;
        let mut found = Vec::new();
        for name in bucket.names()? {
            if let Some(head) = self.head(&bucket, name)? {
                found.push((name, head.stamp));
            }
        }
        limit.room.lock().replace_bucket(number, &found);
        Ok(())
    }

    /// What a file's beginning tells; `None` if there is none or no record of ours.
    pub(super) fn head(&self, bucket: &Bucket, name: Name) -> Result<Option<Head>> {
        let read = bucket
            .open_file(&name.file(), OFlags::RDONLY)
            .and_then(|file| record::read_head(&file));
        match read {
            Ok(head) => Ok(head.ok()),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) if error.raw_os_error().is_some_and(means_foreign) => Ok(None),
            Err(error) => Err(failed("read a record of a file store", error)),
        }
    }
}

fn means_foreign(error: i32) -> bool {
    use rustix::io::Errno;
    [Errno::LOOP, Errno::NXIO, Errno::NODEV].contains(&Errno::from_raw_os_error(error))
}
