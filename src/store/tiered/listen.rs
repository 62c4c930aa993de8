//! What other nodes changed.

use std::sync::Arc;

use super::store::{Shared, TieredStore};
use crate::store::{Invalidation, Invalidations, SessionStore};

impl<B: SessionStore> TieredStore<B> {
    /// Forgets copies as the back tells what other nodes changed; spawn the future, once per store.
    ///
    /// From its first poll on, a change on another node is seen here as soon as its news has been
    /// delivered and this task has run; [`fresh_for`](super::TieredBuilder::fresh_for) stays the limit
    /// where news is late or lost unnoticed. A load under way when the news comes leaves no copy.
    ///
    /// Whatever was copied before is not served any more, nor is it after an
    /// [`Invalidation::All`]. When the subscription ends or the future is dropped, every load asks the
    /// back, until somebody listens again: a program that relies on news should not go on without.
    pub fn listen(&self, mut news: Invalidations) -> impl Future<Output = ()> + Send + use<B> {
        let shared = Arc::clone(&self.0);
        async move {
            let listening = Listening(shared);
            let shared = &listening.0;
            shared.front.disown();
            while let Some(told) = news.next().await {
                match told {
                    Invalidation::Key(key) => shared.forget(&key),
                    _ => shared.front.disown(),
                }
            }
        }
    }
}

/// Somebody listens, until this is dropped.
struct Listening<B>(Arc<Shared<B>>);

impl<B> Drop for Listening<B> {
    fn drop(&mut self) {
        self.0.front.cut_off();
        tracing::warn!("a tiered store hears of no changes any more and asks its back each time");
    }
}
