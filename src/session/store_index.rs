//! The owner index that nodes share: each owner's list is a record in the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::owner::{Admitted, OwnerEntry, OwnerIndex};
use super::owner_list;
use super::renewals::Renewals;
use super::turn::Turn;
use crate::cache::{Replaced, Terms};
use crate::error::{Error, ErrorKind, Result};
use crate::id::StoreKey;
use crate::store::{Created, SessionStore};
use crate::sync::hash_state;

const CONTEXT: &str = "sessile 2026-11 key of an owner's list of sessions, version 1";
const DIGEST_BYTES: usize = 22;
/// Times that a change is tried again on what others wrote.
const TRIES: usize = 64;
/// Changes that met another one queue up in so many lanes, by their owner.
const LANES: usize = 64;
/// A use is noted unless one was within this time.
const SEEN_MS: u64 = 60_000;
/// How long a session may be listed before its record is stored.
const CREATION_MS_MAX: u64 = 60_000;
/// A list this long is looked through for dead sessions, two whenever one is added.
const CHECKED_FROM: usize = 4;
const CHECKS: usize = 2;
const CHECKS_WHEN_FULL: usize = 32;
/// How long the record of an empty list stays: nothing needs it, and no verb removes it unless it is
/// still empty.
const EMPTY_KEPT: Duration = Duration::from_secs(1);

/// Lists the sessions of a store that several processes share, in that store.
///
/// Whoever signs in on one node is on the list that another one shows, counts there towards the
/// owner's limit, and is ended by its "log out everywhere".
///
/// An owner's list is one record of at most 1000 sessions, some 40 bytes each, changed by
/// compare-and-swap. Its key is `owner:` and a digest, so whoever reads the store's keys learns no
/// owner; with a [secret](Self::secret), neither can he check a guess. It lives
/// [`keep_for`](Self::keep_for) from its last change. Dead sessions leave it when the manager meets
/// them, and two are looked up whenever one is added to four or more.
///
/// Give it the store that decides, not copies of it: the back of a
/// `TieredStore` rather than that store itself. A list that is a second
/// old could miss a login.
///
/// # Cost
/// Signing in is two loads and two writes of the store more, signing out one of each; from four other
/// sessions on, two lookups. Using a session costs a load and a write at most once a minute per node.
///
/// # Example
/// ```
/// use sessile::session::{Sessions, StoreIndex};
/// use sessile::{Cache, CacheStore};
///
/// let store = CacheStore::new(Cache::builder().max_entries(100_000).build()?.into());
/// let index = StoreIndex::new(store.clone()).secret(b"from the configuration");
/// let sessions = Sessions::builder(store).owner_index(index).build()?;
/// # let _ = sessions;
/// # Ok::<(), sessile::Error>(())
/// ```
pub struct StoreIndex<S> {
    store: S,
    namespace: Box<str>,
    secret: Zeroizing<Vec<u8>>,
    digest_key: Zeroizing<[u8; 32]>,
    keep_for: Duration,
    noted: Renewals,
    lanes: Box<[Turn]>,
    spread: ahash::RandomState,
}

/// What the keys of the lists begin with, in the store of a [`StoreIndex`].
pub const OWNER_LIST_PREFIX: &str = "owner:";

impl<S: SessionStore> StoreIndex<S> {
    /// Makes an index whose lists are records of `store`.
    #[must_use]
    pub fn new(store: S) -> Self {
        let mut index = Self {
            store,
            namespace: "id".into(),
            secret: Zeroizing::default(),
            digest_key: Zeroizing::default(),
            keep_for: Duration::from_secs(90 * 24 * 60 * 60),
            // The beginning of every clock that is used, so that the times it keeps are small.
            noted: Renewals::new(1_577_836_800_000),
            lanes: (0..LANES).map(|_| Turn::new()).collect(),
            spread: hash_state(),
        };
        index.derive();
        index
    }

