//! The verbs on records that are the value and nothing else, as Flask-Session writes them.
//!
//! There is no place for a version or an exact end: a version is a digest of the content, and the
//! server's whole seconds are the end.

use std::time::Duration;

use bytes::Bytes;

use super::connection::nonsense;
use super::reply::Code;
use super::request::{Mode, Request};
use super::stamp;
use super::store::{Inner, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::Failed;
use crate::store::{Created, Loaded, Replaced, Terms, Version};

/// As for native records.
const ROUNDS_MAX: usize = 64;

fn version_of(value: &[u8]) -> Version {
    let digest = blake3::hash(value);
    let first = digest.as_bytes().first_chunk().copied().unwrap_or_default();
    Version::from_u64(u64::from_be_bytes(first))
}

/// The value and the number of its state. Client flags mean that somebody pickled or packed it.
async fn see(place: &Place<'_>, is_use: bool) -> Result<Option<(u64, Bytes)>, Failed> {
    let key = &place.name;
    let answer = place.ask(&Request::Get { key, is_use }).await?;
    match (answer.reply.code, answer.reply.cas) {
        (Code::NotFound, _) => Ok(None),
        (Code::Value(_), Some(_)) if answer.reply.is_stale || answer.reply.flags != Some(0) => {
            tracing::warn!("memcached holds something else than a session under the name of one");
            Ok(None)
        }
        (Code::Value(_), Some(cas)) => Ok(Some((cas, answer.value))),
        _ => Err(nonsense()),
    }
}

pub(super) async fn load(inner: &Inner, place: &Place<'_>) -> Result<Option<Loaded>> {
    let ask = |_| see(place, true);
    let found = inner
        .patience
        .ask("load a session from memcached", ask)
        .await?;
    Ok(found.map(|(_, value)| Loaded {
        version: version_of(&value),
        value,
    }))
}

pub(super) async fn exists(inner: &Inner, place: &Place<'_>) -> Result<bool> {
    let ask = async |_| {
        let answer = place.ask(&Request::Probe { key: &place.name }).await?;
        yes_or_no(answer.reply.code)
    };
    inner
        .patience
        .ask("look for a session in memcached", ask)
        .await
}

pub(super) async fn put(
    inner: &Inner,
    place: &Place<'_>,
    value: &Bytes,
    terms: Terms,
) -> Result<Version> {
    let time_to_live = stamp::whole(inner.clock.wall_ms(), terms.time_to_live());
    let ask = async |_| match place.set(b"", value, time_to_live, Mode::Set).await? {
        Code::Done => Ok(version_of(value)),
        _ => Err(nonsense()),
    };
    inner
        .patience
        .ask("store a session in memcached", ask)
        .await
}

pub(super) async fn create(
    inner: &Inner,
    place: &Place<'_>,
    value: &Bytes,
    terms: Terms,
) -> Result<Created> {
    let version = version_of(value);
    let time_to_live = stamp::whole(inner.clock.wall_ms(), terms.time_to_live());
    let ask = async |attempt| match place.set(b"", value, time_to_live, Mode::Add).await? {
        Code::Done => Ok(Created::Done(version)),
        // Equal content after a lost answer is taken for our own.
        Code::NotStored if attempt > 0 => {
            let found = see(place, false).await?;
            Ok(match found.is_some_and(|(_, there)| there == *value) {
                true => Created::Done(version),
                false => Created::Taken,
            })
        }
        Code::NotStored => Ok(Created::Taken),
        _ => Err(nonsense()),
    };
    inner
        .patience
        .ask("create a session in memcached", ask)
        .await
}

pub(super) async fn replace(
    inner: &Inner,
    place: &Place<'_>,
    value: &Bytes,
    terms: Terms,
    expected: Option<Version>,
) -> Result<Replaced> {
    let version = version_of(value);
    let time_to_live = stamp::whole(inner.clock.wall_ms(), terms.time_to_live());
    let ask = async |attempt| {
        for _ in 0..ROUNDS_MAX {
            let mode = match expected {
                None => Mode::Replace,
                Some(expected) => {
                    let Some((cas, there)) = see(place, false).await? else {
                        return Ok(Replaced::Gone);
                    };
                    let found = version_of(&there);
                    if found != expected {
                        return Ok(match attempt > 0 && found == version {
                            true => Replaced::Done(version),
                            false => Replaced::Conflict(found),
                        });
                    }
                    Mode::Swap(cas)
                }
            };
            match place.set(b"", value, time_to_live, mode).await? {
                Code::Done => return Ok(Replaced::Done(version)),
                Code::NotStored | Code::NotFound => return Ok(Replaced::Gone),
                Code::Exists => {}
                _ => return Err(nonsense()),
            }
        }
        Err(Failed::ForGood(Error::new(
            ErrorKind::Conflict,
            "replace a session in memcached: others wrote it each time; nothing was written",
        )))
    };
    inner
        .patience
        .ask("replace a session in memcached", ask)
        .await
}

pub(super) async fn touch(
    inner: &Inner,
    place: &Place<'_>,
    time_to_live: Duration,
) -> Result<bool> {
    if time_to_live.is_zero() {
        return remove(inner, place).await;
    }
    let time_to_live = stamp::whole(inner.clock.wall_ms(), Some(time_to_live));
    let ask = async |_| {
        let key = &place.name;
        let answer = place.ask(&Request::Touch { key, time_to_live }).await?;
        yes_or_no(answer.reply.code)
    };
    inner
        .patience
        .ask("touch a session in memcached", ask)
        .await
}

pub(super) async fn remove(inner: &Inner, place: &Place<'_>) -> Result<bool> {
    let ask = async |_| yes_or_no(place.delete(None).await?);
    inner
        .patience
        .ask("remove a session from memcached", ask)
        .await
}

fn yes_or_no(code: Code) -> Result<bool, Failed> {
    match code {
        Code::Done => Ok(true),
        Code::NotFound => Ok(false),
        _ => Err(nonsense()),
    }
}
