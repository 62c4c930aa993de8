//! Lists records for administration, bucket by bucket, in the order of their names.

use std::time::Duration;

use bytes::Bytes;

use super::directory::Bucket;
use super::name::{BUCKETS, Name};
use super::record::FOREVER;
use super::verbs::{Files, Found};
use crate::error::{Error, Result};
use crate::store::{Cursor, Page, Surveyed};

/// Files that one page opens.
const LOOKS_MAX: usize = 4096;
/// A page ends when its values have so many bytes.
const BYTES_MAX: usize = 8 << 20;

impl Files {
    /// Up to `limit` live records after a cursor, which is the name of the last file looked at.
    pub(super) fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let after = after.map(name_of).transpose()?;
        let first = after.map_or(0, |after| u16::from(after.bucket()));
        let mut page = Page::default();
        let (mut looks, mut bytes) = (0, 0);
        let mut last = after;
        for number in first..BUCKETS {
            let Some(bucket) = self
                .directory
                .bucket(u8::try_from(number).unwrap_or(u8::MAX))?
            else {
                continue;
            };
            for name in self.names_held(&bucket)? {
                if after.is_some_and(|after| name <= after) {
                    continue;
                }
                if page.records.len() == limit || looks == LOOKS_MAX || bytes >= BYTES_MAX {
                    page.next =
                        last.map(|last| Cursor::new(Bytes::copy_from_slice(&last.to_bytes())));
                    return Ok(page);
                }
                looks += 1;
                last = Some(name);
                if let Some(record) = self.surveyed(&bucket, name)? {
                    bytes += record.value.len();
                    page.records.push(record);
                }
            }
        }
        Ok(page)
    }

    /// A directory's listing may miss a name that is renamed to meanwhile. Nobody renames while the
    /// bucket's lock is held.
    fn names_held(&self, bucket: &Bucket) -> Result<Vec<Name>> {
        let _held = self.directory.lock_bucket(bucket)?;
        bucket.names()
    }

    fn surveyed(&self, bucket: &Bucket, name: Name) -> Result<Option<Surveyed>> {
        // A stamp that is being written may look damaged for a moment.
        for _ in 0..3 {
            let record = match self.read(bucket, name)? {
                Found::Nothing | Found::Newer => return Ok(None),
                Found::Damaged => continue,
                Found::Record(record) => record,
            };
            let now = self.now();
            let left = record.stamp.deadline.saturating_sub(now);
            return Ok((left > 0).then(|| Surveyed {
                key: record.key,
                value: record.value,
                version: record.version,
                left: (record.stamp.deadline != FOREVER).then(|| Duration::from_millis(left)),
            }));
        }
        Ok(None)
    }
}

fn name_of(cursor: &Cursor) -> Result<Name> {
    let bytes = cursor.as_bytes().try_into().map_err(|_| {
        Error::input(
            "list a file store: the cursor is not one of a file store's; begin without one",
        )
    })?;
    Ok(Name::from_bytes(bytes))
}
