//! Clears away what nobody needs: what ended, what is damaged, what killed writers have left.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;

use super::directory::{Bucket, try_flock};
use super::fault::failed;
use super::name::{BUCKETS, Kind, Name};
use super::verbs::{Files, Found};
use crate::error::Result;
use crate::store::Purged;

/// Younger drafts are left alone: their writer may be about to lock them.
const DRAFT_AGE: Duration = Duration::from_secs(60);
/// Damaged files are kept for so long, for whoever wants to know what happened.
const DAMAGED_AGE: Duration = Duration::from_secs(24 * 3600);
/// Files that one purge looks at.
const LOOKS_MAX: usize = 4096;
/// Every so many writes that may add a record, one sweeps along, over so many files.
const ALONG: (u64, usize) = (32, 128);

/// Where the next sweep goes on.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    bucket: u16,
    after: Option<Name>,
    /// Writes since the store was opened.
    writes: u64,
}

impl Files {
    /// Reclaims up to `budget` expired records, looking at 4096 files at most.
    pub(super) fn purge(&self, budget: usize) -> Result<Purged> {
        self.purge_looking(budget, LOOKS_MAX)
    }

    /// Does a small part of a sweep now and then, so that a store whose owner never purges does not grow
    /// without end. What goes wrong in it is not the writer's concern.
    pub(super) fn sweep_along(&self) {
        let writes = {
            let mut place = self.sweep.lock();
            place.writes += 1;
            place.writes
        };
        if writes % ALONG.0 == 0
            && let Err(error) = self.purge_looking(ALONG.1, ALONG.1)
        {
            tracing::debug!(store = "file", %error, "a sweep was not finished");
        }
    }

    fn purge_looking(&self, budget: usize, looks_max: usize) -> Result<Purged> {
        let mut purged = Purged::default();
        if budget == 0 {
            purged.more = true;
            return Ok(purged);
        }
        let mut place = *self.sweep.lock();
        let mut looks = 0;
        while place.bucket < BUCKETS {
            let number = u8::try_from(place.bucket).unwrap_or(u8::MAX);
            if let Some(bucket) = self.directory.bucket(number)? {
                for name in bucket.names()? {
                    if place.after.is_some_and(|after| name <= after) {
                        continue;
                    }
                    if purged.removed == budget || looks == looks_max {
                        purged.more = true;
                        self.go_on_at(place);
                        return Ok(purged);
                    }
                    looks += 1;
                    place.after = Some(name);
                    let cleared = self.clear_if_over(&bucket, name);
                    purged.removed += usize::from(self.or_go_on_at(place, cleared)?);
                }
                place.after = None;
                place.bucket += 1;
                self.or_go_on_at(place, remove_leftovers(&bucket))?;
            } else {
                place.bucket += 1;
            }
        }
        self.go_on_at(Place::default());
        Ok(purged)
    }

    /// Has the next sweep begin behind what could not be cleared away: nothing stops all sweeps.
    fn or_go_on_at<T>(&self, place: Place, done: Result<T>) -> Result<T> {
        if done.is_err() {
            self.go_on_at(place);
        }
        done
    }

    fn go_on_at(&self, place: Place) {
        let mut own = self.sweep.lock();
        own.bucket = place.bucket;
        own.after = place.after;
    }

    /// Looks at a file's beginning, and clears the file away if its record ended; says whether it did.
    fn clear_if_over(&self, bucket: &Bucket, name: Name) -> Result<bool> {
        let over = match self.head(bucket, name)? {
            Some(head) => !head.stamp.is_live(self.now()),
            None => true,
        };
        if !over {
            return Ok(false);
        }
        let _all = self.directory.lock()?;
        let _held = self.directory.lock_bucket(bucket)?;
        self.clear_away(bucket, name)
    }

    /// Clears away what is no record any more if nobody holds the locks, for whoever came across it; says
    /// whether it looked.
    pub(super) fn clear_away_at_once(&self, bucket: &Bucket, name: Name) -> bool {
        let cleared = || -> Result<bool> {
            if let Some(_all) = self.directory.try_lock()?
                && let Some(_held) = self.directory.try_lock_bucket(bucket)?
            {
                self.clear_away(bucket, name)?;
                return Ok(true);
            }
            Ok(false)
        };
        cleared().unwrap_or_else(|error| {
            tracing::debug!(store = "file", %error, "what ended could not be cleared away");
            false
        })
    }

    /// Removes an expired record and sets a damaged one aside; both locks must be held. Says whether a
    /// record was removed.
    pub(super) fn clear_away(&self, bucket: &Bucket, name: Name) -> Result<bool> {
        let problem = |error| failed("clear away a record of a file store", error);
        match self.read(bucket, name)? {
            Found::Nothing => {
                self.forget(name);
                Ok(false)
            }
            Found::Newer => Ok(false),
            Found::Record(record) if record.stamp.is_live(self.now()) => Ok(false),
            Found::Record(_) => {
                self.changing(name)?;
                let removed = bucket.unlink(&name.file()).map_err(problem)?;
                self.forget(name);
                Ok(removed)
            }
            Found::Damaged => {
                self.changing(name)?;
                bucket
                    .rename(&name.file(), &name.damaged_file())
                    .map_err(problem)?;
                self.forget(name);
                tracing::warn!(
                    store = "file",
                    "a record is damaged and taken for absent; its file is set aside for a day"
                );
                Ok(false)
            }
        }
    }
}

/// Removes old drafts whose writers have ended, and old damaged files.
fn remove_leftovers(bucket: &Bucket) -> Result<()> {
    let problem = |error| failed("clear away leftovers in a file store", error);
    let mut leftovers = Vec::new();
    bucket.list(|kind, file| {
        if matches!(kind, Kind::Draft | Kind::Damaged) {
            leftovers.push((kind, file.to_owned()));
        }
    })?;
    for (kind, file) in leftovers {
        let Some(data) = bucket.stat(&file).map_err(problem)? else {
            continue;
        };
        // Files are stamped by this machine's clock, whichever the store was given.
        let written = u64::try_from(data.st_mtime).unwrap_or(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let age = now.map_or(0, |now| now.as_secs()).saturating_sub(written);
        let is_left = match kind {
            Kind::Damaged => age >= DAMAGED_AGE.as_secs(),
            _ => {
                age >= DRAFT_AGE.as_secs()
                    && bucket
                        .open_file(&file, OFlags::RDONLY)
                        .is_ok_and(|draft| try_flock(draft.as_fd()).is_ok_and(|locked| locked))
            }
        };
        if is_left {
            // A directory under such a name is none of ours and stays.
            let _ = bucket.unlink(&file);
        }
    }
    Ok(())
}
