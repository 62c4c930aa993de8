//! Whole sessions in the cookie, through the same layer and the same object.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use sessile::cookie::{CookieConfig, Keyring, Protection, SecureCookieStore};
use sessile::http::{CookieSessions, CookieSessionsBuilder, Core, Interface, RequestHead};
use sessile::http::{Refresh, SessionLayer};
use sessile::session::{Committed, EmptyPolicy, Expiry, Session};
use sessile::{ManualClock, Terms};

use crate::client::Client;

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const OTHER: &[u8] = b"fedcba9876543210fedcba9876543210";
const HOUR: Duration = Duration::from_secs(3600);

async fn write(session: Session) -> &'static str {
    session.insert("a", &1).expect("small");
    "written"
}

async fn read(session: Session) -> String {
    format!("{:?}", session.get::<u32>("a").expect("a number"))
}

async fn flush(session: Session) {
    session.destroy();
}

async fn clear(session: Session) {
    session.clear();
}

async fn fail(session: Session) -> StatusCode {
    session.insert("a", &2).expect("small");
    StatusCode::SERVICE_UNAVAILABLE
}

async fn large(session: Session) -> &'static str {
    session
        .insert("a", &"x".repeat(4000))
        .expect("within limits");
    "half-way"
}

async fn bare() {}

fn routes() -> Router {
    Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/flush", get(flush))
        .route("/clear", get(clear))
        .route("/fail", get(fail))
        .route("/large", get(large))
        .route("/bare", get(bare))
}

fn ring() -> Keyring {
    Keyring::new(KEY).expect("long")
}

fn core(builder: CookieSessionsBuilder) -> Core<CookieSessions> {
    let sessions = builder.build().expect("allowed");
    Core::on(sessions).build().expect("allowed")
}

fn browser() -> Client {
    let core = core(CookieSessions::builder(ring()));
    Client::new(routes().layer(SessionLayer::new(core)))
}

fn timed(
    set: impl FnOnce(CookieSessionsBuilder) -> CookieSessionsBuilder,
) -> (Client, ManualClock) {
    let clock = ManualClock::new();
    let builder = CookieSessions::builder(ring()).clock(clock.clone());
    let layer = SessionLayer::new(core(set(builder)));
    (Client::new(routes().layer(layer)), clock)
}

#[tokio::test]
async fn tp17_tp18_a_session_in_its_cookie_is_read_by_the_next_request() {
    for protection in [Protection::Sealed, Protection::Signed] {
        let core = core(CookieSessions::builder(ring()).protection(protection));
        let mut browser = Client::new(routes().layer(SessionLayer::new(core)));
        assert_eq!(browser.get("/read").await.body, "None");
        let written = browser.get("/write").await;
        assert!(written.set_cookie().expect("new").contains("__Host-id="));
        assert_eq!(written.vary(), Some("Cookie"));
        assert_eq!(written.header("cache-control"), Some("no-store"));
        let read = browser.get("/read").await;
        assert_eq!((read.body.as_str(), read.set_cookie()), ("Some(1)", None));
        assert_eq!(browser.get("/bare").await.vary(), None);
    }
}

#[tokio::test]
async fn tp24_x09_what_is_destroyed_or_emptied_takes_the_cookie_back() {
    for path in ["/flush", "/clear"] {
        let mut browser = browser();
        assert_eq!(browser.get(path).await.set_cookie(), None);
        browser.get("/write").await;
        let gone = browser.get(path).await;
        assert!(gone.set_cookie().expect("taken back").contains("Max-Age=0"));
        assert_eq!(browser.get("/read").await.body, "None");
    }
    let (mut browser, _) = timed(|builder| builder.on_empty(EmptyPolicy::Keep));
    browser.get("/write").await;
    let kept = browser.get("/clear").await;
    assert!(!kept.set_cookie().expect("emptied").contains("Max-Age=0"));
    assert_eq!(browser.get("/read").await.body, "None");
}

#[tokio::test]
async fn x01_dj58_what_is_genuine_and_no_record_is_an_empty_session() {
    let config = CookieConfig::default();
    let store = SecureCookieStore::new(ring(), &config, Protection::Sealed);
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = now_ms.expect("after 1970").as_millis();
    let now_ms = u64::try_from(now_ms).expect("before the year 10000");
    for record in [&b""[..], b"no record", b"\x80\x05pickle", b"\xC1\x63"] {
        let text = store
            .encode(record, &Terms::ttl(HOUR), now_ms)
            .expect("it fits");
        let mut browser = browser();
        browser.plant("__Host-id", &text);
        let answer = browser.get("/read").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "None"));
    }
}

#[tokio::test]
async fn x13_a_forged_cookie_is_taken_back_and_no_empty_session_sent() {
    let mut browser = browser();
    for forged in [
        "garbage",
        "3AAAA",
        "eyJhIjoxfQ.TgPVoQ.XSjrlX8yooxU0O1PQV4hMQ0Ig5M",
    ] {
        browser.plant("__Host-id", forged);
        assert_eq!(browser.get("/bare").await.set_cookie(), None);
        let read = browser.get("/read").await;
        assert_eq!(read.body, "None");
        assert!(read.set_cookie().expect("taken back").contains("Max-Age=0"));
    }
}

