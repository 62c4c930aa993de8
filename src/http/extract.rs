//! Extractors for axum.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::jar::Cookies;
use super::visit::{Handle, Main};
use crate::error::{Error, ErrorKind};
use crate::session::Session;

/// Why a handler got no session, or no cookies: answered with an empty 500 and logged.
pub struct SessionRejection(Option<Error>);

impl fmt::Debug for SessionRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionRejection").field(&self.0).finish()
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self.0 {
            Some(error) => {
                tracing::error!(error = %error, kind = ?error.kind(), "a session could not be loaded");
            }
            None => tracing::error!(
                "a handler asks for a session or for cookies, but no layer that gives them is around \
                 the router"
            ),
        }
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// An empty response, and a line in the log: 409 for a session that was ended meanwhile, 503 for a
/// limit or for rivals that will not always be there, 500 for the rest.
///
/// So that handlers may return the errors of their sessions with `?`.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self.kind() {
            ErrorKind::Gone => StatusCode::CONFLICT,
            ErrorKind::Full | ErrorKind::Conflict => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::error!(error = %self, kind = ?self.kind(), "a handler failed on its session");
        status.into_response()
    }
}

async fn open<M: 'static>(parts: &Parts) -> Result<Session, SessionRejection> {
    let handle = parts.extensions.get::<Handle<M>>();
    let handle = handle.ok_or(SessionRejection(None))?;
    handle
        .session()
        .await
        .map_err(|error| SessionRejection(Some(error)))
}

/// The request's session, loaded.
impl<App: Sync> FromRequestParts<App> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        open::<Main>(parts).await
    }
}

/// The request's session; `None` where no layer gives one.
impl<App: Sync> OptionalFromRequestParts<App> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &App,
    ) -> Result<Option<Self>, Self::Rejection> {
        match parts.extensions.get::<Handle<Main>>() {
            Some(_) => open::<Main>(parts).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The session of the slot `M`, loaded; see [`SessionLayer::for_slot`](super::SessionLayer::for_slot).
pub struct SessionOf<M> {
    session: Session,
    slot: PhantomData<fn() -> M>,
}

impl<M> SessionOf<M> {
    /// The session itself.
    #[must_use]
    pub fn into_inner(self) -> Session {
        self.session
    }
}

impl<M> Deref for SessionOf<M> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl<M> fmt::Debug for SessionOf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionOf").field(&self.session).finish()
    }
}

impl<App: Sync, M: 'static> FromRequestParts<App> for SessionOf<M> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self {
            session: open::<M>(parts).await?,
            slot: PhantomData,
        })
    }
}

/// The request's jar; see [`JarLayer`](super::JarLayer).
impl<App: Sync> FromRequestParts<App> for Cookies {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let cookies = parts.extensions.get::<Self>().cloned();
        cookies.ok_or(SessionRejection(None))
    }
}

/// The way to the session, for handlers that may not need it.
impl<App: Sync, M: 'static> FromRequestParts<App> for Handle<M> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let handle = parts.extensions.get::<Self>().cloned();
        handle.ok_or(SessionRejection(None))
    }
}
