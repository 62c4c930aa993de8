//! Listing, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use mongodb::bson::doc;
use sessile::store::{Cursor, MongoStore, SessionStore, Survey, Terms};
use sessile::{ErrorKind, ManualClock};

use crate::double::Double;
use crate::kit::{self, SESSIONS};

async fn walk(store: &MongoStore, limit: usize) -> BTreeMap<Vec<u8>, Option<Duration>> {
    let mut seen = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.page(after, limit).await.unwrap();
        assert!(page.records.len() <= limit.max(1));
        for record in page.records {
            let loaded = store.load(&record.key).await.unwrap().unwrap();
            assert_eq!(
                (loaded.value, loaded.version),
                (record.value, record.version)
            );
            seen.insert(record.key.to_vec(), record.left);
        }
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn every_living_session_is_seen_whatever_the_pages_and_forms() {
    for is_bare in [false, true] {
        let double = Double::start().await;
        let clock = ManualClock::new();
        let settings = kit::on(&double).clock(clock.clone());
        let settings = if is_bare { settings.bare() } else { settings };
        let store = settings.connect().await.unwrap();
        store.prepare().await.unwrap();
        let mut expected = BTreeMap::new();
        for number in 0..60_u64 {
            let key = format!("key {number}").repeat(1 + usize::try_from(number % 3).unwrap());
            let ttl = Duration::from_secs(10 + number);
            store
                .put(key.as_bytes(), "v".into(), Terms::ttl(ttl))
                .await
                .unwrap();
            if number >= 5 {
                expected.insert(key.into_bytes(), Some(ttl - Duration::from_secs(14)));
            }
        }
        store
            .put(b"endless", "v".into(), Terms::forever())
            .await
            .unwrap();
        expected.insert(b"endless".to_vec(), None);
        double.plant(SESSIONS, doc! { "_id": 5, "value": "foreign", "id": 7 });
        clock.advance(Duration::from_secs(14));
        for limit in [0, 1, 7, 1000, usize::MAX] {
            assert_eq!(walk(&store, limit).await, expected, "pages of {limit}");
        }
    }
}

#[tokio::test]
async fn a_page_is_no_larger_than_a_message() {
    let double = Double::start().await;
    let patience = kit::patience().timeout(Duration::from_secs(30));
    let store = kit::on(&double).patience(patience).connect().await.unwrap();
    for number in 0..5_u32 {
        store
            .put(&number.to_le_bytes(), vec![7; 6 << 20].into(), kit::terms())
            .await
            .unwrap();
    }
    let page = store.page(None, 100).await.unwrap();
    assert_eq!(page.records.len(), 2, "two of 6 MiB fit into 16");
    assert_eq!(walk(&store, 100).await.len(), 5);
}

#[tokio::test]
async fn foreign_cursors_are_refused_or_lead_nowhere() {
    let double = Double::start().await;
    let bare = kit::on(&double).bare().connect().await.unwrap();
    let error = bare
        .page(Some(Cursor::new(&b"\xff"[..])), 10)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
