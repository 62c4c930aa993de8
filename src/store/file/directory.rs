//! The store's directory: whose it must be, its buckets, and the locks on them.
//!
//! Everything is opened relative to the directory that was checked, and nothing through a link. A lock
//! is the kernel's (`flock`), on an open directory of its own, so it keeps out threads and processes
//! alike and ends with whoever held it. Whoever takes two locks takes the one on the whole directory
//! first and then those on buckets, one at a time.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::fault::{failed, is_absent};
use super::name::{Kind, Name, bucket_file};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::atomic::{AtomicBool, Ordering};

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Never waits for the other end of a pipe, never becomes a terminal.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// Pauses while somebody else holds a lock grow from the first to the second.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(2));

/// The store's directory.
pub(super) struct Directory {
    root: OwnedFd,
    patience: Duration,
    /// The buckets that this process knows to be on the disk.
    synced: [AtomicBool; 256],
}

impl Directory {
    /// Opens the directory at `path`, made for its owner only if there is none.
    pub(super) fn open(path: &Path, patience: Duration) -> Result<Self> {
        make(path)?;
        let root =
            rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(|error| match error {
                Errno::LOOP | Errno::NOTDIR => {
                    refused(path, "is a link or no directory; name a directory")
                }
                error => failed("open a file store", error),
            })?;
        let data = rustix::fs::fstat(&root).map_err(|error| failed("open a file store", error))?;
        if data.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refused(
                path,
                "belongs to another user; whoever owns it could forge sessions",
            ));
        }
        if data.st_mode & 0o022 != 0 {
            return Err(refused(
                path,
                "is writable for others; take that away (chmod go-w)",
            ));
        }
        check_above(path)?;
        Ok(Self {
            root,
            patience,
            synced: std::array::from_fn(|_| AtomicBool::new(false)),
        })
    }

    /// Opens a bucket; `None` if there is none.
    pub(super) fn bucket(&self, number: u8) -> Result<Option<Bucket>> {
        let file = bucket_file(number);
        match rustix::fs::openat(&self.root, file, DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Some(Bucket { fd, number })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed("open a bucket of a file store", error)),
        }
    }

    /// Opens a bucket, made if there is none: 256 at once would cost an ext4 half a second.
    ///
    /// If durable, the bucket itself is on the disk then. Another process may have made it and not got
    /// so far, so each process sees to it once per bucket.
    pub(super) fn bucket_made(&self, number: u8, durable: bool) -> Result<Bucket> {
        let problem = |error: Errno| failed("make a bucket of a file store", error);
        let synced = &self.synced[usize::from(number)];
        let found = self.bucket(number)?;
        if found.is_none() {
            let file = bucket_file(number);
            match rustix::fs::mkdirat(&self.root, &file, Mode::RWXU) {
                // The mask of the process may have taken from what was asked for.
                Ok(()) => rustix::fs::chmodat(&self.root, &file, Mode::RWXU, AtFlags::empty())
                    .map_err(problem)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(problem(error)),
            }
            synced.store(false, Ordering::Relaxed);
        }
        // Relaxed: whoever finds it set finds it set by a thread that had synced before.
        if durable && !synced.load(Ordering::Relaxed) {
            rustix::fs::fsync(&self.root).map_err(problem)?;
            synced.store(true, Ordering::Relaxed);
        }
        let made = match found {
            Some(bucket) => Some(bucket),
            None => self.bucket(number)?,
        };
        made.ok_or_else(|| problem(Errno::NOENT))
    }

    /// Opens a file of the directory itself, made if there is none.
    pub(super) fn own_file(&self, file: &str) -> Result<File> {
        let flags = FILE | OFlags::RDWR | OFlags::CREATE;
        rustix::fs::openat(&self.root, file, flags, Mode::RUSR | Mode::WUSR)
            .map(File::from)
            .map_err(|error| failed("open a file store's ledger", error))
    }

    /// Takes the lock on the number of records: nobody else creates or removes one.
    pub(super) fn lock(&self) -> Result<Held> {
        Held::wait(self.reopened()?, self.patience)
    }

    /// Takes that lock if it is free.
    pub(super) fn try_lock(&self) -> Result<Option<Held>> {
        Held::take(self.reopened()?)
    }

    fn reopened(&self) -> Result<OwnedFd> {
        rustix::fs::openat(&self.root, ".", DIRECTORY, Mode::empty())
            .map_err(|error| failed("lock a file store", error))
    }

    /// Takes the lock on a bucket: nobody else writes a record of it.
    pub(super) fn lock_bucket(&self, bucket: &Bucket) -> Result<Held> {
        Held::wait(bucket.reopened()?, self.patience)
    }

    /// Takes that lock if it is free.
    pub(super) fn try_lock_bucket(&self, bucket: &Bucket) -> Result<Option<Held>> {
        Held::take(bucket.reopened()?)
    }
}

