//! What a duel chooses between.

/// How the queues divide the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The window's share of the live entries, of 256; at least one entry.
    pub window: u16,
    /// Ghosts per live entry, in quarters.
    pub ghosts: u8,
    /// Whether a late return from the ghosts has to prove worthwhile; otherwise it counts as an early one.
    pub doubt: bool,
    /// Evict the least recently used entry instead; visits every entry on eviction, so only for small caches.
    pub recency: bool,
}

impl Settings {
    /// A twelfth of the cache for newcomers and three ghosts for every two entries.
    pub(crate) const STANDARD: Self = Self {
        window: 22,
        ghosts: 6,
        doubt: true,
        recency: false,
    };
}
