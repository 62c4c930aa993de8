//! Listing the sessions, for administration.

use ::mongodb::bson::{Bson, Document, doc};

use super::document::{BARE, Fields, NATIVE, binary};
use super::fault::failed;
use super::store::{Inner, MongoStore};
use crate::cache::TimeToLive;
use crate::error::{Error, Result};
use crate::store::remote::Failed;
use crate::store::span::verb;
use crate::store::{Cursor, Page, Survey, Surveyed, page_limit};

/// Walks in the order of the keys. A page is one batch of the server's, 16 MiB at most, behind the last
/// key of the page before; the server keeps no cursor in between.
impl Survey for MongoStore {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        verb("mongodb", "page", async move {
            let inner = self.inner();
            let fields = if inner.is_bare { &BARE } else { &NATIVE };
            let after = after.as_ref().map(Cursor::as_bytes);
            let condition = match (after, inner.is_bare) {
                (None, true) => doc! { "$type": "string" },
                (None, false) => doc! { "$type": "binData" },
                (Some(key), false) => doc! { "$gt": binary(key) },
                (Some(key), true) => match std::str::from_utf8(key) {
                    Ok(key) => doc! { "$gt": key },
                    Err(_) => return Err(foreign()),
                },
            };
            // Negative: what does not fit into the first batch is left for the next page.
            let most = -i64::try_from(page_limit(limit)).unwrap_or(1);
            let ask = async |_| one_batch(inner, fields, &condition, most).await;
            inner.patience.ask("list sessions in MongoDB", ask).await
        })
        .await
    }
}

async fn one_batch(
    inner: &Inner,
    fields: &Fields,
    condition: &Document,
    most: i64,
) -> Result<Page, Failed> {
    let order = doc! { fields.key: 1 };
    let found = inner
        .sessions
        .find(doc! { fields.key: condition.clone() })
        .sort(order)
        .limit(most);
    let mut found = found.await.map_err(failed)?;
    let mut page = Page::default();
    let now_ms = inner.now_ms();
    while found.advance().await.map_err(failed)? {
        let document = found.deserialize_current().map_err(failed)?;
        page.next = match document.get(fields.key) {
            Some(Bson::Binary(key)) => Some(Cursor::new(key.bytes.clone())),
            Some(Bson::String(key)) => Some(Cursor::new(key.clone())),
            _ => page.next,
        };
        if let Some(record) = inner.live_record(fields, Some(document)) {
            page.records.push(Surveyed {
                left: match record.left(now_ms) {
                    TimeToLive::Forever => None,
                    TimeToLive::Left(left) => Some(left),
                },
                key: record.key,
                value: record.value,
                version: record.version,
            });
        }
    }
    Ok(page)
}

fn foreign() -> Error {
    Error::input("list sessions in MongoDB: the cursor is none of this store's; begin without one")
}
