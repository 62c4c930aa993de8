//! The trace format and its parser.
//!
//! A trace is csv text: the line [`HEADER`], then one record per line, sorted
//! by time.
//!
//! | column | holds |
//! |---|---|
//! | `t_seconds` | seconds since any start, whole or with decimals (kept to the millisecond) |
//! | `op` | `g` read-through read, `s` overwrite, `a` add if absent, `c` compare and swap, `t` session touch |
//! | `key_id` | the number of the session |
//! | `value_size` | bytes; 0: the replay chooses |
//! | `ttl_seconds` | time to live; 0: the replay chooses |
//!
//! The parser is strict, because a replay of a damaged trace would report
//! figures that nobody can trust. It never panics and holds one line at a time.

mod error;

use std::io::{BufRead, Read};

use error::{Fault, excerpt};
pub use error::{TraceError, one_line};

/// The first line of each trace.
pub const HEADER: &str = "t_seconds,op,key_id,value_size,ttl_seconds";
/// The most bytes in a line, its line end included.
pub const LINE_BYTES_MAX: usize = 1024;
/// The most records in a trace.
pub const RECORDS_MAX: u64 = 200_000_000;
/// The most bytes in one value.
pub const VALUE_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// The longest time to live, in seconds: ten years of 365 days.
pub const TTL_SECONDS_MAX: u32 = 315_360_000;
/// The latest time of a record, in seconds: 126 years, so Unix time fits, and
/// within what a cache can count on top of the longest time to live.
pub const TIME_SECONDS_MAX: u64 = 4_000_000_000;

/// What a record asks of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `g`: a read-through read; a miss fills.
    Get,
    /// `s`: an overwrite.
    Set,
    /// `a`: an addition if absent.
    Add,
    /// `c`: a compare and swap.
    Swap,
    /// `t`: a session touch, which creates if absent and else slides.
    Touch,
}

/// One line of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Time of the record in milliseconds, on the trace's own scale.
    pub time_ms: u64,
    /// What is asked.
    pub op: Op,
    /// The number of the session.
    pub key_id: u64,
    /// Bytes of the value; 0 where the trace does not say.
    pub value_size: u32,
    /// Time to live in seconds; 0 where the trace does not say.
    pub ttl_seconds: u32,
}

