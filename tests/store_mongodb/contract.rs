//! The store contract, in both forms as far as each keeps it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sessile::ManualClock;
use sessile::store::contract::{self, Level, Subject};
use sessile::store::{MongoStore, SessionStore};

use crate::double::Double;
use crate::kit;

/// Each store has a collection of its own.
struct OnDouble {
    double: Double,
    clock: Option<ManualClock>,
    tick: Duration,
    made: AtomicUsize,
}

impl Subject for OnDouble {
    type Store = MongoStore;

    async fn fresh(&self) -> MongoStore {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let settings = kit::on(&self.double).collection(format!("sessions{made}"));
        let store = match &self.clock {
            Some(clock) => settings.clock(clock.clone()),
            None => settings,
        };
        let store = store.connect().await.unwrap();
        store.prepare().await.unwrap();
        store
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
    }
}

async fn run(clock: Option<ManualClock>, tick: Duration) {
    let double = Double::start().await;
    let made = AtomicUsize::new(0);
    let report = contract::run(&OnDouble {
        double,
        clock,
        tick,
        made,
    })
    .await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn the_store_keeps_the_contract_to_the_millisecond() {
    run(Some(ManualClock::new()), Duration::from_millis(1)).await;
}

#[tokio::test]
async fn the_store_keeps_the_contract_by_the_real_clock() {
    run(None, Duration::from_millis(150)).await;
}

#[tokio::test]
async fn each_verb_is_one_command() {
    let double = Double::start().await;
    let store = kit::on(&double).connect().await.unwrap();
    let terms = kit::terms();
    double.heard();
    let _ = store.create(b"k", "v".into(), terms).await.unwrap();
    assert_eq!(double.heard().len(), 1, "create");
    let version = store.put(b"k", "v".into(), terms).await.unwrap();
    assert_eq!(double.heard().len(), 1, "put");
    store.load(b"k").await.unwrap();
    assert_eq!(double.heard().len(), 1, "load");
    let _ = store
        .replace(b"k", "w".into(), terms, Some(version))
        .await
        .unwrap();
    assert_eq!(double.heard().len(), 1, "replace");
    let conflict = store
        .replace(b"k", "x".into(), terms, Some(version))
        .await
        .unwrap();
    assert!(matches!(conflict, sessile::Replaced::Conflict(_)));
    assert_eq!(double.heard().len(), 2, "replace that fails");
    store.exists(b"k").await.unwrap();
    store.touch(b"k", Duration::from_secs(5)).await.unwrap();
    store.remove(b"k").await.unwrap();
    assert_eq!(double.heard().len(), 3, "exists, touch, remove");
    let _ = store.create(b"k", "v".into(), terms).await.unwrap();
    let commands = double.heard();
    let concern = commands[0].get_document("writeConcern").unwrap();
    assert_eq!(concern.get_str("w").unwrap(), "majority");
}