    /// Keeps applications apart that share a store but not their owners. Default: `id`, as that of
    /// session ids ([`KeyMaker::digest`](crate::id::KeyMaker::digest)).
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.into();
        self.derive();
        self
    }

    /// Makes keys of lists depend on a secret, the same on all nodes: without it, nobody who reads the
    /// store can check whether an owner has a list. Default: none.
    #[must_use]
    pub fn secret(mut self, secret: &[u8]) -> Self {
        self.secret = Zeroizing::new(secret.to_vec());
        self.derive();
        self
    }

    /// How long a list lives from its last change. Default: 90 days.
    ///
    /// Each use of one of its sessions counts, so no less than the sessions' idle timeout.
    #[must_use]
    pub fn keep_for(mut self, duration: Duration) -> Self {
        self.keep_for = duration;
        self
    }

    fn derive(&mut self) {
        // Lengths first: no two pairs of namespace and secret read the same.
        let mut material = Zeroizing::new(Vec::new());
        for part in [self.namespace.as_bytes(), &self.secret] {
            let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
            material.extend_from_slice(&len.to_le_bytes());
            material.extend_from_slice(part);
        }
        *self.digest_key = blake3::derive_key(CONTEXT, &material);
    }

    /// The key of the list of `owner`.
    fn key(&self, owner: &str) -> Vec<u8> {
        let digest = blake3::keyed_hash(&self.digest_key, owner.as_bytes());
        let text = URL_SAFE_NO_PAD.encode(&digest.as_bytes()[..DIGEST_BYTES]);
        [OWNER_LIST_PREFIX, &text].concat().into_bytes()
    }

    /// Changes the list of `owner`, as if by one step; `edit` says whether it changed anything, and
    /// may be called again on what others wrote.
    async fn change<T>(
        &self,
        owner: &str,
        mut edit: impl FnMut(&mut Vec<OwnerEntry>) -> (T, bool),
    ) -> Result<T> {
        let key = self.key(owner);
        let mut lane = None;
        for _ in 0..TRIES {
            let found = self.store.load(&key).await?;
            let mut list = match &found {
                Some(loaded) => owner_list::decode(&loaded.value)?,
                None => Vec::new(),
            };
            let (answer, is_changed) = edit(&mut list);
            if !is_changed {
                return Ok(answer);
            }
            let terms = match list.is_empty() {
                true => Terms::ttl(EMPTY_KEPT),
                false => Terms::ttl(self.keep_for).protected(),
            };
            let list = owner_list::encode(&list);
            let is_done = match found.map(|loaded| loaded.version) {
                None => matches!(
                    self.store.create(&key, list, terms).await?,
                    Created::Done(_)
                ),
                seen => matches!(
                    self.store.replace(&key, list, terms, seen).await?,
                    Replaced::Done(_)
                ),
            };
            if is_done {
                return Ok(answer);
            }
            // Those of this node who lost once go one by one. Where nobody ever waits, nobody may.
            if lane.is_none() && !self.store.is_immediate() {
                let at = key.last().copied().map_or(0, usize::from);
                lane = Some(self.lanes[at % LANES].take().await);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "change an owner's list of sessions: others kept changing it; try again",
        ))
    }

    /// Looks some of `list` up and takes the dead ones off; says whether there were any.
    async fn prune(&self, owner: &str, list: &[OwnerEntry], newcomer: &OwnerEntry) -> Result<bool> {
        let checks = match list.len() {
            owner_list::ENTRIES_MAX.. => CHECKS_WHEN_FULL,
            _ => CHECKS,
        };
        // Others each time: those that live must not keep the dead from being looked at.
        let spread = self.spread.hash_one(newcomer.key.as_ref());
        let start = usize::try_from(spread >> 32).unwrap_or(0) % list.len().max(1);
        let mut dead = Vec::new();
        for entry in list.iter().cycle().skip(start).take(checks) {
            let age_ms = newcomer.seen_ms.saturating_sub(entry.seen_ms);
            let is_settled = entry.is_stored || age_ms >= CREATION_MS_MAX;
            if is_settled && !self.store.exists(entry.key.as_ref()).await? {
                dead.push(entry.clone());
            }
        }
        if dead.is_empty() {
            return Ok(false);
        }
        // As it was found: one that came back meanwhile was seen since.
        self.change(owner, |list| {
            let before = list.len();
            list.retain(|entry| !dead.contains(entry));
            (list.len() < before, list.len() < before)
        })
        .await
    }

    /// Forgets that this node has noted a use of the session.
    fn unnote(&self, key: &StoreKey) {
        self.noted.note(key.as_ref(), 0);
    }
}

