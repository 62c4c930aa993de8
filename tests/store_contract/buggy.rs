//! The embedded store with one bug of many.

use std::time::Duration;

use bytes::Bytes;
use sessile::store::NewRecord;
use sessile::{
    CacheStore, Created, DynStore, Error, Lived, Loaded, Purged, Replaced, Result, SessionStore,
    Terms, TimeToLive, Version,
};

use crate::yield_once;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bug {
    CreateOverwrites,
    ReplaceResurrects,
    ReplaceIgnoresVersion,
    TouchCreates,
    ExistsCountsAsUse,
    DropsMaximumAge,
    ExpiresLate,
    PurgeClears,
    PurgeIgnoresBudget,
    CutsKeys,
    StopsAtNul,
    WritesBeforePoll,
    LeaksKeys,
    PutsInTwoSteps,
    CreatesInTwoSteps,
    OneVersionForAll,
    PanicsOnEmptyKey,
    RemoveAlwaysTrue,
    TellsTooMuchLeft,
    TellsNothingOfWhatIsLeft,
    LoadInvents,
    ReadsExtend,
    EmptyIsAbsent,
    ExistsAlways,
    CutsValues,
    KeepsTextOnly,
    TrimsKeys,
    KnowsKeysByTheirFirstBytes,
    AcceptsAnything,
    CreatesNothing,
    CreateForgets,
    CreateManyOverwrites,
    ReplaceForgets,
    PutForgets,
    PutNeverOverwrites,
    TouchRewrites,
    TouchesInTwoSteps,
    TouchOnlyExtends,
    TouchForgets,
    DropsIdle,
    IdleIgnoresUse,
    ForeverEnds,
    LongLivesWrap,
    PurgeCountsTooMany,
    PurgeNeverEnds,
    CreatesPieceByPiece,
    ReplacesInTwoSteps,
    RemovesPieceByPiece,
}

/// Longer than any lifetime of the checks that they wait for.
const LONG: Duration = Duration::from_secs(3600);

/// The embedded store with one thing wrong.
pub(crate) struct Buggy(pub(crate) CacheStore, pub(crate) Bug);

impl Buggy {
    fn terms(&self, terms: Terms) -> Terms {
        match self.1 {
            Bug::DropsMaximumAge => {
                let kept = terms.time_to_live().map_or(Terms::forever(), Terms::ttl);
                terms.idle_timeout().map_or(kept, |idle| kept.idle(idle))
            }
            Bug::ExpiresLate if terms.idle_timeout().is_none() => match terms.time_to_live() {
                Some(ttl) if !ttl.is_zero() => {
                    Terms::ttl(ttl.saturating_add(Duration::from_millis(1)))
                }
                _ => terms,
            },
            Bug::DropsIdle => terms.time_to_live().map_or(Terms::forever(), Terms::ttl),
            Bug::IdleIgnoresUse => terms.idle_timeout().map_or(terms, Terms::ttl),
            Bug::ForeverEnds if terms == Terms::forever() => Terms::ttl(Duration::from_millis(40)),
            Bug::LongLivesWrap if terms.time_to_live() > Some(LONG) => {
                Terms::ttl(Duration::from_millis(1))
            }
            _ => terms,
        }
    }

    fn value(&self, value: Bytes) -> Bytes {
        match self.1 {
            Bug::CutsValues => value.slice(..value.len().min(100_000)),
            Bug::KeepsTextOnly => String::from_utf8_lossy(&value).into_owned().into(),
            _ => value,
        }
    }

