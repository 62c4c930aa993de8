//! What all tests use: a manager on a manual clock, and an executor of one line.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sessile::id::SessionId;
use sessile::session::{Session, Sessions, SessionsBuilder};
use sessile::{Cache, CacheStore, ManualClock};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Polls until it is done: all that the embedded store needs of an executor.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("the embedded store waited");
}

/// A manager, its clock, and what tests do with it most.
pub(crate) struct Kit {
    pub(crate) clock: ManualClock,
    pub(crate) sessions: Sessions<CacheStore>,
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(
        set: impl FnOnce(SessionsBuilder<CacheStore>) -> SessionsBuilder<CacheStore>,
    ) -> Self {
        let clock = ManualClock::new();
        let cache = Cache::builder().unlimited_entries().clock(clock.clone());
        let store = CacheStore::new(Arc::new(cache.build().unwrap()));
        let builder = Sessions::builder(store).clock(clock.clone());
        let sessions = set(builder).build().unwrap();
        Self { clock, sessions }
    }

    /// A stored session with `name` = `value`.
    pub(crate) fn stored(&self, name: &str, value: &str) -> (Session, SessionId) {
        let session = self.sessions.fresh();
        session.insert(name, value).unwrap();
        self.commit(&session);
        let id = session.id().unwrap();
        (session, id)
    }

    pub(crate) fn load(&self, id: &SessionId) -> Option<Session> {
        block_on(self.sessions.load(id)).unwrap()
    }

    /// Loads a session that must be there.
    pub(crate) fn again(&self, id: &SessionId) -> Session {
        self.load(id).expect("the session is there")
    }

    /// The session of a request with this id in its cookie.
    pub(crate) fn open(&self, id: &SessionId) -> Session {
        block_on(self.sessions.open(Some(id)).session()).unwrap()
    }

    pub(crate) fn commit(&self, session: &Session) -> sessile::session::Committed {
        block_on(self.sessions.commit(session)).unwrap()
    }

    /// Records in the store.
    pub(crate) fn records(&self) -> usize {
        self.sessions.store().cache().len()
    }
}
