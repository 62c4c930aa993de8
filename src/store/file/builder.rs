//! Opens a file store: its settings, their defaults and their limits.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::Mode;
use tokio::sync::Semaphore;

use super::directory::Directory;
use super::room::Room;
use super::store::FileStore;
use super::sweep::Place;
use super::task::AT_ONCE;
use super::verbs::{Files, Limit};
use crate::error::{Error, Result};
use crate::sync::Lock;
use crate::time::{Clock, CoarseClock};

/// Settings of a [`FileStore`]; [`FileStore::builder`] makes one.
#[must_use]
pub struct FileStoreBuilder {
    path: PathBuf,
    threshold: Option<usize>,
    mode: u32,
    durable: bool,
    lock_timeout: Duration,
    clock: Box<dyn Clock>,
}

/// What a mode may hold: reading and writing for the owner, reading for others.
const MODE_NEEDED: u32 = 0o600;
const MODE_ALLOWED: u32 = 0o644;
const LOCK_TIMEOUT_MAX: Duration = Duration::from_secs(600);

impl FileStoreBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            threshold: Some(500),
            mode: 0o600,
            durable: true,
            lock_timeout: Duration::from_secs(5),
            clock: Box::new(CoarseClock),
        }
    }

    /// The most records kept. Default: 500.
    ///
    /// Beyond it the expired are evicted first, then whoever was written or touched longest ago, of either
    /// class: a flood of new visitors can sign users out. Where that matters, allow more records than a
    /// flood brings within their time to live, or any number. Costs
    /// about 250 bytes of memory per record, and reading the beginning of every file when the store is
    /// opened. Programs that share a directory should all say the same.
    pub const fn threshold(mut self, records: usize) -> Self {
        self.threshold = Some(records);
        self
    }

    /// Keeps any number of records: nobody is evicted, nothing is remembered in memory.
    pub const fn unlimited(mut self) -> Self {
        self.threshold = None;
        self
    }

    /// The permissions of a file, whatever the process's mask. Default: `0o600`.
    ///
    /// Besides the owner's reading and writing only reading may be allowed: whoever can write a file can
    /// sign in as anybody. The directory keeps its own permissions, `0o700` if it is made here.
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Whether a write is on the disk before it is acknowledged. Default: yes.
    ///
    /// A killed process loses nothing either way. Without it, what was written in the last half minute or
    /// so may be lost when the machine fails: a new session is then absent, a changed one as it was, or
    /// absent if its file is damaged, and one that was signed out may be back. Durable writes wait for the
    /// disk, twice each, which takes from some hundred microseconds to tens of milliseconds.
    pub const fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// How long a write waits for another writer's lock, at most ten minutes. Default: 5 s.
    ///
    /// Locks are held for microseconds, durable touches for one wait for the disk; only a process that
    /// was stopped keeps one longer.
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// The clock whose [`wall_ms`](Clock::wall_ms) decides what has expired. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Opens the store; makes its directory if there is none.
    ///
    /// Blocks: with a threshold it reads the beginning of every file, and evicts what is above the
    /// threshold. For when a program starts.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a threshold of zero, a mode that lets
    /// others write, a time-out of zero or above ten minutes, and a directory that is a link, belongs to
    /// somebody else, is writable for others, or lies where others could replace it;
    /// [`Io`](crate::ErrorKind::Io) if the system refuses.
    pub fn open(self) -> Result<FileStore> {
        if self.threshold == Some(0) {
            return Err(Error::config(
                "open a file store: its threshold is zero; say unlimited for none",
            ));
        }
        if self.mode & MODE_NEEDED != MODE_NEEDED || self.mode & !MODE_ALLOWED != 0 {
            return Err(Error::config(format!(
                "open a file store: its mode is {:#o}; files need 0o600, and 0o044 may be added",
                self.mode
            )));
        }
        if self.lock_timeout.is_zero() || self.lock_timeout > LOCK_TIMEOUT_MAX {
            return Err(Error::config(format!(
                "open a file store: its lock time-out is {:?}; it must be above zero and at most \
                 {LOCK_TIMEOUT_MAX:?}",
                self.lock_timeout
            )));
        }
        let directory = Directory::open(&self.path, self.lock_timeout)?;
        let limit = self.threshold.map(|most| Limit {
            most,
            room: Lock::new(Room::default()),
        });
        let files = Files {
            directory,
            limit,
            sweep: Lock::new(Place::default()),
            mode: permissions(self.mode),
            durable: self.durable,
            clock: self.clock,
        };
        files.settle()?;
        Ok(FileStore {
            files: Arc::new(files),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }
}

/// The checked mode in the system's own type, whose width differs between systems.
fn permissions(mode: u32) -> Mode {
    let mut permissions = Mode::RUSR | Mode::WUSR;
    permissions.set(Mode::RGRP, mode & 0o040 != 0);
    permissions.set(Mode::ROTH, mode & 0o004 != 0);
    permissions
}

impl Files {
    /// Learns what is there and brings it below the threshold; also tries the lock, so that a file
    /// system without locks is found out now.
    fn settle(&self) -> Result<()> {
        let _all = self.directory.lock()?;
        match &self.limit {
            None => Ok(()),
            Some(limit) => {
                self.learn_all(limit)?;
                self.evict_down_to(limit.most, None)
            }
        }
    }
}

impl fmt::Debug for FileStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStoreBuilder")
            .field("path", &self.path)
            .field("threshold", &self.threshold)
            .field("mode", &format_args!("{:#o}", self.mode))
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
