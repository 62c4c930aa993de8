//! The verbs on records of our own form: compare-and-swap by the server, versions and ends by us.

use std::time::Duration;

use bytes::Bytes;

use super::connection::nonsense;
use super::record::{self, Record};
use super::reply::Code;
use super::request::{Mode, Request};
use super::stamp;
use super::store::{Inner, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::store::random::draw_version;
use crate::store::remote::Failed;
use crate::store::{Created, Lived, Loaded, Replaced, Terms, Version};
use crate::sync::atomic::{AtomicBool, Ordering};

/// How often a write that lost to another one is tried again. Each time somebody else won.
const ROUNDS_MAX: usize = 64;

/// What is under a name, with the number of its state.
enum Seen {
    Nothing,
    /// A record that has ended, or none of ours.
    Absent(u64),
    Live(u64, Record),
}

async fn see(inner: &Inner, place: &Place<'_>, is_use: bool) -> Result<Seen, Failed> {
    let key = &place.name;
    let answer = place.ask(&Request::Get { key, is_use }).await?;
    match (answer.reply.code, answer.reply.cas) {
        (Code::NotFound, _) => Ok(Seen::Nothing),
        (Code::Value(_), Some(cas)) => {
            let is_ours = answer.reply.flags == Some(0) && !answer.reply.is_stale;
            Ok(match record::parse(&answer.value).filter(|_| is_ours) {
                Some(record) if record.end_ms > inner.clock.wall_ms() => Seen::Live(cas, record),
                Some(_) => Seen::Absent(cas),
                None => {
                    tracing::warn!(
                        "memcached holds something else than a session under the name of one"
                    );
                    Seen::Absent(cas)
                }
            })
        }
        _ => Err(nonsense()),
    }
}

async fn find(inner: &Inner, place: &Place<'_>, is_use: bool) -> Result<Option<Record>, Failed> {
    Ok(match see(inner, place, is_use).await? {
        Seen::Live(_, record) => Some(record),
        Seen::Nothing | Seen::Absent(_) => None,
    })
}

pub(super) async fn load(inner: &Inner, place: &Place<'_>) -> Result<Option<Loaded>> {
    let ask = |_| find(inner, place, true);
    let found = inner
        .patience
        .ask("load a session from memcached", ask)
        .await?;
    Ok(found.map(Record::loaded))
}

pub(super) async fn load_left(inner: &Inner, place: &Place<'_>) -> Result<Option<Lived>> {
    let ask = |_| find(inner, place, true);
    let found = inner
        .patience
        .ask("load a session from memcached", ask)
        .await?;
    Ok(found.map(|record| Lived {
        left: Some(stamp::left(inner.clock.wall_ms(), record.end_ms)),
        loaded: record.loaded(),
    }))
}

pub(super) async fn exists(inner: &Inner, place: &Place<'_>) -> Result<bool> {
    let ask = |_| find(inner, place, false);
    let found = inner
        .patience
        .ask("look for a session in memcached", ask)
        .await?;
    Ok(found.is_some())
}

/// One write: the same bytes under the same version, however often it is sent.
struct Write<'w> {
    place: &'w Place<'w>,
    version: Version,
    head: [u8; record::HEAD_BYTES],
    value: &'w [u8],
    time_to_live: i32,
}

impl<'w> Write<'w> {
    fn new(inner: &Inner, place: &'w Place<'w>, value: &'w [u8], terms: Terms) -> Result<Self> {
        let version = draw_version()?;
        Ok(Self::of(inner, place, version, value, terms.time_to_live()))
    }

    fn of(
        inner: &Inner,
        place: &'w Place<'w>,
        version: Version,
        value: &'w [u8],
        time_to_live: Option<Duration>,
    ) -> Self {
        let now_ms = inner.clock.wall_ms();
        let end_ms = stamp::end_ms(now_ms, time_to_live);
        Self {
            place,
            version,
            head: record::head(version, end_ms, value),
            value,
            time_to_live: stamp::ceiling(now_ms, end_ms),
        }
    }

    /// Whether the server wrote; `false` if the mode did not allow it.
    async fn send(&self, mode: Mode) -> Result<bool, Failed> {
        let sent = self
            .place
            .set(&self.head, self.value, self.time_to_live, mode);
        match sent.await? {
            Code::Done => Ok(true),
            Code::NotStored | Code::Exists | Code::NotFound => Ok(false),
            _ => Err(nonsense()),
        }
    }
}

