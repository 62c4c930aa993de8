//! From the text of a configuration to a router that behaves as it says.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sessile::http::SessionLayer;
use sessile::http::config::{Config, Settings, Stores};
use sessile::session::{OnConflict, Session};
use sessile::store::AnyStore;
use sessile::{Cache, CacheStore, ErrorKind, ManualClock};

use crate::client::Client;

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

async fn write(session: Session) -> String {
    match session.insert("a", &1) {
        Ok(()) => "written".to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn read(session: Session) -> String {
    format!("{:?}", session.get::<u32>("a").expect("a number"))
}

async fn bare() {}

fn routes() -> Router {
    Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/bare", get(bare))
}

fn toml(text: &str) -> Settings {
    Config::new().toml(text).resolve().expect("sound")
}

fn client(settings: &Settings) -> Client {
    let core = settings.core().expect("a store of ours");
    Client::new(routes().layer(SessionLayer::new(core)))
}

/// The same on a clock of the test's.
fn timed(settings: &Settings) -> (Client, ManualClock) {
    let clock = ManualClock::new();
    let cache = Cache::builder().max_entries(100).clock(clock.clone());
    let store = CacheStore::new(cache.build().expect("allowed").into());
    let sessions = settings.sessions_on(store).expect("allowed");
    let sessions = sessions.clock(clock.clone()).build().expect("allowed");
    let core = settings.builder_of(sessions).expect("allowed").build();
    let layer = SessionLayer::new(core.expect("allowed"));
    (Client::new(routes().layer(layer)), clock)
}

#[tokio::test]
async fn flasks_names_make_a_router_with_that_cookie_and_that_lifetime() {
    let settings = toml(
        "SESSION_TYPE = 'cache'
         SESSION_COOKIE_NAME = '__Secure-shop'
         SESSION_COOKIE_DOMAIN = 'example.org'
         SESSION_COOKIE_PATH = '/'
         SESSION_COOKIE_SAMESITE = 'Strict'
         SESSION_PERMANENT = true
         PERMANENT_SESSION_LIFETIME = 3600
         SESSION_REFRESH_EACH_REQUEST = true",
    );
    let mut browser = client(&settings);
    let written = browser.get("/write").await;
    let cookie = written.set_cookie().expect("a new session");
    for part in [
        "__Secure-shop=",
        "; Max-Age=3600; ",
        "; Domain=example.org",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(browser.get("/bare").await.set_cookie().is_some());

    let (mut browser, clock) = timed(&settings);
    browser.get("/write").await;
    clock.advance(Duration::from_secs(3599));
    assert_eq!(browser.get("/read").await.body, "Some(1)");
    clock.advance(Duration::from_secs(3601));
    assert_eq!(browser.get("/read").await.body, "None");
}

#[tokio::test]
async fn by_default_the_cookie_ends_with_the_browser_and_untouched_requests_cost_nothing() {
    let mut browser = client(&toml(""));
    let written = browser.get("/write").await;
    let cookie = written.set_cookie().expect("a new session");
    assert!(
        cookie.starts_with("id=") && !cookie.contains("Max-Age"),
        "{cookie}"
    );
    let bare = browser.get("/bare").await;
    assert_eq!((bare.set_cookie(), bare.vary()), (None, None));
}

#[tokio::test]
async fn cookie_and_record_have_lifetimes_of_their_own() {
    let settings = toml(
        "SESSION_PERMANENT = true
         PERMANENT_SESSION_LIFETIME = '10d'
         SESSION_IDLE_TIMEOUT = '1h'",
    );
    let mut browser = client(&settings);
    let written = browser.get("/write").await;
    let cookie = written.set_cookie().expect("a new session");
    assert!(cookie.contains("Max-Age=864000"), "{cookie}");
}

#[tokio::test]
async fn s13_ids_are_renewed_after_the_configured_time_and_lead_on_for_the_overlap() {
    let settings = toml("SESSION_RENEWAL_TIMEOUT = '1h'\nSESSION_RENEWAL_OVERLAP = 2");
    let (mut client, clock) = timed(&settings);
    client.get("/write").await;
    let id = |client: &Client| client.value("id").expect("a session");
    let old = id(&client);
    clock.advance(Duration::from_secs(3599));
    client.get("/read").await;
    assert_eq!(id(&client), old);
    clock.advance(Duration::from_secs(1));
    client.get("/read").await;
    assert_ne!(id(&client), old);
    let line = format!("id={old}");
    clock.advance(Duration::from_millis(1999));
    assert_eq!(client.get_with("/read", &[&line]).await.body, "Some(1)");
    clock.advance(Duration::from_millis(1));
    assert_eq!(client.get_with("/read", &[&line]).await.body, "None");
}

#[tokio::test]
async fn without_refreshing_a_session_lives_on_from_its_last_change() {
    let settings = toml(
        "PERMANENT_SESSION_LIFETIME = 3600
         SESSION_REFRESH_EACH_REQUEST = false",
    );
    let (mut browser, clock) = timed(&settings);
    browser.get("/write").await;
    for _ in 0..2 {
        clock.advance(Duration::from_secs(1500));
        assert_eq!(browser.get("/read").await.body, "Some(1)");
    }
    clock.advance(Duration::from_secs(601));
    assert_eq!(browser.get("/read").await.body, "None");
}

#[tokio::test]
async fn x12_saving_every_request_prolongs_sessions_and_makes_none() {
    let settings = toml("SESSION_SAVE_EVERY_REQUEST = true\nSESSION_IDLE_TIMEOUT = '1h'");
    let core = settings.core().expect("a store of ours");
    let sessions = core.sessions().expect("in a store").clone();
    let cache = sessions.store().as_cache().expect("the embedded one");
    let mut browser = Client::new(routes().layer(SessionLayer::new(core)));
    browser.plant("id", &"A".repeat(43));
    browser.get("/bare").await;
    assert_eq!(cache.cache().len(), 0);
    browser.get("/write").await;
    let writes = || {
        let stats = cache.cache().stats();
        stats.inserts + stats.updates
    };
    let before = writes();
    browser.get("/bare").await;
    assert_eq!(writes(), before + 1);
}

#[tokio::test]
async fn x21_fl06_the_null_store_reads_empty_and_says_how_to_mend_it() {
    let settings = toml("SESSION_TYPE = 'null'\nSESSION_COOKIE_NAME = 'id'");
    let mut browser = client(&settings);
    // A client's cookie is left alone: it may be another deployment's, and good.
    browser.plant("id", "somebody's");
    assert_eq!(browser.get("/read").await.body, "None");
    let refused = browser.get("/write").await;
    assert!(
        refused.body.contains("set SESSION_TYPE to cache"),
        "{}",
        refused.body
    );
    assert_eq!((refused.status, refused.set_cookie()), (200, None));
}

#[tokio::test]
async fn the_cookie_itself_serves_through_the_same_layer() {
    let mut browser = client(&toml(&format!(
        "SESSION_TYPE = 'securecookie'\nSECRET_KEY = '{KEY}'"
    )));
    browser.get("/write").await;
    assert_eq!(browser.get("/read").await.body, "Some(1)");
}

#[tokio::test]
async fn a_registered_store_is_chosen_by_name() {
    let (sender, opened) = std::sync::mpsc::channel();
    let stores = Stores::new()
        .register("attic", move |settings| {
            let asked = sender.send(settings.store.name().to_owned());
            Box::pin(async move {
                asked.expect("the test listens");
                let cache = Cache::builder().max_entries(10).build()?;
                Ok(AnyStore::new("attic", CacheStore::new(cache.into())))
            })
        })
        .expect("a plain name");
    assert!(stores.names().contains(&"attic") && stores.names().contains(&"cache"));

    let config = Config::new().store("attic").insecure_over_http();
    let settings = stores.resolve(&config).expect("it is known");
    let core = stores.connect(&settings).await.expect("it opens");
    assert_eq!(opened.try_recv().as_deref(), Ok("attic"));
    let sessions = core.sessions().expect("in a store").clone();
    assert_eq!(sessions.store().name(), "attic");
    let mut browser = Client::new(routes().layer(SessionLayer::new(core)));
    browser.get("/write").await;
    assert_eq!(browser.get("/read").await.body, "Some(1)");

    let error = config.resolve().expect_err("nobody else has it");
    assert!(error.to_string().contains("no store has this name"));
    for name in ["", "Attic", "at tic", &"a".repeat(64)] {
        let refused = Stores::new().register(name, |_| unreachable!("it is refused"));
        assert_eq!(
            refused.expect_err("no name").kind(),
            ErrorKind::InvalidInput
        );
    }
}

#[tokio::test]
async fn a_store_of_another_build_is_named_with_what_to_do() {
    let settings = Config::new().store("redis").resolve_for(&["redis"]);
    let error = match cfg!(feature = "redis") {
        true => return,
        false => settings
            .expect("sound")
            .connect()
            .await
            .expect_err("absent"),
    };
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("the feature of that name"));
}

#[test]
fn what_this_crate_lacks_is_refused_in_words() {
    let refusal = |config: Config, stores: &[&str]| {
        let settings = config.resolve_for(stores).expect("sound");
        let error = settings.core().expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        error.to_string()
    };
    let redis = refusal(Config::new().store("redis"), &["redis"]);
    assert!(
        redis.contains("redis") && redis.contains("Settings::connect"),
        "{redis}"
    );
    let django = Config::django_compat().secret(KEY).store("cache");
    let django = django.resolve_for(&["cache"]).expect("sound");
    assert!(django.core().is_ok(), "records are texts of Django's in it");
    let cache = Cache::builder().max_entries(10).build().expect("valid");
    let own = django.core_on(CacheStore::new(cache.into()));
    let own = own
        .expect_err("nobody makes texts of its records")
        .to_string();
    assert!(
        own.contains("SESSION_RECORD_LAYOUT") && own.contains("DjangoRecords"),
        "{own}"
    );
    let bare = Config::new().set("SESSION_RECORD_LAYOUT", "bare");
    let endless = bare.clone().insecure_without_absolute_timeout();
    assert!(refusal(bare, &["cache"]).contains("SESSION_ABSOLUTE_TIMEOUT"));
    assert!(
        refusal(endless.clone().max_per_owner(3), &["cache"]).contains("SESSION_MAX_PER_OWNER")
    );
    let renewing = endless.clone().renewal_timeout(Duration::from_secs(3600));
    assert!(refusal(renewing, &["cache"]).contains("SESSION_RENEWAL_TIMEOUT"));
    assert!(endless.resolve().expect("sound").core().is_ok());
    // A store has no place where sessions live in the cookie.
    let cookie = Config::new().secret(KEY).store("securecookie");
    let cache = Cache::builder().max_entries(9).build().expect("allowed");
    let error = cookie
        .resolve()
        .expect("sound")
        .core_on(CacheStore::new(cache.into()))
        .expect_err("a contradiction");
    assert!(error.to_string().contains("securecookie"), "{error}");
}

#[tokio::test]
async fn a_store_of_ones_own_is_purged_now_and_then_where_asked() {
    let settings = toml("SESSION_CLEANUP_N_REQUESTS = 2\nSESSION_IDLE_TIMEOUT = 60");
    let clock = ManualClock::new();
    let cache = Cache::builder().max_entries(100).clock(clock.clone());
    let cache = std::sync::Arc::new(cache.build().expect("allowed"));
    let sessions = settings.sessions_on(CacheStore::new(cache.clone()));
    let sessions = sessions.expect("allowed").clock(clock.clone()).build();
    let core = settings.builder_of(sessions.expect("allowed"));
    let layer = SessionLayer::new(core.expect("allowed").build().expect("allowed"));
    let mut browser = Client::new(routes().layer(layer));
    browser.get("/write").await;
    clock.advance(Duration::from_secs(600));
    assert_eq!(cache.stats().expired, 0);
    // The second commit of all is one that purges.
    browser.get("/read").await;
    assert_eq!(cache.stats().expired, 1);
}

#[test]
fn an_owner_has_as_many_sessions_as_configured_and_conflicts_are_what_was_chosen() {
    let settings = toml("SESSION_MAX_PER_OWNER = 1\nSESSION_ON_CONFLICT = 'fail'");
    assert_eq!(settings.saving.on_conflict, OnConflict::Fail);
    let cache = Cache::builder().max_entries(9).build().expect("allowed");
    let core = settings.core_on(CacheStore::new(cache.into()));
    let core = core.expect("allowed");
    let sessions = core.sessions();
    let commit = |session: &Session| {
        let mut task = std::pin::pin!(sessions.commit(session));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match task.as_mut().poll(&mut context) {
            std::task::Poll::Ready(done) => done,
            std::task::Poll::Pending => panic!("the embedded store waited"),
        }
    };
    let [first, second] = [0, 1].map(|_| {
        let session = sessions.fresh();
        session.bind_owner("ada").expect("short");
        commit(&session).expect("the oldest yields");
        session
    });
    first.insert("a", &1).expect("small");
    assert_eq!(commit(&first).expect_err("ended").kind(), ErrorKind::Gone);

    let id = second.id().expect("stored");
    let mut task = std::pin::pin!(sessions.load(&id));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Ok(Some(other))) = task.as_mut().poll(&mut context) else {
        panic!("it is there");
    };
    second.insert("a", &1).expect("small");
    other.insert("b", &2).expect("small");
    commit(&second).expect("the first");
    let error = commit(&other).expect_err("the second");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
