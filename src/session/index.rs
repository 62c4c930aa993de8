//! The owner index of one process.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;

use super::owner::{Admitted, OwnerEntry, OwnerIndex};
use crate::error::Result;
use crate::id::StoreKey;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Lock, hash_state};

/// Lists the sessions of one process's store, in memory.
///
/// After a restart it is empty and fills again as sessions are used. It holds about 250 bytes per
/// session, and no more sessions than about twice the live ones: whenever one is listed, the manager
/// has two of the oldest looked up in the store.
///
/// Its futures are ready at once.
pub struct LocalIndex {
    owners: DashMap<Arc<str>, Vec<Listed>, ahash::RandomState>,
    /// Every listed session once, those that were looked at longest ago first. Sessions that were
    /// taken off the list leave when they come up.
    queue: Lock<VecDeque<(Arc<str>, StoreKey, u64)>>,
    tickets: AtomicU64,
}

struct Listed {
    entry: OwnerEntry,
    /// Tells this listing from earlier ones of the same session, whose place in the queue is void.
    ticket: u64,
}

impl LocalIndex {
    /// Makes an empty index.
    #[must_use]
    pub fn new() -> Self {
        Self {
            owners: DashMap::with_hasher(hash_state()),
            queue: Lock::new(VecDeque::new()),
            tickets: AtomicU64::new(0),
        }
    }

    /// How many sessions are listed, dead ones that were not found out yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.owners.iter().map(|entries| entries.len()).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    fn upsert(
        &self,
        owner: &str,
        entry: OwnerEntry,
        instead_of: Option<&StoreKey>,
        max: Option<usize>,
    ) -> Admitted {
        let owner: Arc<str> = owner.into();
        // Relaxed: only has to differ from other tickets.
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let key = entry.key.clone();
        {
            let mut listed = self.owners.entry(Arc::clone(&owner)).or_default();
            if find(&mut listed, &entry.key).is_some_and(|known| known.see(&entry)) {
                return Admitted::Done;
            }
            let others = listed.iter().map(|listed| &listed.entry.key);
            let counted = others.filter(|key| instead_of != Some(*key)).count();
            if max.is_some_and(|max| counted >= max) {
                return Admitted::Full;
            }
            listed.push(Listed { entry, ticket });
        }
        self.queue.lock().push_back((owner, key, ticket));
        Admitted::Done
    }

    /// The entry that `ticket` was given for, if it is still listed.
    fn current(&self, owner: &str, key: &StoreKey, ticket: u64) -> Option<OwnerEntry> {
        let listed = self.owners.get(owner)?;
        let is_it = |it: &&Listed| it.entry.key == *key && it.ticket == ticket;
        Some(listed.iter().find(is_it)?.entry.clone())
    }
}

fn find<'a>(listed: &'a mut [Listed], key: &StoreKey) -> Option<&'a mut Listed> {
    listed.iter_mut().find(|listed| listed.entry.key == *key)
}

impl Listed {
    /// Notes a use; always true, so that it can end a search.
    fn see(&mut self, entry: &OwnerEntry) -> bool {
        self.entry.seen_ms = self.entry.seen_ms.max(entry.seen_ms);
        self.entry.is_stored |= entry.is_stored;
        true
    }
}

impl Default for LocalIndex {
    fn default() -> Self {
        Self::new()
    }
}

/// Nothing is awaited in here, so each body runs whole in the first poll.
impl OwnerIndex for LocalIndex {
    #[inline]
    fn is_immediate(&self) -> bool {
        true
    }

    async fn admit(
        &self,
        owner: &str,
        entry: OwnerEntry,
        instead_of: Option<&StoreKey>,
        max: Option<usize>,
    ) -> Result<Admitted> {
        Ok(self.upsert(owner, entry, instead_of, max))
    }

    async fn seen(&self, owner: &str, entry: OwnerEntry) -> Result<()> {
        if let Some(mut listed) = self.owners.get_mut(owner)
            && find(&mut listed, &entry.key).is_some_and(|known| known.see(&entry))
        {
            return Ok(());
        }
        let _ = self.upsert(owner, entry, None, None);
        Ok(())
    }

    async fn list(&self, owner: &str) -> Result<Vec<OwnerEntry>> {
        let listed = self.owners.get(owner);
        let listed = listed.iter().flat_map(|listed| listed.iter());
        Ok(listed.map(|listed| listed.entry.clone()).collect())
    }

    async fn settle(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        let Some(mut listed) = self.owners.get_mut(owner) else {
            return Ok(false);
        };
        let known = find(&mut listed, key);
        Ok(known.is_some_and(|known| {
            known.entry.is_stored = true;
            true
        }))
    }

    async fn remove(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        let mut removed = false;
        if let Some(mut entries) = self.owners.get_mut(owner) {
            let before = entries.len();
            entries.retain(|listed| listed.entry.key != *key);
            removed = entries.len() < before;
        }
        self.owners
            .remove_if(owner, |_, entries| entries.is_empty());
        Ok(removed)
    }

    async fn stalest(&self, budget: usize) -> Result<Vec<(Arc<str>, OwnerEntry)>> {
        let mut found = Vec::new();
        // None twice: those that are looked at go to the end.
        let budget = budget.min(self.queue.lock().len());
        for _ in 0..budget {
            let Some((owner, key, ticket)) = self.queue.lock().pop_front() else {
                break;
            };
            // Off the list already: it leaves the queue, too.
            if let Some(entry) = self.current(&owner, &key, ticket) {
                let again = (Arc::clone(&owner), key, ticket);
                self.queue.lock().push_back(again);
                found.push((owner, entry));
            }
        }
        Ok(found)
    }
}

/// Neither owners nor keys.
impl fmt::Debug for LocalIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalIndex")
            .field("owners", &self.owners.len())
            .finish_non_exhaustive()
    }
}
