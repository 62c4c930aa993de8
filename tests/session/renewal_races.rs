//! Requests that renew an id at the same time as others work with it, and requests that are dropped.
//!
//! Every pair runs in all orders of the steps that their stores make: whoever waits lets the other on.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sessile::id::SessionId;
use sessile::session::{Committed, OwnerIndex, Session, Sessions, StoreIndex};
use sessile::{Cache, CacheStore, ErrorKind, ManualClock, SessionStore};

use crate::kit::{MINUTE, block_on};
use crate::slow::Slow;

const AFTER: Duration = Duration::from_secs(20 * 60);
const OVERLAP: Duration = Duration::from_secs(10);
/// More than the polls of any request here.
const POLLS_MAX: usize = 60;

type Node = Sessions<Slow, StoreIndex<Slow>>;

/// A session of Ada whose id is due, on a store that waits.
struct Scene {
    clock: ManualClock,
    store: Slow,
    sessions: Node,
    old: SessionId,
}

impl Scene {
    fn new() -> Self {
        let clock = ManualClock::new();
        let cache = Cache::builder().unlimited_entries().clock(clock.clone());
        let store = Slow::new(CacheStore::new(Arc::new(cache.build().unwrap())));
        let sessions = Sessions::builder(store.clone())
            .clock(clock.clone())
            .renew_ids_after(AFTER)
            .owner_index(StoreIndex::new(store.clone()))
            .build()
            .unwrap();
        let session = sessions.fresh();
        session.insert("n", &0).unwrap();
        session.bind_owner("ada").unwrap();
        block_on(sessions.commit(&session)).unwrap();
        clock.advance(AFTER);
        let old = session.id().unwrap();
        Self {
            clock,
            store,
            sessions,
            old,
        }
    }

    fn load(&self, id: &SessionId) -> Option<Session> {
        block_on(self.sessions.load(id)).unwrap()
    }

    fn session(&self) -> Session {
        self.load(&self.old).unwrap()
    }

    fn listed(&self) -> usize {
        block_on(self.sessions.list("ada", None)).unwrap().len()
    }

    /// Sessions in the store once the overlap is over; the owner's list is one record more.
    fn left(&self) -> usize {
        self.clock.advance(OVERLAP);
        while block_on(self.store.purge_expired(100)).unwrap().more {}
        let has_list = !block_on(self.sessions.index().list("ada"))
            .unwrap()
            .is_empty();
        self.store.held() - usize::from(has_list)
    }
}

fn increment(session: &Session) {
    let more = |count: Option<u64>| Some(count.unwrap_or(0) + 1);
    session.modify("n", more).unwrap();
}

fn count(session: &Session) -> u64 {
    session.get("n").unwrap().unwrap()
}

fn step<F: Future>(future: std::pin::Pin<&mut F>, done: &mut Option<F::Output>) {
    if done.is_none()
        && let Poll::Ready(output) = future.poll(&mut Context::from_waker(Waker::noop()))
    {
        *done = Some(output);
    }
}

/// Runs `a` for some polls, then `b` for some, then both to their ends, `a` first.
fn interleaved<A: Future, B: Future>(a: A, b: B, polls: [usize; 2]) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    (0..polls[0]).for_each(|_| step(a.as_mut(), &mut of_a));
    (0..polls[1]).for_each(|_| step(b.as_mut(), &mut of_b));
    // Alternately only where one waits for the other: each step of the store is two polls.
    for _ in 0..1_000 {
        (0..POLLS_MAX).for_each(|_| step(a.as_mut(), &mut of_a));
        (0..POLLS_MAX).for_each(|_| step(b.as_mut(), &mut of_b));
        if let (Some(_), Some(_)) = (&of_a, &of_b) {
            break;
        }
    }
    (of_a.expect("it ends"), of_b.expect("it ends"))
}

/// An operation of the store is two polls, and takes effect at the second.
fn orders() -> impl Iterator<Item = [usize; 2]> {
    let polls = || (0..32).step_by(2);
    polls().flat_map(move |a| polls().map(move |b| [a, b]))
}

#[test]
fn s13_two_that_renew_leave_one_record_and_both_changes() {
    for polls in orders() {
        let scene = Scene::new();
        let (a, b) = (scene.session(), scene.session());
        increment(&a);
        increment(&b);
        let sessions = &scene.sessions;
        let (of_a, of_b) = interleaved(sessions.commit(&a), sessions.commit(&b), polls);
        let done = [of_a.unwrap(), of_b.unwrap()];
        let winners = done.iter().filter(|it| **it == Committed::Rotated).count();
        assert_eq!(winners, 1, "{polls:?} {done:?}");
        let winner = if done[0] == Committed::Rotated {
            &a
        } else {
            &b
        };
        let now = scene.load(&winner.id().unwrap()).unwrap();
        assert_eq!(count(&now), 2, "{polls:?}");
        assert_eq!(count(&scene.session()), 2, "{polls:?}");
        assert_eq!((scene.listed(), scene.left()), (1, 1), "{polls:?}");
    }
}

