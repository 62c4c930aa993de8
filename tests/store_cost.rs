//! The embedded store costs nothing beyond its cache: small futures, no allocation of their own.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]
#![expect(
    unsafe_code,
    reason = "counting allocations takes an allocator, whose trait is unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use sessile::{Cache, CacheStore, SessionStore, Terms};

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and nobody who asks.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to `System` unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
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

/// The output of a future that is ready at its first poll, and the allocations until then.
fn counted<F: Future>(make: impl FnOnce() -> F) -> (F::Output, u64) {
    let before = ALLOCATIONS.get();
    let mut context = Context::from_waker(Waker::noop());
    let output = match pin!(make()).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the embedded store waited"),
    };
    (output, ALLOCATIONS.get() - before)
}

const MINUTE: Duration = Duration::from_secs(60);

fn store() -> CacheStore {
    let cache = Cache::builder().max_entries(1000).build().unwrap();
    CacheStore::new(Arc::new(cache))
}

#[test]
fn reading_and_removing_allocate_nothing() {
    let store = store();
    for (key, len) in [(&b"small"[..], 200), (b"large", 100_000)] {
        let (put, _) = counted(|| store.put(key, vec![7; len].into(), MINUTE.into()));
        put.unwrap();
        let (found, allocations) = counted(|| store.load(key));
        assert_eq!(found.unwrap().unwrap().value.len(), len);
        assert_eq!(allocations, 0, "load of {len} bytes");
        let (found, allocations) = counted(|| store.exists(key));
        assert!(found.unwrap());
        assert_eq!(allocations, 0, "exists");
        let (touched, allocations) = counted(|| store.touch(key, MINUTE));
        assert!(touched.unwrap());
        assert_eq!(allocations, 0, "touch");
        let (removed, allocations) = counted(|| store.remove(key));
        assert!(removed.unwrap());
        assert_eq!(allocations, 0, "remove");
        let (found, allocations) = counted(|| store.load(key));
        assert!(found.unwrap().is_none());
        assert_eq!(allocations, 0, "load of nothing");
    }
}

#[test]
fn writing_allocates_what_the_cache_does() {
    let store = store();
    let terms = Terms::ttl(MINUTE);
    let value = Bytes::from_static(&[7; 200]);
    // Slots and index exist after the first writes.
    for _ in 0..2 {
        counted(|| store.put(b"key", value.clone(), terms))
            .0
            .unwrap();
    }
    let before = ALLOCATIONS.get();
    store.cache().insert("key", value.clone(), terms).unwrap();
    let direct = ALLOCATIONS.get() - before;
    let (put, through) = counted(|| store.put(b"key", value.clone(), terms));
    put.unwrap();
    assert_eq!(through, direct);
}

#[test]
fn futures_are_small() {
    let store = store();
    let pointers = |future: usize| future.div_ceil(size_of::<usize>());
    assert!(pointers(size_of_val(&store.load(b"key"))) <= 8);
    assert!(pointers(size_of_val(&store.touch(b"key", MINUTE))) <= 10);
    assert!(pointers(size_of_val(&store.remove(b"key"))) <= 8);
    let put = store.put(b"key", Bytes::new(), MINUTE.into());
    let arguments = size_of::<(&CacheStore, &[u8], Bytes, Terms)>();
    assert!(size_of_val(&put) <= 2 * arguments + 16);
}