#[tokio::test]
async fn x14_a_replay_after_the_end_is_refused_and_before_it_works_as_documented() {
    let (mut browser, clock) = timed(|builder| builder.idle(HOUR));
    browser.get("/write").await;
    let copy = format!("__Host-id={}", browser.value("__Host-id").expect("set"));
    browser.get("/flush").await;
    clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(browser.get_with("/read", &[&copy]).await.body, "Some(1)");
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get_with("/read", &[&copy]).await.body, "None");
}

#[tokio::test]
async fn a_session_that_is_used_is_renewed_now_and_then_up_to_its_absolute_end() {
    let (mut browser, clock) = timed(|it| it.idle(HOUR).absolute(Some(2 * HOUR)));
    browser.get("/write").await;
    clock.advance(HOUR / 60);
    assert_eq!(browser.get("/read").await.set_cookie(), None);
    for _ in 0..2 {
        clock.advance(HOUR / 2);
        assert!(browser.get("/read").await.set_cookie().is_some());
    }
    clock.advance(HOUR / 2);
    assert_eq!(browser.get("/read").await.body, "Some(1)");
    clock.advance(HOUR / 2);
    assert_eq!(browser.get("/read").await.body, "None");
}

#[tokio::test]
async fn a_session_that_ends_with_the_browser_is_sent_whenever_it_changes() {
    let (mut browser, clock) = timed(|builder| builder.idle(HOUR).permanent(false));
    let first = browser.get("/write").await;
    assert!(!first.set_cookie().expect("new").contains("Max-Age"));
    clock.advance(HOUR / 2);
    assert!(browser.get("/read").await.set_cookie().is_some());
    clock.advance(HOUR * 3 / 4);
    assert_eq!(browser.get("/read").await.body, "Some(1)");
    assert!(browser.get("/write").await.set_cookie().is_some());
}

#[tokio::test]
async fn too_much_is_an_empty_500_and_the_clients_cookie_stays() {
    let mut browser = browser();
    browser.get("/write").await;
    let large = browser.get("/large").await;
    assert_eq!((large.status, large.body.as_str()), (500, ""));
    assert_eq!(large.set_cookie(), None);
    assert_eq!(browser.get("/read").await.body, "Some(1)");
}

#[tokio::test]
async fn dj76_what_a_failed_request_wrote_is_not_sent() {
    let mut browser = browser();
    browser.get("/write").await;
    assert_eq!(browser.get("/fail").await.set_cookie(), None);
    assert_eq!(browser.get("/read").await.body, "Some(1)");
}

#[tokio::test]
async fn sg53_x18_an_older_key_reads_and_the_next_request_writes_anew() {
    let mut old = browser();
    old.get("/write").await;
    let value = old.value("__Host-id").expect("set");
    let turned = Keyring::new(OTHER).and_then(|ring| ring.fallback(KEY));
    let core = core(CookieSessions::builder(turned.expect("long")));
    let mut browser = Client::new(routes().layer(SessionLayer::new(core)));
    browser.plant("__Host-id", &value);
    let read = browser.get("/read").await;
    assert_eq!(read.body, "Some(1)");
    assert!(read.set_cookie().is_some());
    assert_eq!(browser.get("/read").await.set_cookie(), None);
}

#[tokio::test]
async fn cookies_of_one_application_do_not_stand_in_for_one_another() {
    struct Office(CookieConfig);
    impl Interface for Office {
        fn cookie(&self, request: RequestHead<'_>) -> Option<&CookieConfig> {
            request.uri.path().starts_with("/office").then_some(&self.0)
        }
    }
    let office = CookieConfig::builder().name("__Host-office").build();
    let sessions = CookieSessions::builder(ring()).build().expect("allowed");
    let core = Core::on(sessions).interface(Office(office.expect("allowed")));
    let routes = routes()
        .route("/office/write", get(write))
        .route("/office/read", get(read));
    let layer = SessionLayer::new(core.build().expect("allowed"));
    let mut browser = Client::new(routes.layer(layer));
    browser.get("/office/write").await;
    assert_eq!(browser.get("/office/read").await.body, "Some(1)");
    let office = browser.value("__Host-office").expect("set");
    let moved = format!("__Host-id={office}");
    assert_eq!(browser.get_with("/read", &[&moved]).await.body, "None");
}

