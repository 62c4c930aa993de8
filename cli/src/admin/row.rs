//! What may be shown of a record: everything but what would open or reveal a session.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{HumanBytes, HumanDuration};
use serde::Serialize;
use sessile::codec::{Format, Limits, Record, Value};
use sessile::session::{OWNER_LIST_PREFIX, SessionHandle};
use sessile::store::Surveyed;

/// One record, without its key and its values.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Names it for `show` and `revoke`, and opens nothing.
    pub(super) handle: String,
    pub(super) owner: Option<String>,
    /// Seconds since the epoch; none where the record does not say.
    created: Option<u64>,
    written: Option<u64>,
    /// Seconds; none for ever.
    left: Option<u64>,
    bytes: usize,
    /// How many values; none where the record cannot be read.
    values: Option<usize>,
}

/// Whether the record is a session: not an owner's list of them, nor what a session left behind.
pub(super) fn is_session(surveyed: &Surveyed) -> bool {
    !surveyed.key.starts_with(OWNER_LIST_PREFIX.as_bytes()) && !is_claim(surveyed)
}

/// Whether a session was here that lives on under another id.
pub(super) fn is_claim(surveyed: &Surveyed) -> bool {
    let record = Record::decode(surveyed.value.clone(), &Limits::default());
    record.is_ok_and(|record| record.header.moved)
}

/// What may be shown of a record, and the record itself if it can be read.
pub(super) fn read(surveyed: &Surveyed) -> (Row, Option<Record>) {
    let record = Record::decode(surveyed.value.clone(), &Limits::default()).ok();
    let header = record.as_ref().map(|record| &record.header);
    let seconds = |ms: u64| (ms > 0).then_some(ms / 1000);
    let row = Row {
        handle: SessionHandle::of_record(&surveyed.key).to_string(),
        owner: header.and_then(|header| Some(header.owner.as_deref()?.to_owned())),
        created: header.and_then(|header| seconds(header.created_ms)),
        written: header.and_then(|header| seconds(header.written_ms)),
        left: surveyed.left.map(|left| left.as_secs()),
        bytes: surveyed.value.len(),
        values: record.as_ref().map(|record| record.fields.len()),
    };
    (row, record)
}

impl Row {
    pub(super) const HEAD: &str = "handle                            owner             created        left           bytes      values";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.left.map_or("for ever".to_owned(), |left| {
            HumanDuration(Duration::from_secs(left)).to_string()
        });
        let values = self
            .values
            .map_or("unreadable".to_owned(), |values| values.to_string());
        write!(
            f,
            "{}  {:<16}  {:<13}  {:<13}  {:<9}  {values}",
            self.handle,
            shown(self.owner.as_deref().unwrap_or("-"), 16),
            self.created.map_or("-".to_owned(), ago),
            left,
            HumanBytes(self.bytes as u64).to_string(),
        )
    }
}

/// Text of users, fit for a terminal.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut shown: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(most)
        .collect();
    if text.chars().count() > most {
        shown.pop();
        shown.push('…');
    }
    shown
}

pub(super) fn ago(seconds: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_secs(seconds);
    match SystemTime::now().duration_since(then) {
        Ok(past) => format!("{} ago", HumanDuration(past)),
        Err(_) => "just now".to_owned(),
    }
}

/// Of which kind a value is, and how large.
pub(super) fn kind(format: Format, value: &[u8]) -> String {
    let kind = match format.decode::<Value>(value) {
        Ok(Value::Null) => "nothing",
        Ok(Value::Bool(_)) => "a truth value",
        Ok(Value::Unsigned(_) | Value::Signed(_) | Value::Float(_)) => "a number",
        Ok(Value::Text(_)) => "text",
        Ok(Value::Bytes(_)) => "bytes",
        Ok(Value::List(values)) => return format!("a list of {}", values.len()),
        Ok(Value::Map(pairs)) => return format!("a map of {}", pairs.len()),
        _ => "unreadable",
    };
    format!("{kind}, {}", HumanBytes(value.len() as u64))
}
