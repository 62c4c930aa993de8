//! The flow of a request around any framework: begin with its head, finish with its response's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use super::backend::{Backend, Stored};
use super::core_builder::CoreBuilder;
use super::headers::{forbid_caching, set_cookie, vary_by_cookie};
use super::id_text::PlainId;
use super::interface::{Change, Interface, RequestHead};
use super::visit::{Opened, Visit};
use crate::cookie::CookieConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::session::{Committed, Expiry, OwnerIndex, Session, Sessions};
use crate::store::SessionStore;

/// When a client that has the cookie already is sent it again, so that its lifetime starts anew.
///
/// Only cookies that outlive the browser have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Refresh {
    /// When the session was written or its life prolonged.
    #[default]
    WhenRenewed,
    /// With every response, as Flask does for permanent sessions. Opens every request's session.
    ///
    /// Where [ids are renewed](crate::session::SessionsBuilder::renew_ids_after), not in the last
    /// seconds before: the response might overtake the one that tells the new id.
    EachRequest,
    /// Never: the cookie ends so long after it was first set.
    Never,
}

/// What becomes of a request whose session was ended elsewhere while it ran, if it changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenGone {
    /// Its response is replaced by an empty 409 that takes the cookie back, as Django interrupts.
    #[default]
    Interrupt,
    /// Its changes are dropped; the response goes out and takes the cookie back.
    Ignore,
}

/// What is to become of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It goes out as it is, with the headers as they are now.
    Keep,
    /// It goes out with this status, an empty body and nothing but the headers as they are now.
    Replace(StatusCode),
}

/// Sessions for requests, whatever the framework; [`SessionLayer`](super::SessionLayer) is the
/// adapter for tower.
///
/// Clones share everything.
///
/// ```
/// use http::{HeaderMap, Method, StatusCode, Uri};
/// use sessile::http::{Core, RequestHead, Verdict};
/// use sessile::session::Sessions;
/// use sessile::{Cache, CacheStore};
///
/// # async fn example() -> sessile::Result<()> {
/// let cache = Cache::builder().max_entries(100_000).build()?;
/// let sessions = Sessions::builder(CacheStore::new(cache.into())).build()?;
/// let core = Core::builder(sessions).build()?;
///
/// // In the adapter, before the handler runs:
/// let (method, uri, request) = (Method::GET, Uri::from_static("/"), HeaderMap::new());
/// let visit = core.begin(RequestHead::new(&method, &uri, &request));
/// // In the handler:
/// visit.session().await?.insert("name", "Ada")?;
/// // In the adapter, with the handler's response:
/// let mut response = HeaderMap::new();
/// let verdict = core.finish(&visit, StatusCode::OK, &mut response).await;
/// assert_eq!(verdict, Verdict::Keep);
/// assert!(response.contains_key("set-cookie"));
/// # Ok(())
/// # }
/// # let mut task = std::pin::pin!(example());
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(matches!(task.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(()))));
/// ```
pub struct Core<B, I = ()>(pub(super) Arc<Inner<B, I>>);

pub(super) struct Inner<B, I> {
    pub(super) backend: B,
    pub(super) cookie: CookieConfig,
    pub(super) interface: I,
    pub(super) refresh: Refresh,
    pub(super) when_gone: WhenGone,
    pub(super) save_every: bool,
    pub(super) save_on_error: bool,
    pub(super) cookie_age: Option<Duration>,
    pub(super) cache_control: Option<HeaderValue>,
}

impl<S: SessionStore, X: OwnerIndex> Core<Stored<S, X>> {
    /// Starts from secure defaults.
    pub fn builder(sessions: Sessions<S, X>) -> CoreBuilder<Stored<S, X>> {
        let id_text = Box::new(PlainId(sessions.id_format()));
        Core::on(Stored {
            sessions,
            id_text,
            purge: None,
        })
    }
}

impl<B: Backend> Core<B> {
    /// Starts from secure defaults, on another backend than a store.
    pub fn on(backend: B) -> CoreBuilder<B> {
        CoreBuilder::new(backend)
    }
}

impl<S: SessionStore, X: OwnerIndex, I: Interface> Core<Stored<S, X>, I> {
    /// The sessions behind it, for what has no request: lists, revocation, clean-up.
    pub fn sessions(&self) -> &Sessions<S, X> {
        &self.0.backend.sessions
    }
}

impl<B: Backend, I: Interface> Core<B, I> {
    /// Begins a request. Opens nothing; costs one allocation, and a reference count per `Cookie` line.
    pub fn begin(&self, request: RequestHead<'_>) -> Arc<Visit<B, I>> {
        Arc::new(Visit::new(Arc::clone(&self.0), request))
    }

    /// Finishes a request: saves its session if it was opened, and sets the response's headers.
    ///
    /// Never fails: a failing store is logged (without id or content) and answered by
    /// [`Verdict::Replace`] with 500, and the client keeps its cookie. Dropped at any await, it leaves
    /// the session's old record or the new one.
    pub async fn finish(
        &self,
        visit: &Visit<B, I>,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Verdict {
        self.0.finish(visit, status, headers).await
    }
}

impl<B: Backend, I: Interface> Inner<B, I> {
    /// Whether [`Core::finish`] would do anything.
    pub(super) fn must_finish(&self, visit: &Visit<B, I>) -> bool {
        visit.is_opened() || self.opens_all()
    }