#[tokio::test]
async fn what_needs_a_record_on_the_server_does_what_is_documented() {
    async fn sign_in(session: Session) -> String {
        session.insert("a", &1).expect("small");
        session.bind_owner("ada").expect("short");
        session.cycle_id();
        session.set_expiry(Expiry::Idle(HOUR)).expect("allowed");
        let saved = session.save().await.expect("nothing to do");
        assert_eq!(saved, Committed::Nothing);
        format!("{:?} {}", session.id(), session.is_new())
    }
    async fn who(session: Session) -> String {
        let owner = session.owner();
        format!("{owner:?} {:?} {}", session.id(), session.is_new())
    }
    let clock = ManualClock::new();
    let core = core(CookieSessions::builder(ring()).clock(clock.clone()));
    let routes = Router::new()
        .route("/in", get(sign_in))
        .route("/who", get(who));
    let mut browser = Client::new(routes.layer(SessionLayer::new(core)));
    let answer = browser.get("/in").await;
    assert_eq!(answer.body, "None true");
    assert!(answer.set_cookie().expect("new").contains("Max-Age=3600"));
    assert_eq!(browser.get("/who").await.body, r#"Some("ada") None false"#);
    clock.advance(HOUR);
    assert_eq!(browser.get("/who").await.body, "None None true");
}

#[tokio::test]
async fn each_request_refreshes_where_asked() {
    let sessions = CookieSessions::builder(ring()).build().expect("allowed");
    let core = Core::on(sessions).refresh(Refresh::EachRequest).build();
    let layer = SessionLayer::new(core.expect("allowed"));
    let mut browser = Client::new(routes().layer(layer));
    browser.get("/write").await;
    assert!(browser.get("/bare").await.set_cookie().is_some());
    assert_eq!(browser.get("/read").await.body, "Some(1)");
}

#[cfg(feature = "compat")]
mod python {
    use std::time::UNIX_EPOCH;

    use sessile::cookie::compat::{Value, django::CookieSession, flask::FlaskCookie};
    use sessile::http::config::Config;

    use super::*;

    const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

    async fn add(session: Session) {
        session.insert("b", "grün").expect("small");
    }

    #[tokio::test]
    async fn flasks_cookie_goes_through_the_layer_and_back() {
        let config = Config::flask_compat().secret(SECRET).resolve();
        let core = config.expect("sound").core().expect("all features");
        let routes = routes().route("/add", get(add));
        let mut browser = Client::new(routes.layer(SessionLayer::new(core)));
        let flask = FlaskCookie::new(SECRET).expect("a key");
        let now = std::time::SystemTime::now();
        let mut session = flask.open(None, now);
        session.insert("a", 1);
        let pair = Value::Tuple(vec![1.into(), 2.into()]);
        session.insert("pair", pair.clone());
        let text = flask
            .write(&session, now)
            .expect("sound")
            .expect("not empty");
        browser.plant("session", &text);
        assert_eq!(browser.get("/read").await.body, "Some(1)");
        browser.get("/add").await;
        let text = browser.value("session").expect("set");
        // The layer's stamp is of the moment when it wrote.
        let later = now + HOUR;
        let read = flask.read(&text, later).expect("as Python writes it");
        assert_eq!(read.get("pair"), Some(&pair));
        assert_eq!(read.get("b"), Some(&Value::from("grün")));
    }

    #[tokio::test]
    async fn x14_x17_flasks_vector_is_read_in_its_time_only() {
        let then = Duration::from_secs(1_308_874_145);
        let clock = ManualClock::new();
        let now_ms = sessile::Clock::wall_ms(&clock);
        let flask = FlaskCookie::new("new").expect("a key");
        // The vector, on the clock of this test.
        let now = UNIX_EPOCH + Duration::from_millis(now_ms);
        let vector = "eyJhIjoxfQ.TgPVoQ.XSjrlX8yooxU0O1PQV4hMQ0Ig5M";
        let session = flask.read(vector, UNIX_EPOCH + then).expect("the vector");
        let text = flask
            .write(&session, now)
            .expect("sound")
            .expect("not empty");
        let builder = CookieSessions::flask(b"new", &[]).expect("a key");
        let core = core(builder.clock(clock.clone()));
        let browser = Client::new(routes().layer(SessionLayer::new(core)));
        let line = format!("__Host-id={text}");
        assert_eq!(browser.get_with("/read", &[&line]).await.body, "Some(1)");
        clock.advance(31 * 24 * HOUR + Duration::from_secs(1));
        assert_eq!(browser.get_with("/read", &[&line]).await.body, "None");
    }

    #[tokio::test]
    async fn djangos_signed_cookies_go_through_the_layer_and_back() {
        let config = Config::django_compat()
            .secret(SECRET)
            .store("signed_cookies");
        let core = config
            .resolve()
            .expect("sound")
            .core()
            .expect("all features");
        let mut browser = Client::new(routes().layer(SessionLayer::new(core)));
        let written = browser.get("/write").await;
        let cookie = written.set_cookie().expect("new");
        assert!(cookie.starts_with("sessionid=") && cookie.contains("Max-Age=1209600"));
        let django = CookieSession::new([SECRET]).expect("a key");
        let later = std::time::SystemTime::now() + HOUR;
        let text = browser.value("sessionid").expect("set");
        let read = django.read(&text, later).expect("as Python writes it");
        assert_eq!(read.get("a"), Some(&Value::from(1)));
        let again = browser.get("/read").await;
        assert_eq!((again.body.as_str(), again.set_cookie()), ("Some(1)", None));
    }
}
