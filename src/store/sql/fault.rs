//! What went wrong on a connection: whether to ask again, and what to tell the caller.
//!
//! The text of a server's error may quote keys and values ("duplicate entry ..."), so only its code is
//! kept as the source.

use std::error::Error as StdError;
use std::fmt;

use super::dialect::Engine;
use crate::error::{Error, ErrorKind};
use crate::store::remote::Failed;

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The connection is of no use any more; another one may be.
    Broken,
    /// The statement did nothing and may be repeated: a lock was held, two writers met.
    Busy,
    /// There is a row with this key.
    Duplicate,
    /// There is no such table.
    NoTable,
    /// Repeating it changes nothing.
    Refused,
}

/// A fault of a connection or a statement.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) class: Class,
    kind: ErrorKind,
    advice: &'static str,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Code(Code),
    Io(std::io::Error),
}

/// The code of a database's error, without its text.
#[derive(Debug)]
struct Code {
    engine: Engine,
    code: String,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} error {}", self.engine, self.code)
    }
}

impl StdError for Code {}

impl Fault {
    /// Makes a fault of what the driver says.
    pub(super) fn of(engine: Engine, error: sqlx::Error) -> Self {
        let code = |code: &str| {
            Cause::Code(Code {
                engine,
                code: code.to_owned(),
            })
        };
        let broken = |advice, cause| Self {
            class: Class::Broken,
            kind: ErrorKind::Unavailable,
            advice,
            cause,
        };
        match error {
            sqlx::Error::Database(error) => {
                let number = code_of(engine, &*error);
                let (class, kind, advice) = match is_panic(&*error) {
                    true => (Class::Broken, ErrorKind::Unavailable, NOT_READY),
                    false => judge(engine, &number, error.message()),
                };
                Self {
                    class,
                    kind,
                    advice,
                    cause: code(&number),
                }
            }
            sqlx::Error::Io(error) => {
                let advice = match error.kind() {
                    // How rustls tells of a certificate that it does not accept.
                    std::io::ErrorKind::InvalidData => NO_TLS,
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => NO_FILE,
                    _ => OUT_OF_REACH,
                };
                broken(advice, Cause::Io(error))
            }
            sqlx::Error::Tls(_) => broken(NO_TLS, code("during the TLS handshake")),
            sqlx::Error::WorkerCrashed => broken(OUT_OF_REACH, code("ended thread")),
            sqlx::Error::Protocol(_) => broken(OUT_OF_REACH, code("against the protocol")),
            sqlx::Error::Encode(_) => Self {
                class: Class::Refused,
                kind: ErrorKind::InvalidInput,
                advice: "a value does not fit the protocol",
                cause: code("during encoding"),
            },
            sqlx::Error::Configuration(_) => Self {
                class: Class::Refused,
                kind: ErrorKind::InvalidConfig,
                advice: "the connection is configured in a way that the driver does not know",
                cause: code("in the configuration"),
            },
            _ => Self {
                class: Class::Refused,
                kind: ErrorKind::Corrupt,
                advice: "the answer is not of the table's form; see whether the table is ours",
                cause: code("during decoding"),
            },
        }
    }

    /// A connection that is there no more.
    pub(super) fn lost(engine: Engine) -> Self {
        Self::of(engine, sqlx::Error::WorkerCrashed)
    }

    /// Others changed the record again and again.
    pub(super) fn crowded(engine: Engine) -> Self {
        Self {
            class: Class::Busy,
            kind: ErrorKind::Conflict,
            advice: "others changed the record again and again",
            cause: Cause::Code(Code {
                engine,
                code: "none".to_owned(),
            }),
        }
    }

    /// The caller's error; `what` says what was attempted.
    pub(super) fn into_error(self, what: &str) -> Error {
        let error = Error::new(self.kind, format!("{what}: {}", self.advice));
        match self.cause {
            Cause::Code(code) => error.with_source(code),
            Cause::Io(cause) => error.with_source(cause),
        }
    }

