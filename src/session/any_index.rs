//! The owner index that fits a store: in this process's memory, or in the store itself.

use std::sync::Arc;

use super::index::LocalIndex;
use super::owner::{Admitted, OwnerEntry, OwnerIndex};
use super::store_index::StoreIndex;
use crate::error::Result;
use crate::id::StoreKey;
use crate::store::AnyStore;

/// An owner index that was chosen at run time.
///
/// The embedded cache is this process's own and takes a [`LocalIndex`]; any other store may be shared
/// and keeps a [`StoreIndex`].
#[derive(Debug)]
pub enum AnyIndex {
    /// In memory.
    Local(LocalIndex),
    /// In the store.
    Stored(StoreIndex<AnyStore>),
}

impl AnyIndex {
    /// Chooses the index for `store`; `namespace` keeps applications apart that share one, see
    /// [`StoreIndex::namespace`].
    #[must_use]
    pub fn of(store: &AnyStore, namespace: &str) -> Self {
        match store.as_cache() {
            Some(_) => Self::Local(LocalIndex::new()),
            None => {
                let index = StoreIndex::new(store.deciding().clone());
                Self::Stored(index.namespace(namespace))
            }
        }
    }
}

/// Awaits a verb of whichever index it is.
macro_rules! ask {
    ($self:ident, $verb:ident ( $($argument:expr),* )) => {
        match $self {
            Self::Local(index) => index.$verb($($argument),*).await,
            Self::Stored(index) => index.$verb($($argument),*).await,
        }
    };
}

impl OwnerIndex for AnyIndex {
    fn is_immediate(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    async fn admit(
        &self,
        owner: &str,
        entry: OwnerEntry,
        instead_of: Option<&StoreKey>,
        max: Option<usize>,
    ) -> Result<Admitted> {
        ask!(self, admit(owner, entry, instead_of, max))
    }

    async fn seen(&self, owner: &str, entry: OwnerEntry) -> Result<()> {
        ask!(self, seen(owner, entry))
    }

    async fn list(&self, owner: &str) -> Result<Vec<OwnerEntry>> {
        ask!(self, list(owner))
    }

    async fn settle(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        ask!(self, settle(owner, key))
    }

    async fn remove(&self, owner: &str, key: &StoreKey) -> Result<bool> {
        ask!(self, remove(owner, key))
    }

    async fn stalest(&self, budget: usize) -> Result<Vec<(Arc<str>, OwnerEntry)>> {
        ask!(self, stalest(budget))
    }
}
