//! The store contract with the clock in the test's hand, and what each verb costs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sessile::ManualClock;
use sessile::store::contract::{self, Level, Report, Subject};
use sessile::store::{Created, MemcachedStore, SessionStore};

use crate::kit;
use crate::servers::{Memcached, Proxy, row, trips};
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
    let proxy = Proxy::to(server.port()).await;
    let settings = || {
        MemcachedStore::builder()
            .servers(format!("127.0.0.1:{}", proxy.port()))
            .patience(trips::patience())
    };
    let clock = ManualClock::new();
    let native = settings().prefix("native").clock(clock.clone());
    let store = native.connect().await.unwrap();
    // To see the record first takes one; where that says that there is nothing to do, it stays at that.
    let others = [
        ("create, taken", 2),
        ("replace seen", 2),
        ("replace any", 2),
        ("touch", 2),
        ("touch, to nothing", 2),
        ("remove", 2),
        ("purge_expired", 0),
    ];
    trips::check(&store, || proxy.turns(), &others).await;
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    clock.advance(Duration::from_secs(1801));
    proxy.turns();
    let created = store.create(b"k", "w".into(), kit::terms()).await.unwrap();
    assert!(matches!(created, Created::Done(_)));
    assert_eq!(proxy.turns(), 3, "a create over a record that has ended");
    let store = settings().bare().connect().await.unwrap();
    let bare = [("replace seen", 2), ("purge_expired", 0)];
    trips::check(&store, || proxy.turns(), &bare).await;
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
