//! Sessions in a store, through the tower layer and the extractors.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use sessile::cookie::{CookieConfig, SameSite};
use sessile::http::{Core, Handle, Interface, Refresh, RequestHead, SessionLayer, SessionOf};
use sessile::session::{Expiry, Session, Sessions};
use sessile::{Cache, CacheStore, ManualClock};

use crate::client::{self, App, Client, app};

async fn write(session: Session) -> impl IntoResponse {
    session.insert("a", &1).expect("a small value");
    "written"
}

async fn read(session: Session) -> String {
    format!("{:?}", session.get::<u32>("a").expect("a number"))
}

async fn touch_nothing(_: Session) -> &'static str {
    "untouched"
}

async fn never_asks() -> &'static str {
    "bare"
}

async fn flush(session: Session) -> &'static str {
    session.destroy();
    "flushed"
}

async fn fail(session: Session) -> impl IntoResponse {
    session.insert("a", &2).expect("a small value");
    (StatusCode::SERVICE_UNAVAILABLE, "half-way")
}

fn routes() -> Router {
    Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/untouched", get(touch_nothing))
        .route("/bare", get(never_asks))
        .route("/flush", get(flush))
        .route("/fail", get(fail))
}

#[tokio::test]
async fn fl01_vary_follows_access_and_nothing_else() {
    let App { client, .. } = app(routes(), |core| core);
    let mut client = client;
    assert_eq!(client.get("/bare").await.vary(), None);
    assert_eq!(client.get("/untouched").await.vary(), None);
    assert_eq!(client.get("/read").await.vary(), Some("Cookie"));
    let written = client.get("/write").await;
    assert_eq!(written.vary(), Some("Cookie"));
    assert!(written.set_cookie().is_some());
    let read = client.get("/read").await;
    assert_eq!(
        (read.body.as_str(), read.vary()),
        ("Some(1)", Some("Cookie"))
    );
    assert_eq!(read.set_cookie(), None);
    assert_eq!(client.get("/untouched").await.vary(), None);
}

