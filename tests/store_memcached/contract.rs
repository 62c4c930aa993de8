//! The store contract with the clock in the test's hand, and what each verb costs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sessile::ManualClock;
use sessile::store::contract::{self, Level, Report, Subject};
use sessile::store::{MemcachedStore, SessionStore};

use crate::kit;
use crate::servers::{Memcached, row};
use crate::verbs;

/// Each store has a prefix of its own in one server.
pub(crate) struct Real {
    server: Memcached,
    clock: ManualClock,
    made: AtomicUsize,
}

impl Real {
    pub(crate) fn on(server: Memcached) -> Self {
        let (clock, made) = (ManualClock::new(), AtomicUsize::new(0));
        Self {
            server,
            clock,
            made,
        }
    }

    pub(crate) async fn run(&self) -> Report {
        contract::run(self).await
    }
}

impl Subject for Real {
    type Store = MemcachedStore;

    async fn fresh(&self) -> MemcachedStore {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let settings = kit::on(&self.server).prefix(format!("{made}:"));
        settings.clock(self.clock.clone()).connect().await.unwrap()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn level(&self) -> Level {
        let level = Level::new().without_idle().without_max_age();
        level.value_up_to((1 << 20) - 1024)
    }
}

#[tokio::test]
async fn the_store_keeps_the_contract_to_the_millisecond() {
    let Some(server) = Memcached::start("the store contract on memcached", &[]) else {
        return;
    };
    let report = Real::on(server).run().await;
    println!("{report}");
    let weakened = "may forget at any time; cannot list; the clients' clocks must agree";
    row(
        25,
        "`MemcachedStore` (`memcached`)",
        "memcached 1.6.18",
        weakened,
        &report,
    );
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

#[tokio::test]
async fn each_verb_runs_in_a_span_that_tells_no_secret() {
    let Some(server) = Memcached::start("spans of memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let also = async { store.close().await.unwrap() };
    verbs::check("memcached", &store, &["close"], also).await;
}
