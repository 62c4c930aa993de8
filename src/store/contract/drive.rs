//! Ways to drive futures that need no executor of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::report::{Outcome, Stop};

/// Waits for a check and turns its panic into a failure.
pub(super) async fn caught(check: impl Future<Output = Outcome>) -> Outcome {
    let mut check = pin!(check);
    std::future::poll_fn(|context| {
        // A check that panicked is never polled again.
        match catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err(Stop::Failed("the store panicked".to_owned()))),
        }
    })
    .await
}

/// Waits for all of them at once and returns their outputs in order.
pub(super) async fn join<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<_> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waits = false;
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(done) => *output = Some(done),
                    Poll::Pending => waits = true,
                }
            }
        }
        match waits {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Polls once and drops: what a request that is given up does. `None`: it was still waiting.
pub(super) fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