pub(super) async fn put(
    inner: &Inner,
    place: &Place<'_>,
    value: &Bytes,
    terms: Terms,
) -> Result<Version> {
    let write = Write::new(inner, place, value, terms)?;
    let ask = async |_| match write.send(Mode::Set).await? {
        true => Ok(write.version),
        false => Err(nonsense()),
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
    let write = Write::new(inner, place, value, terms)?;
    let ask = async |_| {
        for _ in 0..ROUNDS_MAX {
            if write.send(Mode::Add).await? {
                return Ok(Created::Done(write.version));
            }
            // What was in the way may have ended, be none of ours, or be our own first attempt.
            match see(inner, place, false).await? {
                Seen::Nothing => {}
                Seen::Live(_, record) if record.version == write.version => {
                    return Ok(Created::Done(write.version));
                }
                Seen::Live(..) => return Ok(Created::Taken),
                Seen::Absent(cas) => {
                    if write.send(Mode::Swap(cas)).await? {
                        return Ok(Created::Done(write.version));
                    }
                }
            }
        }
        Err(contended())
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
    let write = Write::new(inner, place, value, terms)?;
    let ask = async |_| {
        for _ in 0..ROUNDS_MAX {
            let (cas, found) = match see(inner, place, false).await? {
                Seen::Nothing | Seen::Absent(_) => return Ok(Replaced::Gone),
                Seen::Live(cas, record) => (cas, record.version),
            };
            if found == write.version {
                return Ok(Replaced::Done(write.version));
            }
            if expected.is_some_and(|expected| expected != found) {
                return Ok(Replaced::Conflict(found));
            }
            // Refused if anybody wrote since, a touch included: then look again.
            if write.send(Mode::Swap(cas)).await? {
                return Ok(Replaced::Done(write.version));
            }
        }
        Err(contended())
    };
    inner
        .patience
        .ask("replace a session in memcached", ask)
        .await
}

/// Writes the record again with another end. The server's own touch would move its ceiling only.
pub(super) async fn touch(
    inner: &Inner,
    place: &Place<'_>,
    time_to_live: Duration,
) -> Result<bool> {
    let ask = async |_| {
        for _ in 0..ROUNDS_MAX {
            let Seen::Live(cas, record) = see(inner, place, false).await? else {
                return Ok(false);
            };
            let ttl = Some(time_to_live);
            let write = Write::of(inner, place, record.version, &record.value, ttl);
            if write.send(Mode::Swap(cas)).await? {
                return Ok(true);
            }
        }
        Err(contended())
    };
    inner
        .patience
        .ask("touch a session in memcached", ask)
        .await
}

pub(super) async fn remove(inner: &Inner, place: &Place<'_>) -> Result<bool> {
    // Set while the answer to a removal is out: whoever finds nothing then has removed it himself, or
    // lost a race that he cannot see.
    let is_in_doubt = AtomicBool::new(false);
    let is_in_doubt = &is_in_doubt;
    let ask = async move |_| {
        for round in 0..=ROUNDS_MAX {
            let (cas, is_live) = match see(inner, place, false).await? {
                // Relaxed: the attempts of one call follow each other.
                Seen::Nothing => return Ok(is_in_doubt.load(Ordering::Relaxed)),
                Seen::Absent(cas) => (cas, false),
                Seen::Live(cas, _) => (cas, true),
            };
            // Somebody who writes all the time does not keep a session from being signed out.
            let cas = (round < ROUNDS_MAX).then_some(cas);
            is_in_doubt.store(is_live, Ordering::Relaxed);
            let code = place.delete(cas).await?;
            is_in_doubt.store(false, Ordering::Relaxed);
            match code {
                Code::Done => return Ok(is_live),
                Code::NotFound => return Ok(false),
                Code::Exists => {}
                _ => return Err(nonsense()),
            }
        }
        Err(contended())
    };
    inner
        .patience
        .ask("remove a session from memcached", ask)
        .await
}

fn contended() -> Failed {
    Failed::ForGood(Error::new(
        ErrorKind::Conflict,
        "write a session to memcached: others wrote it each time; nothing was written, try again later",
    ))
}
