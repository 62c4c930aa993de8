//! The verbs on documents of our own form: `{ _id, version, value, expires }`.
//!
//! A write takes place if a filter holds for the document, checked and written as one by the server.

use std::time::Duration;

use ::mongodb::bson::{DateTime, Document, doc};
use bytes::Bytes;

use super::document::{NATIVE, Record, VERSION, binary, end, number};
use super::fault::{failed, is_duplicate, stored};
use super::store::{Inner, contended};
use crate::error::Result;
use crate::store::random::draw_version;
use crate::store::remote::Failed;
use crate::store::{Created, Replaced, Terms, Version};

/// How often a replace of whatever is there looks again after it lost a race.
const ROUNDS_MAX: usize = 64;

fn at(key: &[u8]) -> Document {
    doc! { NATIVE.key: binary(key) }
}

fn live(now_ms: u64) -> Document {
    let mut live = NATIVE.live(now_ms);
    live.insert(VERSION, doc! { "$type": "long" });
    live
}

/// Holds for the document of `key`, if it is a session and alive.
fn live_at(inner: &Inner, key: &[u8]) -> Document {
    let mut filter = at(key);
    filter.extend(live(inner.now_ms()));
    filter
}

/// A whole document but for its key, which the filter has.
fn document(version: Version, value: &[u8], end: Option<DateTime>) -> Document {
    let mut document = doc! { VERSION: number(version), NATIVE.value: binary(value) };
    if let Some(end) = end {
        document.insert(NATIVE.end, end);
    }
    document
}

pub(super) async fn find(inner: &Inner, key: &[u8]) -> Result<Option<Record>, Failed> {
    let found = inner.sessions.find_one(at(key)).await.map_err(failed)?;
    Ok(inner.live_record(&NATIVE, found))
}

pub(super) async fn exists(inner: &Inner, key: &[u8]) -> Result<bool, Failed> {
    let found = inner
        .sessions
        .find_one(live_at(inner, key))
        .projection(doc! { NATIVE.key: 1 });
    Ok(found.await.map_err(failed)?.is_some())
}

pub(super) async fn put(inner: &Inner, key: &[u8], value: &Bytes, terms: Terms) -> Result<Version> {
    let version = draw_version()?;
    let end = end(inner.now_ms(), terms.time_to_live());
    let ask = async |_| {
        let document = document(version, value, end);
        let put = inner.sessions.replace_one(at(key), document).upsert(true);
        // Two that insert at once: one of them is a duplicate, and finds the other one next time.
        stored(&put.await.map_err(failed)?)?;
        Ok(version)
    };
    inner.patience.ask("store a session in MongoDB", ask).await
}

/// Overwrites what is no living session, and inserts if there is nothing. A living one makes the filter
/// fail and the insertion a duplicate.
pub(super) async fn create(
    inner: &Inner,
    key: &[u8],
    value: &Bytes,
    terms: Terms,
) -> Result<Created> {
    let version = draw_version()?;
    let end = end(inner.now_ms(), terms.time_to_live());
    let ask = async |attempt| {
        let mut filter = at(key);
        filter.insert("$nor", vec![live(inner.now_ms())]);
        let document = document(version, value, end);
        match inner
            .sessions
            .replace_one(filter, document)
            .upsert(true)
            .await
        {
            Ok(done) => stored(&done).map(|()| Created::Done(version)),
            Err(error) if is_duplicate(&error) => {
                // The first attempt may have arrived without our knowing.
                let is_ours = attempt > 0 && is_there(inner, key, version).await?;
                Ok(if is_ours {
                    Created::Done(version)
                } else {
                    Created::Taken
                })
            }
            Err(error) => Err(failed(error)),
        }
    };
    inner.patience.ask("create a session in MongoDB", ask).await
}

async fn is_there(inner: &Inner, key: &[u8], version: Version) -> Result<bool, Failed> {
    let found = find(inner, key).await?;
    Ok(found.is_some_and(|record| record.version == version))
}

pub(super) async fn replace(
    inner: &Inner,
    key: &[u8],
    value: &Bytes,
    terms: Terms,
    expected: Option<Version>,
) -> Result<Replaced> {
    let version = draw_version()?;
    let end = end(inner.now_ms(), terms.time_to_live());
    let ask = async |_| {
        for _ in 0..ROUNDS_MAX {
            let mut filter = live_at(inner, key);
            if let Some(expected) = expected {
                filter.insert(VERSION, number(expected));
            }
            let document = document(version, value, end);
            let replaced = inner
                .sessions
                .replace_one(filter, document)
                .await
                .map_err(failed)?;
            if replaced.matched_count > 0 {
                return Ok(Replaced::Done(version));
            }
            match find(inner, key).await? {
                None => return Ok(Replaced::Gone),
                Some(found) if found.version == version => return Ok(Replaced::Done(version)),
                Some(found) if expected.is_some_and(|expected| expected != found.version) => {
                    return Ok(Replaced::Conflict(found.version));
                }
                // It came between our two questions: ask again.
                Some(_) => {}
            }
        }
        Err(contended())
    };
    inner
        .patience
        .ask("replace a session in MongoDB", ask)
        .await
}

pub(super) async fn touch(inner: &Inner, key: &[u8], time_to_live: Duration) -> Result<bool> {
    let update = NATIVE.moving(end(inner.now_ms(), Some(time_to_live)));
    let ask = async |_| {
        let touched = inner
            .sessions
            .update_one(live_at(inner, key), update.clone());
        Ok(touched.await.map_err(failed)?.matched_count > 0)
    };
    inner.patience.ask("touch a session in MongoDB", ask).await
}

pub(super) async fn remove(inner: &Inner, key: &[u8]) -> Result<bool> {
    let ask = async |_| {
        let removed = inner.sessions.delete_one(live_at(inner, key));
        Ok(removed.await.map_err(failed)?.deleted_count > 0)
    };
    inner
        .patience
        .ask("remove a session from MongoDB", ask)
        .await
}
