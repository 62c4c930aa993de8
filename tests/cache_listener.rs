//! What a listener is told, and that it can harm nobody.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Barrier, Mutex, MutexGuard};
use std::time::Duration;

use sessile::{Builder, Cache, Cause, ManualClock, Removal, Terms};

const MINUTE: Duration = Duration::from_secs(60);

/// A cache whose removals arrive in a channel.
fn told(builder: Builder) -> (Cache, Receiver<Removal>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let listener = move |removal| {
        let _ = sender.lock().expect("no test panics in here").send(removal);
    };
    (
        builder
            .listener(listener)
            .build()
            .expect("a valid configuration"),
        receiver,
    )
}

fn next(cache: &Cache, events: &Receiver<Removal>) -> (String, String, Cause) {
    cache.flush_listener();
    let event = events.try_recv().expect("an event is there after a flush");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (text(&event.key), text(&event.value), event.cause)
}

fn event(key: &str, value: &str, cause: Cause) -> (String, String, Cause) {
    (key.into(), value.into(), cause)
}

#[test]
fn every_way_out_has_its_cause() {
    let clock = ManualClock::new();
    let (cache, events) = told(Cache::builder().max_entries(2).clock(clock.clone()));
    cache.insert("a", "1", MINUTE).unwrap();
    cache.insert("a", "2", MINUTE).unwrap();
    assert_eq!(next(&cache, &events), event("a", "1", Cause::Replaced));
    let _ = cache.replace("a", "3", MINUTE, None).unwrap();
    assert_eq!(next(&cache, &events), event("a", "2", Cause::Replaced));
    cache.remove("a");
    assert_eq!(next(&cache, &events), event("a", "3", Cause::Removed));
    cache.insert("b", "4", MINUTE).unwrap();
    cache.take("b");
    assert_eq!(next(&cache, &events), event("b", "4", Cause::Removed));
    cache.insert("c", "5", MINUTE).unwrap();
    clock.advance(MINUTE);
    cache.maintain(100);
    assert_eq!(next(&cache, &events), event("c", "5", Cause::Expired));
    for (key, value) in [("d", "6"), ("e", "7"), ("f", "8")] {
        cache.insert(key, value, MINUTE).unwrap();
    }
    let (key, _, cause) = next(&cache, &events);
    assert!(cause == Cause::Evicted && (key == "d" || key == "e"));
    assert_eq!(cache.retain(|key, _| key.bytes() != b"f"), 1);
    assert_eq!(next(&cache, &events), event("f", "8", Cause::Cleared));
    assert_eq!(cache.clear(), 1);
    assert_eq!(next(&cache, &events).2, Cause::Cleared);
    cache.insert("g", "9", Terms::forever()).unwrap();
    cache.touch("g", Duration::ZERO);
    cache.insert("g", "10", Terms::forever()).unwrap();
    assert_eq!(next(&cache, &events), event("g", "9", Cause::Expired));
    assert!(events.try_recv().is_err(), "and nothing more was told");
}

#[test]
fn large_values_and_namespaces_arrive_whole() {
    let (cache, events) = told(Cache::builder().unlimited_entries());
    let namespace = cache.namespace("app:").unwrap();
    let value = vec![9; 5000];
    cache
        .insert(namespace.key(b"id"), value.clone(), MINUTE)
        .unwrap();
    assert_eq!(cache.clear_namespace(namespace), 1);
    cache.flush_listener();
    let event = events.try_recv().unwrap();
    assert_eq!((&event.key[..], event.namespace), (&b"id"[..], namespace));
    assert_eq!((event.value, event.cause), (value.into(), Cause::Cleared));
}

#[test]
fn a_panicking_listener_loses_only_the_event_it_panicked_over() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let cache = Cache::builder()
        .unlimited_entries()
        .listener(move |removal: Removal| {
            assert_ne!(&removal.key[..], b"1", "planted");
            hears
                .lock()
                .expect("dropped before any panic")
                .push(removal.key);
        })
        .build()
        .unwrap();
    for key in ["0", "1", "2"] {
        cache.insert(key, "v", MINUTE).unwrap();
        cache.remove(key);
    }
    cache.flush_listener();
    assert_eq!(*heard.lock().unwrap(), ["0", "2"]);
    assert_eq!(cache.stats().events_lost, 0);
}

