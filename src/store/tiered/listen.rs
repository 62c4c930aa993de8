//! What other nodes changed.

use std::sync::Arc;

use super::store::{Shared, TieredStore};
use crate::store::{Invalidation, Invalidations, SessionStore};

impl<B: SessionStore> TieredStore<B> {
    /// Forgets copies as the back tells what other nodes changed; spawn the future, one at a time.
    ///
    /// From its first poll on, a change on another node is seen here as soon as its news has been
    /// delivered and this task has run; [`fresh_for`](super::TieredBuilder::fresh_for) stays the limit
    /// where news is late or lost unnoticed. A load under way when the news comes leaves no copy.
    ///
    /// Whatever was copied before is not served any more, nor is it after an
    /// [`Invalidation::All`]. When the subscription ends or the future is dropped, every load asks the
    /// back, until somebody listens again: a program that relies on news should not go on without. Of
    /// two that listen, the later one counts.
    pub fn listen(&self, mut news: Invalidations) -> impl Future<Output = ()> + Send + use<B> {
        let shared = Arc::clone(&self.0);
        async move {
            let listening = Listening::begin(shared);
            let shared = &listening.shared;
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
struct Listening<B> {
    shared: Arc<Shared<B>>,
    number: u64,
}

impl<B> Listening<B> {
    fn begin(shared: Arc<Shared<B>>) -> Self {
        let mut listeners = shared.listeners.lock();
        *listeners += 1;
        let number = *listeners;
        // Under the lock: the end of an earlier one does not cut this one off.
        shared.front.disown();
        drop(listeners);
        Self { shared, number }
    }
}

impl<B> Drop for Listening<B> {
    fn drop(&mut self) {
        let listeners = self.shared.listeners.lock();
        if *listeners == self.number {
            self.shared.front.cut_off();
            tracing::warn!(
                "a tiered store hears of no changes any more and asks its back each time"
            );
        }
    }
}
