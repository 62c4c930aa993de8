//! Ids that are renewed in the middle of a session, as browsers see it.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sessile::http::{Core, CoreBuilder, Refresh, SessionLayer, Stored};
use sessile::session::{Session, Sessions};
use sessile::{Cache, CacheStore, ManualClock};

use crate::client::Client;

const AFTER: Duration = Duration::from_secs(1200);
const OVERLAP: Duration = Duration::from_secs(10);
const MS: Duration = Duration::from_millis(1);

async fn write(session: Session) -> String {
    let more = |count: Option<u64>| Some(count.unwrap_or(0) + 1);
    session.modify("n", more).expect("small");
    read(session).await
}

async fn read(session: Session) -> String {
    format!("{:?}", session.get::<u64>("n").expect("a number"))
}

/// As a handler that saves half way, and whose response then says more.
async fn save(session: Session) -> String {
    write(session.clone()).await;
    session.save().await.expect("an embedded store");
    read(session).await
}

async fn log_out(session: Session) {
    session.destroy();
}

fn app(
    change: impl FnOnce(CoreBuilder<Stored<CacheStore>>) -> CoreBuilder<Stored<CacheStore>>,
) -> (Client, ManualClock) {
    let clock = ManualClock::new();
    let cache = Cache::builder().unlimited_entries().clock(clock.clone());
    let store = CacheStore::new(std::sync::Arc::new(cache.build().expect("allowed")));
    let sessions = Sessions::builder(store)
        .clock(clock.clone())
        .idle(Duration::from_secs(3600))
        .renew_ids_after(AFTER)
        .build()
        .expect("allowed");
    let core = change(Core::builder(sessions)).build().expect("allowed");
    let routes = Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/save", get(save))
        .route("/out", get(log_out))
        .route("/untouched", get(async |_: Session| ()))
        .route("/never", get(async || ()));
    (Client::new(routes.layer(SessionLayer::new(core))), clock)
}

fn line(client: &Client) -> String {
    format!(
        "__Host-id={}",
        client.value("__Host-id").expect("a session")
    )
}

#[tokio::test]
async fn s13_the_response_that_renews_tells_the_new_id_and_no_other_does() {
    for refresh in [Refresh::WhenRenewed, Refresh::EachRequest, Refresh::Never] {
        let (mut client, clock) = app(|it| it.refresh(refresh));
        client.get("/write").await;
        let old = line(&client);
        clock.advance(AFTER);
        let renews = client.get("/read").await;
        assert_eq!(renews.body, "Some(1)");
        assert!(renews.set_cookie().is_some());
        assert_eq!(renews.header("cache-control"), Some("no-store"));
        assert_ne!(line(&client), old);
        // Sent before the client knew: answered, and told nothing that would undo it.
        for (path, body) in [
            ("/read", "Some(1)"),
            ("/write", "Some(2)"),
            ("/save", "Some(3)"),
        ] {
            let late = client.get_with(path, &[&old]).await;
            assert_eq!((late.status, late.body.as_str()), (200, body));
            assert_eq!(late.set_cookie(), None, "{path} {refresh:?}");
            assert!(late.vary().is_some());
        }
        clock.advance(OVERLAP - MS);
        assert_eq!(client.get_with("/read", &[&old]).await.body, "Some(3)");
        clock.advance(MS);
        assert_eq!(client.get_with("/read", &[&old]).await.body, "None");
        assert_eq!(client.get("/read").await.body, "Some(3)");
    }
}

#[tokio::test]
async fn s13_an_id_that_is_about_to_be_renewed_is_not_told_again() {
    let (mut client, clock) = app(|it| it.refresh(Refresh::EachRequest));
    client.get("/write").await;
    clock.advance(AFTER - OVERLAP - MS);
    assert!(client.get("/read").await.set_cookie().is_some());
    clock.advance(MS);
    // Its response could arrive after that of a request which renews.
    assert_eq!(client.get("/read").await.set_cookie(), None);
    assert_eq!(client.get("/write").await.set_cookie(), None);
    clock.advance(OVERLAP);
    assert!(client.get("/read").await.set_cookie().is_some());
}

#[tokio::test]
async fn s13_who_asks_for_no_session_renews_none_and_who_saves_half_way_does() {
    let (mut client, clock) = app(|it| it);
    client.get("/write").await;
    clock.advance(AFTER);
    assert_eq!(client.get("/never").await.set_cookie(), None);
    let saves = client.get("/save").await;
    assert_eq!(saves.body, "Some(2)");
    assert!(saves.set_cookie().is_some());
    clock.advance(AFTER);
    assert!(client.get("/untouched").await.set_cookie().is_some());
    assert_eq!(client.get("/read").await.body, "Some(2)");
}

#[tokio::test]
async fn s13_logging_out_with_the_old_id_takes_the_cookie_back() {
    let (mut client, clock) = app(|it| it);
    client.get("/write").await;
    let old = line(&client);
    clock.advance(AFTER);
    client.get("/read").await;
    let out = client.get_with("/out", &[&old]).await;
    assert!(out.set_cookie().is_some_and(|it| it.contains("Max-Age=0")));
    assert_eq!(client.get("/read").await.body, "None");
}
