//! What each verb costs, in messages to the double.

use std::time::Duration;

use sessile::ManualClock;
use sessile::store::{Created, SessionStore, Survey};

use crate::double::Double;
use crate::kit;
use crate::servers::trips;

#[tokio::test]
async fn each_verb_is_one_message_but_for_refused_replaces() {
    let double = Double::start().await;
    let store = kit::on(&double)
        .patience(trips::patience())
        .connect()
        .await
        .unwrap();
    let others = [
        ("replace seen, conflict", 2),
        ("replace seen, gone", 2),
        ("replace any, gone", 2),
        ("purge_expired", 0),
    ];
    trips::check(&store, || double.asked(), &others).await;
    store.page(None, 10).await.unwrap();
    assert_eq!(double.asked(), 1, "a page");
}

#[tokio::test]
async fn bare_sessions_are_compared_before_they_are_replaced() {
    let double = Double::start().await;
    let clock = ManualClock::new();
    let settings = kit::on(&double)
        .patience(trips::patience())
        .bare()
        .clock(clock.clone());
    let store = settings.connect().await.unwrap();
    store.prepare().await.unwrap();
    let others = [
        ("create, taken", 2),
        ("replace seen", 2),
        ("purge_expired", 0),
    ];
    trips::check(&store, || double.asked(), &others).await;
    store.put(b"k", "v".into(), kit::terms()).await.unwrap();
    clock.advance(Duration::from_secs(1801));
    double.asked();
    let created = store.create(b"k", "v".into(), kit::terms()).await.unwrap();
    assert!(matches!(created, Created::Done(_)));
    assert_eq!(double.asked(), 2, "a create over an ended session");
}
