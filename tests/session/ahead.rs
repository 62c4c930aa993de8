//! A renewal that is known to be due is sent with the load: on a store that waits, as remote ones do.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sessile::id::SessionId;
use sessile::session::{Committed, Expiry, Sessions};
use sessile::{Cache, CacheStore, ManualClock};

use crate::kit::{MINUTE, block_on};
use crate::slow::Slow;

const IDLE: Duration = Duration::from_secs(60 * 60);
/// An operation of [`Slow`] is ready when polled so often.
const OPERATION: usize = 3;

/// Two processes on one store, the first of which has renewed the session before.
struct Kit {
    clock: ManualClock,
    store: Slow,
    first: Sessions<Slow>,
    second: Sessions<Slow>,
    id: SessionId,
}

impl Kit {
    fn new() -> Self {
        let clock = ManualClock::new();
        let cache = Cache::builder().unlimited_entries().clock(clock.clone());
        let store = Slow::new(CacheStore::new(Arc::new(cache.build().unwrap())));
        let process = || {
            let builder = Sessions::builder(store.clone()).clock(clock.clone());
            builder.idle(IDLE).build().unwrap()
        };
        let (first, second) = (process(), process());
        let session = first.fresh();
        session.insert("user", "7").unwrap();
        block_on(first.commit(&session)).unwrap();
        let id = session.id().unwrap();
        let kit = Self {
            clock,
            store,
            first,
            second,
            id,
        };
        kit.clock.advance(3 * MINUTE);
        let told = kit.request();
        assert_eq!(told, (Some(Committed::Renewed), 2, 2 * OPERATION));
        kit
    }

    /// What the first process does for a request, the calls it made to the store, and how often it was
    /// polled for them.
    fn request(&self) -> (Option<Committed>, u64, usize) {
        let before = self.store.calls.load(Ordering::Relaxed);
        let mut polls = 0;
        let lazy = self.first.open(Some(&self.id));
        let session = counted(&mut polls, lazy.session()).unwrap();
        let is_there = session.id() == Some(self.id);
        let committed = counted(&mut polls, lazy.commit()).unwrap();
        let calls = self.store.calls.load(Ordering::Relaxed) - before;
        // A future without a call is ready when first polled.
        let idle_polls = usize::from(polls % OPERATION != 0);
        (is_there.then_some(committed), calls, polls - idle_polls)
    }
}

fn counted<F: Future>(polls: &mut usize, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        *polls += 1;
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[test]
fn load_and_renewal_wait_side_by_side_and_the_commit_has_nothing_to_do() {
    let kit = Kit::new();
    for _ in 0..30 {
        assert_eq!(kit.request(), (Some(Committed::Nothing), 1, OPERATION));
        kit.clock.advance(3 * MINUTE);
        assert_eq!(kit.request(), (Some(Committed::Renewed), 2, OPERATION));
    }
    // An hour and a half later it is there, and an hour without use ends it.
    kit.clock.advance(IDLE);
    assert_eq!(kit.request(), (None, 2, OPERATION));
    assert_eq!(kit.store.held_live(), 0);
}

#[test]
fn a_session_that_is_written_in_the_same_request_is_saved_once() {
    let kit = Kit::new();
    kit.clock.advance(3 * MINUTE);
    let lazy = kit.first.open(Some(&kit.id));
    let session = block_on(lazy.session()).unwrap();
    session.insert("cart", "3").unwrap();
    assert_eq!(block_on(lazy.commit()).unwrap(), Committed::Saved);
    assert_eq!(block_on(lazy.commit()).unwrap(), Committed::Nothing);
}

#[test]
fn only_a_request_prolongs_a_look_does_not() {
    let kit = Kit::new();
    kit.clock.advance(3 * MINUTE);
    let before = kit.store.calls.load(Ordering::Relaxed);
    assert!(block_on(kit.first.load(&kit.id)).unwrap().is_some());
    assert_eq!(kit.store.calls.load(Ordering::Relaxed) - before, 1);
}

#[test]
fn an_end_that_another_process_has_set_meanwhile_holds() {
    let fixed = std::time::SystemTime::UNIX_EPOCH;
    for is_fixed in [false, true] {
        let kit = Kit::new();
        let session = block_on(kit.second.load(&kit.id)).unwrap().unwrap();
        let now = fixed + Duration::from_millis(sessile::Clock::wall_ms(&kit.clock));
        session
            .set_expiry(match is_fixed {
                false => Expiry::Idle(5 * MINUTE),
                true => Expiry::At(now + 8 * MINUTE),
            })
            .unwrap();
        block_on(kit.second.commit(&session)).unwrap();

        kit.clock.advance(3 * MINUTE);
        // The load, the touch that went with it, and the one that puts it right.
        let (committed, calls, polls) = kit.request();
        assert_eq!((calls, polls), (3, 2 * OPERATION), "{committed:?}");
        let told = match is_fixed {
            false => Committed::Renewed,
            true => Committed::Nothing,
        };
        assert_eq!(committed, Some(told));
        kit.clock.advance(5 * MINUTE);
        assert_eq!(kit.store.held_live(), 0, "fixed: {is_fixed}");
    }
}

#[test]
fn a_session_that_was_ended_is_not_brought_back() {
    let kit = Kit::new();
    let session = block_on(kit.second.load(&kit.id)).unwrap().unwrap();
    session.destroy();
    block_on(kit.second.commit(&session)).unwrap();
    kit.clock.advance(3 * MINUTE);
    assert_eq!(kit.request(), (None, 2, OPERATION));
    assert_eq!(kit.store.held_live(), 0);
}

#[test]
fn a_renewal_that_fails_beside_the_load_is_made_by_the_commit() {
    let kit = Kit::new();
    kit.clock.advance(3 * MINUTE);
    let touch = kit.store.calls.load(Ordering::Relaxed) + 1;
    kit.store.times_out.store(touch, Ordering::Relaxed);
    let told = kit.request();
    assert_eq!(told, (Some(Committed::Renewed), 3, 2 * OPERATION));
    kit.clock.advance(3 * MINUTE);
    let told = kit.request();
    assert_eq!(told, (Some(Committed::Renewed), 2, OPERATION));
}

#[test]
fn a_load_that_fails_beside_the_renewal_fails_and_the_next_one_goes_on() {
    let kit = Kit::new();
    kit.clock.advance(3 * MINUTE);
    let load = kit.store.calls.load(Ordering::Relaxed);
    kit.store.times_out.store(load, Ordering::Relaxed);
    let lazy = kit.first.open(Some(&kit.id));
    assert!(block_on(lazy.session()).is_err());
    assert!(block_on(lazy.session()).unwrap().id().is_some());
    assert_eq!(block_on(lazy.commit()).unwrap(), Committed::Renewed);
}
