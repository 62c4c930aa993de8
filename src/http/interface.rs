//! The decisions an application may take over: what Flask calls its session interface.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};

use crate::cookie::CookieConfig;
use crate::session::Session;

/// A request as the rules see it: everything but its body.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'r> {
    /// The method.
    pub method: &'r Method,
    /// The address, query included.
    pub uri: &'r Uri,
    /// The headers.
    pub headers: &'r HeaderMap,
}

impl<'r> RequestHead<'r> {
    /// Puts the head of a request together.
    #[must_use]
    pub const fn new(method: &'r Method, uri: &'r Uri, headers: &'r HeaderMap) -> Self {
        Self {
            method,
            uri,
            headers,
        }
    }
}

/// What a commit did, as far as cookies are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The session has an id that the client does not know yet.
    NewId,
    /// The session was written, under the id the client knows.
    Written,
    /// The session's life was prolonged, and nothing else.
    Renewed,
    /// Nothing happened.
    None,
}

/// Rules for the sessions of requests, all with a useful default.
///
/// Implement it to choose cookies per request, refuse sessions to some of them, or decide about
/// saving and cookies case by case. The methods are called at most once per request each, never
/// under a lock. `()` is the implementation that changes nothing.
///
/// ```
/// use sessile::cookie::CookieConfig;
/// use sessile::http::{Interface, RequestHead};
///
/// /// The back office has a session of its own, and robots have none.
/// struct Rules {
///     office: CookieConfig,
/// }
///
/// impl Interface for Rules {
///     fn cookie(&self, request: RequestHead<'_>) -> Option<&CookieConfig> {
///         request.uri.path().starts_with("/office/").then_some(&self.office)
///     }
///
///     fn refusal(&self, request: RequestHead<'_>) -> Option<&'static str> {
///         let is_robot = request.headers.get("user-agent").is_some_and(|agent| agent == "robot");
///         is_robot.then_some("robots get no session; send another User-Agent")
///     }
/// }
/// ```
pub trait Interface: Send + Sync + 'static {
    /// Returns the cookie that carries this request's session, if not the configured one.
    fn cookie(&self, request: RequestHead<'_>) -> Option<&CookieConfig> {
        let _ = request;
        None
    }

    /// Returns why this request gets no session: reads of it are empty, writes fail with this text,
    /// which says what to do. `None`: it gets one.
    fn refusal(&self, request: RequestHead<'_>) -> Option<&'static str> {
        let _ = request;
        None
    }

    /// Called when a handler has opened the request's session.
    fn opened(&self, session: &Session) {
        let _ = session;
    }

    /// Called before an opened session is saved; what it changes is saved as well.
    fn saving(&self, session: &Session, status: StatusCode) {
        let _ = (session, status);
    }

    /// Decides whether the changes of a request that ended with `status` are saved; `usual` is what
    /// the configuration says.
    fn should_save(&self, status: StatusCode, usual: bool) -> bool {
        let _ = status;
        usual
    }

    /// Decides whether the client is sent the cookie; `usual` is what the configuration says. A new id
    /// is always sent.
    fn should_set_cookie(&self, session: &Session, change: Change, usual: bool) -> bool {
        let _ = (session, change);
        usual
    }

    /// Returns how long the client keeps the cookie, `None` until its browser closes; `usual` is what
    /// the session and the configuration say.
    fn cookie_max_age(&self, session: &Session, usual: Option<Duration>) -> Option<Duration> {
        let _ = session;
        usual
    }
}

impl Interface for () {}