#[test]
fn a_stuck_listener_delays_nobody_and_what_it_misses_is_counted() {
    let gate = Arc::new(Barrier::new(2));
    let held = Arc::clone(&gate);
    let entered = Arc::new(Barrier::new(2));
    let enters = Arc::clone(&entered);
    let heard = Arc::new(Mutex::new(0_u64));
    let hears = Arc::clone(&heard);
    let cache = Cache::builder()
        .unlimited_entries()
        .listener_queue(10)
        .listener(move |removal: Removal| {
            if &removal.key[..] == b"first" {
                enters.wait();
                held.wait();
            }
            *hears.lock().expect("no panics") += 1;
        })
        .build()
        .unwrap();
    cache.insert("first", "v", MINUTE).unwrap();
    cache.remove("first");
    entered.wait();
    for _ in 0..100 {
        cache.insert("id", "v", MINUTE).unwrap();
        assert!(cache.remove("id"));
    }
    assert_eq!(cache.stats().events_lost, 90);
    gate.wait();
    cache.flush_listener();
    assert_eq!(*heard.lock().unwrap(), 11);
}

#[test]
fn what_is_queued_is_told_when_the_cache_is_dropped() {
    let (cache, events) = told(Cache::builder().unlimited_entries());
    for number in 0..1000_u32 {
        cache.insert(&number.to_le_bytes(), "v", MINUTE).unwrap();
        cache.remove(&number.to_le_bytes());
    }
    drop(cache);
    assert_eq!(events.into_iter().count(), 1000);
}

#[test]
fn a_listener_may_use_its_cache() {
    let clock = ManualClock::new();
    let slot: Arc<Mutex<Option<Arc<Cache>>>> = Arc::default();
    let inside = Arc::clone(&slot);
    let cache = Cache::builder()
        .unlimited_entries()
        .clock(clock.clone())
        .listener(move |removal: Removal| {
            let cache = inside.lock().expect("no panics").clone();
            if let Some(cache) = cache
                && removal.cause == Cause::Expired
            {
                let _ = cache.insert("again", removal.value, Terms::forever());
            }
        })
        .build()
        .unwrap();
    let cache = Arc::new(cache);
    *slot.lock().unwrap() = Some(Arc::clone(&cache));
    cache.insert("id", "v", MINUTE).unwrap();
    clock.advance(MINUTE);
    cache.maintain(10);
    cache.flush_listener();
    assert_eq!(cache.get("again").unwrap(), "v");
    *slot.lock().unwrap() = None;
}

/// Takes a lock without ever sleeping for it: how std waits is not seen by a sanitizer.
fn taken<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        if let Ok(guard) = lock.try_lock() {
            return guard;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_listener_may_flush_its_own_queue_and_the_cache_still_ends() {
    let (sender, told) = channel();
    // On a thread of its own: whoever drops the cache waits for the listener's thread.
    let user = std::thread::spawn(move || {
        let slot: Arc<Mutex<Option<Arc<Cache>>>> = Arc::default();
        let inside = Arc::clone(&slot);
        let cache = Cache::builder()
            .unlimited_entries()
            .listener(move |_| {
                if let Some(cache) = &*taken(&inside) {
                    cache.flush_listener();
                }
                let _ = sender.send(());
            })
            .build()
            .expect("nothing is limited");
        let cache = Arc::new(cache);
        *taken(&slot) = Some(Arc::clone(&cache));
        // More are queued behind the one whose listener flushes.
        for number in 0..1000_u32 {
            let key = number.to_le_bytes();
            cache.insert(&key, "v", MINUTE).expect("no limits");
            assert!(cache.remove(&key));
            if number == 500 {
                cache.flush_listener();
            }
        }
        *taken(&slot) = None;
        drop(cache);
    });
    let mut count = 0;
    // Until the listener is gone, and with it its end of the channel. The time limit is for a deadlock.
    let end = loop {
        match told.recv_timeout(Duration::from_secs(600)) {
            Ok(()) => count += 1,
            Err(end) => break end,
        }
    };
    assert_eq!(end, RecvTimeoutError::Disconnected, "waits for itself");
    user.join().expect("nothing failed");
    assert_eq!(count, 1000);
}
