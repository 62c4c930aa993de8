//! Going through all records, page by page, for administration.

use std::time::Duration;

use super::dialect::Form;
use super::link::Row;
use super::statement::{Value, Values};
use super::store::{Inner, SqlStore, left};
use super::write::version_of;
use crate::error::{Error, ErrorKind, Result};
use crate::store::span::verb;
use crate::store::{Cursor, Page, Survey, Surveyed, TimeToLive, Version, page_limit};

/// Pages are in the order of the keys and found by their index, so that each costs the same however far
/// it is; none is a snapshot. Takes memory for `limit` values.
///
/// A key is listed as it is stored: those of which only a digest is kept (longer than 255 bytes; in
/// tables of Python, what is not printable ASCII or too long) are not known any more.
impl Survey for SqlStore {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        verb("sql", "page", async move {
            const WHAT: &str = "list sessions";
            let inner = self.inner();
            let limit = page_limit(limit);
            let (statement, key) = match &after {
                None => (&inner.texts.first_page, Value::Bytes(&[])),
                Some(cursor) => (&inner.texts.next_page, inner.stored(cursor)?),
            };
            let values = Values {
                limit: i64::try_from(limit).unwrap_or(i64::MAX),
                ..Values::of(key)
            };
            let rows = inner.patience.ask(WHAT, |_| async move {
                let mut lease = inner.reads.lend(WHAT).await?;
                let rows = lease.rows(statement, values).await;
                rows.map_err(|fault| fault.into_failed(WHAT))
            });
            let rows = rows.await?;
            let is_full = rows.len() >= limit;
            let last = rows.last().and_then(|row| row.key.clone());
            Ok(Page {
                records: rows
                    .into_iter()
                    .filter_map(|row| surveyed(inner.form, row))
                    .collect(),
                next: last.filter(|_| is_full).map(Cursor::new),
            })
        })
        .await
    }
}

impl Inner {
    /// The key that a cursor holds, as it is stored.
    fn stored<'c>(&self, cursor: &'c Cursor) -> Result<Value<'c>> {
        let key = cursor.as_bytes();
        match (self.form, std::str::from_utf8(key)) {
            (Form::Native, _) if key.len() <= 256 => Ok(Value::Bytes(key)),
            (Form::FlaskSession | Form::Django, Ok(text)) if key.len() <= 255 => {
                Ok(Value::Text(text))
            }
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                "list sessions: the cursor is of another store",
            )),
        }
    }
}

fn surveyed(form: Form, row: Row) -> Option<Surveyed> {
    let left: Option<Duration> = match left(form, row.left_ms) {
        TimeToLive::Forever => None,
        TimeToLive::Left(left) => Some(left),
    };
    let (key, value) = (row.key?, row.data?);
    let version = match row.version {
        Some(version) => Version::from_u64(version.cast_unsigned()),
        None => version_of(&value),
    };
    Some(Surveyed {
        key: key.into(),
        value: value.into(),
        version,
        left,
    })
}
