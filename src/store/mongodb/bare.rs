//! The verbs on documents as Flask-Session 0.8 writes them: `{ _id, id, val, expiration }`.
//!
//! There is no place for a version: it is a digest of the content, and what is compared before a write
//! is the content itself.

use std::time::Duration;

use ::mongodb::bson::{DateTime, Document, doc};
use bytes::Bytes;

use super::document::{BARE, Record, binary, end, version_of};
use super::fault::{failed, is_duplicate, stored};
use super::store::{Inner, contended};
use crate::error::Result;
use crate::store::remote::Failed;
use crate::store::{Created, Replaced, Terms, Version};

const ROUNDS_MAX: usize = 64;

fn at(key: &str) -> Document {
    doc! { BARE.key: key }
}

fn live_at(inner: &Inner, key: &str) -> Document {
    let mut filter = at(key);
    filter.extend(BARE.live(inner.now_ms()));
    filter
}

/// An update that writes value and end.
fn writing(value: &[u8], end: Option<DateTime>) -> Document {
    match end {
        Some(end) => doc! { "$set": { BARE.value: binary(value), BARE.end: end } },
        None => doc! { "$set": { BARE.value: binary(value) }, "$unset": { BARE.end: "" } },
    }
}

pub(super) async fn find(inner: &Inner, key: &str) -> Result<Option<Record>, Failed> {
    let found = inner.sessions.find_one(at(key)).await.map_err(failed)?;
    Ok(inner.live_record(&BARE, found))
}

pub(super) async fn exists(inner: &Inner, key: &str) -> Result<bool, Failed> {
    let found = inner
        .sessions
        .find_one(live_at(inner, key))
        .projection(doc! { BARE.key: 1 });
    Ok(found.await.map_err(failed)?.is_some())
}

pub(super) async fn put(inner: &Inner, key: &str, value: &Bytes, terms: Terms) -> Result<Version> {
    let update = writing(value, end(inner.now_ms(), terms.time_to_live()));
    let ask = async |_| {
        let put = inner
            .sessions
            .update_one(at(key), update.clone())
            .upsert(true);
        stored(&put.await.map_err(failed)?)?;
        Ok(version_of(value))
    };
    inner.patience.ask("store a session in MongoDB", ask).await
}

/// Inserts if there is nothing. What is there is overwritten if it is no living session.
pub(super) async fn create(
    inner: &Inner,
    key: &str,
    value: &Bytes,
    terms: Terms,
) -> Result<Created> {
    let version = version_of(value);
    let end = end(inner.now_ms(), terms.time_to_live());
    let ask = async |attempt| {
        let mut first = doc! { BARE.value: binary(value) };
        if let Some(end) = end {
            first.insert(BARE.end, end);
        }
        let insert = inner
            .sessions
            .update_one(at(key), doc! { "$setOnInsert": first })
            .upsert(true);
        match insert.await {
            Ok(done) if done.upserted_id.is_some() => return Ok(Created::Done(version)),
            Ok(_) => {}
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(failed(error)),
        }
        let mut filter = at(key);
        filter.insert("$nor", vec![BARE.live(inner.now_ms())]);
        let taken_over = inner.sessions.update_one(filter, writing(value, end));
        if taken_over.await.map_err(failed)?.matched_count > 0 {
            return Ok(Created::Done(version));
        }
        // Equal content after a lost answer is taken for our own.
        let is_ours = attempt > 0
            && find(inner, key)
                .await?
                .is_some_and(|record| record.version == version);
        Ok(if is_ours {
            Created::Done(version)
        } else {
            Created::Taken
        })
    };
    inner.patience.ask("create a session in MongoDB", ask).await
}

pub(super) async fn replace(
    inner: &Inner,
    key: &str,
    value: &Bytes,
    terms: Terms,
    expected: Option<Version>,
) -> Result<Replaced> {
    let version = version_of(value);
    let update = writing(value, end(inner.now_ms(), terms.time_to_live()));
    let ask = async |attempt| {
        for _ in 0..ROUNDS_MAX {
            let mut filter = live_at(inner, key);
            if let Some(expected) = expected {
                let Some(found) = find(inner, key).await? else {
                    return Ok(Replaced::Gone);
                };
                if found.version != expected {
                    return Ok(match attempt > 0 && found.version == version {
                        true => Replaced::Done(version),
                        false => Replaced::Conflict(found.version),
                    });
                }
                filter.insert(BARE.value, binary(&found.value));
            }
            let replaced = inner.sessions.update_one(filter, update.clone());
            match replaced.await.map_err(failed)?.matched_count {
                0 if expected.is_none() => return Ok(Replaced::Gone),
                0 => {}
                _ => return Ok(Replaced::Done(version)),
            }
        }
        Err(contended())
    };
    inner
        .patience
        .ask("replace a session in MongoDB", ask)
        .await
}

pub(super) async fn touch(inner: &Inner, key: &str, time_to_live: Duration) -> Result<bool> {
    let update = BARE.moving(end(inner.now_ms(), Some(time_to_live)));
    let ask = async |_| {
        let touched = inner
            .sessions
            .update_one(live_at(inner, key), update.clone());
        Ok(touched.await.map_err(failed)?.matched_count > 0)
    };
    inner.patience.ask("touch a session in MongoDB", ask).await
}

pub(super) async fn remove(inner: &Inner, key: &str) -> Result<bool> {
    let ask = async |_| {
        let removed = inner.sessions.delete_one(live_at(inner, key));
        Ok(removed.await.map_err(failed)?.deleted_count > 0)
    };
    inner
        .patience
        .ask("remove a session from MongoDB", ask)
        .await
}
