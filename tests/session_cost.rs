//! What sessions cost in allocations, and what they write into logs.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]
#![expect(
    unsafe_code,
    reason = "counting allocations takes an allocator, whose trait is unsafe"
)]

#[path = "logs/hear.rs"]
mod hear;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hear::Log;
use sessile::session::Sessions;
use sessile::{Cache, CacheStore, SessionStore, Terms};

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to `System` unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and nobody who asks.
        let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller keeps `GlobalAlloc`'s rules, which are `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: `place` came from `alloc` above, that is from `System`, with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the embedded store waited"),
    }
}

fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = ALLOCATIONS.get();
    let output = work();
    (output, ALLOCATIONS.get() - before)
}

fn manager() -> Sessions<CacheStore> {
    let cache = Cache::builder().max_entries(1000).build().unwrap();
    let store = CacheStore::new(Arc::new(cache));
    Sessions::builder(store).build().unwrap()
}

#[test]
fn reading_one_of_twenty_values_takes_four_allocations_at_most() {
    reading_costs_four(&manager());
    // An id that is not due for renewal costs none either.
    let store = manager().store().clone();
    let renewing = Sessions::builder(store).renew_ids_after(Duration::from_secs(3600));
    reading_costs_four(&renewing.build().unwrap());
}

fn reading_costs_four(sessions: &Sessions<CacheStore>) {
    let session = sessions.fresh();
    for number in 0..20 {
        let name = format!("name {number}");
        session.insert(&name, &format!("value {number}")).unwrap();
    }
    now(sessions.commit(&session)).unwrap();
    let id = session.id().unwrap();
    drop(session);
    let read = || {
        let lazy = sessions.open(Some(&id));
        let session = now(lazy.session()).unwrap();
        let value: String = session.get("name 13").unwrap().unwrap();
        now(sessions.commit(&session)).unwrap();
        value
    };
    read();
    let (value, allocations) = counted(read);
    assert_eq!(value, "value 13");
    assert!(allocations <= 4, "{allocations} allocations");
    let (_, allocations) = counted(|| now(sessions.open(Some(&id)).commit()));
    // The handle, and the box of a commit that has nothing to do.
    assert!(allocations <= 2, "{allocations} allocations untouched");
}

#[test]
fn writing_one_of_twenty_values_allocates_no_tree() {
    let sessions = manager();
    let session = sessions.fresh();
    for number in 0..20 {
        session.insert(&format!("name {number}"), &number).unwrap();
    }
    now(sessions.commit(&session)).unwrap();
    let id = session.id().unwrap();
    let write = || {
        let session = now(sessions.load(&id)).unwrap().unwrap();
        session.insert("name 13", &14).unwrap();
        now(sessions.commit(&session)).unwrap();
    };
    write();
    let ((), allocations) = counted(write);
    assert!(allocations <= 8, "{allocations} allocations");
}

#[test]
fn an_undecodable_record_is_one_security_event_without_id_or_content() {
    let log = Log::default();
    let sessions = manager();
    let session = sessions.fresh();
    session.insert("canary-name", "canary-value").unwrap();
    session.bind_owner("canary-owner").unwrap();
    now(sessions.commit(&session)).unwrap();
    let id = session.id().unwrap();
    let key = sessions.key(&id);
    let record = now(sessions.store().load(key.as_ref())).unwrap().unwrap();
    let torn = record.value.slice(..record.value.len() - 3);
    let day = Terms::ttl(Duration::from_secs(86_400));
    now(sessions.store().put(key.as_ref(), torn, day)).unwrap();

    let guard = log.hear(tracing::Level::TRACE);
    let lazy = sessions.open(Some(&id));
    let session = now(lazy.session()).unwrap();
    assert!(session.is_empty() && session.owner().is_none());
    let shown = format!("{lazy:?} {session:?} {sessions:?} {id:?} {key:?}");
    tracing::info!("{shown}");
    drop(guard);
    let text = log.text();
    let events = text.lines().filter(|line| line.contains("WARN"));
    assert_eq!(events.count(), 1, "{text}");
    assert!(text.contains("sessile::security"), "{text}");
    let hex: String = key
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for secret in [id.expose(), "canary", &hex] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