/// An open bucket.
pub(super) struct Bucket {
    fd: OwnedFd,
    number: u8,
}

impl Bucket {
    pub(super) fn open_file(&self, file: &str, access: OFlags) -> io::Result<File> {
        Ok(rustix::fs::openat(&self.fd, file, FILE | access, Mode::empty()).map(File::from)?)
    }

    /// Makes a file that nobody had, with exactly these permissions.
    pub(super) fn create_file(&self, file: &str, mode: Mode) -> io::Result<File> {
        let flags = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let made = rustix::fs::openat(&self.fd, file, flags, mode)?;
        // The mask of the process may have taken from what was asked for.
        rustix::fs::fchmod(&made, mode)?;
        Ok(File::from(made))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Removes a file; says whether there was one.
    pub(super) fn unlink(&self, file: &str) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.fd, file, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What a file is, of a link itself.
    pub(super) fn stat(&self, file: &str) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(data) => Ok(Some(data)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the disk keep what the bucket's files are called.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// Calls `see` with every file's name and what it is.
    pub(super) fn list(&self, mut see: impl FnMut(Kind, &str)) -> Result<()> {
        let problem = |error: Errno| failed("list a file store", error);
        for entry in Dir::read_from(&self.fd).map_err(problem)? {
            let entry = entry.map_err(problem)?;
            let file = entry.file_name().to_bytes();
            let kind = Kind::of(self.number, file);
            if kind != Kind::Foreign
                && let Ok(file) = std::str::from_utf8(file)
            {
                see(kind, file);
            }
        }
        Ok(())
    }

    /// The names of its records, in order.
    pub(super) fn names(&self) -> Result<Vec<Name>> {
        let mut names = Vec::new();
        self.list(|kind, _| {
            if let Kind::Record(name) = kind {
                names.push(name);
            }
        })?;
        names.sort_unstable();
        Ok(names)
    }

    fn reopened(&self) -> Result<OwnedFd> {
        rustix::fs::openat(&self.fd, ".", DIRECTORY, Mode::empty())
            .map_err(|error| failed("lock a bucket of a file store", error))
    }
}

/// A lock that is held; dropping it gives it back.
#[must_use]
pub(super) struct Held(OwnedFd);

impl Held {
    fn take(fd: OwnedFd) -> Result<Option<Self>> {
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(fd))),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            Err(error) => Err(failed("lock a file store", error)),
        }
    }

    /// Asks again and again: waiting in the kernel could not be given up when somebody who holds the
    /// lock was stopped.
    fn wait(fd: OwnedFd, patience: Duration) -> Result<Self> {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            match try_flock(fd.as_fd()) {
                Ok(true) => return Ok(Self(fd)),
                Ok(false) => {}
                Err(error) => return Err(failed("lock a file store", error)),
            }
            if began.elapsed() >= patience {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "lock a file store: another writer has held it for {patience:?}; see whether \
                         that process was stopped or the disk hangs"
                    ),
                ));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing gives it back too, but not while a child that was just forked has a copy.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

/// Locks what is open, unless somebody else has; says whether it did.
pub(super) fn try_flock(fd: BorrowedFd<'_>) -> io::Result<bool> {
    match rustix::fs::flock(fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn refused(path: &Path, why: &str) -> Error {
    let path = path.display();
    Error::config(format!("open a file store in {path}: the directory {why}"))
}

/// Makes what is missing of a path, for its owner only.
fn make(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.as_os_str().is_empty() {
        return Err(refused(path, "has no name; say where sessions are kept"));
    }
    // A link is left for the opening to refuse, wherever it leads.
    match path.symlink_metadata() {
        Ok(_) => return Ok(()),
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(failed("open a file store", error)),
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| failed("make a file store's directory", error))
}

/// Refuses a place where strangers could put another directory in this one's stead.
fn check_above(path: &Path) -> Result<()> {
    let real = path
        .canonicalize()
        .map_err(|error| failed("open a file store", error))?;
    for above in real.ancestors().skip(1) {
        let above = OsStr::from_bytes(above.as_os_str().as_bytes());
        let data = rustix::fs::stat(above).map_err(|error| failed("open a file store", error))?;
        if data.st_mode & 0o002 != 0 && data.st_mode & 0o1000 == 0 {
            return Err(refused(
                path,
                "lies in one that all may write to, who could replace it; move it, or set the sticky bit",
            ));
        }
    }
    Ok(())
}