    fn key<'k>(&self, key: &'k [u8]) -> &'k [u8] {
        match self.1 {
            Bug::CutsKeys => &key[..key.len().min(255)],
            Bug::TrimsKeys => key.trim_ascii(),
            Bug::KnowsKeysByTheirFirstBytes => &key[..key.len().min(5)],
            Bug::StopsAtNul => key.split(|&byte| byte == 0).next().unwrap_or_default(),
            Bug::PanicsOnEmptyKey => {
                assert!(!key.is_empty());
                key
            }
            _ => key,
        }
    }

    fn leak<T>(&self, key: &[u8], answer: Result<T>) -> Result<T> {
        match answer {
            Err(error) if self.1 == Bug::LeaksKeys => Err(Error::new(
                error.kind(),
                format!("write {:?}", String::from_utf8_lossy(key)),
            )),
            answer => answer,
        }
    }

    /// What a write answers that should have been refused.
    fn accept<T>(&self, answer: Result<T>, done: T) -> Result<T> {
        match answer {
            Err(_) if self.1 == Bug::AcceptsAnything => Ok(done),
            answer => answer,
        }
    }
}

impl SessionStore for Buggy {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        let key = self.key(key);
        if self.1 == Bug::ReadsExtend {
            self.0.touch(key, LONG).await?;
        }
        let found = self.0.load(key).await?;
        Ok(match self.1 {
            Bug::EmptyIsAbsent => found.filter(|found| !found.value.is_empty()),
            Bug::LoadInvents => found.or_else(|| {
                let (value, version) = (Bytes::new(), Version::from_u64(1));
                Some(Loaded { value, version })
            }),
            _ => found,
        })
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        let found = self.load(key).await?;
        let found = found.filter(|_| self.1 != Bug::TellsNothingOfWhatIsLeft);
        let left = (self.1 == Bug::TellsTooMuchLeft).then_some(TimeToLive::Forever);
        Ok(found.map(|loaded| Lived { loaded, left }))
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        let (key, terms) = (self.key(key), self.terms(terms));
        match self.1 {
            Bug::CreateOverwrites => self.0.put(key, value, terms).await.map(Created::Done),
            Bug::CreatesInTwoSteps => {
                if self.0.exists(key).await? {
                    return Ok(Created::Taken);
                }
                yield_once().await;
                self.0.put(key, value, terms).await.map(Created::Done)
            }
            Bug::CreatesNothing => Ok(Created::Taken),
            Bug::CreateForgets => {
                let created = self.0.create(key, value, terms).await;
                self.0.remove(key).await?;
                created
            }
            Bug::CreatesPieceByPiece => {
                let half = value.slice(..value.len() / 2);
                let Created::Done(version) = self.0.create(key, half, terms).await? else {
                    return Ok(Created::Taken);
                };
                yield_once().await;
                let whole = self.0.replace(key, value, terms, Some(version)).await?;
                match whole {
                    Replaced::Done(version) => Ok(Created::Done(version)),
                    _ => Ok(Created::Taken),
                }
            }
            Bug::OneVersionForAll => {
                let created = self.0.create(key, value, terms).await?;
                Ok(match created {
                    Created::Done(_) => Created::Done(Version::from_u64(1)),
                    Created::Taken => Created::Taken,
                })
            }
            _ => {
                let created = self.0.create(key, self.value(value), terms).await;
                self.accept(self.leak(key, created), Created::Taken)
            }
        }
    }

    async fn create_many(&self, records: Vec<NewRecord>) -> Result<usize> {
        let mut created = 0;
        for NewRecord { key, value, terms } in records {
            created += usize::from(match self.1 {
                Bug::CreateManyOverwrites => self.0.put(&key, value, terms).await.is_ok(),
                _ => matches!(self.create(&key, value, terms).await?, Created::Done(_)),
            });
        }
        Ok(created)
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let (key, terms) = (self.key(key), self.terms(terms));
        let expected = expected.filter(|_| self.1 != Bug::ReplaceIgnoresVersion);
        if self.1 == Bug::ReplaceForgets
            && let Some(found) = self.0.load(key).await?
        {
            return Ok(Replaced::Done(found.version));
        }
        if self.1 == Bug::ReplacesInTwoSteps && self.0.remove(key).await? {
            yield_once().await;
            return self.0.put(key, value, terms).await.map(Replaced::Done);
        }
        let replaced = self.0.replace(key, value.clone(), terms, expected).await;
        match (self.1, replaced) {
            (Bug::ReplaceResurrects, Ok(Replaced::Gone)) => {
                self.0.put(key, value, terms).await.map(Replaced::Done)
            }
            (_, replaced) => self.accept(self.leak(key, replaced), Replaced::Gone),
        }
    }

    fn put(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
    ) -> impl Future<Output = Result<Version>> + Send {
        let (key, terms) = (self.key(key), self.terms(terms));
        let early = (self.1 == Bug::WritesBeforePoll)
            .then(|| self.0.cache().insert(key, value.clone(), terms));
        async move {
            if let Some(early) = early {
                return early;
            }
            if self.1 == Bug::PutsInTwoSteps {
                self.0.remove(key).await?;
                yield_once().await;
            }
            if self.1 == Bug::PutNeverOverwrites
                && let Some(found) = self.0.load(key).await?
            {
                return Ok(found.version);
            }
            let put = self.0.put(key, self.value(value), terms).await;
            let put = self.accept(self.leak(key, put), Version::from_u64(1))?;
            match self.1 {
                Bug::OneVersionForAll => Ok(Version::from_u64(1)),
                Bug::PutForgets => self.0.remove(key).await.map(|_| put),
                _ => Ok(put),
            }
        }
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        let key = self.key(key);
        if self.1 == Bug::TouchForgets {
            return self.0.exists(key).await;
        }
        if self.1 == Bug::TouchRewrites
            && !time_to_live.is_zero()
            && let Some(found) = self.0.load(key).await?
        {
            let put = self.0.put(key, found.value, Terms::ttl(time_to_live)).await;
            return put.map(|_| true);
        }
        if self.1 == Bug::TouchesInTwoSteps
            && !time_to_live.is_zero()
            && let Some(found) = self.0.load(key).await?
        {
            self.0.remove(key).await?;
            yield_once().await;
            let put = self.0.put(key, found.value, Terms::ttl(time_to_live)).await;
            return put.map(|_| true);
        }
        if self.1 == Bug::TouchOnlyExtends
            && let Some(TimeToLive::Left(left)) = self.0.cache().time_to_live(key)
            && left > time_to_live
        {
            return Ok(true);
        }
        let touched = self.0.touch(key, time_to_live).await?;
        if !touched && self.1 == Bug::TouchCreates && !key.is_empty() && key.len() < 100 {
            self.0.put(key, Bytes::new(), time_to_live.into()).await?;
        }
        Ok(touched)
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        let key = self.key(key);
        if self.1 == Bug::RemovesPieceByPiece
            && let Some(found) = self.0.load(key).await?
        {
            let half = found.value.slice(..found.value.len() / 2);
            self.0.put(key, half, LONG.into()).await?;
            yield_once().await;
        }
        Ok(self.0.remove(key).await? || self.1 == Bug::RemoveAlwaysTrue)
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        match self.1 {
            Bug::ExistsCountsAsUse => Ok(self.0.load(key).await?.is_some()),
            Bug::ExistsAlways => Ok(true),
            _ => self.0.exists(self.key(key)).await,
        }
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        match self.1 {
            Bug::PurgeClears => {
                self.0.cache().clear();
                Ok(Purged::default())
            }
            Bug::PurgeIgnoresBudget => self.0.purge_expired(budget + 100).await,
            _ => {
                let mut purged = self.0.purge_expired(budget).await?;
                purged.removed += usize::from(self.1 == Bug::PurgeCountsTooMany);
                purged.more |= self.1 == Bug::PurgeNeverEnds;
                Ok(purged)
            }
        }
    }

    /// Without the bug: a form that answers otherwise.
    fn erase(self) -> DynStore {
        self.0.erase()
    }
}
