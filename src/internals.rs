//! What the model checkers and property tests need to see; no part of the public interface.

pub use crate::cache::decode_snapshot;
use crate::cache::{Cache, Key};
use crate::sync::Guard;

/// What a cache holds at one moment: every shard is locked before the first is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Entries, expired ones not yet reclaimed included.
    pub entries: u64,
    /// Bytes charged for them.
    pub bytes: u64,
    /// Of the entries, protected ones.
    pub protected_entries: u64,
    /// Of the bytes, those of protected entries.
    pub protected_bytes: u64,
}

/// Counts what `cache` holds while nobody can change it.
#[must_use]
pub fn held(cache: &Cache) -> Held {
    // Nothing in the cache holds two of these locks at once, so their order cannot deadlock.
    let shards: Vec<Guard<'_, _>> = cache
        .shards
        .iter()
        .map(|shard| shard.state.lock())
        .collect();
    let mut held = Held::default();
    for shard in &shards {
        let amount = shard.held();
        held.entries += amount.entries;
        held.bytes += amount.bytes;
        held.protected_entries += amount.protected_entries;
        held.protected_bytes += amount.protected_bytes;
    }
    held
}

/// Says which shard `key` falls on, for models that need two keys together or apart.
#[must_use]
pub fn shard_of<'k>(cache: &Cache, key: impl Into<Key<'k>>) -> usize {
    let wanted = cache.shard(cache.hash(&key.into()));
    cache
        .shards
        .iter()
        .position(|shard| std::ptr::eq(&raw const **shard, wanted))
        .expect("every key has a shard")
}