    pub(super) fn into_failed(self, what: &str) -> Failed {
        match self.class {
            Class::Broken | Class::Busy => Failed::ForNow(self.into_error(what)),
            Class::Duplicate | Class::NoTable | Class::Refused => {
                Failed::ForGood(self.into_error(what))
            }
        }
    }
}

/// SQLite's extended result code, PostgreSQL's SQLSTATE, MySQL's number.
fn code_of(engine: Engine, error: &dyn sqlx::error::DatabaseError) -> String {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return error.number().to_string();
    }
    let _ = engine;
    error.code().unwrap_or_default().into_owned()
}

/// Whether PostgreSQL ended all its processes with this, as it does when it cannot write its log, whatever
/// the code says. Whether the statement took effect nobody knows then.
fn is_panic(error: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return error.severity() == sqlx::postgres::PgSeverity::Panic;
    }
    let _ = error;
    false
}

const OUT_OF_REACH: &str =
    "the connection failed; see whether the database runs and can be reached";
const NO_TLS: &str = "no connection over TLS was agreed on; see whether the server offers TLS, whether the \
                      authority that the address names (sslrootcert, ssl-ca) or that the system knows signed \
                      its certificate, and whether that names the address's host and is of today";
const NO_FILE: &str =
    "a file that the address names, a certificate or a socket, is missing or must not be read";
const ASKS_FOR_TLS: &str = "the server takes connections over TLS only; ask for it in the address \
                            (ssl-mode=VERIFY_IDENTITY)";
const NO_TABLE: &str = "the table does not exist; call SqlStore::migrate once, or connect with \
                        create_table(true)";
const DENIED: &str = "the database does not let this user in or do this; see the address, the \
                      password, the user's rights, and whether the server wants TLS (sslmode, ssl-mode)";
const LOCKED: &str = "others held a lock for too long";
const DISK_FULL: &str = "the database's disk is full; nothing was written; make room on it";
const READ_ONLY: &str = "the server takes no writes, as a replica or by a setting \
                         (default_transaction_read_only, read_only); nothing was written; connect to \
                         the primary, or let this one be written";
const READ_ONLY_FILE: &str = "the database can only be read; nothing was written; see the rights to its file \
                              and folder, and whether the address says mode=ro";
const CORRUPT: &str = "the database says that its data are damaged; restore them from a backup";
const NOT_READY: &str = "the server is starting, stopping, or short of connections, memory or disk for its \
                         log; see what it logs";
const TOO_LONG: &str = "a value is longer than the column or the server takes";
const OTHER: &str = "the database refused the statement";
const TAKEN: &str = "another row has this key, perhaps in other letter case; give the key's column a \
                     binary collation";

/// What a database's code means. `message` is only asked where a code has several meanings.
fn judge(engine: Engine, code: &str, message: &str) -> (Class, ErrorKind, &'static str) {
    let number: u32 = code.parse().unwrap_or(0);
    match engine {
        Engine::Sqlite => sqlite(number, message),
        Engine::Postgres => postgres(code),
        Engine::MySql => mysql(number, message),
    }
}

fn sqlite(code: u32, message: &str) -> (Class, ErrorKind, &'static str) {
    // The lower byte is the primary code: <https://sqlite.org/rescode.html>.
    match code & 0xff {
        5 | 6 => (Class::Busy, ErrorKind::Timeout, LOCKED),
        8 => (Class::Refused, ErrorKind::Io, READ_ONLY_FILE),
        3 | 10 | 14 | 23 => (
            Class::Refused,
            ErrorKind::Io,
            "the file cannot be opened, read or written; see its path and rights",
        ),
        11 | 26 => (Class::Refused, ErrorKind::Corrupt, CORRUPT),
        13 => (Class::Refused, ErrorKind::Full, DISK_FULL),
        18 => (Class::Refused, ErrorKind::InvalidInput, TOO_LONG),
        19 => (Class::Duplicate, ErrorKind::Conflict, TAKEN),
        1 if message.starts_with("no such table") => {
            (Class::NoTable, ErrorKind::InvalidConfig, NO_TABLE)
        }
        _ => (Class::Refused, ErrorKind::Io, OTHER),
    }
}

