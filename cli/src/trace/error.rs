//! What can be wrong with a trace, in one line each.

use std::fmt;
use std::io;

use super::{HEADER, LINE_BYTES_MAX, RECORDS_MAX, TIME};

/// What is wrong with a trace, and in which line.
///
/// Its text is one line without control characters: reason, then what to do.
#[derive(Debug)]
pub struct TraceError {
    pub(super) line: u64,
    pub(super) fault: Fault,
}

impl TraceError {
    /// Returns the number of the faulty line; the header is line 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }
}

#[derive(Debug)]
pub(super) enum Fault {
    Empty,
    NoRecords,
    Header(String),
    NotText,
    LongLine,
    Columns(usize),
    Number { column: &'static str, text: String },
    Range { column: &'static str, max: u64 },
    Op(String),
    Backwards { from_ms: u64, to_ms: u64 },
    TooMany,
    Read(io::Error),
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Empty => write!(f, "the trace is empty; its first line must be \"{HEADER}\""),
            Fault::NoRecords => write!(
                f,
                "the trace ends after its header; give at least one record"
            ),
            Fault::Header(found) => write!(
                f,
                "the header is {found}; the first line must be \"{HEADER}\""
            ),
            Fault::NotText => write!(
                f,
                "the line is not UTF-8 text; give a csv trace, plain or compressed with zstd"
            ),
            Fault::LongLine => write!(
                f,
                "the line is longer than {LINE_BYTES_MAX} bytes; give one record of five columns per line"
            ),
            Fault::Columns(found) => write!(
                f,
                "the line has {found} column{} instead of 5; write it as \"{HEADER}\"",
                if *found == 1 { "" } else { "s" }
            ),
            Fault::Number { column, text } => write!(
                f,
                "the {column} column holds {text}, which is not {}; write digits only",
                if *column == TIME {
                    "a number of seconds"
                } else {
                    "a whole number"
                }
            ),
            Fault::Range { column, max } => write!(
                f,
                "the {column} column is over the limit of {max}; correct or drop the record"
            ),
            Fault::Op(found) => {
                write!(f, "the op column holds {found}; write one of g, s, a, c, t")
            }
            Fault::Backwards { from_ms, to_ms } => write!(
                f,
                "time goes backwards, from {} s to {} s; sort the trace by t_seconds",
                Seconds(*from_ms),
                Seconds(*to_ms)
            ),
            Fault::TooMany => write!(f, "the trace has more than {RECORDS_MAX} records; split it"),
            // The operating system numbers its errors; the decompressor does not.
            Fault::Read(error) if error.raw_os_error().is_some() => write!(
                f,
                "the trace cannot be read any further: {error}; check the file and the disk"
            ),
            Fault::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof => write!(
                f,
                "the zstd data stops in the middle; fetch or compress the whole file again"
            ),
            Fault::Read(error) => write!(
                f,
                "the zstd data is damaged ({}); fetch or compress the file again",
                one_line(&error.to_string())
            ),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Read(error) => Some(error),
            _ => None,
        }
    }
}

/// Quotes foreign text for a message: escaped, and cut to forty characters.
pub(super) fn excerpt(text: &str) -> String {
    let mut quoted: String = text.chars().take(40).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    format!("{quoted:?}")
}

/// Takes out what would break a one-line message or steer a terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, "?")
}

struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1000, self.0 % 1000) {
            (seconds, 0) => write!(f, "{seconds}"),
            (seconds, millis) => write!(f, "{seconds}.{millis:03}"),
        }
    }
}
