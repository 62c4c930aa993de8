//! Recorded traces: `t_seconds,op,key_id,value_size,ttl_seconds`, packed with
//! zstd. They are not part of the project; `SESSILE_TRACES` names their folder.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// What stands in for results when no traces are there.
pub const ABSENT: &str =
    "left out: SESSILE_TRACES is not set; set it to the folder of recorded traces";

/// One line of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Milliseconds since the start of the trace.
    pub at_ms: u64,
    /// Which key, numbered by first appearance.
    pub key: u32,
    /// The lifetime that the source gave, 0 where it gave none.
    pub ttl_s: u32,
    /// What was done: one letter.
    pub op: u8,
}

/// The folder of the traces, where one is set.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("SESSILE_TRACES").map(PathBuf::from)
}

/// Reads a whole trace.
///
/// # Errors
/// Names the file, and the line where one cannot be read.
pub fn read(folder: &Path, name: &str) -> Result<Vec<Record>, String> {
    let path = folder.join(format!("{name}.csv.zst"));
    let at = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let file = File::open(&path).map_err(|reason| at(&reason))?;
    let unpacked = zstd::Decoder::new(file).map_err(|reason| at(&reason))?;
    let mut records = Vec::new();
    let mut lines = BufReader::with_capacity(1 << 20, unpacked);
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let length = lines.read_line(&mut line).map_err(|reason| at(&reason))?;
        if length == 0 {
            break;
        }
        if number == 1 {
            continue;
        }
        let record = parse(line.trim_end()).ok_or_else(|| {
            at(&format!(
                "line {number} is not a record: {}",
                line.trim_end()
            ))
        })?;
        records.push(record);
    }
    Ok(records)
}

fn parse(line: &str) -> Option<Record> {
    let mut fields = line.split(',');
    let at_ms = milliseconds(fields.next()?)?;
    let op = *fields.next()?.as_bytes().first()?;
    let key = fields.next()?.parse().ok()?;
    let _value_size = fields.next()?;
    let ttl_s = fields.next()?.parse().ok()?;
    Some(Record {
        at_ms,
        key,
        ttl_s,
        op,
    })
}

/// Seconds with up to three places, exactly.
fn milliseconds(text: &str) -> Option<u64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let mut ms = whole.parse::<u64>().ok()?.checked_mul(1_000)?;
    let mut worth = 100;
    for digit in places.chars().take(3) {
        ms += u64::from(digit.to_digit(10)?) * worth;
        worth /= 10;
    }
    Some(ms)
}

/// The anchors beside the traces: a head and lines of figures.
///
/// # Errors
/// Names the file.
pub fn anchors(folder: &Path, name: &str) -> Result<Vec<Anchor>, String> {
    let path = folder.join(format!("{name}.csv"));
    let text =
        std::fs::read_to_string(&path).map_err(|reason| format!("{}: {reason}", path.display()))?;
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    Ok(lines
        .map(|line| Anchor {
            cells: heads
                .iter()
                .zip(line.split(','))
                .map(|(head, cell)| ((*head).to_owned(), cell.to_owned()))
                .collect(),
        })
        .collect())
}

/// One line of an anchors file, by the heads of its columns.
#[derive(Clone, Debug)]
pub struct Anchor {
    cells: Vec<(String, String)>,
}

impl Anchor {
    /// The cell under this head; empty where there is none.
    #[must_use]
    pub fn text(&self, head: &str) -> &str {
        self.cells
            .iter()
            .find(|(name, _)| name == head)
            .map_or("", |(_, cell)| cell)
    }

    /// The figure under this head.
    #[must_use]
    pub fn figure(&self, head: &str) -> Option<f64> {
        self.text(head).parse().ok()
    }

    /// The whole number under this head.
    #[must_use]
    pub fn number(&self, head: &str) -> Option<usize> {
        self.text(head).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, parse};

    #[test]
    fn times_are_read_exactly() {
        assert_eq!(milliseconds("0.000"), Some(0));
        assert_eq!(milliseconds("12"), Some(12_000));
        assert_eq!(milliseconds("12.34"), Some(12_340));
        assert_eq!(milliseconds("x"), None);
    }

    #[test]
    fn a_short_line_is_no_record() {
        assert!(parse("0.5,g,7").is_none());
        let record = parse("0.5,t,7,0,30").expect("a whole line");
        assert_eq!((record.at_ms, record.op), (500, b't'));
        assert_eq!((record.key, record.ttl_s), (7, 30));
    }
}
