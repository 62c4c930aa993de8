//! A store of one's own, a map behind a mutex, that keeps the store contract.
//!
//! Run it with `cargo run --example own_store --features contract`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sessile::store::contract::{self, Level, Subject};
use sessile::store::{
    Created, Loaded, Purged, Replaced, SessionStore, Terms, Version, check_write,
};
use sessile::{Clock, Error, ErrorKind, ManualClock, Result};

struct Record {
    loaded: Loaded,
    ends_ms: u64,
}

struct MapStore {
    clock: ManualClock,
    records: Mutex<(u64, HashMap<Vec<u8>, Record>)>,
}

impl MapStore {
    /// The last version and the records, without the one of `key` if it has expired.
    fn open(&self, key: &[u8]) -> MutexGuard<'_, (u64, HashMap<Vec<u8>, Record>)> {
        let mut open = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if open
            .1
            .get(key)
            .is_some_and(|record| record.ends_ms <= self.clock.now_ms())
        {
            open.1.remove(key);
        }
        open
    }

    fn end_ms(&self, time_to_live: Option<Duration>) -> u64 {
        let left = time_to_live.map_or(u128::MAX, |time_to_live| time_to_live.as_millis());
        self.clock
            .now_ms()
            .saturating_add(u64::try_from(left).unwrap_or(u64::MAX))
    }

    /// Writes if `allow` says so of the version that is there; otherwise returns what it said.
    fn write<R>(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        allow: impl FnOnce(Option<Version>) -> Result<(), R>,
    ) -> Result<Result<Version, R>> {
        check_write(key, &terms)?;
        if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
            let text = "store a record: this store keeps times to live only";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let (last, records) = &mut *self.open(key);
        if let Err(refusal) = allow(records.get(key).map(|record| record.loaded.version)) {
            return Ok(Err(refusal));
        }
        *last += 1;
        let version = Version::from_u64(*last);
        let loaded = Loaded { value, version };
        let ends_ms = self.end_ms(terms.time_to_live());
        records.insert(key.to_vec(), Record { loaded, ends_ms });
        Ok(Ok(version))
    }
}

impl SessionStore for MapStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        Ok(self
            .open(key)
            .1
            .get(key)
            .map(|record| record.loaded.clone()))
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        let written = self.write(key, value, terms, |there| match there {
            Some(_) => Err(Created::Taken),
            None => Ok(()),
        })?;
        Ok(written.map_or_else(|taken| taken, Created::Done))
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let written = self.write(key, value, terms, |there| match (there, expected) {
            (None, _) => Err(Replaced::Gone),
            (Some(there), Some(seen)) if there != seen => Err(Replaced::Conflict(there)),
            _ => Ok(()),
        })?;
        Ok(written.map_or_else(|refusal| refusal, Replaced::Done))
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        let written = self.write(key, value, terms, |_| Ok::<_, std::convert::Infallible>(()))?;
        Ok(match written {
            Ok(version) => version,
            Err(never) => match never {},
        })
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        let ends_ms = self.end_ms(Some(time_to_live));
        let record = &mut self.open(key);
        Ok(record
            .1
            .get_mut(key)
            .map(|record| record.ends_ms = ends_ms)
            .is_some())
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        Ok(self.open(key).1.remove(key).is_some())
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        Ok(self.open(key).1.contains_key(key))
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        let now_ms = self.clock.now_ms();
        let (_, records) = &mut *self.open(b"");
        let ended = |(_, record): &(&Vec<u8>, &Record)| record.ends_ms <= now_ms;
        let keys = records.iter().filter(ended).map(|(key, _)| key.clone());
        let keys: Vec<_> = keys.take(budget).collect();
        keys.iter().for_each(|key| drop(records.remove(key)));
        let more = budget > 0 && keys.len() == budget;
        Ok(Purged {
            removed: keys.len(),
            more,
        })
    }
}

struct Mine(ManualClock);

impl Subject for Mine {
    type Store = MapStore;

    async fn fresh(&self) -> MapStore {
        let (clock, records) = (self.0.clone(), Mutex::default());
        MapStore { clock, records }
    }

    async fn pass(&self, time: Duration) {
        self.0.advance(time);
    }

    fn level(&self) -> Level {
        Level::new().without_idle().without_max_age()
    }
}

fn main() {
    let subject = Mine(ManualClock::new());
    let mut run = std::pin::pin!(contract::run(&subject));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // Neither this store nor its clock ever waits, so one poll is an executor.
    if let std::task::Poll::Ready(report) = run.as_mut().poll(&mut context) {
        println!("{report}");
        report.assert_kept();
    }
}
