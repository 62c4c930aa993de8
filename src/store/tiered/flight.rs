//! One future that many wait for.
//!
//! Nobody owns it: whoever is polled drives it. So a waiter that is dropped, or that its task does not
//! come back to, holds up no other. There is no leader who could die.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::Lock;
use crate::sync::atomic::{AtomicU64, Ordering};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future and those who wait for it.
pub(super) struct Flight<T> {
    course: Lock<Course<T>>,
    bell: Arc<Bell>,
    seats: AtomicU64,
}

enum Course<T> {
    /// Nobody polls it just now.
    Resting(Boxed<T>),
    /// Some waiter polls it, outside the lock.
    Polled,
    Landed(T),
    /// It panicked.
    Lost,
}

/// Whom to wake. Each waiter is listed here, or has been woken and not polled since, or polls.
struct Bell(Lock<Vec<(u64, Waker)>>);

impl<T> Flight<T> {
    pub(super) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            course: Lock::new(Course::Resting(Box::pin(future))),
            bell: Arc::new(Bell(Lock::new(Vec::new()))),
            seats: AtomicU64::new(0),
        }
    }
}

impl<T: Clone> Flight<T> {
    /// Waits for the end; `None` if the future panicked for another waiter.
    pub(super) fn wait(self: Arc<Self>) -> Waiter<T> {
        Waiter {
            // Relaxed: only has to differ from other seats.
            seat: self.seats.fetch_add(1, Ordering::Relaxed),
            flight: self,
        }
    }

    fn poll(&self, seat: u64, context: &Context<'_>) -> Poll<Option<T>> {
        let mut course = self.course.lock();
        match &*course {
            Course::Landed(output) => return Poll::Ready(Some(output.clone())),
            Course::Lost => return Poll::Ready(None),
            Course::Polled | Course::Resting(_) => {}
        }
        // Listed before the future is polled, and under the lock that tells of its end: it cannot end
        // in between and leave this waiter asleep.
        let old = self.bell.list(seat, context.waker());
        let course = {
            let before = std::mem::replace(&mut *course, Course::Polled);
            drop(course);
            before
        };
        drop(old);
        let Course::Resting(future) = course else {
            return Poll::Pending;
        };
        let mut polling = Polling {
            flight: self,
            future: Some(future),
        };
        let waker = Waker::from(Arc::clone(&self.bell));
        polling.poll(&mut Context::from_waker(&waker))
    }
}

/// Has the future while it is polled.
struct Polling<'a, T> {
    flight: &'a Flight<T>,
    future: Option<Boxed<T>>,
}

impl<T: Clone> Polling<'_, T> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let polled = self
            .future
            .as_mut()
            .map(|future| future.as_mut().poll(context));
        match (polled, self.future.take()) {
            (Some(Poll::Ready(output)), future) => {
                *self.flight.course.lock() = Course::Landed(output.clone());
                // Outside the lock: what it holds is not ours to know.
                drop(future);
                self.flight.bell.ring();
                Poll::Ready(Some(output))
            }
            // Who was woken meanwhile and found it polled is listed again, and so is this waiter: its
            // task was woken as well and comes back.
            (_, Some(future)) => {
                *self.flight.course.lock() = Course::Resting(future);
                Poll::Pending
            }
            (_, None) => Poll::Ready(None),
        }
    }
}

/// A panic unwinds through here.
impl<T> Drop for Polling<'_, T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            *self.flight.course.lock() = Course::Lost;
            self.flight.bell.ring();
            drop(future);
        }
    }
}

impl Bell {
    /// Lists a waiter and returns the waker it was listed with, to be dropped outside all locks.
    fn list(&self, seat: u64, waker: &Waker) -> Option<Waker> {
        let mut listed = self.0.lock();
        match listed.iter_mut().find(|(known, _)| *known == seat) {
            Some((_, known)) => Some(std::mem::replace(known, waker.clone())),
            None => {
                listed.push((seat, waker.clone()));
                None
            }
        }
    }

    /// Wakes all; each has to be listed again.
    fn ring(&self) {
        let listed = std::mem::take(&mut *self.0.lock());
        // Outside the lock: a waker may run what it wakes.
        listed.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

/// Waits for a flight.
pub(super) struct Waiter<T> {
    flight: Arc<Flight<T>>,
    seat: u64,
}

impl<T: Clone> Future for Waiter<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.flight.poll(self.seat, context)
    }
}

/// The future may have been resting on this waiter: the others look after it.
impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        let bell = &self.flight.bell;
        let own = {
            let mut listed = bell.0.lock();
            let at = listed.iter().position(|(seat, _)| *seat == self.seat);
            at.map(|at| listed.swap_remove(at))
        };
        drop(own);
        bell.ring();
    }
}
