//! News of records that somebody else changed, for whoever keeps copies of them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::sync::atomic::{AtomicBool, Ordering};

/// What a copy of a store's records has to forget.
///
/// `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidation {
    /// The record of this key was written, removed, or has expired.
    Key(Bytes),
    /// News may have been missed: any record may have changed.
    All,
}

impl std::fmt::Debug for Invalidation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(..)",
            Self::All => "All",
        })
    }
}

/// Receives [`Invalidation`]s in the order in which the store told them.
///
/// Holds a bounded number of them. What does not fit is not lost silently: the next answer is then
/// [`Invalidation::All`] in place of everything that was waiting. Dropping it ends the subscription.
///
/// ```
/// use sessile::store::{Invalidation, Invalidations};
///
/// # async fn follow() {
/// let (sender, mut invalidations) = Invalidations::channel(1);
/// sender.key("a".into());
/// sender.key("b".into());
/// assert_eq!(invalidations.next().await, Some(Invalidation::All));
/// drop(sender);
/// assert_eq!(invalidations.next().await, None);
/// # }
/// # let mut task = std::pin::pin!(follow());
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert_eq!(task.as_mut().poll(&mut context), std::task::Poll::Ready(()));
/// ```
#[derive(Debug)]
pub struct Invalidations {
    receiver: mpsc::Receiver<Invalidation>,
    overflowed: Arc<AtomicBool>,
}

impl Invalidations {
    /// Makes a subscription that holds up to `capacity` keys, at least one, and its sending end.
    #[must_use]
    pub fn channel(capacity: usize) -> (InvalidationSender, Self) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let overflowed = Arc::new(AtomicBool::new(false));
        let sender = InvalidationSender {
            sender,
            overflowed: Arc::clone(&overflowed),
        };
        (
            sender,
            Self {
                receiver,
                overflowed,
            },
        )
    }

    /// Waits for the next one; `None` once the store has ended the subscription.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Invalidation> {
        if self.overflowed.swap(false, Ordering::AcqRel) {
            while self.receiver.try_recv().is_ok() {}
            return Some(Invalidation::All);
        }
        self.receiver.recv().await
    }
}

/// Tells [`Invalidations`]; never waits. Clones tell the same subscription.
#[derive(Debug, Clone)]
pub struct InvalidationSender {
    sender: mpsc::Sender<Invalidation>,
    overflowed: Arc<AtomicBool>,
}

impl InvalidationSender {
    /// Tells that the record of `key` changed.
    pub fn key(&self, key: Bytes) {
        self.tell(Invalidation::Key(key));
    }

    /// Tells that any record may have changed.
    pub fn all(&self) {
        self.tell(Invalidation::All);
    }

    /// Whether nobody listens any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until nobody listens any more.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    fn tell(&self, what: Invalidation) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(what) {
            self.overflowed.store(true, Ordering::Release);
            // The receiver may have emptied the channel before it could see the mark and now be
            // asleep; this wakes it. If there still is no room, it is awake and will see the mark.
            let _ = self.sender.try_send(Invalidation::All);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_replaces_what_does_not_fit() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.build().unwrap().block_on(async {
            let (sender, mut told) = Invalidations::channel(2);
            sender.key("a".into());
            sender.key("b".into());
            assert_eq!(told.next().await, Some(Invalidation::Key("a".into())));
            sender.key("c".into());
            sender.key("d".into());
            sender.key("e".into());
            assert_eq!(told.next().await, Some(Invalidation::All));
            sender.key("f".into());
            assert_eq!(told.next().await, Some(Invalidation::Key("f".into())));
            drop(sender);
            assert_eq!(told.next().await, None);
        });
    }
}