fn find<'a>(list: &'a mut [OwnerEntry], key: &StoreKey) -> Option<&'a mut OwnerEntry> {
    list.iter_mut().find(|entry| entry.key == *key)
}

/// Brings a listed session up to date; says whether that changed anything worth a write.
fn see(known: &mut OwnerEntry, entry: &OwnerEntry) -> bool {
    let is_late = entry.seen_ms >= known.seen_ms.saturating_add(SEEN_MS);
    let is_stored = entry.is_stored && !known.is_stored;
    known.seen_ms = known.seen_ms.max(entry.seen_ms);
    known.is_stored |= entry.is_stored;
    is_late || is_stored
}

impl<S: SessionStore> OwnerIndex for StoreIndex<S> {
    fn is_immediate(&self) -> bool {
        self.store.is_immediate()
    }

    async fn admit(
        &self,
        owner: &str,
        entry: OwnerEntry,
        instead_of: Option<&StoreKey>,
        max: Option<usize>,
    ) -> Result<Admitted> {
        let max = max.unwrap_or(usize::MAX);
        let mut admit = |list: &mut Vec<OwnerEntry>| {
            let long = (list.len() >= CHECKED_FROM).then(|| list.clone());
            if let Some(known) = find(list, &entry.key) {
                return ((Admitted::Done, None), see(known, &entry));
            }
            let others = list.iter().filter(|other| instead_of != Some(&other.key));
            if others.count() >= max || list.len() >= owner_list::ENTRIES_MAX {
                return ((Admitted::Full, long), false);
            }
            list.push(entry.clone());
            ((Admitted::Done, long), true)
        };
        let (mut admitted, long) = self.change(owner, &mut admit).await?;
        if let Some(list) = long {
            let is_shorter = self.prune(owner, &list, &entry).await?;
            if admitted == Admitted::Full && is_shorter {
                (admitted, _) = self.change(owner, admit).await?;
            }
        }
        Ok(admitted)
    }

    /// Uses within a minute of one that this node noted are not; nor is a session listed whose owner
    /// has 1000 others.
    async fn seen(&self, owner: &str, entry: OwnerEntry) -> Result<()> {
        let key = entry.key.as_ref();
        let next_ms = self.noted.last_ms(key).saturating_add(SEEN_MS);
        if entry.is_stored && entry.seen_ms < next_ms {
            return Ok(());
        }
        self.change(owner, |list| {
            if let Some(known) = find(list, &entry.key) {
                return ((), see(known, &entry));
            }
            if list.len() >= owner_list::ENTRIES_MAX {
                tracing::warn!("an owner's list of sessions is full; one in use is not on it");
                return ((), false);
            }
            list.push(entry.clone());
            ((), true)
        })
        .await?;
        self.noted.note(key, entry.seen_ms);
        Ok(())
    }

    async fn list(&self, owner: &str) -> Result<Vec<OwnerEntry>> {
        match self.store.load(&self.key(owner)).await? {
            Some(loaded) => owner_list::decode(&loaded.value),
            None => Ok(Vec::new()),
        }
    }

    async fn settle(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        self.change(owner, |list| match find(list, key) {
            Some(known) => (true, !std::mem::replace(&mut known.is_stored, true)),
            None => (false, false),
        })
        .await
    }

    async fn remove(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        self.unnote(key);
        self.change(owner, |list| {
            let before = list.len();
            list.retain(|entry| entry.key != *key);
            (list.len() < before, list.len() < before)
        })
        .await
    }

    /// None: a list that nobody changes ends by itself.
    async fn stalest(&self, _: usize) -> Result<Vec<(Arc<str>, OwnerEntry)>> {
        Ok(Vec::new())
    }
}

/// Neither owners nor keys.
impl<S> fmt::Debug for StoreIndex<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreIndex")
            .field("keep_for", &self.keep_for)
            .finish_non_exhaustive()
    }
}
