//! The verbs, as blocking work.
//!
//! Reads take no lock: a file is opened under its name, whole, and never changed but for its stamp.
//! Every write has its file written and synced first, then takes its locks, looks again, and renames:
//! locks are held for microseconds. Who creates or removes holds the directory's lock and the bucket's,
//! who replaces or touches the bucket's alone; so under the directory's lock no absent record appears.

use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::directory::{Bucket, Directory};
use super::draft::Draft;
use super::fault::{failed, is_absent};
use super::ledger::Ledger;
use super::name::Name;
use super::record::{self, FOREVER, Record, Stamp, Unreadable, VALUE_MAX};
use super::room::Room;
use super::sweep::Place;
use super::task::Consent;
use crate::cache::{KEY_MAX, Replaced, Terms, TimeToLive, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Created, Lived, Loaded, check_write};
use crate::sync::Lock;
use crate::time::{Clock, millis};

/// The files of a store, and what is known of them.
pub(super) struct Files {
    pub(super) directory: Directory,
    pub(super) limit: Option<Limit>,
    pub(super) sweep: Lock<Place>,
    pub(super) mode: Mode,
    pub(super) durable: bool,
    pub(super) clock: Box<dyn Clock>,
}

/// How many records there may be, and which there are.
pub(super) struct Limit {
    pub(super) most: usize,
    pub(super) room: Lock<Room>,
}

/// What lies under a name.
pub(super) enum Found {
    Nothing,
    /// Something else than a whole record under the name of its key.
    Damaged,
    /// What a later version of this crate wrote: absent, and left alone.
    Newer,
    Record(Record),
}

/// A damaged file is read so often, as it might be a stamp that is being written.
const READS_MAX: u32 = 3;

impl Files {
    pub(super) fn load(&self, key: &[u8]) -> Result<Option<Lived>> {
        let Some((name, bucket)) = self.place_of(key)? else {
            return Ok(None);
        };
        let found = self.look(&bucket, name)?;
        Ok(found.map(|record| Lived {
            left: Some(match record.stamp.deadline {
                FOREVER => TimeToLive::Forever,
                deadline => {
                    let left_ms = deadline.saturating_sub(self.now());
                    TimeToLive::Left(Duration::from_millis(left_ms))
                }
            }),
            loaded: Loaded {
                value: record.value,
                version: record.version,
            },
        }))
    }

    pub(super) fn exists(&self, key: &[u8]) -> Result<bool> {
        Ok(self.load(key)?.is_some())
    }

    pub(super) fn create(
        &self,
        key: &[u8],
        value: &[u8],
        terms: &Terms,
        consent: &Consent,
    ) -> Result<Created> {
        check(key, value, terms)?;
        let name = Name::of(key);
        let bucket = self.directory.bucket_made(name.bucket(), self.durable)?;
        if self.look(&bucket, name)?.is_some() {
            return Ok(Created::Taken);
        }
        let (version, stamp, draft) = self.draft(&bucket, key, value, terms)?;
        let all = self.directory.lock()?;
        // Before anybody is evicted for it.
        if self.live(&bucket, name)?.is_some() {
            return Ok(Created::Taken);
        }
        self.make_room(name)?;
        let held = self.directory.lock_bucket(&bucket)?;
        // A replace that saw the record's last moment may have ended only now.
        if self.live(&bucket, name)?.is_some() {
            return Ok(Created::Taken);
        }
        consent.make_use()?;
        self.changing(name)?;
        self.publish(draft, name, stamp)?;
        drop((held, all));
        self.sync(&bucket)?;
        self.sweep_along();
        Ok(Created::Done(version))
    }

    pub(super) fn put(
        &self,
        key: &[u8],
        value: &[u8],
        terms: &Terms,
        consent: &Consent,
    ) -> Result<Version> {
        check(key, value, terms)?;
        let name = Name::of(key);
        let bucket = self.directory.bucket_made(name.bucket(), self.durable)?;
        let (version, stamp, draft) = self.draft(&bucket, key, value, terms)?;
        let all = self.directory.lock()?;
        self.make_room(name)?;
        let held = self.directory.lock_bucket(&bucket)?;
        consent.make_use()?;
        self.changing(name)?;
        self.publish(draft, name, stamp)?;
        drop((held, all));
        self.sync(&bucket)?;
        self.sweep_along();
        Ok(version)
    }

