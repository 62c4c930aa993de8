//! Flask's, Flask-Session's and Django's scripts against a running router.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use sessile::http::{Interface, Refresh, SessionLayer};
use sessile::session::{EmptyPolicy, Session, Sessions};
use sessile::{Cache, CacheStore};

use crate::client::{self, App, Client, app};

async fn set(session: Session) {
    session.insert("value", &42).expect("small");
}

async fn show(session: Session) -> String {
    match session.get::<u32>("value").expect("a number") {
        Some(value) => value.to_string(),
        None => "no value set".to_owned(),
    }
}

async fn modify(session: Session) {
    let modified = session.modify("value", |value: Option<u32>| value.map(|it| it + 1));
    modified.expect("a number");
}

async fn delete(session: Session) {
    session.remove("value");
}

async fn bare() {}

fn routes() -> Router {
    Router::new()
        .route("/set", get(set))
        .route("/get", get(show))
        .route("/modify", get(modify))
        .route("/delete", get(delete))
        .route("/bare", get(bare))
}

#[tokio::test]
async fn fs00_fs02_fs13_the_common_script() {
    let App { mut client, cache } = app(routes(), |core| core);
    assert_eq!(client.get("/get").await.body, "no value set");
    assert_eq!(client.get("/bare").await.vary(), None);
    client.get("/set").await;
    let got = client.get("/get").await;
    assert_eq!((got.body.as_str(), got.vary()), ("42", Some("Cookie")));
    client.get("/modify").await;
    assert_eq!(client.get("/get").await.body, "43");
    assert_eq!(cache.len(), 1);
    client.get("/delete").await;
    assert_eq!(client.get("/get").await.body, "no value set");
    assert_eq!(cache.len(), 0);
}

#[tokio::test]
async fn fl08_fl11_permanence_and_refreshing_decide_about_the_cookie() {
    async fn permanent(session: Session) {
        session.set_permanent(true);
        session.insert("value", &1).expect("small");
    }
    async fn passing(session: Session) {
        session.set_permanent(false);
        session.insert("value", &1).expect("small");
    }
    for (path, refresh, is_sent) in [
        ("/permanent", Refresh::EachRequest, true),
        ("/permanent", Refresh::WhenRenewed, false),
        ("/passing", Refresh::EachRequest, false),
        ("/passing", Refresh::WhenRenewed, false),
    ] {
        let routes = routes()
            .route("/permanent", get(permanent))
            .route("/passing", get(passing));
        let App { mut client, .. } = app(routes, |core| core.refresh(refresh));
        let first = client.get(path).await;
        let cookie = first.set_cookie().expect("new");
        assert_eq!(cookie.contains("Expires="), path == "/permanent");
        let read = client.get("/get").await;
        assert_eq!(read.set_cookie().is_some(), is_sent, "{path} {refresh:?}");
    }
}

#[tokio::test]
async fn fl09_what_is_written_last_is_saved_too() {
    struct Last;
    impl Interface for Last {
        fn saving(&self, session: &Session, _: StatusCode) {
            session.insert("value", &7).expect("small");
        }
    }
    let App { mut client, .. } = app(routes(), |core| core.interface(Last));
    client.get("/set").await;
    assert_eq!(client.get("/get").await.body, "7");
}

#[tokio::test]
async fn fl12_every_look_at_the_data_varies_by_cookie() {
    async fn default(session: Session) {
        session.setdefault("value", || 1).expect("small");
    }
    async fn clear(session: Session) {
        session.clear();
    }
    let routes = routes()
        .route("/default", get(default))
        .route("/clear", get(clear));
    let App { mut client, .. } = app(routes, |core| core);
    for path in ["/set", "/get", "/default", "/delete", "/clear"] {
        assert_eq!(client.get(path).await.vary(), Some("Cookie"), "{path}");
    }
    assert_eq!(client.get("/bare").await.vary(), None);
}

#[tokio::test]
async fn fl16_a_redirect_and_what_it_leads_to_both_write() {
    async fn leave(session: Session) -> Redirect {
        session.insert("left", &true).expect("small");
        Redirect::to("/set")
    }
    async fn both(session: Session) -> String {
        format!("{} {}", session.contains("left"), session.contains("value"))
    }
    let routes = routes()
        .route("/leave", get(leave))
        .route("/both", get(both));
    let App { mut client, .. } = app(routes, |core| core);
    assert_eq!(client.get("/leave").await.status, 303);
    client.get("/set").await;
    assert_eq!(client.get("/both").await.body, "true true");
}

#[tokio::test]
async fn dj83_an_emptied_session_is_kept_under_its_key_where_asked() {
    let cache = Cache::builder().max_entries(9).build().expect("allowed");
    let sessions = Sessions::builder(CacheStore::new(cache.into()));
    let sessions = sessions.on_empty(EmptyPolicy::Keep).build();
    let sessions = sessions.expect("allowed");
    let core = sessile::http::Core::builder(sessions.clone()).build();
    let layer = SessionLayer::new(core.expect("allowed"));
    let mut client = Client::new(routes().layer(layer));
    let first = client.get("/set").await;
    assert_eq!(first.vary(), Some("Cookie"));
    let value = client.value("__Host-id").expect("set");
    let emptied = client.get("/delete").await;
    assert!(emptied.set_cookie().is_some());
    assert_eq!(emptied.vary(), Some("Cookie"));
    assert_eq!(client.value("__Host-id"), Some(value));
    assert_eq!(sessions.store().cache().len(), 1);
}

#[tokio::test]
async fn fl17_a_test_can_open_sessions_beside_the_router() {
    let core = client::core(|core| core);
    let sessions = core.sessions().clone();
    let mut browser = Client::new(routes().layer(SessionLayer::new(core)));
    let session = sessions.fresh();
    session.insert("value", &5).expect("small");
    sessions.commit(&session).await.expect("a store");
    let id = session.id().expect("stored");
    browser.plant("__Host-id", id.expose());
    assert_eq!(browser.get("/get").await.body, "5");
    browser.get("/modify").await;
    let again = sessions.load(&id).await.expect("a store").expect("there");
    assert_eq!(again.get::<u32>("value").expect("a number"), Some(6));
}
