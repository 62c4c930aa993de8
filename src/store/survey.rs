//! Listing what a store holds, page by page, for administration.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::SessionStore;
use crate::cache::Version;
use crate::error::Result;

/// The most records that one page holds.
pub const PAGE_MAX: usize = 1000;

/// A store that can list its records, for administration: who is signed in, how full it is.
///
/// No verb of a session needs it, and a store whose engine cannot list its keys does without.
///
/// # What the implementor owes
/// - Every record that lives through the whole walk, under one key, is seen at least once, replaced or
///   touched meanwhile or not. Records that come or go during the walk may be seen or not; one may be
///   seen twice.
/// - A page is no snapshot: each record is as it was at some moment of the call, whole, and alive then.
/// - A page holds at most `limit` records and costs a bounded amount of work. It may hold fewer, also
///   none, with a [`next`](Page::next): only `None` there ends the walk.
/// - Nobody has to be held up: the walk keeps no lock, transaction or server's cursor between pages, so
///   that it may be left at any time.
/// - Listing does not count as use: no idle timeout starts again.
///
/// # Example
/// ```
/// use sessile::store::Survey;
///
/// async fn count(store: &impl Survey) -> sessile::Result<usize> {
///     let (mut count, mut after) = (0, None);
///     loop {
///         let page = store.page(after, 100).await?;
///         count += page.records.len();
///         after = page.next;
///         if after.is_none() {
///             return Ok(count);
///         }
///     }
/// }
/// # use std::{pin::pin, sync::Arc, task::{Context, Poll, Waker}};
/// # use sessile::{Cache, CacheStore, Terms};
/// # let cache = Cache::builder().unlimited_entries().build()?;
/// # cache.insert("a", "1", Terms::forever())?;
/// # cache.insert("b", "2", Terms::forever())?;
/// # let store = CacheStore::new(Arc::new(cache));
/// # let done = pin!(count(&store)).poll(&mut Context::from_waker(Waker::noop()));
/// # assert!(matches!(done, Poll::Ready(Ok(2))));
/// # Ok::<(), sessile::Error>(())
/// ```
pub trait Survey: SessionStore {
    /// Returns up to `limit` records after a cursor, or the first ones without.
    ///
    /// `limit` is from 1 to [`PAGE_MAX`]; what is outside is brought inside. Cancelled, it has changed
    /// nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a cursor that this store did not give;
    /// faults of the backend.
    fn page(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page>> + Send;
}

/// Brings the limit of a page inside its range, from 1 to [`PAGE_MAX`]; for authors of stores.
///
/// ```
/// use sessile::store::page_limit;
/// assert_eq!((page_limit(0), page_limit(50), page_limit(9999)), (1, 50, 1000));
/// ```
#[must_use]
pub const fn page_limit(limit: usize) -> usize {
    match limit {
        0 => 1,
        1..=PAGE_MAX => limit,
        _ => PAGE_MAX,
    }
}

/// Some records of a store, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The records, in no order that means anything.
    pub records: Vec<Surveyed>,
    /// What to ask for the next page with; `None` at the end of the walk, and only there.
    pub next: Option<Cursor>,
}

/// A record as a [`Survey`] shows it.
///
/// `Debug` shows the lengths of key and value and neither of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// The key that it was written under.
    pub key: Bytes,
    /// The bytes that were stored.
    pub value: Bytes,
    /// Names the write that stored them, for [`SessionStore::replace`].
    pub version: Version,
    /// How long it had left to live when it was seen; `None` for ever.
    pub left: Option<Duration>,
}

impl fmt::Debug for Surveyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surveyed")
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .field("version", &self.version)
            .field("left", &self.left)
            .finish()
    }
}

/// Where a walk through a store stands.
///
/// Its bytes mean something only to the store that gave it. They may hold a key, so `Debug` shows
/// their length, and they are as secret as a record.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// Makes a cursor of what the store needs to go on.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// What the cursor was made of, to carry it somewhere else and back.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_lengths_only() {
        let record = Surveyed {
            key: "secret-key".into(),
            value: "secret-value".into(),
            version: Version::from_u64(7),
            left: None,
        };
        let page = Page {
            records: vec![record],
            next: Some(Cursor::new("secret-cursor")),
        };
        let shown = format!("{page:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("key_bytes: 10"), "{shown}");
        assert!(shown.contains("Cursor(13 bytes)"), "{shown}");
    }
}
