//! Requests that work on one session at the same time, and requests that are dropped half way.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use sessile::id::SessionId;
use sessile::session::{Committed, Expiry, Session, Sessions};
use sessile::{Cache, CacheStore, ErrorKind};

use crate::kit::{Kit, MINUTE, block_on};
use crate::slow::Slow;

fn increment(session: &Session, name: &str) {
    let more = |count: Option<u64>| Some(count.unwrap_or(0) + 1);
    session.modify(name, more).unwrap();
}

fn slow() -> (Sessions<Slow>, Slow) {
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    let store = Slow::new(CacheStore::new(Arc::new(cache)));
    (Sessions::builder(store.clone()).build().unwrap(), store)
}

fn stored(sessions: &Sessions<Slow>) -> SessionId {
    let session = sessions.fresh();
    session.insert("n", &0_u64).unwrap();
    block_on(sessions.commit(&session)).unwrap();
    session.id().unwrap()
}

fn load(sessions: &Sessions<Slow>, id: &SessionId) -> Option<Session> {
    block_on(sessions.load(id)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s35_s36_sixty_four_tasks_lose_neither_increments_nor_keys() {
    const TASKS: u64 = 64;
    const ROUNDS: u64 = 8;
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    let embedded = CacheStore::new(Arc::new(cache));
    hammer(Sessions::builder(embedded).build().unwrap(), TASKS, ROUNDS).await;
    hammer(slow().0, TASKS, ROUNDS).await;
}

async fn hammer<S: sessile::SessionStore>(sessions: Sessions<S>, tasks: u64, rounds: u64) {
    let first = sessions.fresh();
    first.insert("n", &0_u64).unwrap();
    sessions.commit(&first).await.unwrap();
    let id = first.id().unwrap();
    let mut running = tokio::task::JoinSet::new();
    for task in 0..tasks {
        let sessions = sessions.clone();
        running.spawn(async move {
            for round in 0..rounds {
                let session = sessions.load(&id).await.unwrap().unwrap();
                increment(&session, "n");
                session.insert(&format!("{task}/{round}"), &round).unwrap();
                sessions.commit(&session).await.unwrap();
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    let end = sessions.load(&id).await.unwrap().unwrap();
    assert_eq!(end.get::<u64>("n").unwrap(), Some(tasks * rounds));
    assert_eq!(end.len() as u64, tasks * rounds + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_of_one_session_take_turns() {
    let (sessions, _) = slow();
    let session = sessions.fresh();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let session = session.clone();
        running.spawn(async move {
            increment(&session, "n");
            session.save().await.unwrap();
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    let end = sessions
        .load(&session.id().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(end.get::<u64>("n").unwrap(), Some(32));
}

#[test]
fn different_names_survive_and_the_last_word_on_one_name_counts() {
    let kit = Kit::new();
    let (_, id) = kit.stored("shared", "0");
    let (a, b) = (kit.again(&id), kit.again(&id));
    a.insert("a", &1).unwrap();
    a.insert("shared", "a").unwrap();
    b.insert("b", &2).unwrap();
    b.insert("shared", "b").unwrap();
    kit.commit(&a);
    kit.commit(&b);
    let end = kit.again(&id);
    assert_eq!(end.get::<u8>("a").unwrap(), Some(1));
    assert_eq!(end.get::<u8>("b").unwrap(), Some(2));
    assert_eq!(end.get::<String>("shared").unwrap().unwrap(), "b");
    // And the loser of the race sees what it merged with.
    assert_eq!(b.get::<u8>("a").unwrap(), Some(1));
}

#[test]
fn removals_clears_and_settings_are_repeated_on_what_others_wrote() {
    let kit = Kit::new();
    let (first, id) = kit.stored("x", "1");
    first.insert("y", "1").unwrap();
    kit.commit(&first);

    let (a, b) = (kit.again(&id), kit.again(&id));
    a.insert("new", &1).unwrap();
    a.set_expiry(Expiry::Idle(MINUTE)).unwrap();
    b.remove("x");
    b.set_permanent(false);
    kit.commit(&a);
    kit.commit(&b);
    let end = kit.again(&id);
    let mut keys = end.keys();
    keys.sort();
    assert_eq!(keys, ["new", "y"]);
    assert_eq!(end.expiry(), Expiry::Idle(MINUTE));
    assert!(!end.is_permanent());

    let (a, b) = (kit.again(&id), kit.again(&id));
    a.insert("late", &1).unwrap();
    b.clear();
    b.insert("after", &1).unwrap();
    increment(&b, "n");
    kit.commit(&a);
    kit.commit(&b);
    let mut keys = kit.again(&id).keys();
    keys.sort();
    assert_eq!(keys, ["after", "n"]);
}

#[test]
fn modifies_are_repeated_in_their_order_and_after_sets_they_are_not() {
    let kit = Kit::new();
    let (_, id) = kit.stored("text", "a");
    let add = |session: &Session, name: &str, what: &'static str| {
        let change = move |text: Option<String>| Some(text.unwrap_or_default() + what);
        session.modify(name, change).unwrap();
    };
    let (a, b) = (kit.again(&id), kit.again(&id));
    add(&a, "text", "b");
    add(&b, "text", "c");
    add(&b, "text", "d");
    b.insert("set", "x").unwrap();
    add(&b, "set", "y");
    a.insert("set", "other").unwrap();
    kit.commit(&a);
    kit.commit(&b);
    let end = kit.again(&id);
    assert_eq!(end.get::<String>("text").unwrap().unwrap(), "abcd");
    assert_eq!(end.get::<String>("set").unwrap().unwrap(), "xy");
}

#[test]
fn x15_nested_changes_through_modify_are_saved() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    session.insert("cart", &vec![vec![1]]).unwrap();
    kit.commit(&session);
    let id = session.id().unwrap();
    let session = kit.again(&id);
    let push = |cart: Option<Vec<Vec<u8>>>| {
        let mut cart = cart.unwrap_or_default();
        cart[0].push(2);
        Some(cart)
    };
    session.modify("cart", push).unwrap();
    kit.commit(&session);
    let cart = kit.again(&id).get::<Vec<Vec<u8>>>("cart");
    assert_eq!(cart.unwrap().unwrap(), [[1, 2]]);
}

#[test]
fn s37_a_save_after_a_destroy_is_refused() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    let (a, b) = (kit.again(&id), kit.again(&id));
    increment(&a, "n");
    b.destroy();
    kit.commit(&b);
    let error = block_on(a.save()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert_eq!(kit.records(), 0);
    // A handle that is told so can begin anew.
    a.destroy();
    a.insert("fresh", &1).unwrap();
    assert_eq!(kit.commit(&a), Committed::Created);
}

#[test]
fn s38_of_rotation_and_save_neither_is_lost_and_one_id_lives() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    let (a, b) = (kit.again(&id), kit.again(&id));
    b.insert("saved", &1).unwrap();
    kit.commit(&b);
    a.cycle_id();
    assert_eq!(kit.commit(&a), Committed::Rotated);
    let new = kit.again(&a.id().unwrap());
    assert!(new.contains("saved") && new.contains("a"));
    b.insert("late", &1).unwrap();
    assert_eq!(block_on(b.save()).unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(kit.records(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s38_of_many_rotations_one_wins() {
    let (sessions, store) = slow();
    for _ in 0..20 {
        let first = sessions.fresh();
        first.insert("n", &0_u64).unwrap();
        sessions.commit(&first).await.unwrap();
        let id = first.id().unwrap();
        let mut loaded = Vec::new();
        for _ in 0..8 {
            loaded.push(sessions.load(&id).await.unwrap().unwrap());
        }
        let mut running = tokio::task::JoinSet::new();
        for (task, session) in loaded.into_iter().enumerate() {
            running.spawn(async move {
                session.insert(&format!("{task}"), &task).unwrap();
                session.cycle_id();
                (session.save().await.map_err(|it| it.kind()), session.id())
            });
        }
        let mut alive = Vec::new();
        while let Some(ended) = running.join_next().await {
            match ended.unwrap() {
                (Ok(_), Some(id)) => alive.push(id),
                (outcome, id) => assert_eq!((outcome, id), (Err(ErrorKind::Gone), None)),
            }
        }
        assert_eq!(alive.len(), 1);
        assert!(sessions.load(&id).await.unwrap().is_none());
        assert!(sessions.load(&alive[0]).await.unwrap().is_some());
        assert!(sessions.revoke(&alive[0]).await.unwrap());
    }
    drop(store);
}

/// Drops a commit after `polls` polls; says whether it had ended.
fn dropped_after(session: &Session, polls: usize) -> bool {
    let mut commit = pin!(session.save());
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| matches!(commit.as_mut().poll(&mut context), Poll::Ready(_)))
}

#[test]
fn s39_a_dropped_commit_leaves_the_old_or_the_new_record_and_can_be_repeated() {
    type Change = fn(&Session);
    let changes: [Change; 3] = [
        |session| increment(session, "n"),
        |session| {
            increment(session, "n");
            session.insert("other", &1).unwrap();
        },
        |session| {
            increment(session, "n");
            session.bind_owner("ada").unwrap();
        },
    ];
    for change in changes {
        for polls in 0..20 {
            let (sessions, _) = slow();
            let id = stored(&sessions);
            let session = load(&sessions, &id).unwrap();
            change(&session);
            let ended = dropped_after(&session, polls);
            let seen = load(&sessions, &id).expect("old or new, never neither");
            let n = seen.get::<u64>("n").unwrap().unwrap();
            assert!(n == 1 || n == 0 && !ended, "after {polls} polls");
            // Repeated, it happens once.
            block_on(session.save()).unwrap();
            let n = load(&sessions, &id).unwrap().get::<u64>("n").unwrap();
            assert_eq!(n, Some(1), "after {polls} polls");
        }
    }
}

#[test]
fn s39_a_dropped_rotation_leaves_a_record() {
    for polls in 0..40 {
        let (sessions, store) = slow();
        let id = stored(&sessions);
        let session = load(&sessions, &id).unwrap();
        session.cycle_id();
        let ended = dropped_after(&session, polls);
        let old = load(&sessions, &id);
        let new = session.id().filter(|new| *new != id);
        let new = new.and_then(|new| load(&sessions, &new));
        // Between claim and answer only the store knows the new id; nothing is lost there.
        let held = store.held();
        assert!(old.is_some() || new.is_some() || held >= 1, "{polls}");
        assert!(!ended || new.is_some() && old.is_none());
    }
}

#[test]
fn s39_a_dropped_destroy_is_finished_by_the_next_commit() {
    for polls in 0..8 {
        let (sessions, _) = slow();
        let id = stored(&sessions);
        let session = load(&sessions, &id).unwrap();
        session.destroy();
        dropped_after(&session, polls);
        block_on(session.save()).unwrap();
        assert!(load(&sessions, &id).is_none());
    }
}

#[test]
fn a_write_that_timed_out_but_arrived_is_recognized() {
    let (sessions, store) = slow();
    let id = stored(&sessions);
    let session = load(&sessions, &id).unwrap();
    increment(&session, "n");
    let next = store.calls.load(Ordering::Relaxed);
    store.times_out.store(next, Ordering::Relaxed);
    assert_eq!(
        block_on(session.save()).unwrap_err().kind(),
        ErrorKind::Timeout
    );
    block_on(session.save()).unwrap();
    let n = load(&sessions, &id).unwrap().get::<u64>("n").unwrap();
    assert_eq!(n, Some(1));
}

#[test]
fn a_destroy_during_a_commit_wins() {
    for polls in 0..6 {
        let (sessions, store) = slow();
        let id = stored(&sessions);
        let session = load(&sessions, &id).unwrap();
        increment(&session, "n");
        let other = session.clone();
        {
            let mut commit = pin!(session.save());
            let mut context = Context::from_waker(Waker::noop());
            let mut ready = (0..polls).any(|_| commit.as_mut().poll(&mut context).is_ready());
            other.destroy();
            while !ready {
                ready = commit.as_mut().poll(&mut context).is_ready();
            }
        }
        block_on(session.save()).unwrap();
        assert_eq!(session.id(), None);
        assert!(load(&sessions, &id).is_none());
        assert_eq!(store.held(), 0, "after {polls} polls");
    }
}
