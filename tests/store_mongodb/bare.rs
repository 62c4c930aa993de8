//! The bare form: Flask-Session's documents.

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, doc};
use sessile::store::{Created, Replaced, SessionStore, Terms};
use sessile::{ErrorKind, ManualClock};

use crate::double::{Double, Fault};
use crate::kit::{self, SESSIONS};

#[tokio::test]
async fn documents_are_those_of_flask_session() {
    let double = Double::start().await;
    let store = kit::on(&double)
        .bare()
        .clock(ManualClock::new())
        .connect()
        .await
        .unwrap();
    store
        .put(
            b"session:abc",
            "v".into(),
            Terms::ttl(Duration::from_secs(5)),
        )
        .await
        .unwrap();
    let mut document = double.documents(SESSIONS).remove(0);
    assert!(matches!(document.remove("_id"), Some(Bson::ObjectId(_))));
    assert_eq!(document.get_binary_generic("val").unwrap(), b"v");
    assert_eq!(
        document.get_datetime("expiration").unwrap(),
        &DateTime::from_millis(1_577_836_805_000)
    );
    assert_eq!(document.get_str("id").unwrap(), "session:abc");
    assert_eq!(document.len(), 3);
}

#[tokio::test]
async fn the_verbs_work_by_content() {
    let double = Double::start().await;
    let clock = ManualClock::new();
    let store = kit::on(&double)
        .bare()
        .clock(clock.clone())
        .connect()
        .await
        .unwrap();
    store.prepare().await.unwrap();
    let terms = Terms::ttl(Duration::from_secs(10));
    let Created::Done(first) = store.create(b"k", "one".into(), terms).await.unwrap() else {
        panic!("a new key is taken");
    };
    assert_eq!(
        store.create(b"k", "two".into(), terms).await.unwrap(),
        Created::Taken
    );
    assert_eq!(store.load(b"k").await.unwrap().unwrap().version, first);
    let second = store.put(b"k", "two".into(), terms).await.unwrap();
    assert_ne!(first, second);
    let replaced = store
        .replace(b"k", "three".into(), terms, Some(first))
        .await
        .unwrap();
    assert_eq!(replaced, Replaced::Conflict(second));
    for expected in [Some(second), None] {
        let replaced = store
            .replace(b"k", "three".into(), terms, expected)
            .await
            .unwrap();
        assert!(matches!(replaced, Replaced::Done(_)));
    }
    assert!(store.touch(b"k", Duration::from_secs(20)).await.unwrap());
    clock.advance(Duration::from_secs(19));
    assert!(store.exists(b"k").await.unwrap());
    clock.advance(Duration::from_secs(1));
    assert!(!store.exists(b"k").await.unwrap() && store.load(b"k").await.unwrap().is_none());
    assert!(!store.touch(b"k", Duration::from_secs(20)).await.unwrap());
    assert!(!store.remove(b"k").await.unwrap());
    for expected in [Some(second), None] {
        let replaced = store
            .replace(b"k", "four".into(), terms, expected)
            .await
            .unwrap();
        assert_eq!(replaced, Replaced::Gone);
    }
    let created = store
        .create(b"k", "five".into(), Terms::forever())
        .await
        .unwrap();
    assert!(
        matches!(created, Created::Done(_)),
        "an ended session is overwritten"
    );
    assert_eq!(double.documents(SESSIONS).len(), 1, "and not doubled");
    clock.advance(Duration::from_secs(99));
    assert!(store.remove(b"k").await.unwrap());
}

#[tokio::test]
async fn creates_at_once_have_one_winner_and_lost_answers_are_recognized() {
    let double = Double::start().await;
    let store = kit::on(&double).bare().connect().await.unwrap();
    store.prepare().await.unwrap();
    let creates: Vec<_> = (0..16)
        .map(|number| {
            let store = store.clone();
            let value = number.to_string();
            tokio::spawn(async move {
                store
                    .create(b"k", value.into(), kit::terms())
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut winners = 0;
    for create in creates {
        winners += usize::from(matches!(create.await.unwrap(), Created::Done(_)));
    }
    assert_eq!((winners, double.documents(SESSIONS).len()), (1, 1));
    double.fail([Fault::CutAfter, Fault::CutBefore, Fault::CutBefore]);
    let created = store
        .create(b"other", "v".into(), kit::terms())
        .await
        .unwrap();
    assert!(matches!(created, Created::Done(_)));
}

#[tokio::test]
async fn keys_that_are_no_text_are_refused_or_absent() {
    let double = Double::start().await;
    let store = kit::on(&double).bare().connect().await.unwrap();
    let error = store
        .put(b"\xff", "v".into(), kit::terms())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(store.load(b"\xff").await.unwrap().is_none());
    assert!(!store.exists(b"\xff").await.unwrap() && !store.remove(b"\xff").await.unwrap());
    double.plant(SESSIONS, doc! { "_id": 1, "id": "text", "val": "no bytes" });
    assert!(store.load(b"text").await.unwrap().is_none());
}