fn postgres(code: &str) -> (Class, ErrorKind, &'static str) {
    match code {
        "42P01" | "3F000" => (Class::NoTable, ErrorKind::InvalidConfig, NO_TABLE),
        // Made by somebody else at the same moment, which the system tables call a duplicate too.
        "23505" | "42710" | "42P06" | "42P07" => (Class::Duplicate, ErrorKind::Conflict, TAKEN),
        "40001" | "40P01" => (Class::Busy, ErrorKind::Conflict, "two writers met"),
        "55P03" | "57014" => (Class::Busy, ErrorKind::Timeout, LOCKED),
        "53100" => (Class::Refused, ErrorKind::Full, DISK_FULL),
        // Another connection may lead to the new primary.
        "25006" => (Class::Broken, ErrorKind::Unavailable, READ_ONLY),
        "28P01" | "28000" | "3D000" | "42501" => (Class::Refused, ErrorKind::InvalidConfig, DENIED),
        "XX001" | "XX002" => (Class::Refused, ErrorKind::Corrupt, CORRUPT),
        "22001" | "54000" => (Class::Refused, ErrorKind::InvalidInput, TOO_LONG),
        // Also what a pooler says to the parameter that carries `statement_timeout`.
        "08P01" => (
            Class::Refused,
            ErrorKind::InvalidConfig,
            "the other side does not take the connection's parameters; a pooler must ignore the \
             startup parameter `options`, or connect with prepared_statements(false)",
        ),
        // Connection exceptions, shutdowns, a lack of resources; a statement that a pooler between
        // us and the server no longer knows.
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
            (Class::Broken, ErrorKind::Unavailable, NOT_READY)
        }
        "26000" => (
            Class::Broken,
            ErrorKind::Unavailable,
            "a prepared statement is gone; behind a pooler connect with prepared_statements(false)",
        ),
        _ => (Class::Refused, ErrorKind::Io, OTHER),
    }
}

fn mysql(number: u32, message: &str) -> (Class, ErrorKind, &'static str) {
    match number {
        1146 | 1049 => (Class::NoTable, ErrorKind::InvalidConfig, NO_TABLE),
        1062 => (Class::Duplicate, ErrorKind::Conflict, TAKEN),
        1213 | 1020 => (Class::Busy, ErrorKind::Conflict, "two writers met"),
        1205 | 1317 | 1969 | 3024 => (Class::Busy, ErrorKind::Timeout, LOCKED),
        1021 | 1114 => (Class::Refused, ErrorKind::Full, DISK_FULL),
        // A file that could not be written or made, and a failure of a storage engine.
        3 | 1005 | 1026 | 1030 if message.contains("No space left") => {
            (Class::Refused, ErrorKind::Full, DISK_FULL)
        }
        1036 | 1290 | 1792 | 1836 | 1874 => (Class::Broken, ErrorKind::Unavailable, READ_ONLY),
        1044 | 1045 | 1142 | 1143 | 1227 | 1698 => {
            (Class::Refused, ErrorKind::InvalidConfig, DENIED)
        }
        3159 => (Class::Refused, ErrorKind::InvalidConfig, ASKS_FOR_TLS),
        1034 | 1194 | 1712 => (Class::Refused, ErrorKind::Corrupt, CORRUPT),
        1153 | 1406 => (Class::Refused, ErrorKind::InvalidInput, TOO_LONG),
        1037 | 1040 | 1041 | 1053 | 1079 | 1080 | 1129 | 1203 | 1226 | 1927 | 4031 => {
            (Class::Broken, ErrorKind::Unavailable, NOT_READY)
        }
        _ => (Class::Refused, ErrorKind::Io, OTHER),
    }
}
