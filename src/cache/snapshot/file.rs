//! Replaces a file as a whole: whoever opens it finds the old content or the new one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use super::encode::failed;
use crate::error::{Error, ErrorKind, Result};

/// Writes a new file by `write` and puts it in the place of `path`.
pub(super) fn replace<T>(path: &Path, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    let (temporary, mut file) = create_beside(path)?;
    let written = write(&mut file).and_then(|written| {
        file.sync_all().map_err(failed)?;
        drop(file);
        fs::rename(&temporary, path).map_err(failed)?;
        Ok(written)
    });
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
    Ok((temporary, file))
}

/// Makes the rename last: a folder is written back like a file.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
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

    #[test]
    fn an_error_at_any_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = std::env::temp_dir().join(format!("sessile-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
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
