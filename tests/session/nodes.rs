//! Two managers over one store that share its list of owners, as nodes behind one balancer do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sessile::session::{
    Committed, OwnerIndex, Session, Sessions, SessionsBuilder, StoreIndex, WhenReached,
};
use sessile::{Cache, CacheStore, ErrorKind, ManualClock};

use crate::kit::{MINUTE, block_on};
use crate::slow::Slow;

type Node = Sessions<Slow, StoreIndex<Slow>>;
type Builder = SessionsBuilder<Slow, StoreIndex<Slow>>;

struct Nodes {
    clock: ManualClock,
    store: Slow,
    here: Node,
    there: Node,
}

impl Nodes {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(set: impl Fn(Builder) -> Builder) -> Self {
        let clock = ManualClock::new();
        let cache = Cache::builder().unlimited_entries().clock(clock.clone());
        let store = Slow::new(CacheStore::new(Arc::new(cache.build().unwrap())));
        let node = || {
            let index = StoreIndex::new(store.clone()).secret(b"the same on all nodes");
            let builder = Sessions::builder(store.clone()).clock(clock.clone());
            set(builder.owner_index(index)).build().unwrap()
        };
        let (here, there) = (node(), node());
        Self {
            clock,
            store,
            here,
            there,
        }
    }
}

fn signed_in(node: &Node, owner: &str) -> Session {
    let session = node.fresh();
    session.bind_owner(owner).unwrap();
    assert_eq!(block_on(node.commit(&session)).unwrap(), Committed::Created);
    session
}

fn count(node: &Node, owner: &str) -> usize {
    block_on(node.list(owner, None)).unwrap().len()
}

#[test]
fn s25_log_out_everywhere_is_everywhere() {
    let nodes = Nodes::new();
    let first = signed_in(&nodes.here, "ada");
    let second = signed_in(&nodes.there, "ada");
    let bob = signed_in(&nodes.there, "bob");
    assert_eq!(
        (count(&nodes.here, "ada"), count(&nodes.there, "ada")),
        (2, 2)
    );
    // One ends the other's.
    let handle = nodes.there.handle(&second).unwrap();
    assert!(block_on(nodes.here.end("ada", &handle)).unwrap());
    assert_eq!(count(&nodes.there, "ada"), 1);
    let third = signed_in(&nodes.there, "ada");
    assert_eq!(
        block_on(nodes.here.end_all("ada", Some(&first))).unwrap(),
        1
    );
    let load = |node: &Node, session: &Session| block_on(node.load(&session.id().unwrap()));
    assert!(load(&nodes.there, &third).unwrap().is_none());
    assert!(load(&nodes.there, &first).unwrap().is_some());
    assert!(load(&nodes.here, &bob).unwrap().is_some());
    // Whoever still works on one is told.
    third.insert("late", &1).unwrap();
    let late = block_on(nodes.there.commit(&third)).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Gone);
}

#[test]
fn a_node_that_starts_later_knows_all() {
    let nodes = Nodes::new();
    signed_in(&nodes.here, "ada");
    let index = StoreIndex::new(nodes.store.clone()).secret(b"the same on all nodes");
    let builder = Sessions::builder(nodes.store.clone()).clock(nodes.clock.clone());
    let restarted = builder.owner_index(index).build().unwrap();
    assert_eq!(count(&restarted, "ada"), 1);
}

#[test]
fn expired_sessions_leave_the_list() {
    let nodes = Nodes::with(|it| it.idle(30 * MINUTE));
    signed_in(&nodes.here, "ada");
    nodes.clock.advance(20 * MINUTE);
    signed_in(&nodes.there, "ada");
    nodes.clock.advance(20 * MINUTE);
    assert_eq!(count(&nodes.here, "ada"), 1);
    let listed = block_on(nodes.there.index().list("ada")).unwrap();
    assert_eq!(listed.len(), 1);
}

#[test]
fn reading_a_session_costs_the_list_at_most_once_a_minute() {
    let nodes = Nodes::new();
    let id = signed_in(&nodes.here, "ada").id().unwrap();
    let request = || {
        let session = block_on(nodes.there.load(&id)).unwrap().unwrap();
        block_on(nodes.there.commit(&session)).unwrap();
    };
    nodes.clock.advance(2 * MINUTE);
    request();
    let before = nodes.store.calls.load(Ordering::Relaxed);
    (0..100).for_each(|_| request());
    // Each loads its session, and that is all.
    assert_eq!(nodes.store.calls.load(Ordering::Relaxed), before + 100);
    let listed = block_on(nodes.here.list("ada", None)).unwrap();
    assert_eq!(listed[0].last_seen, listed[0].created + 2 * MINUTE);
}

#[test]
fn an_error_of_the_store_is_the_callers() {
    let nodes = Nodes::new();
    let calls = nodes.store.calls.load(Ordering::Relaxed);
    nodes.store.times_out.store(calls + 1, Ordering::Relaxed);
    let session = nodes.here.fresh();
    session.bind_owner("ada").unwrap();
    let error = block_on(nodes.here.commit(&session)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!format!("{error} {error:?}").contains("ada"));
    // The listing may have arrived, the session has not: it is not shown.
    assert_eq!(count(&nodes.there, "ada"), 0);
    block_on(nodes.here.commit(&session)).unwrap();
    assert_eq!(count(&nodes.there, "ada"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s30_racing_logins_on_two_nodes_never_exceed_the_limit() {
    for round in 0..30 {
        let nodes = Nodes::with(|it| it.owner_limit(3, WhenReached::Refuse));
        let mut running = tokio::task::JoinSet::new();
        for number in 0..12 {
            let node = match number % 2 {
                0 => nodes.here.clone(),
                _ => nodes.there.clone(),
            };
            running.spawn(async move {
                let session = node.fresh();
                session.bind_owner("ada").unwrap();
                match node.commit(&session).await {
                    Ok(_) => 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Full);
                        0
                    }
                }
            });
        }
        let mut done = 0;
        while let Some(one) = running.join_next().await {
            done += one.unwrap();
        }
        assert_eq!(done, 3, "round {round}");
        assert_eq!(nodes.here.list("ada", None).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s25_ending_all_races_with_rotations_on_the_other_node() {
    for _ in 0..10 {
        let nodes = Nodes::new();
        let mut running = tokio::task::JoinSet::new();
        for number in 0..6 {
            let node = match number % 2 {
                0 => nodes.here.clone(),
                _ => nodes.there.clone(),
            };
            let session = node.fresh();
            session.bind_owner("ada").unwrap();
            node.commit(&session).await.unwrap();
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
        nodes.here.end_all("ada", None).await.unwrap();
        while let Some(session) = running.join_next().await {
            if let Some(id) = session.unwrap().id() {
                assert!(nodes.there.load(&id).await.unwrap().is_none());
            }
        }
        assert!(nodes.there.list("ada", None).await.unwrap().is_empty());
    }
}