    /// Whether every request that carries a cookie has its session opened.
    fn opens_all(&self) -> bool {
        self.refresh == Refresh::EachRequest || self.save_every
    }

    /// As [`Core::finish`].
    pub(super) async fn finish(
        &self,
        visit: &Visit<B, I>,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Verdict {
        if !visit.is_opened()
            && self.opens_all()
            && visit.was_sent()
            && let Err(error) = visit.session().await
        {
            return self.failed(&error, headers);
        }
        let Some(opened) = visit.look() else {
            return Verdict::Keep;
        };
        let session = &opened.session;
        let is_saved = visit.decide(&opened, || {
            self.interface.saving(session, status);
            let saves = status.as_u16() < 500 || self.save_on_error;
            self.interface.should_save(status, saves)
        });
        // A session that takes no writes says nothing about the client's cookie.
        if !is_saved || session.refusal().is_some() {
            if session.is_accessed() {
                vary_by_cookie(headers);
            }
            return Verdict::Keep;
        }
        if self.save_every && !session.is_new() {
            session.set_modified();
        }
        match self.backend.commit(session).await {
            Ok(committed) => match self.tell(visit, &opened, committed, headers) {
                Ok(()) => Verdict::Keep,
                Err(error) => self.failed(&error, headers),
            },
            Err(error) if error.kind() == ErrorKind::Gone => self.gone(visit, headers),
            Err(error) => self.failed(&error, headers),
        }
    }

    /// Tells the client what it must know after a commit.
    fn tell(
        &self,
        visit: &Visit<B, I>,
        opened: &Opened,
        committed: Committed,
        headers: &mut HeaderMap,
    ) -> Result<()> {
        let session = &opened.session;
        let is_accessed = session.is_accessed();
        if is_accessed {
            vary_by_cookie(headers);
        }
        let config = visit.cookie();
        let before = opened.before.as_ref();
        let Some(change) = self.backend.change(before, session, committed) else {
            // A cookie that leads nowhere is taken back, once somebody has looked.
            if is_accessed && visit.was_sent() {
                set_cookie(headers, config.remove())?;
            }
            return Ok(());
        };
        if change != Change::NewId && !session.is_id_lasting() {
            return Ok(());
        }
        let is_kept = || !session.expires_at_browser_close();
        let usual = match self.refresh {
            _ if change == Change::NewId => true,
            // What the session says of its end may have changed, and the cookie's lifetime with it.
            _ if change == Change::Written && has_own_end(session) => true,
            Refresh::WhenRenewed => change != Change::None && is_kept(),
            Refresh::EachRequest => is_kept(),
            Refresh::Never => false,
        };
        let sets = self.interface.should_set_cookie(session, change, usual);
        if !(sets || change == Change::NewId) {
            return Ok(());
        }
        let age = self
            .cookie_age
            .filter(|_| session.expiry() == Expiry::Default);
        let max_age = is_kept().then(|| age.unwrap_or_else(|| session.expiry_age()));
        let max_age = self.interface.cookie_max_age(session, max_age);
        let value = self.backend.value(config.name(), session)?;
        let cookie = config.set_for(&value, max_age, self.backend.now_ms())?;
        set_cookie(headers, cookie)?;
        if !is_accessed {
            vary_by_cookie(headers);
        }
        if let Some(value) = &self.cache_control {
            forbid_caching(headers, value);
        }
        Ok(())
    }

    /// The session was ended elsewhere, and this request's changes with it.
    fn gone(&self, visit: &Visit<B, I>, headers: &mut HeaderMap) -> Verdict {
        let verdict = match self.when_gone {
            WhenGone::Ignore => Verdict::Keep,
            WhenGone::Interrupt => {
                tracing::info!("a request changed a session that was ended while it ran");
                headers.clear();
                Verdict::Replace(StatusCode::CONFLICT)
            }
        };
        vary_by_cookie(headers);
        if visit.was_sent()
            && let Err(error) = set_cookie(headers, visit.cookie().remove())
        {
            return self.failed(&error, headers);
        }
        verdict
    }

    /// The client keeps its cookie: the session may be well.
    fn failed(&self, error: &Error, headers: &mut HeaderMap) -> Verdict {
        tracing::error!(error = %error, kind = ?error.kind(), "a session could not be saved");
        headers.clear();
        vary_by_cookie(headers);
        Verdict::Replace(match error.kind() {
            ErrorKind::Conflict => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        })
    }
}

fn has_own_end(session: &Session) -> bool {
    session.expiry() != Expiry::Default || !session.is_permanent()
}

impl<B, I> Clone for Core<B, I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B, I> fmt::Debug for Core<B, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("cookie", &self.0.cookie)
            .field("refresh", &self.0.refresh)
            .finish_non_exhaustive()
    }
}