#[tokio::test]
async fn dj72_to_dj75_the_cookie_has_its_attributes() {
    let App { client, .. } = app(routes(), |core| core);
    let mut client = client;
    let response = client.get("/write").await;
    let cookie = response.set_cookie().expect("a new session");
    for part in [
        "__Host-id=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert_eq!(response.header("cache-control"), Some("no-store"));

    let open = CookieConfig::builder()
        .name("id")
        .secure(false)
        .http_only(false)
        .same_site(SameSite::Strict)
        .build()
        .expect("allowed");
    let App { client, .. } = app(routes(), |core| core.cookie(open));
    let mut client = client;
    let response = client.get("/write").await;
    let cookie = response.set_cookie().expect("a new session");
    assert!(cookie.contains("SameSite=Strict") && !cookie.contains("HttpOnly"));
}

#[tokio::test]
async fn dj76_dj77_what_a_failed_request_wrote_is_not_saved() {
    let App { client, cache } = app(routes(), |core| core);
    let mut client = client;
    let failed = client.get("/fail").await;
    assert_eq!(failed.status, 503);
    assert_eq!(failed.body, "half-way");
    assert_eq!(failed.set_cookie(), None);
    assert_eq!(cache.len(), 0);
    let App { client, cache } = app(routes(), |core| core.save_on_error(true));
    let mut client = client;
    assert!(client.get("/fail").await.set_cookie().is_some());
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn dj79_dj80_a_flush_takes_the_cookie_back_with_every_attribute() {
    let config = CookieConfig::builder()
        .name("__Secure-sid")
        .domain("example.local")
        .path("/")
        .same_site(SameSite::None)
        .partitioned(true)
        .build()
        .expect("allowed");
    let App { client, cache } = app(routes(), |core| core.cookie(config));
    let mut client = client;
    client.get("/write").await;
    let flushed = client.get("/flush").await;
    let cookie = flushed.set_cookie().expect("taken back");
    for part in [
        "__Secure-sid=;",
        "Max-Age=0",
        "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Domain=example.local",
        "Path=/",
        "Secure",
        "SameSite=None",
        "Partitioned",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert_eq!(flushed.vary(), Some("Cookie"));
    assert_eq!(cache.len(), 0);
}

#[tokio::test]
async fn dj81_x09_no_cookie_is_taken_back_that_was_not_sent() {
    let App { client, cache } = app(routes(), |core| core);
    let mut client = client;
    for _ in 0..3 {
        let flushed = client.get("/flush").await;
        assert_eq!(flushed.set_cookie(), None);
        assert_eq!(flushed.vary(), Some("Cookie"));
    }
    assert_eq!(cache.len(), 0);
}

#[tokio::test]
async fn dj82_fl13_each_request_refreshes_where_asked() {
    let App { client, .. } = app(routes(), |core| core.refresh(Refresh::EachRequest));
    let mut client = client;
    client.get("/write").await;
    for path in ["/untouched", "/bare"] {
        let again = client.get(path).await;
        assert!(again.set_cookie().is_some(), "{path}");
        assert_eq!(again.vary(), Some("Cookie"), "{path}");
    }
}

#[tokio::test]
async fn fl11_a_browser_session_is_not_refreshed() {
    async fn browser(session: Session) {
        session.insert("a", &1).expect("small");
        session.set_expiry(Expiry::BrowserSession).expect("allowed");
    }
    let routes = routes().route("/browser", get(browser));
    let App { client, .. } = app(routes, |core| core.refresh(Refresh::EachRequest));
    let mut client = client;
    let first = client.get("/browser").await;
    assert!(!first.set_cookie().expect("new").contains("Max-Age"));
    assert_eq!(client.get("/read").await.set_cookie(), None);
}

#[tokio::test]
async fn x12_s3_unknown_ids_are_never_adopted_nor_recorded() {
    let App { client, cache } = app(routes(), |core| core);
    let mut client = client;
    let planted = "A".repeat(43);
    client.plant("__Host-id", &planted);
    assert_eq!(client.get("/bare").await.set_cookie(), None);
    // Looked at: taken back. Not looked at: left alone.
    assert_eq!(client.get("/untouched").await.set_cookie(), None);
    client.plant("__Host-id", &planted);
    let read = client.get("/read").await;
    assert!(read.set_cookie().expect("taken back").contains("Max-Age=0"));
    assert_eq!(cache.len(), 0);
    client.plant("__Host-id", &planted);
    let written = client.get("/write").await;
    assert!(!written.set_cookie().expect("new").contains(&planted));
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn s27_of_several_cookies_the_first_that_exists_counts() {
    let App { client, .. } = app(routes(), |core| core);
    let mut client = client;
    client.get("/write").await;
    let own = client.value("__Host-id").expect("set");
    let planted = "B".repeat(43);
    for line in [
        format!("__Host-id={planted}; __Host-id={own}"),
        format!("__Host-id={own}; __Host-id={planted}"),
        format!("x=1; __Host-id=../../etc; __Host-id={own}"),
    ] {
        let response = client.get_with("/read", &[&line]).await;
        assert_eq!(response.body, "Some(1)");
    }
    // Two header lines are one list.
    let (first, second) = ("a=b".to_owned(), format!("__Host-id={own}"));
    assert_eq!(
        client.get_with("/read", &[&first, &second]).await.body,
        "Some(1)"
    );
}

#[tokio::test]
async fn s34_bad_cookies_make_an_anonymous_request() {
    let App { client, cache } = app(routes(), |core| core);
    let client = client;
    let long = format!("__Host-id={}", "a".repeat(5000));
    let many = "__Host-id=x; ".repeat(4000);
    for line in [
        "__Host-id=",
        "=x",
        "__Host-id=a/../b",
        "__Host-id=\u{e9}\u{e9}",
        &long,
        &many,
    ] {
        let response = client.get_with("/read", &[line]).await;
        assert_eq!((response.status, response.body.as_str()), (200, "None"));
    }
    assert_eq!(cache.len(), 0);
}

#[tokio::test]
async fn dj78_s37_a_session_ended_meanwhile_is_not_brought_back() {
    async fn slow(session: Session, handle: Handle) -> &'static str {
        let other = handle.session().await.expect("the same");
        assert_eq!(other.id(), session.id());
        session.insert("a", &9).expect("small");
        "late"
    }
    let core = client::core(|core| core);
    let sessions = core.sessions().clone();
    let ender = move |session: Session| {
        let sessions = sessions.clone();
        async move {
            session.insert("a", &3).expect("small");
            let id = session.id().expect("known");
            assert!(sessions.revoke(&id).await.expect("a store"));
            "late"
        }
    };
    let routes = routes()
        .route("/slow", get(slow))
        .route("/ended", get(ender));
    let mut client = Client::new(routes.layer(SessionLayer::new(core)));
    client.get("/write").await;
    assert_eq!(client.get("/slow").await.body, "late");
    let ended = client.get("/ended").await;
    assert_eq!((ended.status, ended.body.as_str()), (409, ""));
    assert!(
        ended
            .set_cookie()
            .expect("taken back")
            .contains("Max-Age=0")
    );
    assert_eq!(client.get("/read").await.body, "None");
}

#[tokio::test]
async fn fl22_cookies_by_path_carry_independent_sessions() {
    struct Office(CookieConfig);
    impl Interface for Office {
        fn cookie(&self, request: RequestHead<'_>) -> Option<&CookieConfig> {
            request.uri.path().starts_with("/office").then_some(&self.0)
        }
    }
    let config = CookieConfig::builder().name("__Host-office").build();
    let routes = routes()
        .route("/office/write", get(fail))
        .route("/office/read", get(read));
    let office = Office(config.expect("allowed"));
    let core = client::core(|core| core.interface(office).save_on_error(true));
    let mut client = Client::new(routes.layer(SessionLayer::new(core)));
    client.get("/write").await;
    client.get("/office/write").await;
    assert_eq!(client.get("/read").await.body, "Some(1)");
    assert_eq!(client.get("/office/read").await.body, "Some(2)");
}

#[tokio::test]
async fn several_sessions_in_one_request_stay_apart() {
    enum Admin {}
    async fn both(user: Session, admin: SessionOf<Admin>) -> String {
        user.insert("who", "user").expect("small");
        admin.insert("who", "admin").expect("small");
        format!("{:?} {:?}", user.id().is_some(), admin.id().is_some())
    }
    async fn whose(user: Session, admin: SessionOf<Admin>) -> String {
        let who = |session: &Session| session.get::<String>("who").expect("text");
        format!("{:?} {:?}", who(&user), who(&admin))
    }
    let admin = CookieConfig::builder().name("__Host-admin").build();
    let routes = Router::new()
        .route("/both", get(both))
        .route("/whose", get(whose))
        .layer(SessionLayer::<_, _, Admin>::for_slot(client::core(
            |core| core.cookie(admin.expect("allowed")),
        )))
        .layer(SessionLayer::new(client::core(|core| core)));
    let mut client = Client::new(routes);
    client.get("/both").await;
    let said = client.get("/whose").await;
    assert_eq!(said.body, r#"Some("user") Some("admin")"#);
    // CVE-2022-46170: one's value under the other's name opens nothing.
    let user = client.value("__Host-id").expect("set");
    let swapped = client
        .get_with("/whose", &[&format!("__Host-admin={user}")])
        .await;
    assert_eq!(swapped.body, "None None");
}

#[tokio::test]
async fn fl06_x21_a_refused_session_reads_empty_and_says_why() {
    struct Closed;
    impl Interface for Closed {
        fn refusal(&self, _: RequestHead<'_>) -> Option<&'static str> {
            Some("sessions are closed for maintenance: come back at noon")
        }
    }
    async fn try_it(session: Session) -> String {
        let read = session.get::<u32>("a").expect("empty");
        let error = session.insert("a", &1).expect_err("refused");
        format!("{read:?} {error}")
    }
    let routes = Router::new().route("/", get(try_it));
    let core = client::core(|core| core.interface(Closed));
    let mut client = Client::new(routes.layer(SessionLayer::new(core)));
    let said = client.get("/").await;
    assert!(
        said.body.starts_with("None ") && said.body.contains("come back at noon"),
        "{}",
        said.body
    );
    assert_eq!(said.set_cookie(), None);
}

#[tokio::test]
async fn a_sliding_session_renews_its_cookie_now_and_then_and_ends_when_idle() {
    let clock = ManualClock::new();
    let cache = Cache::builder()
        .unlimited_entries()
        .clock(clock.clone())
        .build();
    let store = CacheStore::new(std::sync::Arc::new(cache.expect("allowed")));
    let sessions = Sessions::builder(store)
        .clock(clock.clone())
        .idle(Duration::from_secs(600))
        .build()
        .expect("allowed");
    let core = Core::builder(sessions).build().expect("allowed");
    let mut client = Client::new(routes().layer(SessionLayer::new(core)));
    client.get("/write").await;
    clock.advance(Duration::from_secs(10));
    assert_eq!(client.get("/read").await.set_cookie(), None);
    clock.advance(Duration::from_secs(300));
    assert!(client.get("/read").await.set_cookie().is_some());
    clock.advance(Duration::from_secs(599));
    assert_eq!(client.get("/read").await.body, "Some(1)");
    clock.advance(Duration::from_secs(600));
    assert_eq!(client.get("/read").await.body, "None");
}

#[tokio::test]
async fn a_handler_without_a_layer_gets_an_empty_500() {
    let mut client = Client::new(routes());
    let response = client.get("/read").await;
    assert_eq!((response.status, response.body.as_str()), (500, ""));
    let optional = Router::new().route(
        "/",
        get(|session: Option<Session>| async move { session.is_some().to_string() }),
    );
    assert_eq!(Client::new(optional).get("/").await.body, "false");
}
