//! The store contract, with a clock in the test's hand and with the real one.

use std::time::Duration;

use sessile::ManualClock;
use sessile::store::contract::{self, Level, Subject};
use sessile::store::{MemcachedBuilder, MemcachedStore, SessionStore};

use crate::kit;
use crate::servers::Memcached;

/// Each store has a prefix of its own in one server.
struct Real {
    server: Memcached,
    clock: Option<ManualClock>,
    tick: Duration,
    made: std::sync::atomic::AtomicUsize,
}

impl Real {
    fn new(server: Memcached, clock: Option<ManualClock>, tick: Duration) -> Self {
        let made = std::sync::atomic::AtomicUsize::new(0);
        Self {
            server,
            clock,
            tick,
            made,
        }
    }

    fn settings(&self) -> MemcachedBuilder {
        let made = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        kit::on(&self.server).prefix(format!("{made}:"))
    }
}

impl Subject for Real {
    type Store = MemcachedStore;

    async fn fresh(&self) -> MemcachedStore {
        let settings = self.settings();
        match &self.clock {
            Some(clock) => settings.clock(clock.clone()),
            None => settings,
        }
        .connect()
        .await
        .unwrap()
    }

    async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    fn level(&self) -> Level {
        Level::new()
            .tick(self.tick)
            .without_idle()
            .without_max_age()
            .value_up_to((1 << 20) - 1024)
    }
}

#[tokio::test]
async fn the_store_keeps_the_contract_to_the_millisecond() {
    let Some(server) = Memcached::start("the store contract on memcached", &[]) else {
        return;
    };
    let clock = Some(ManualClock::new());
    let report = contract::run(&Real::new(server, clock, Duration::from_millis(1))).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn the_store_keeps_the_contract_by_the_real_clock() {
    let Some(server) = Memcached::start("the store contract on memcached", &[]) else {
        return;
    };
    // A process that does not run for half a tick fails the checks of expiry.
    let report = contract::run(&Real::new(server, None, Duration::from_millis(250))).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn each_verb_costs_the_round_trips_that_are_documented() {
    let Some(server) = Memcached::start("the cost of memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let mut raw = kit::Raw::to(&server);
    let counters = ["cmd_get", "cmd_set", "delete_hits", "delete_misses"];
    let mut asked = 0;
    let mut cost = || {
        let now = counters.iter().map(|name| raw.stat(name)).sum();
        now - std::mem::replace(&mut asked, now)
    };
    let terms = kit::terms();
    let _ = store.create(b"k", "v".into(), terms).await.unwrap();
    assert_eq!(cost(), 1, "create");
    store.load(b"k").await.unwrap();
    assert_eq!(cost(), 1, "load");
    store.put(b"k", "v".into(), terms).await.unwrap();
    assert_eq!(cost(), 1, "put");
    store.exists(b"k").await.unwrap();
    assert_eq!(cost(), 1, "exists");
    let _ = store.replace(b"k", "v".into(), terms, None).await.unwrap();
    assert_eq!(cost(), 2, "replace");
    store.touch(b"k", Duration::from_secs(9)).await.unwrap();
    assert_eq!(cost(), 2, "touch");
    store.remove(b"k").await.unwrap();
    assert_eq!(cost(), 2, "remove");
}
