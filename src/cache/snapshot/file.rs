//! Replaces a file as a whole: whoever opens it finds the old content or the new one.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::encode::failed;
use crate::error::{Error, ErrorKind, Result};

/// Younger files are no leftovers: their writer may be about to lock them.
const LEFTOVER_AGE: Duration = Duration::from_secs(60);
/// So many names of the folder are looked at: a crowded one is not searched for long.
const NAMES_MAX: usize = 10_000;
/// So many leftovers one writer removes; the next one goes on.
const REMOVED_MAX: usize = 16;

/// Writes a new file by `write` and puts it in the place of `path`.
pub(super) fn replace<T>(path: &Path, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    let (temporary, mut file) = create_beside(path)?;
    // First of all, because this file may need their room.
    remove_leftovers(path, &file);
    let written = write(&mut file).and_then(|written| {
        file.sync_all().map_err(failed)?;
        if cfg!(windows) {
            // There a lock keeps readers out, who may come as soon as the file has its name.
            let _ = file.unlock();
        }
        // Open, and elsewhere locked, until it has its name: others take a closed one for left.
        fs::rename(&temporary, path).map_err(failed)?;
        Ok(written)
    });
    drop(file);
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    let written = written?;
    sync_folder(path).map_err(failed)?;
    Ok(written)
}

/// A new file in the folder of `path`, for its owner only, under a name that nobody can predict.
fn create_beside(path: &Path) -> Result<(PathBuf, File)> {
    let Some(name) = path.file_name() else {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "write a snapshot: the path names no file",
        ));
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    // Two numbers under keys drawn from the system: 128 bits.
    let (a, b) = (
        RandomState::new().hash_one(1),
        RandomState::new().hash_one(2),
    );
    temporary.push(format!(".{a:016x}{b:016x}.tmp"));
    let temporary = path.with_file_name(temporary);
    let mut options = OpenOptions::new();
    // New: a link that somebody put there is not followed.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&temporary).map_err(failed)?;
    // Says that its writer is alive; the system takes it back when that ends, however it does. Where
    // files cannot be locked, nobody removes leftovers, and this one needs no lock.
    let _ = file.try_lock();
    Ok((temporary, file))
}

/// Removes what killed writers of `path` have left beside it. What cannot be removed stays: a
/// snapshot does not fail for that.
fn remove_leftovers(path: &Path, new: &File) {
    // Now by the clock that stamps files, which is not this machine's on a network file system.
    let now = new.metadata().and_then(|data| data.modified());
    let (Ok(now), Some(name)) = (now, path.file_name()) else {
        return;
    };
    let Ok(entries) = fs::read_dir(folder_of(path)) else {
        return;
    };
    let entries = entries.take(NAMES_MAX).flatten();
    let leftovers = entries
        .filter(|entry| is_temporary_name(&entry.file_name(), name))
        .filter(|entry| is_left_behind(entry, now));
    for leftover in leftovers.take(REMOVED_MAX) {
        let _ = fs::remove_file(leftover.path());
    }
}

/// Says whether [`create_beside`] gives such names to the writers of `name`.
fn is_temporary_name(candidate: &OsStr, name: &OsStr) -> bool {
    let rest = candidate.as_encoded_bytes().strip_prefix(b".");
    let rest = rest.and_then(|rest| rest.strip_prefix(name.as_encoded_bytes()));
    let rest = rest.and_then(|rest| rest.strip_prefix(b"."));
    let number = rest.and_then(|rest| rest.strip_suffix(b".tmp"));
    number.is_some_and(|number| {
        number.len() == 32
            && number
                .iter()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Says whether a temporary file is old enough and its writer has ended.
fn is_left_behind(entry: &DirEntry, now: SystemTime) -> bool {
    // Of the name itself: a link is not followed, and only files are opened.
    let Ok(data) = entry.metadata() else {
        return false;
    };
    let age = data.modified().map(|then| now.duration_since(then));
    if !data.is_file() || !age.is_ok_and(|age| age.is_ok_and(|age| age >= LEFTOVER_AGE)) {
        return false;
    }
    // For writing, because some network file systems lock no other; nothing is written.
    let file = OpenOptions::new().write(true).open(entry.path());
    file.is_ok_and(|file| file.try_lock().is_ok())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the rename last: a folder is written back like a file.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Elsewhere a folder cannot be opened, and the rename is the system's to keep.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::cache::Cache;

    /// Fails the call with this number, counted from zero; flushes count too.
    struct Failing<'a> {
        file: &'a mut File,
        calls_left: u32,
        half: bool,
    }

    impl Failing<'_> {
        fn call(&mut self) -> io::Result<()> {
            match self.calls_left {
                0 => Err(io::Error::other("injected")),
                _ => {
                    self.calls_left -= 1;
                    Ok(())
                }
            }
        }
    }

    impl Write for Failing<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.call()?;
            let len = if self.half {
                bytes.len().div_ceil(2)
            } else {
                bytes.len()
            };
            self.file.write(&bytes[..len])
        }

        fn flush(&mut self) -> io::Result<()> {
            self.call()?;
            self.file.flush()
        }
    }

    fn folder(name: &str) -> PathBuf {
        let name = format!("sessile-file-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Two writers at once, of whom the first takes so long that its file looks left behind.
    fn overtaken(path: &Path, first: impl FnOnce(&File)) -> Result<()> {
        replace(path, |file| {
            file.write_all(b"first").map_err(failed)?;
            let long_ago = SystemTime::now() - 100 * LEFTOVER_AGE;
            file.set_modified(long_ago).map_err(failed)?;
            first(file);
            replace(path, |file| file.write_all(b"second").map_err(failed))
        })
    }

    #[test]
    fn a_writer_that_takes_long_is_not_taken_for_a_killed_one() {
        let folder = folder("long");
        let path = folder.join("cache");
        overtaken(&path, |_| ()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        // It is the lock that saves it: without one, the file is gone and the other's stays.
        let error = overtaken(&path, |file| file.unlock().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_error_at_any_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = folder("failing");
        let path = folder.join("cache");
        fs::write(&path, b"old").unwrap();
        let cache = Cache::builder().unlimited_entries().build().unwrap();
        for number in 0..20 {
            let value = vec![7_u8; 100_000];
            let key = format!("key {number}");
            cache.insert(&key, value, crate::Terms::forever()).unwrap();
        }
        let mut failures = 0;
        for half in [false, true] {
            for calls_left in 0.. {
                let written = replace(&path, |file| {
                    cache.snapshot(Failing {
                        file,
                        calls_left,
                        half,
                    })
                });
                assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
                let Err(error) = written else { break };
                failures += 1;
                assert_eq!(error.kind(), ErrorKind::Io);
                assert_eq!(fs::read(&path).unwrap(), b"old", "call {calls_left}");
            }
            let other = Cache::builder().unlimited_entries().build().unwrap();
            assert_eq!(other.restore_from_file(&path).unwrap().entries, 20);
            fs::write(&path, b"old").unwrap();
        }
        assert!(failures > 10, "{failures}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