/// Reads the records of a trace.
///
/// The iterator ends after the first error.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    line_number: u64,
    time_ms: u64,
    records: u64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads and checks the header line.
    ///
    /// # Errors
    /// An empty input, another header, or a failure to read.
    pub fn new(input: R) -> Result<Self, TraceError> {
        let mut reader = Self {
            input,
            line: Vec::with_capacity(LINE_BYTES_MAX),
            line_number: 0,
            time_ms: 0,
            records: 0,
            ended: false,
        };
        if !reader.read_line()? {
            return Err(reader.error(Fault::Empty));
        }
        match reader.text() {
            Ok(HEADER) => Ok(reader),
            Ok(other) => Err(reader.error(Fault::Header(excerpt(other)))),
            Err(fault) => Err(reader.error(fault)),
        }
    }

    /// Returns the number of the line read last; the header is line 1.
    pub fn line_number(&self) -> u64 {
        self.line_number
    }

    fn next_record(&mut self) -> Result<Option<Record>, TraceError> {
        if !self.read_line()? {
            if self.records == 0 {
                return Err(self.error(Fault::NoRecords));
            }
            return Ok(None);
        }
        let record = self
            .text()
            .and_then(parse)
            .map_err(|fault| self.error(fault))?;
        if record.time_ms < self.time_ms {
            return Err(self.error(Fault::Backwards {
                from_ms: self.time_ms,
                to_ms: record.time_ms,
            }));
        }
        if self.records == RECORDS_MAX {
            return Err(self.error(Fault::TooMany));
        }
        self.time_ms = record.time_ms;
        self.records += 1;
        Ok(Some(record))
    }

    /// Fills `self.line` without its line end; `false` at the end of the input.
    fn read_line(&mut self) -> Result<bool, TraceError> {
        self.line.clear();
        // The bound holds before the bytes are kept, so an input without line
        // ends costs no memory.
        let read = self
            .input
            .by_ref()
            .take(LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut self.line);
        self.line_number += 1;
        match read {
            Err(error) => return Err(self.error(Fault::Read(error))),
            Ok(0) => return Ok(false),
            Ok(_) => {}
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        } else if self.line.len() == LINE_BYTES_MAX {
            return Err(self.error(Fault::LongLine));
        }
        Ok(true)
    }

    fn text(&self) -> Result<&str, Fault> {
        std::str::from_utf8(&self.line).map_err(|_| Fault::NotText)
    }

    fn error(&self, fault: Fault) -> TraceError {
        TraceError {
            line: self.line_number,
            fault,
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_record().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

const TIME: &str = "t_seconds";

fn parse(line: &str) -> Result<Record, Fault> {
    let mut columns = line.split(',');
    let (Some(time), Some(op), Some(key_id), Some(value_size), Some(ttl_seconds), None) = (
        columns.next(),
        columns.next(),
        columns.next(),
        columns.next(),
        columns.next(),
        columns.next(),
    ) else {
        return Err(Fault::Columns(line.split(',').count()));
    };
    Ok(Record {
        time_ms: parse_time_ms(time)?,
        op: match op {
            "g" => Op::Get,
            "s" => Op::Set,
            "a" => Op::Add,
            "c" => Op::Swap,
            "t" => Op::Touch,
            _ => return Err(Fault::Op(excerpt(op))),
        },
        key_id: parse_whole("key_id", key_id, u64::MAX)?,
        value_size: parse_u32("value_size", value_size, VALUE_BYTES_MAX)?,
        ttl_seconds: parse_u32("ttl_seconds", ttl_seconds, TTL_SECONDS_MAX)?,
    })
}

/// Parses `12` or `12.345`; decimals past the millisecond are cut off.
fn parse_time_ms(text: &str) -> Result<u64, Fault> {
    let not_a_number = || Fault::Number {
        column: TIME,
        text: excerpt(text),
    };
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
        Some(_) => return Err(not_a_number()),
        None => (text, ""),
    };
    if whole.is_empty() || !all_digits(whole) || !all_digits(decimals) {
        return Err(not_a_number());
    }
    let seconds = parse_whole(TIME, whole, TIME_SECONDS_MAX)?;
    let millis = decimals
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(3)
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Ok(seconds * 1000 + millis)
}

fn parse_u32(column: &'static str, text: &str, max: u32) -> Result<u32, Fault> {
    let value = parse_whole(column, text, u64::from(max))?;
    u32::try_from(value).map_err(|_| Fault::Range {
        column,
        max: u64::from(max),
    })
}

fn parse_whole(column: &'static str, text: &str, max: u64) -> Result<u64, Fault> {
    if text.is_empty() || !all_digits(text) {
        return Err(Fault::Number {
            column,
            text: excerpt(text),
        });
    }
    // Only digits are left, so the one way to fail is too large a number.
    match text.parse() {
        Ok(value) if value <= max => Ok(value),
        _ => Err(Fault::Range { column, max }),
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Vec<Record>, TraceError> {
        Reader::new(format!("{HEADER}\n{lines}").as_bytes())?.collect()
    }

    fn message(input: &[u8]) -> String {
        let error = Reader::new(input)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .expect_err("a bad trace");
        let text = format!("{}: {error}", error.line());
        assert!(!text.contains(char::is_control), "{text:?}");
        text
    }

    #[test]
    fn reads_each_op_and_both_line_ends() {
        let records =
            read("0,g,1,2,3\r\n1.5,s,4,0,0\n2,a,0,0,0\n2,c,0,0,0\n2.0019,t,0,0,0").unwrap();
        assert_eq!(
            records[0],
            Record {
                time_ms: 0,
                op: Op::Get,
                key_id: 1,
                value_size: 2,
                ttl_seconds: 3
            }
        );
        assert_eq!(
            records
                .iter()
                .map(|r| (r.time_ms, r.op))
                .collect::<Vec<_>>(),
            [
                (0, Op::Get),
                (1500, Op::Set),
                (2000, Op::Add),
                (2000, Op::Swap),
                (2001, Op::Touch)
            ]
        );
    }

    #[test]
    fn refuses_each_bad_line_with_its_number_and_reason() {
        let cases: &[(&str, &str)] = &[
            ("0,g,1,0,0\n", ""),
            ("\n", "2: the line has 1 column instead"),
            ("0,g,1,0\n", "2: the line has 4 columns"),
            ("0,g,1,0,0,0\n", "2: the line has 6 columns"),
            (
                "0,g,1,0,0\nx,g,1,0,0\n",
                "3: the t_seconds column holds \"x\"",
            ),
            ("-1,g,1,0,0\n", "2: the t_seconds column holds \"-1\""),
            ("1.,g,1,0,0\n", "2: the t_seconds column holds \"1.\""),
            (".5,g,1,0,0\n", "2: the t_seconds column holds \".5\""),
            ("1.2.3,g,1,0,0\n", "2: the t_seconds column holds"),
            ("1e3,g,1,0,0\n", "2: the t_seconds column holds"),
            ("4000000001,g,1,0,0\n", "2: the t_seconds column is over"),
            ("0,G,1,0,0\n", "2: the op column holds \"G\""),
            ("0,,1,0,0\n", "2: the op column holds \"\""),
            ("0,g,,0,0\n", "2: the key_id column holds \"\""),
            ("0,g,+1,0,0\n", "2: the key_id column holds \"+1\""),
            (
                "0,g,18446744073709551616,0,0\n",
                "2: the key_id column is over",
            ),
            ("0,g,1,16777217,0\n", "2: the value_size column is over"),
            ("0,g,1,0,315360001\n", "2: the ttl_seconds column is over"),
            ("0,g,1,0, 5\n", "2: the ttl_seconds column holds \" 5\""),
            (
                "2,g,1,0,0\n1.999,g,1,0,0\n",
                "3: time goes backwards, from 2 s to 1.999 s",
            ),
        ];
        for (lines, expected) in cases {
            match read(lines) {
                Ok(_) => assert_eq!(*expected, "", "{lines:?}"),
                Err(error) => {
                    let text = format!("{}: {error}", error.line());
                    assert!(text.starts_with(expected) && !expected.is_empty(), "{text}");
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_trace() {
        assert!(message(b"").starts_with("1: the trace is empty"));
        assert!(message(b"\n").starts_with("1: the header is \"\""));
        assert!(message(b"a\x1b[31mb\n").starts_with("1: the header is \"a\\u{1b}"));
        assert!(message(b"\xff\xfe\n").starts_with("1: the line is not UTF-8"));
        assert!(message(&[b'x'; 5000]).starts_with("1: the line is longer"));
        assert!(message(format!("{HEADER}\n").as_bytes()).starts_with("2: the trace ends"));
        let mut long = format!("{HEADER}\n").into_bytes();
        long.extend([b'1'; LINE_BYTES_MAX]);
        assert!(message(&long).starts_with("2: the line is longer"));
    }

    #[test]
    fn keeps_a_line_of_just_the_limit() {
        let mut line = "0".repeat(LINE_BYTES_MAX - "1,g,1,0,0\n".len());
        line.push_str("1,g,1,0,0\n");
        assert_eq!(line.len(), LINE_BYTES_MAX);
        assert_eq!(read(&line).unwrap()[0].time_ms, 1000);
    }

    #[test]
    fn ends_after_the_first_error() {
        let text = format!("{HEADER}\nbad\n0,g,1,0,0\n");
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        assert!(reader.next().unwrap().is_err());
        assert!(reader.next().is_none());
        assert_eq!(reader.line_number(), 2);
    }
}