#[test]
fn s13_what_others_write_or_read_meanwhile_is_not_lost() {
    for polls in orders() {
        for writes in [false, true] {
            let scene = Scene::new();
            let (renews, other) = (scene.session(), scene.session());
            if writes {
                increment(&other);
            }
            // An explicit save renews nothing: it writes, or prolongs the record.
            let (of_a, of_b) = interleaved(scene.sessions.commit(&renews), other.save(), polls);
            assert!(of_b.is_ok() && of_a.is_ok(), "{polls:?} {of_a:?} {of_b:?}");
            let now = scene.load(&renews.id().unwrap()).unwrap();
            assert_eq!(count(&now), u64::from(writes), "{polls:?}");
            assert_eq!(other.id(), Some(scene.old));
            assert_eq!((scene.listed(), scene.left()), (1, 1), "{polls:?}");
            let is_over = renews.id() != Some(scene.old);
            assert_eq!(scene.load(&scene.old).is_none(), is_over, "{polls:?}");
        }
    }
}

#[test]
fn s13_a_session_that_is_ended_meanwhile_stays_ended() {
    for polls in orders() {
        for how in 0..3 {
            let scene = Scene::new();
            let (renews, other) = (scene.session(), scene.session());
            let ends = async {
                match how {
                    0 => {
                        other.destroy();
                        scene.sessions.commit(&other).await.map(drop)
                    }
                    1 => scene.sessions.end_all("ada", None).await.map(drop),
                    _ => scene.sessions.revoke(&scene.old).await.map(drop),
                }
            };
            let commits = scene.sessions.commit(&renews);
            let (of_a, of_b) = interleaved(commits, ends, polls);
            of_b.unwrap();
            // It has only read: whatever happened, it does not fail.
            of_a.unwrap();
            let new = renews.id().and_then(|id| scene.load(&id));
            assert!(new.is_none(), "{how} {polls:?}");
            assert!(scene.load(&scene.old).is_none(), "{how} {polls:?}");
            assert_eq!((scene.listed(), scene.left()), (0, 0), "{how} {polls:?}");
        }
    }
}

#[test]
fn s13_of_a_login_and_a_renewal_the_login_counts() {
    for polls in orders() {
        let scene = Scene::new();
        let (renews, login) = (scene.session(), scene.session());
        increment(&login);
        login.cycle_id();
        let sessions = &scene.sessions;
        let (of_a, of_b) = interleaved(sessions.commit(&renews), sessions.commit(&login), polls);
        of_a.unwrap();
        assert_eq!(of_b.unwrap(), Committed::Rotated);
        let id = login.id().unwrap();
        assert_eq!(count(&scene.load(&id).unwrap()), 1, "{polls:?}");
        let other = renews.id().filter(|other| *other != id);
        assert!(other.is_none_or(|other| scene.load(&other).is_none()));
        assert!(scene.load(&scene.old).is_none(), "{polls:?}");
        assert_eq!((scene.listed(), scene.left()), (1, 1), "{polls:?}");
    }
}

#[test]
fn s13_s39_a_dropped_renewal_leaves_the_session_to_the_old_id() {
    for (polls, writes) in (0..POLLS_MAX).flat_map(|polls| [(polls, false), (polls, true)]) {
        let scene = Scene::new();
        let session = scene.session();
        if writes {
            increment(&session);
        }
        let ended = {
            let mut commit = pin!(scene.sessions.commit(&session));
            let mut done = None;
            (0..polls).for_each(|_| step(commit.as_mut(), &mut done));
            done.is_some()
        };
        let seen = scene.load(&scene.old).expect("old or new, never neither");
        let n = count(&seen);
        assert!(n == u64::from(writes) || n == 0 && !ended, "{polls}");
        // Repeated, it happens once.
        block_on(scene.sessions.commit(&session)).unwrap();
        assert_eq!(count(&scene.session()), u64::from(writes), "{polls}");
        assert_eq!(scene.listed(), 1, "{polls}");
    }
}

#[test]
fn s13_a_store_that_does_not_answer_in_time_loses_and_repeats_nothing() {
    for call in 0..12 {
        let scene = Scene::new();
        let session = scene.session();
        increment(&session);
        let next = scene.store.calls.load(Ordering::Relaxed) + call;
        scene.store.times_out.store(next, Ordering::Relaxed);
        let done = block_on(scene.sessions.commit(&session));
        scene.store.times_out.store(u64::MAX, Ordering::Relaxed);
        if let Err(error) = done {
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert!(scene.load(&scene.old).is_some());
            block_on(scene.sessions.commit(&session)).unwrap();
        }
        assert_eq!(count(&scene.session()), 1, "{call}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s13_s35_sixty_four_tasks_lose_nothing_while_ids_are_renewed() {
    const ROUNDS: u64 = 4;
    let scene = Scene::new();
    let mut id = scene.old;
    for round in 1..=ROUNDS {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let sessions = scene.sessions.clone();
            running.spawn(async move {
                let session = sessions.load(&id).await.unwrap().unwrap();
                increment(&session);
                let done = sessions.commit(&session).await.unwrap();
                (done, session.id().unwrap())
            });
        }
        let mut new = Vec::new();
        while let Some(ended) = running.join_next().await {
            let (done, left_with) = ended.unwrap();
            match done {
                Committed::Rotated => new.push(left_with),
                _ => assert_eq!(left_with, id),
            }
        }
        assert_eq!(new.len(), 1, "one renews");
        id = new[0];
        scene.clock.advance(AFTER.max(MINUTE));
        let now = scene.sessions.load(&id).await.unwrap().unwrap();
        assert_eq!(count(&now), 64 * round);
    }
    assert_eq!(scene.left(), 1);
}
