//! The application's own cookies: a layer that gives each request a jar and writes what it holds.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::core::Verdict;
use super::headers::{set_cookie, vary_by_cookie};
use super::layer::seal;
use super::visit::Lines;
use crate::cookie::{Jar, JarSettings};
use crate::error::{Error, Result};
use crate::sync::Reentrant;
use crate::time::{Clock, CoarseClock};

/// Gives each request a [`Jar`] of its cookies, by way of [`Cookies`], and writes its changes.
///
/// A name that both the jar and a [`SessionLayer`](super::SessionLayer) write gets one `Set-Cookie`,
/// that of the outer layer. The jar is made when a handler asks for it; a response that looked at
/// cookies says `Vary: Cookie`. Changes are written whatever the response's status.
///
/// ```
/// use sessile::cookie::{JarSettings, Keyring};
/// use sessile::http::JarLayer;
///
/// let ring = Keyring::new(b"an example key of 32 bytes, not!")?;
/// let layer = JarLayer::new(JarSettings::new().keyring(ring));
/// // In a handler, with the argument `cookies: Cookies`:
/// // cookies.with(|jar| jar.set("theme", "dark"))?;
/// # let _ = layer;
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct JarLayer(Arc<Kit>);

/// What all jars of a layer have in common.
#[derive(Clone)]
struct Kit {
    settings: Arc<JarSettings>,
    clock: Arc<dyn Clock>,
}

impl JarLayer {
    /// Makes a layer whose jars go by these settings.
    #[must_use]
    pub fn new(settings: JarSettings) -> Self {
        Self(Arc::new(Kit {
            settings: Arc::new(settings),
            clock: Arc::new(CoarseClock),
        }))
    }

    /// Replaces the clock. Only its wall time is read.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        let settings = Arc::clone(&self.0.settings);
        let clock = Arc::new(clock);
        Self(Arc::new(Kit { settings, clock }))
    }
}

impl<Next> Layer<Next> for JarLayer {
    type Service = JarService<Next>;

    fn layer(&self, next: Next) -> Self::Service {
        let kit = Arc::clone(&self.0);
        JarService { next, kit }
    }
}

/// A request's jar, for its handlers; clones lead to the same one.
///
/// With the feature `axum`, name it as a handler's argument; else it is in the request's extensions.
#[derive(Clone)]
pub struct Cookies(Arc<Shelf>);

struct Shelf {
    kit: Arc<Kit>,
    lines: Lines,
    /// Other threads wait for it; the one that has it may come again and is refused by the cell.
    jar: Reentrant<RefCell<Option<Jar>>>,
}

impl Cookies {
    /// Lets `work` read and change the request's cookies; returns what it returns.
    ///
    /// Closures of other threads wait for their turn. What is changed after the response was made goes
    /// nowhere.
    ///
    /// # Errors
    /// Those of `work`; [`InvalidInput`](crate::ErrorKind::InvalidInput) if it asks for the same jar again.
    pub fn with<T>(&self, work: impl FnOnce(&mut Jar) -> Result<T>) -> Result<T> {
        let shelf = &*self.0;
        shelf.with(|jar| work(jar.get_or_insert_with(|| shelf.jar())))
    }

    /// Writes the jar's changes, if it was opened.
    fn finish(&self, headers: &mut HeaderMap) -> Result<()> {
        self.0.with(|jar| {
            let Some(jar) = jar else {
                return Ok(());
            };
            for cookie in jar.finish()? {
                set_cookie(headers, cookie)?;
            }
            vary_by_cookie(headers);
            Ok(())
        })
    }
}

impl Shelf {
    fn jar(&self) -> Jar {
        let Kit { settings, clock } = &*self.kit;
        Jar::new(Arc::clone(settings), self.lines.iter(), clock.wall_ms())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Option<Jar>) -> Result<T>) -> Result<T> {
        let cell = self.jar.lock();
        let mut jar = cell.try_borrow_mut().map_err(|_| {
            Error::input(
                "use a jar: a closure that has it asks for it again; use the one it was given",
            )
        })?;
        work(&mut jar)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").finish_non_exhaustive()
    }
}

impl fmt::Debug for JarLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JarLayer").field(&self.0.settings).finish()
    }
}

/// A service inside a [`JarLayer`].
#[derive(Clone)]
pub struct JarService<Next> {
    next: Next,
    kit: Arc<Kit>,
}

impl<Next> fmt::Debug for JarService<Next> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JarService").finish_non_exhaustive()
    }
}

impl<Next, ReqBody, ResBody> Service<Request<ReqBody>> for JarService<Next>
where
    Next: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = Next::Error;
    type Future = JarFuture<Next::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let cookies = Cookies(Arc::new(Shelf {
            kit: Arc::clone(&self.kit),
            lines: Lines::of(request.headers()),
            jar: Reentrant::new(RefCell::new(None)),
        }));
        request.extensions_mut().insert(cookies.clone());
        JarFuture {
            next: self.next.call(request),
            cookies,
        }
    }
}

pin_project! {
    /// The response of a [`JarService`].
    pub struct JarFuture<F> {
        #[pin]
        next: F,
        cookies: Cookies,
    }
}

impl<F> fmt::Debug for JarFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JarFuture").finish_non_exhaustive()
    }
}

impl<F, E, Body> Future for JarFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
    Body: Default,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.next.poll(context))?;
        let mut headers = mem::take(response.headers_mut());
        let verdict = match this.cookies.finish(&mut headers) {
            Ok(()) => Verdict::Keep,
            Err(error) => {
                tracing::error!(%error, kind = ?error.kind(), "cookies could not be written");
                headers.clear();
                Verdict::Replace(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        Poll::Ready(Ok(seal(response, verdict, headers)))
    }
}
