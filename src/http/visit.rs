//! One request's session: opened when somebody asks for it, and not before.

use std::fmt;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::backend::Backend;
use super::core::Inner;
use super::interface::{Interface, RequestHead};
use crate::cookie::{CookieConfig, candidates};
use crate::error::Result;
use crate::id::SessionId;
use crate::session::Session;
use crate::sync::Lock;

/// Cookies of the session's name that are tried: a sibling domain may have planted some.
pub const CANDIDATES_MAX: usize = 8;

/// The `Cookie` lines of a request: shared, not copied.
#[derive(Default)]
pub(super) struct Lines {
    first: Option<HeaderValue>,
    /// HTTP/2 clients may send one cookie per line.
    others: Vec<HeaderValue>,
}

impl Lines {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(COOKIE).iter().cloned();
        Self {
            first: lines.next(),
            others: lines.collect(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &HeaderValue> {
        self.first.iter().chain(&self.others)
    }
}

/// A session somebody has asked for.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) session: Session,
    /// The id that it had then.
    pub(super) before: Option<SessionId>,
    /// Whether it is saved, once that was decided.
    is_saved: Option<bool>,
}

/// What one request does with its session.
pub struct Visit<B, I = ()> {
    pub(super) core: Arc<Inner<B, I>>,
    lines: Lines,
    /// The cookie of this request, if it is not the configured one.
    cookie: Option<Box<CookieConfig>>,
    refusal: Option<&'static str>,
    opened: Lock<Option<Opened>>,
}

impl<B: Backend, I: Interface> Visit<B, I> {
    pub(super) fn new(core: Arc<Inner<B, I>>, request: RequestHead<'_>) -> Self {
        let cookie = core.interface.cookie(request).cloned().map(Box::new);
        let refusal = core.interface.refusal(request);
        Self {
            core,
            lines: Lines::of(request.headers),
            cookie,
            refusal,
            opened: Lock::new(None),
        }
    }

    pub(super) fn cookie(&self) -> &CookieConfig {
        match &self.cookie {
            Some(cookie) => cookie,
            None => &self.core.cookie,
        }
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        candidates(self.lines.iter(), self.cookie().name())
    }

    /// Whether the client sent a cookie of the session's name, good or bad.
    pub(super) fn was_sent(&self) -> bool {
        self.values().next().is_some()
    }

    /// Returns the request's session, the same one for every caller.
    ///
    /// The first call loads it: of the cookies of its name the first that is genuine and leads to a
    /// session; without one, the session is new. Nothing is written. Dropped before it is done, it has
    /// done nothing.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn session(&self) -> Result<Session> {
        match self.opened() {
            Some(session) => Ok(session),
            None => self.first().await,
        }
    }

    async fn first(&self) -> Result<Session> {
        let session = self.load().await?;
        let before = session.id();
        let mut opened = self.opened.lock();
        if let Some(first) = &*opened {
            // Somebody else was faster; two sessions of one request would overwrite each other.
            return Ok(first.session.clone());
        }
        *opened = Some(Opened {
            before,
            session: session.clone(),
            is_saved: None,
        });
        drop(opened);
        self.core.interface.opened(&session);
        Ok(session)
    }

    async fn load(&self) -> Result<Session> {
        if let Some(reason) = self.refusal {
            return Ok(Session::unavailable(reason));
        }
        let values = self.values().take(CANDIDATES_MAX);
        let found = self.core.backend.open(self.cookie().name(), values).await?;
        Ok(found.unwrap_or_else(|| self.core.backend.fresh()))
    }

    pub(super) fn is_opened(&self) -> bool {
        self.opened.lock().is_some()
    }

    /// Returns the session if somebody has asked for it.
    pub fn opened(&self) -> Option<Session> {
        let opened = self.opened.lock();
        opened.as_ref().map(|opened| opened.session.clone())
    }

    /// As [`Visit::opened`], with what it was when it was opened.
    pub(super) fn look(&self) -> Option<Opened> {
        self.opened.lock().clone()
    }

    /// Whether the session is saved, as `decide` says the first time: a finish that had to wait begins
    /// anew, and the application's rules are asked once.
    pub(super) fn decide(&self, opened: &Opened, decide: impl FnOnce() -> bool) -> bool {
        // Outside the lock: these are the application's closures.
        let is_saved = opened.is_saved.unwrap_or_else(decide);
        if let Some(opened) = &mut *self.opened.lock() {
            opened.is_saved = Some(is_saved);
        }
        is_saved
    }
}

impl<B, I> fmt::Debug for Visit<B, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

/// A visit without the types of its store and rules: what a request carries to its handlers.
trait Open: Send + Sync {
    /// The session, if it takes no waiting.
    fn open_now(&self) -> Option<Result<Session>>;
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Session>> + Send + '_>>;
}

impl<B: Backend, I: Interface> Open for Visit<B, I> {
    fn open_now(&self) -> Option<Result<Session>> {
        if let Some(session) = self.opened() {
            return Some(Ok(session));
        }
        if self.core.backend.is_immediate() {
            poll_once(pin!(self.first()))
        } else {
            None
        }
    }

    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Session>> + Send + '_>> {
        Box::pin(self.session())
    }
}

/// The outcome of a future that is ready at its first poll; `None`, and nothing done, if it is not.
///
/// Pinned by the caller, where it is made: these futures are kilobytes, and moving one costs more
/// than polling it.
#[inline]
pub(super) fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    match future.poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The slot of an application's only session; others are told apart by types of your own.
#[derive(Debug, Clone, Copy)]
pub enum Main {}

/// What a layer leaves in a request's extensions: the way to its session, not yet opened.
///
/// `M` names the slot: layers with different ones give one request several independent sessions.
/// Clones lead to the same session. Extracting it counts as no access.
pub struct Handle<M = Main> {
    visit: Arc<dyn Open>,
    slot: PhantomData<fn() -> M>,
}

impl<M> Handle<M> {
    pub(super) fn new<B: Backend, I: Interface>(visit: Arc<Visit<B, I>>) -> Self {
        Self {
            visit,
            slot: PhantomData,
        }
    }

    /// Returns the request's session, loading it if nobody has yet.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn session(&self) -> Result<Session> {
        match self.visit.open_now() {
            Some(session) => session,
            None => self.visit.open().await,
        }
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            visit: Arc::clone(&self.visit),
            slot: PhantomData,
        }
    }
}

impl<M> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
