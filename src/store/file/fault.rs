//! What the operating system refused, in words that say what to do.

use std::io;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind};

/// The error of something that the operating system refused.
///
/// The cause holds a number and the system's text for it, never a path or a name.
pub(super) fn failed(what: &str, error: impl Into<io::Error>) -> Error {
    let error: io::Error = error.into();
    let hint = match Errno::from_io_error(&error) {
        Some(Errno::NOSPC | Errno::DQUOT) => "the disk is full; make room",
        Some(Errno::FBIG) => {
            "the file would be larger than this process may write; raise the limit"
        }
        Some(Errno::ROFS) => "the file system is read-only",
        Some(Errno::MFILE | Errno::NFILE) => "too many files are open; raise the limit",
        Some(Errno::ACCESS | Errno::PERM) => "not permitted; the directory must be this user's",
        Some(Errno::NOENT) => "the store's directory is gone; open the store again",
        _ => "the system refused",
    };
    let error = match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::from(error.kind()),
    };
    Error::new(ErrorKind::Io, format!("{what}: {hint}")).with_source(error)
}

/// Whether a file is not there.
pub(super) fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
