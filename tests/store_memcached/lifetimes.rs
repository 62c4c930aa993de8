//! Lifetimes in memcached's own units: whole seconds, dates from 30 days on, clocks that disagree.

use std::time::{Duration, Instant};

use sessile::ManualClock;
use sessile::store::{MemcachedStore, SessionStore, Terms};

use crate::kit::{self, Raw};
use crate::servers::Memcached;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The seconds that the server gives an item; -1 for no end.
fn left(raw: &mut Raw, name: &str) -> i64 {
    let line = raw.ask(format!("mg {name} t\r\n").as_bytes());
    line.strip_prefix("HD t").unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_server_is_told_a_ceiling_for_every_lifetime() {
    let Some(server) = Memcached::start("lifetimes in memcached", &[]) else {
        return;
    };
    let mut raw = Raw::to(&server);
    for (is_bare, name) in [(false, "sessile:kaw"), (true, "k")] {
        let settings = kit::on(&server);
        let settings = if is_bare { settings.bare() } else { settings };
        let store = settings.connect().await.unwrap();
        for days in [1, 29, 30, 31, 365] {
            for is_touch in [false, true] {
                if is_touch {
                    assert!(store.touch(b"k", days * DAY).await.unwrap());
                } else {
                    store
                        .put(b"k", "v".into(), Terms::ttl(days * DAY))
                        .await
                        .unwrap();
                }
                let seconds = i64::from(days) * 86_400;
                // Slack of an hour for dates, and a minute for a busy machine.
                let given = left(&mut raw, name);
                let range = seconds - 60..=seconds + 3600 + 5;
                assert!(
                    range.contains(&given),
                    "{days} days became {given} s, bare: {is_bare}"
                );
                assert!(store.exists(b"k").await.unwrap());
            }
        }
        for endless in [
            Terms::forever(),
            Terms::ttl(Duration::MAX),
            Terms::ttl(40 * 365 * DAY),
        ] {
            store.put(b"k", "v".into(), endless).await.unwrap();
            assert_eq!(left(&mut raw, name), -1);
        }
        store.remove(b"k").await.unwrap();
    }
}

#[tokio::test]
async fn clocks_that_disagree_by_an_hour_end_nothing_early() {
    let Some(server) = Memcached::start("clocks of memcached", &[]) else {
        return;
    };
    // Our clock stands in the year 2020, so the server's is years ahead of it.
    let behind = ManualClock::new();
    let store = kit::on(&server)
        .clock(behind.clone())
        .connect()
        .await
        .unwrap();
    store.put(b"k", "v".into(), Terms::ttl(HOUR)).await.unwrap();
    assert!(store.exists(b"k").await.unwrap());
    behind.advance(HOUR - Duration::from_millis(1));
    assert!(store.exists(b"k").await.unwrap());
    behind.advance(Duration::from_millis(1));
    assert!(!store.exists(b"k").await.unwrap(), "our clock decides");
}

#[tokio::test]
async fn the_server_forgets_nothing_before_its_end() {
    let Some(server) = Memcached::start("expiry in memcached", &[]) else {
        return;
    };
    // Our clock stands still: what is gone was forgotten by the server.
    let store = kit::on(&server)
        .clock(ManualClock::new())
        .connect()
        .await
        .unwrap();
    for millis in [1, 999, 1000, 1001] {
        let mut rounds = 1;
        while !are_all_kept(&store, millis).await {
            rounds += 1;
            assert!(rounds <= 10, "no round was in time");
        }
    }
}

/// Writes ten records and sees that the server keeps them; `false` if this took too long to tell.
async fn are_all_kept(store: &MemcachedStore, millis: u64) -> bool {
    let time = Duration::from_millis(millis);
    let is_kept = async |key: &str, written: Instant| {
        let is_there = store.exists(key.as_bytes()).await.unwrap();
        // Of the four seconds that the shortest record is given, its clock may take two: one that began
        // earlier, and one that it is late.
        let is_too_late = written.elapsed() > Duration::from_secs(2);
        assert!(is_there || is_too_late, "{key}");
        is_there
    };
    // Written at ten places between two ticks of the server's clock.
    let mut written = Vec::new();
    for place in 0..10 {
        let key = format!("{millis} {place}");
        let now = Instant::now();
        store
            .put(key.as_bytes(), "v".into(), Terms::ttl(time))
            .await
            .unwrap();
        if place % 2 == 0 && !store.touch(key.as_bytes(), time).await.unwrap() {
            assert!(now.elapsed() > Duration::from_secs(2), "{key}");
            return false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        if millis == 1 && !is_kept(&key, now).await {
            return false;
        }
        written.push((key, now));
    }
    // The first one's time is up by now, the last one's soon.
    for (key, written) in written {
        if !is_kept(&key, written).await {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn without_a_clock_of_its_own_a_store_goes_by_the_systems() {
    let Some(server) = Memcached::start("expiry in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    store
        .put(b"long", "v".into(), Terms::ttl(HOUR))
        .await
        .unwrap();
    let short = Duration::from_millis(20);
    store
        .put(b"short", "v".into(), Terms::ttl(short))
        .await
        .unwrap();
    tokio::time::sleep(short).await;
    assert!(store.load(b"short").await.unwrap().is_none());
    assert!(store.load(b"long").await.unwrap().is_some());
}

#[tokio::test]
async fn the_server_forgets_what_has_ended() {
    let Some(server) = Memcached::start("expiry in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let short = Terms::ttl(Duration::from_millis(50));
    store.put(b"k", "v".into(), short).await.unwrap();
    let mut raw = Raw::to(&server);
    let name = raw.names().remove(0);
    let request = format!("mg {name}\r\n");
    crate::servers::wait_until("the end of a record", || {
        raw.ask(request.as_bytes()) == "EN"
    });
}
