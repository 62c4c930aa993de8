//! The store contract, in both forms as far as each keeps it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sessile::store::contract::{self, Level, Subject};
use sessile::store::{
    Created, Lived, Loaded, MongoBuilder, MongoStore, Purged, Replaced, SessionStore, Survey,
    Terms, Version,
};
use sessile::{ManualClock, Result};

use crate::double::Double;
use crate::kit;
use crate::servers::row;
use crate::verbs;

/// No MongoDB could be had where these tests were written.
const DOUBLE: &str = "a double of the server; **no real MongoDB was run**";

/// Each store has a collection of its own.
struct OnDouble {
    double: Double,
    clock: ManualClock,
    made: AtomicUsize,
}

impl OnDouble {
    async fn new() -> Self {
        Self {
            double: Double::start().await,
            clock: ManualClock::new(),
            made: AtomicUsize::new(0),
        }
    }

    fn settings(&self) -> MongoBuilder {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let settings = kit::on(&self.double).collection(format!("sessions{made}"));
        settings.clock(self.clock.clone())
    }
}

impl Subject for OnDouble {
    type Store = MongoStore;

    async fn fresh(&self) -> MongoStore {
        let store = self.settings().connect().await.unwrap();
        store.prepare().await.unwrap();
        store
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn level(&self) -> Level {
        Level::new().without_idle().without_max_age()
    }
}

#[tokio::test]
async fn the_store_keeps_the_contract_to_the_millisecond() {
    let report = contract::run(&OnDouble::new().await).await;
    println!("{report}");
    let weakened = "the clients' clocks must agree";
    row(40, "`MongoStore` (`mongodb`)", DOUBLE, weakened, &report);
}

#[tokio::test]
async fn without_a_clock_of_its_own_a_store_goes_by_the_systems() {
    let double = Double::start().await;
    let store = kit::on(&double).connect().await.unwrap();
    store.put(b"long", "v".into(), kit::terms()).await.unwrap();
    let short = Terms::ttl(Duration::from_millis(20));
    store.put(b"short", "v".into(), short).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(store.load(b"short").await.unwrap().is_none());
    assert!(store.load(b"long").await.unwrap().is_some());
}

/// A bare store whose keys are text, as its users' are.
struct Texts(MongoStore);

/// In hexadecimal, so that keys of any bytes become text; what is impossible stays so.
fn text(key: &[u8]) -> Vec<u8> {
    key.iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

impl SessionStore for Texts {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.0.load(&text(key)).await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        self.0.load_left(&text(key)).await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.0.create(&text(key), value, terms).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.0.replace(&text(key), value, terms, expected).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.0.put(&text(key), value, terms).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.0.touch(&text(key), time_to_live).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.0.remove(&text(key)).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.0.exists(&text(key)).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.0.purge_expired(budget).await
    }
}

struct Bare(OnDouble);

impl Subject for Bare {
    type Store = Texts;

    async fn fresh(&self) -> Texts {
        let store = self.0.settings().bare().connect().await.unwrap();
        store.prepare().await.unwrap();
        Texts(store)
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }

    fn level(&self) -> Level {
        self.0.level().versions_by_content().key_up_to(32 << 10)
    }
}

#[tokio::test]
async fn the_bare_form_keeps_the_contract_but_for_versions() {
    let report = contract::run(&Bare(OnDouble::new().await)).await;
    println!("{report}");
    let weakened = "`create` is atomic once `prepare` was called";
    row(
        41,
        "`MongoStore`, shared with Flask-Session",
        "a double of the server; loads also polodb 5.3; **no real MongoDB was run**",
        weakened,
        &report,
    );
}

#[tokio::test]
async fn writes_wait_for_a_majority() {
    let double = Double::start().await;
    let store = kit::on(&double).connect().await.unwrap();
    let _ = store.create(b"k", "v".into(), kit::terms()).await.unwrap();
    let commands = double.heard();
    let concern = commands[0].get_document("writeConcern").unwrap();
    assert_eq!(concern.get_str("w").unwrap(), "majority");
}

#[tokio::test]
async fn reads_go_to_the_primary_and_the_address_has_the_write_concern() {
    let double = Double::start().await;
    let address = double.address() + "/?readPreference=secondary&w=1&readConcernLevel=majority";
    let settings = MongoStore::builder()
        .address(address)
        .patience(kit::patience());
    let store = settings.connect().await.unwrap();
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    store.load(b"k").await.unwrap();
    let [put, load] = &double.heard()[..] else {
        panic!("one command each");
    };
    let concern = put.get_document("writeConcern").unwrap();
    assert_eq!(
        concern.get("w").and_then(mongodb::bson::Bson::as_i32),
        Some(1)
    );
    let preference = load.get_document("$readPreference").ok();
    assert!(
        preference.is_none_or(|it| it.get_str("mode").unwrap() == "primary"),
        "{load}"
    );
    let concern = load.get_document("readConcern").unwrap();
    assert_eq!(concern.get_str("level").unwrap(), "majority");
}

#[tokio::test]
async fn each_verb_runs_in_a_span_that_tells_no_secret() {
    let case = OnDouble::new().await;
    let store = case.fresh().await;
    let also = async {
        let _ = store.page(None, 10).await.unwrap();
        store.close().await.unwrap();
    };
    verbs::check("mongodb", &store, &["page", "close"], also).await;
}
