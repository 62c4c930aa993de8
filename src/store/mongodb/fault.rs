//! What becomes of the driver's errors: a kind of ours, and of theirs no more than its name and code.
//!
//! The driver's own text repeats what the server says, and the server repeats keys ("dup key: ...") and
//! documents. Nothing of it is kept.

use std::fmt;

use ::mongodb::error::{Error as DriverError, ErrorKind as DriverKind, WriteFailure};
use ::mongodb::results::UpdateResult;

use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::Failed;

/// A document with this value of a unique field is there already.
const DUPLICATE: i32 = 11000;

/// Stands for the driver's error.
#[derive(Debug)]
struct Cause {
    kind: &'static str,
    code: Option<i32>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}, code {code}", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

impl std::error::Error for Cause {}

fn code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        DriverKind::Command(command) => Some(command.code),
        DriverKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        DriverKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        _ => None,
    }
}

pub(super) fn is_duplicate(error: &DriverError) -> bool {
    code(error) == Some(DUPLICATE)
}

/// Makes sure that an upsert was one: it found a document or made one. Servers that speak a part of
/// MongoDB's protocol may leave it out and acknowledge it all the same.
pub(super) fn stored(done: &UpdateResult) -> Result<(), Failed> {
    if done.matched_count > 0 || done.upserted_id.is_some() {
        return Ok(());
    }
    Err(Failed::ForGood(Error::config(
        "store a session in MongoDB: the server acknowledged an upsert that stored nothing; it is no \
         MongoDB, use one",
    )))
}

/// As [`failed`], where nothing is attempted again.
pub(super) fn refused(error: DriverError) -> Error {
    match failed(error) {
        Failed::ForNow(error) | Failed::ForGood(error) => error,
    }
}

/// Says whether another attempt may help, and of which kind the failure is.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
pub(super) fn failed(error: DriverError) -> Failed {
    use Failed::{ForGood, ForNow};
    let code = code(&error);
    let (wrap, name, kind, text): (fn(Error) -> Failed, _, _, _) = match &*error.kind {
        DriverKind::Io(_) | DriverKind::ConnectionPoolCleared { .. } => (
            ForNow,
            "connection failed",
            ErrorKind::Unavailable,
            UNREACHABLE,
        ),
        DriverKind::ServerSelection { .. } => (
            ForNow,
            "no primary found",
            ErrorKind::Unavailable,
            UNREACHABLE,
        ),
        DriverKind::DnsResolve { .. } => (
            ForNow,
            "name not resolved",
            ErrorKind::Unavailable,
            UNREACHABLE,
        ),
        DriverKind::InvalidResponse { .. } => (
            ForNow,
            "invalid answer",
            ErrorKind::Unavailable,
            UNREACHABLE,
        ),
        DriverKind::Shutdown => (
            ForGood,
            "client shut down",
            ErrorKind::Unavailable,
            "ask MongoDB: the store was closed",
        ),
        DriverKind::Authentication { .. } => (
            ForGood,
            "authentication failed",
            ErrorKind::InvalidConfig,
            REFUSED,
        ),
        DriverKind::InvalidArgument { .. }
        | DriverKind::InvalidTlsConfig { .. }
        | DriverKind::IncompatibleServer { .. } => (
            ForGood,
            "invalid settings",
            ErrorKind::InvalidConfig,
            "ask MongoDB: the driver rejects the address, its options or the server's version; check \
             them",
        ),
        DriverKind::Write(WriteFailure::WriteConcernError(_)) => (
            ForGood,
            "write concern failed",
            ErrorKind::Timeout,
            "write a session to MongoDB: it is written, but not confirmed by as many members as asked \
             for; see whether the replica set is whole",
        ),
        DriverKind::Command(_) | DriverKind::Write(_) => by_code(code.unwrap_or_default()),
        _ => (
            ForGood,
            "another failure",
            ErrorKind::Unavailable,
            "ask MongoDB: the driver failed",
        ),
    };
    wrap(Error::new(kind, text).with_source(Cause { kind: name, code }))
}

type Meaning = (fn(Error) -> Failed, &'static str, ErrorKind, &'static str);

const UNREACHABLE: &str = "reach MongoDB: the connection failed or there is no primary; see whether the \
                           server runs";
const REFUSED: &str = "ask MongoDB: it refuses the user, the password or the right to do this; check all \
                       three";

/// The server's own codes, those that its error_codes.yml names for good.
fn by_code(code: i32) -> Meaning {
    use Failed::{ForGood, ForNow};
    match code {
        // Unauthorized, AuthenticationFailed, Atlas.
        13 | 18 | 8000 => (ForGood, "not authorized", ErrorKind::InvalidConfig, REFUSED),
        // Not primary, in recovery, shutting down, unreachable, interrupted, a conflict of writes.
        6 | 7 | 89 | 91 | 112 | 134 | 189 | 262 | 9001 | 10058 | 10107 | 11600 | 11602 | 13435
        | 13436 | DUPLICATE => (
            ForNow,
            "the server cannot do it now",
            ErrorKind::Unavailable,
            "ask MongoDB: the server cannot do it now; see whether the replica set has a primary",
        ),
        50 => (
            ForNow,
            "time limit exceeded",
            ErrorKind::Timeout,
            "ask MongoDB: the server took too long; see whether it is overloaded",
        ),
        // BSONObjectTooLarge, a document that grew too large, a key too large for an index.
        10334 | 17280 | 17419 | 17420 => (
            ForGood,
            "too large",
            ErrorKind::TooLarge,
            "write a session to MongoDB: it exceeds the server's limit for documents; put less into it",
        ),
        14031 => (
            ForGood,
            "out of disk space",
            ErrorKind::Full,
            "write a session to MongoDB: its disk is full; give it more",
        ),
        // IndexOptionsConflict, IndexKeySpecsConflict.
        85 | 86 => (
            ForGood,
            "another index has that name",
            ErrorKind::InvalidConfig,
            "prepare MongoDB: the collection has an index of the same name with other options; drop it",
        ),
        _ => (
            ForGood,
            "refused",
            ErrorKind::Unavailable,
            "ask MongoDB: the server refused; see what it logs",
        ),
    }
}
