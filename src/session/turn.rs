//! Taking turns: of the handles of one session, one commits at a time.

use std::task::{Context, Poll, Waker};

use crate::sync::Lock;

/// Lets one task at a time in; the others wait without blocking their threads.
pub(super) struct Turn(Lock<Waiting>);

#[derive(Default)]
struct Waiting {
    taken: bool,
    /// Who asked while it was taken. All are woken together; one wins and the others ask again.
    wakers: Vec<Waker>,
}

/// Has the turn until dropped.
pub(super) struct Taken<'a>(&'a Turn);

impl Turn {
    pub(super) fn new() -> Self {
        Self(Lock::new(Waiting::default()))
    }

    /// Waits for the turn. Dropped while waiting, it has taken nothing.
    pub(super) async fn take(&self) -> Taken<'_> {
        std::future::poll_fn(|context| self.poll(context)).await;
        Taken(self)
    }

    /// Whether somebody has the turn just now.
    pub(super) fn is_taken(&self) -> bool {
        self.0.lock().taken
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        if !waiting.taken {
            waiting.taken = true;
            return Poll::Ready(());
        }
        let known = waiting
            .wakers
            .iter()
            .any(|waker| waker.will_wake(context.waker()));
        if !known {
            waiting.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let wakers = {
            let mut waiting = self.0.0.lock();
            waiting.taken = false;
            std::mem::take(&mut waiting.wakers)
        };
        // Outside the lock: a waker may run what it wakes.
        wakers.into_iter().for_each(Waker::wake);
    }
}
