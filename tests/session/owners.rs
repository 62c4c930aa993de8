//! A user's sessions: listed, ended, limited; and the index that knows them stays small.

use std::sync::Arc;

use sessile::session::{Committed, OwnerIndex, Session, SessionHandle, Sessions, WhenReached};
use sessile::{Cache, CacheStore, ErrorKind};

use crate::kit::{DAY, Kit, MINUTE, block_on};
use crate::slow::Slow;

/// A stored session of `owner`.
fn signed_in(kit: &Kit, owner: &str) -> Session {
    let session = kit.sessions.fresh();
    session.insert("a", &1).unwrap();
    session.bind_owner(owner).unwrap();
    session.cycle_id();
    assert_eq!(kit.commit(&session), Committed::Created);
    session
}

fn alive(kit: &Kit, session: &Session) -> bool {
    session.id().is_some_and(|id| kit.load(&id).is_some())
}

#[test]
fn s15_one_sees_ones_own_sessions() {
    let kit = Kit::new();
    let first = signed_in(&kit, "ada");
    kit.clock.advance(MINUTE);
    let second = signed_in(&kit, "ada");
    signed_in(&kit, "bob");
    kit.stored("visitor", "x");
    kit.clock.advance(MINUTE);
    let first = kit.again(&first.id().unwrap());
    kit.commit(&first);

    let list = block_on(kit.sessions.list("ada", Some(&first))).unwrap();
    assert_eq!(list.len(), 2);
    assert!(list[0].is_current && !list[1].is_current, "last used first");
    assert_eq!(Some(list[0].handle), kit.sessions.handle(&first));
    assert_eq!(list[0].last_seen, list[0].created + 2 * MINUTE);
    assert_eq!(list[1].created, second.created().unwrap());
    // A handle is no id and opens nothing.
    let text = list[0].handle.to_string();
    assert_eq!(SessionHandle::parse(&text), Some(list[0].handle));
    assert!(!text.contains(first.id().unwrap().expose()));
    for bad in ["", "x", &text[1..], &text.to_uppercase()] {
        assert!(SessionHandle::parse(bad).is_none() || bad == text);
    }
}

#[test]
fn s14_end_one_all_and_all_but_this_one() {
    let kit = Kit::new();
    let ada: Vec<Session> = (0..4).map(|_| signed_in(&kit, "ada")).collect();
    let bob = signed_in(&kit, "bob");
    let handle = kit.sessions.handle(&ada[0]).unwrap();
    // Nobody ends a session by its handle but its owner.
    assert!(!block_on(kit.sessions.end("bob", &handle)).unwrap());
    assert!(block_on(kit.sessions.end("ada", &handle)).unwrap());
    assert!(!block_on(kit.sessions.end("ada", &handle)).unwrap());
    assert!(!alive(&kit, &ada[0]));

    assert_eq!(
        block_on(kit.sessions.end_all("ada", Some(&ada[1]))).unwrap(),
        2
    );
    assert!(alive(&kit, &ada[1]) && !alive(&kit, &ada[2]));
    assert_eq!(block_on(kit.sessions.end_all("ada", None)).unwrap(), 1);
    assert!(alive(&kit, &bob));
    assert!(block_on(kit.sessions.list("ada", None)).unwrap().is_empty());
    // Whoever still works on one is told.
    ada[1].insert("late", &1).unwrap();
    assert_eq!(block_on(ada[1].save()).unwrap_err().kind(), ErrorKind::Gone);
}