    pub(super) fn replace(
        &self,
        key: &[u8],
        value: &[u8],
        terms: &Terms,
        expected: Option<Version>,
        consent: &Consent,
    ) -> Result<Replaced> {
        check(key, value, terms)?;
        let Some((name, bucket)) = self.place_of(key)? else {
            return Ok(Replaced::Gone);
        };
        let refused = |there: Option<Record>| match (there, expected) {
            (None, _) => Some(Replaced::Gone),
            (Some(there), Some(expected)) if there.version != expected => {
                Some(Replaced::Conflict(there.version))
            }
            _ => None,
        };
        // Most refusals cost no file.
        if let Some(refused) = refused(self.look(&bucket, name)?) {
            return Ok(refused);
        }
        let (version, stamp, draft) = self.draft(&bucket, key, value, terms)?;
        let held = self.directory.lock_bucket(&bucket)?;
        if let Some(refused) = refused(self.live(&bucket, name)?) {
            return Ok(refused);
        }
        consent.make_use()?;
        self.publish(draft, name, stamp)?;
        drop(held);
        self.sync(&bucket)?;
        Ok(Replaced::Done(version))
    }

    pub(super) fn touch(
        &self,
        key: &[u8],
        time_to_live: Duration,
        consent: &Consent,
    ) -> Result<bool> {
        if time_to_live.is_zero() {
            return self.remove(key, consent);
        }
        let Some((name, bucket)) = self.place_of(key)? else {
            return Ok(false);
        };
        let problem = |error| failed("touch a record of a file store", error);
        let held = self.directory.lock_bucket(&bucket)?;
        let Some(record) = self.live(&bucket, name)? else {
            return Ok(false);
        };
        let file = bucket
            .open_file(&name.file(), OFlags::RDWR)
            .map_err(problem)?;
        consent.make_use()?;
        let stamp = self.stamp(Some(time_to_live));
        record.restamp(&file, stamp).map_err(problem)?;
        if self.durable {
            // Under the lock: the next touch writes over the other stamp, which this one must outlive.
            file.sync_data().map_err(problem)?;
        }
        self.know(name, stamp);
        drop(held);
        Ok(true)
    }

    pub(super) fn remove(&self, key: &[u8], consent: &Consent) -> Result<bool> {
        let Some((name, bucket)) = self.place_of(key)? else {
            return Ok(false);
        };
        let problem = |error| failed("remove a record of a file store", error);
        if bucket.stat(&name.file()).map_err(problem)?.is_none() {
            return Ok(false);
        }
        let all = self.directory.lock()?;
        let held = self.directory.lock_bucket(&bucket)?;
        let was_live = self.live(&bucket, name)?.is_some();
        consent.make_use()?;
        self.changing(name)?;
        bucket.unlink(&name.file()).map_err(problem)?;
        self.forget(name);
        drop((held, all));
        self.sync(&bucket)?;
        Ok(was_live)
    }

    /// Where the record of a key lies; `None` where none can be.
    fn place_of(&self, key: &[u8]) -> Result<Option<(Name, Bucket)>> {
        if key.is_empty() || key.len() > KEY_MAX {
            return Ok(None);
        }
        let name = Name::of(key);
        let bucket = self.directory.bucket(name.bucket())?;
        Ok(bucket.map(|bucket| (name, bucket)))
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.wall_ms()
    }

    /// The live record under a name, without a lock; what is no record any more is cleared away if that
    /// can be done at once.
    fn look(&self, bucket: &Bucket, name: Name) -> Result<Option<Record>> {
        let mut ended = None;
        let mut damaged = 0;
        loop {
            match self.read(bucket, name)? {
                Found::Nothing => return Ok(None),
                Found::Newer => {
                    tracing::warn!(
                        store = "file",
                        "a record of a later version of this program is taken for absent"
                    );
                    return Ok(None);
                }
                Found::Damaged => damaged += 1,
                Found::Record(record) if record.stamp.is_live(self.now()) => {
                    return Ok(Some(record));
                }
                Found::Record(record) => {
                    // It may have been replaced while it was read, before its end. Only what ended and
                    // is still there says that nobody did.
                    let this = (record.version, record.stamp);
                    if ended == Some(this) {
                        self.clear_away_at_once(bucket, name);
                        return Ok(None);
                    }
                    ended = Some(this);
                }
            }
            if damaged == READS_MAX {
                if !self.clear_away_at_once(bucket, name) {
                    tracing::warn!(store = "file", "a record is damaged and taken for absent");
                }
                return Ok(None);
            }
        }
    }

