//! An application's rules: asked once per request, whatever the store does.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use sessile::http::{Backend, Change, Core, Interface, RequestHead, SessionLayer};
use sessile::id::{IdFormat, SessionId};
use sessile::session::{Committed, Session, Sessions};
use sessile::{Cache, CacheStore, Error, ErrorKind, Result};

use crate::client::{self, Client};

/// Says that it never waits, and waits once in each commit, as one that has to queue up does.
struct Queues(Sessions<CacheStore>);

impl Backend for Queues {
    fn is_immediate(&self) -> bool {
        true
    }

    async fn open<'v>(
        &'v self,
        _: &'v str,
        mut values: impl Iterator<Item = &'v str> + Send + 'v,
    ) -> Result<Option<Session>> {
        let id = values.find_map(|value| SessionId::parse(IdFormat::Base64, value));
        match id {
            Some(id) => self.0.load(&id).await,
            None => Ok(None),
        }
    }

    fn fresh(&self) -> Session {
        self.0.fresh()
    }

    async fn commit(&self, session: &Session) -> Result<Committed> {
        let mut has_waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.0.commit(session).await
    }

    fn change(&self, _: Option<&SessionId>, session: &Session, _: Committed) -> Option<Change> {
        session.id().map(|_| Change::NewId)
    }

    fn value(&self, _: &str, session: &Session) -> Result<String> {
        Ok(session
            .id()
            .map(|id| id.expose().to_owned())
            .unwrap_or_default())
    }

    fn now_ms(&self) -> u64 {
        0
    }
}

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct Asked([Arc<AtomicU32>; 4]);

impl Asked {
    fn count(&self, at: usize) {
        self.0[at].fetch_add(1, Ordering::SeqCst);
    }

    fn counts(&self) -> [u32; 4] {
        self.0.each_ref().map(|count| count.load(Ordering::SeqCst))
    }
}

impl Interface for Asked {
    fn opened(&self, _: &Session) {
        self.count(0);
    }

    fn saving(&self, session: &Session, _: StatusCode) {
        self.count(1);
        let seen = session.modify("seen", |seen: Option<u32>| Some(seen.unwrap_or(0) + 1));
        seen.expect("small");
    }

    fn should_save(&self, _: StatusCode, usual: bool) -> bool {
        self.count(2);
        usual
    }

    fn should_set_cookie(&self, _: &Session, _: Change, usual: bool) -> bool {
        self.count(3);
        usual
    }
}

#[tokio::test]
async fn rules_are_asked_once_though_the_commit_has_to_wait() {
    async fn seen(session: Session) -> String {
        format!("{:?}", session.get::<u32>("seen").expect("a number"))
    }
    let cache = Cache::builder().max_entries(9).build().expect("allowed");
    let sessions = Sessions::builder(CacheStore::new(cache.into())).build();
    let asked = Asked::default();
    let core = Core::on(Queues(sessions.expect("allowed"))).interface(asked.clone());
    let layer = SessionLayer::new(core.build().expect("allowed"));
    let mut browser = Client::new(Router::new().route("/", get(seen)).layer(layer));
    assert_eq!(browser.get("/").await.body, "None");
    assert_eq!(asked.counts(), [1; 4]);
    assert_eq!(browser.get("/").await.body, "Some(1)");
    assert_eq!(asked.counts(), [2; 4]);
}

/// A store that cannot be reached, once it has been.
struct Fails {
    sessions: Sessions<CacheStore>,
    on_open: bool,
}

impl Backend for Fails {
    fn is_immediate(&self) -> bool {
        false
    }

    async fn open<'v>(
        &'v self,
        _: &'v str,
        _: impl Iterator<Item = &'v str> + Send + 'v,
    ) -> Result<Option<Session>> {
        match self.on_open {
            true => Err(down()),
            false => Ok(None),
        }
    }

    fn fresh(&self) -> Session {
        self.sessions.fresh()
    }

    async fn commit(&self, _: &Session) -> Result<Committed> {
        Err(down())
    }

    fn change(&self, _: Option<&SessionId>, _: &Session, _: Committed) -> Option<Change> {
        None
    }

    fn value(&self, _: &str, _: &Session) -> Result<String> {
        Err(down())
    }

    fn now_ms(&self) -> u64 {
        0
    }
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "load a session: the store is down")
}

#[tokio::test]
async fn fl21_s34_a_failing_store_is_an_empty_500_and_the_clients_cookie_stays() {
    async fn write(session: Session) -> &'static str {
        session.insert("a", &1).expect("small");
        "written"
    }
    for on_open in [true, false] {
        let cache = Cache::builder().max_entries(9).build().expect("allowed");
        let sessions = Sessions::builder(CacheStore::new(cache.into())).build();
        let sessions = sessions.expect("allowed");
        let core = Core::on(Fails { sessions, on_open }).build();
        let layer = SessionLayer::new(core.expect("allowed"));
        let mut browser = Client::new(Router::new().route("/", get(write)).layer(layer));
        browser.plant("__Host-id", &"A".repeat(43));
        let answer = browser.get("/").await;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""));
        assert_eq!(answer.set_cookie(), None);
    }
}

#[tokio::test]
async fn a_refused_session_leaves_the_clients_cookie_alone() {
    struct Closed;
    impl Interface for Closed {
        fn refusal(&self, _: RequestHead<'_>) -> Option<&'static str> {
            Some("sessions are closed for maintenance: come back at noon")
        }
    }
    async fn read(session: Session) -> String {
        format!("{:?}", session.get::<u32>("a").expect("empty"))
    }
    let core = client::core(|core| core.interface(Closed));
    let routes = Router::new().route("/", get(read));
    let mut browser = Client::new(routes.layer(SessionLayer::new(core)));
    browser.plant("__Host-id", &"A".repeat(43));
    let answer = browser.get("/").await;
    assert_eq!((answer.body.as_str(), answer.set_cookie()), ("None", None));
}