#[test]
fn s16_at_the_limit_the_new_session_is_refused() {
    let kit = Kit::with(|it| it.owner_limit(2, WhenReached::Refuse));
    let first = signed_in(&kit, "ada");
    signed_in(&kit, "ada");
    let third = kit.sessions.fresh();
    third.insert("a", &1).unwrap();
    third.bind_owner("ada").unwrap();
    let error = block_on(third.save()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(kit.records(), 2);
    // Rotating and saving are no new sessions.
    first.cycle_id();
    assert_eq!(kit.commit(&first), Committed::Rotated);
    first.insert("a", &2).unwrap();
    kit.commit(&first);
    first.destroy();
    kit.commit(&first);
    assert_eq!(kit.commit(&third), Committed::Created);
}

#[test]
fn s16_or_the_oldest_ends() {
    let kit = Kit::with(|it| it.owner_limit(2, WhenReached::EndOldest));
    let sessions: Vec<Session> = (0..4)
        .map(|_| {
            kit.clock.advance(MINUTE);
            signed_in(&kit, "ada")
        })
        .collect();
    let alive: Vec<bool> = sessions.iter().map(|it| alive(&kit, it)).collect();
    assert_eq!(alive, [false, false, true, true]);
    assert_eq!(kit.records(), 2);
}

#[test]
fn expired_sessions_do_not_count() {
    let kit = Kit::with(|it| it.idle(60 * MINUTE).owner_limit(1, WhenReached::Refuse));
    signed_in(&kit, "ada");
    kit.clock.advance(60 * MINUTE);
    assert!(block_on(kit.sessions.list("ada", None)).unwrap().is_empty());
    signed_in(&kit, "ada");
}

#[test]
fn bound_sessions_are_protected_and_visitors_are_not() {
    let clock = sessile::ManualClock::new();
    let cache = Cache::builder()
        .max_entries(100)
        .protected_entries(50)
        .clock(clock.clone())
        .build()
        .unwrap();
    let sessions = Sessions::builder(CacheStore::new(Arc::new(cache)))
        .clock(clock)
        .build()
        .unwrap();
    let login = sessions.fresh();
    login.bind_owner("ada").unwrap();
    block_on(sessions.commit(&login)).unwrap();
    assert_eq!(sessions.store().cache().stats().protected_entries, 1);
    for _ in 0..1_000 {
        let visitor = sessions.fresh();
        visitor.insert("a", &1).unwrap();
        block_on(sessions.commit(&visitor)).unwrap();
    }
    let id = login.id().unwrap();
    let found = block_on(sessions.load(&id)).unwrap().unwrap();
    // An owner alone makes a session worth its record.
    assert_eq!(found.owner().as_deref(), Some("ada"));
    assert!(found.is_empty());
    found.unbind_owner();
    found.insert("a", &1).unwrap();
    block_on(sessions.commit(&found)).unwrap();
    assert_eq!(sessions.store().cache().stats().protected_entries, 0);
    assert!(block_on(sessions.list("ada", None)).unwrap().is_empty());
}

#[test]
fn the_index_does_not_grow_past_the_live_sessions() {
    let kit = Kit::with(|it| it.idle(60 * MINUTE));
    let mut most = 0;
    for number in 0..5_000_u32 {
        signed_in(&kit, &format!("user {number}"));
        kit.clock.advance(MINUTE);
        most = most.max(kit.sessions.index().len());
    }
    // 60 live ones at any time.
    assert!(most <= 2 * 60 + 4, "{most}");
    kit.clock.advance(DAY);
    while block_on(kit.sessions.sweep_owners(10)).unwrap() > 0 {}
    assert!(kit.sessions.index().is_empty());
}

#[test]
fn binding_and_unbinding_over_and_over_leaves_nothing_behind() {
    let kit = Kit::new();
    let session = signed_in(&kit, "ada");
    for _ in 0..1_000 {
        session.unbind_owner();
        kit.commit(&session);
        session.bind_owner("bob").unwrap();
        kit.commit(&session);
    }
    assert_eq!(kit.sessions.index().len(), 1);
    // Places of earlier listings leave the queue when they come up.
    let stalest = block_on(kit.sessions.index().stalest(100)).unwrap();
    assert_eq!(stalest.len(), 1);
    assert!(block_on(kit.sessions.list("ada", None)).unwrap().is_empty());
}

#[test]
fn after_a_restart_sessions_come_back_as_they_are_used() {
    let kit = Kit::new();
    let session = signed_in(&kit, "ada");
    let restarted = Sessions::builder(kit.sessions.store().clone())
        .clock(kit.clock.clone())
        .build()
        .unwrap();
    assert!(block_on(restarted.list("ada", None)).unwrap().is_empty());
    let again = block_on(restarted.load(&session.id().unwrap())).unwrap();
    block_on(restarted.commit(&again.unwrap())).unwrap();
    assert_eq!(block_on(restarted.list("ada", None)).unwrap().len(), 1);
}

#[test]
fn owners_are_bounded_and_never_shown() {
    let session = Kit::new().sessions.fresh();
    for owner in ["", &"x".repeat(256)] {
        assert!(session.bind_owner(owner).is_err());
    }
    session.bind_owner(&"x".repeat(255)).unwrap();
    assert!(!format!("{session:?}").contains("xx"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s25_after_end_all_no_older_session_is_good() {
    let cache = Cache::builder().unlimited_entries().build().unwrap();
    let store = Slow::new(CacheStore::new(Arc::new(cache)));
    let sessions = Sessions::builder(store).build().unwrap();
    for _ in 0..20 {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let session = sessions.fresh();
            session.bind_owner("ada").unwrap();
            sessions.commit(&session).await.unwrap();
            // Rotations and saves race with the end of all.
            running.spawn(async move {
                for round in 0..4 {
                    session.cycle_id();
                    session.insert("n", &round).unwrap();
                    if session.save().await.is_err() {
                        break;
                    }
                }
                session
            });
        }
        tokio::task::yield_now().await;
        sessions.end_all("ada", None).await.unwrap();
        while let Some(session) = running.join_next().await {
            if let Some(id) = session.unwrap().id() {
                // It finished before: then it was ended with the others.
                assert!(sessions.load(&id).await.unwrap().is_none());
            }
        }
        assert!(sessions.list("ada", None).await.unwrap().is_empty());
    }
}