    /// The live record under a name; the bucket's lock must be held, or the directory's.
    pub(super) fn live(&self, bucket: &Bucket, name: Name) -> Result<Option<Record>> {
        Ok(match self.read(bucket, name)? {
            Found::Record(record) if record.stamp.is_live(self.now()) => Some(record),
            _ => None,
        })
    }

    pub(super) fn read(&self, bucket: &Bucket, name: Name) -> Result<Found> {
        let read = bucket
            .open_file(&name.file(), OFlags::RDONLY)
            .and_then(|file| record::read(&file));
        match read {
            Ok(Ok(record)) if Name::of(&record.key) == name => Ok(Found::Record(record)),
            Ok(Err(Unreadable::Newer)) => Ok(Found::Newer),
            Ok(_) => Ok(Found::Damaged),
            Err(error) if is_absent(&error) => Ok(Found::Nothing),
            Err(error) => match Errno::from_io_error(&error) {
                // A link, a socket, a device without a driver.
                Some(Errno::LOOP | Errno::NXIO | Errno::NODEV) => Ok(Found::Damaged),
                _ => Err(failed("read a record of a file store", error)),
            },
        }
    }

    fn draft<'b>(
        &self,
        bucket: &'b Bucket,
        key: &[u8],
        value: &[u8],
        terms: &Terms,
    ) -> Result<(Version, Stamp, Draft<'b>)> {
        let version = draw_version()?;
        let stamp = self.stamp(terms.time_to_live());
        let content = record::encode(key, value, version, stamp);
        let draft = Draft::write(bucket, &content, self.mode, self.durable)
            .map_err(|error| failed("write a record of a file store", error))?;
        Ok((version, stamp, draft))
    }

    fn stamp(&self, time_to_live: Option<Duration>) -> Stamp {
        let used = self.now();
        let deadline = time_to_live.map_or(FOREVER, |ttl| used.saturating_add(millis(ttl).max(1)));
        Stamp { deadline, used }
    }

    fn publish(&self, draft: Draft<'_>, name: Name, stamp: Stamp) -> Result<()> {
        draft
            .publish(name)
            .map_err(|error| failed("write a record of a file store", error))?;
        self.know(name, stamp);
        Ok(())
    }

    fn sync(&self, bucket: &Bucket) -> Result<()> {
        match self.durable {
            true => bucket
                .sync()
                .map_err(|error| failed("write a record of a file store", error)),
            false => Ok(()),
        }
    }

    /// Says in the ledger that a record comes or goes; the directory's lock must be held.
    pub(super) fn changing(&self, name: Name) -> Result<()> {
        let count = Ledger::open(&self.directory)?.note(name.bucket())?;
        if let Some(limit) = &self.limit {
            let mut room = limit.room.lock();
            // Unless others changed something before, which is still to be looked at.
            if room.seen.wrapping_add(1) == count {
                room.seen = count;
            }
        }
        Ok(())
    }

    pub(super) fn know(&self, name: Name, stamp: Stamp) {
        if let Some(limit) = &self.limit {
            limit.room.lock().note(name, stamp);
        }
    }

    pub(super) fn forget(&self, name: Name) {
        if let Some(limit) = &self.limit {
            limit.room.lock().forget(name);
        }
    }
}

fn check(key: &[u8], value: &[u8], terms: &Terms) -> Result<()> {
    check_write(key, terms)?;
    if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
        return Err(Error::input(
            "store a record in a file: it has an idle timeout or a maximum age; give a time to live",
        ));
    }
    if value.len() > VALUE_MAX {
        return Err(Error::input(format!(
            "store a record in a file: its value is {} bytes; at most {VALUE_MAX} are allowed",
            value.len()
        )));
    }
    Ok(())
}

/// 63 bits of the operating system's randomness: no other write has them.
fn draw_version() -> Result<Version> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Io, "draw random bytes from the operating system").with_source(error)
    })?;
    Ok(Version::from_u64(u64::from_le_bytes(bytes) >> 1))
}
