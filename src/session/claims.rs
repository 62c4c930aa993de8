//! Claims: what lies where a session was, so that nobody loads or writes it there any more.
//!
//! A claim replaces the record under the version that was read: of all who want to move, end or write
//! a session, one is first. The claim of a renewed id says for a short time where the session is now.
//! It is followed once: where it leads, there is the record or none.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::commit::TRIES;
use super::id_renewal::IdRenewal;
use super::manager::Shared;
use super::owner::OwnerIndex;
use super::rules::duration;
use super::session::Session;
use crate::cache::{Replaced, Terms, Version};
use crate::codec::{FieldsBuilder, Format, Header, Layout, Record};
use crate::error::Result;
use crate::id::StoreKey;
use crate::store::SessionStore;

/// How long the mark of a moved session may stay if its removal fails.
const MARK_LIFE: Duration = Duration::from_secs(60);
/// The field of a claim that says where the session is: the record's key, in base64.
const NEW_KEY: &str = "_sessile.key";

/// A session's record, and where it lies.
pub(super) struct Found {
    pub(super) record: Record,
    pub(super) key: StoreKey,
    pub(super) version: Version,
}

/// Where the claim `record` says that the session is.
fn successor(record: &Record) -> Option<StoreKey> {
    let text = record.fields.get(NEW_KEY)?;
    let text: String = record.fields.format().decode(&text).ok()?;
    StoreKey::from_bytes(&URL_SAFE_NO_PAD.decode(text).ok()?)
}

impl<S: SessionStore, I: OwnerIndex> Shared<S, I> {
    /// Makes a record of this version one that nobody can load or write.
    pub(super) async fn claim(&self, key: &StoreKey, version: Version) -> Result<Replaced> {
        if self.rules.layout == Layout::Bare {
            // A Python program would not know the mark, so that the version is not asked for.
            return Ok(match self.store.remove(key.as_ref()).await? {
                true => Replaced::Done(version),
                false => Replaced::Gone,
            });
        }
        let mark = self.claim_bytes(None, None)?;
        let terms = Terms::ttl(MARK_LIFE);
        self.store
            .replace(key.as_ref(), mark, terms, Some(version))
            .await
    }

    /// As [`Shared::claim`], and whoever comes here finds the session under `new` for the overlap.
    pub(super) async fn lead(
        &self,
        key: &StoreKey,
        version: Version,
        new: &StoreKey,
        renewal: IdRenewal,
        is_owned: bool,
    ) -> Result<Replaced> {
        let end_ms = self.now_ms().saturating_add(renewal.overlap_ms);
        let claim = self.claim_bytes(Some(new), Some(end_ms))?;
        let terms = self.terms(renewal.overlap_ms, is_owned);
        self.store
            .replace(key.as_ref(), claim, terms, Some(version))
            .await
    }

    fn claim_bytes(&self, new: Option<&StoreKey>, end_ms: Option<u64>) -> Result<bytes::Bytes> {
        let format: Format = self.rules.format;
        let header = Header {
            moved: true,
            end_ms,
            ..Header::default()
        };
        let bytes = Record::begin(&header, Layout::Native, format);
        let count = usize::from(new.is_some());
        let mut fields = FieldsBuilder::new(Layout::Native, format, count, bytes);
        if let Some(key) = new {
            fields.push(NEW_KEY, &format.encode(&URL_SAFE_NO_PAD.encode(key))?);
        }
        Ok(fields.finish().0)
    }

    /// The session's record under `key`, or where the claim there leads.
    pub(super) async fn find(&self, key: &StoreKey) -> Result<Option<Found>> {
        let Some(loaded) = self.store.load(key.as_ref()).await? else {
            return Ok(None);
        };
        let Some(record) = self.rules.decode(loaded.value) else {
            return Ok(None);
        };
        if record.header.moved {
            return Box::pin(self.follow(&record)).await;
        }
        Ok(Some(Found {
            record,
            key: key.clone(),
            version: loaded.version,
        }))
    }

    /// The session's record where `claim` leads, while it leads anywhere.
    pub(super) async fn follow(&self, claim: &Record) -> Result<Option<Found>> {
        // By the clock, too: a touch that was meant for the record may have prolonged the claim.
        let leads = claim.header.end_ms.is_some_and(|end| self.now_ms() < end);
        let Some(key) = successor(claim).filter(|_| leads) else {
            return Ok(None);
        };
        let Some(loaded) = self.store.load(key.as_ref()).await? else {
            return Ok(None);
        };
        let version = loaded.version;
        let record = self.rules.decode(loaded.value);
        let record = record.filter(|record| !record.header.moved);
        Ok(record.map(|record| Found {
            record,
            key,
            version,
        }))
    }

    /// Whether there is a record under `key`, and no claim.
    pub(super) async fn has_session(&self, key: &StoreKey) -> Result<bool> {
        let Some(loaded) = self.store.load(key.as_ref()).await? else {
            return Ok(false);
        };
        let record = self.rules.decode(loaded.value);
        Ok(record.is_none_or(|record| !record.header.moved))
    }

    /// Whether what was just touched is a claim, which then gets its own end back.
    ///
    /// After the touch, not before: of a claim that comes later, the terms are its own.
    pub(super) async fn was_claim(&self, session: &Session, key: &StoreKey) -> Result<bool> {
        let Some(loaded) = self.store.load(key.as_ref()).await? else {
            return Ok(false);
        };
        let claim = self.rules.decode(loaded.value);
        let Some(claim) = claim.filter(|record| record.header.moved) else {
            return Ok(false);
        };
        let end_ms = claim.header.end_ms.unwrap_or(0);
        let left = duration(end_ms.saturating_sub(self.now_ms()));
        self.store.touch(key.as_ref(), left).await?;
        session.0.state.lock().superseded = true;
        Ok(true)
    }

    /// Removes the session's record under `key`, or where a claim there leads; says whether there
    /// was one.
    pub(super) async fn end_record(&self, key: &StoreKey) -> Result<bool> {
        if self.rules.id_renewal.is_none() {
            return self.store.remove(key.as_ref()).await;
        }
        for _ in 0..TRIES {
            let Some(loaded) = self.store.load(key.as_ref()).await? else {
                return Ok(false);
            };
            let record = self.rules.decode(loaded.value);
            let was_there = match record.filter(|record| record.header.moved) {
                Some(claim) => match successor(&claim) {
                    Some(new) => self.store.remove(new.as_ref()).await?,
                    None => false,
                },
                // Claimed first: a removal alone could take away the claim of a renewal that came in
                // between, and leave the session.
                None => match self.claim(key, loaded.version).await? {
                    Replaced::Done(_) => true,
                    Replaced::Gone => return Ok(false),
                    Replaced::Conflict(_) => continue,
                },
            };
            self.store.remove(key.as_ref()).await?;
            return Ok(was_there);
        }
        self.store.remove(key.as_ref()).await
    }
}
