//! The adapter for tower: a layer that gives every request the way to its session.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::backend::Backend;
use super::core::{Core, Verdict};
use super::interface::{Interface, RequestHead};
use super::visit::{Handle, Main, Visit, poll_once};

/// Gives each request a session: opened when a handler asks, saved when the response is ready.
///
/// Handlers find a [`Handle`] in the request's extensions; with the feature `axum` they name
/// [`Session`](crate::session::Session) as an argument. `M` names the slot, so that several layers
/// serve several independent sessions in one request.
///
/// A request whose session nobody opens costs no look at its cookies. The response must know an empty
/// body (`Default`), which takes the place of its own when the session cannot be saved.
pub struct SessionLayer<B, I = (), M = Main> {
    core: Core<B, I>,
    slot: PhantomData<fn() -> M>,
}

impl<B: Backend, I: Interface> SessionLayer<B, I> {
    /// Makes the layer of an application's only session.
    #[must_use]
    pub fn new(core: Core<B, I>) -> Self {
        Self::for_slot(core)
    }
}

impl<B: Backend, I: Interface, M> SessionLayer<B, I, M> {
    /// Makes a layer for the slot `M`, a type of your own that need not have values.
    ///
    /// Each slot needs a cookie name and a key namespace of its own.
    #[must_use]
    pub fn for_slot(core: Core<B, I>) -> Self {
        Self {
            core,
            slot: PhantomData,
        }
    }
}

impl<B, I, M> Clone for SessionLayer<B, I, M> {
    fn clone(&self) -> Self {
        Self {
            core: self.core.clone(),
            slot: PhantomData,
        }
    }
}

impl<B, I, M> fmt::Debug for SessionLayer<B, I, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLayer").field(&self.core).finish()
    }
}

impl<B, I, M, Next> Layer<Next> for SessionLayer<B, I, M> {
    type Service = SessionService<Next, B, I, M>;

    fn layer(&self, next: Next) -> Self::Service {
        SessionService {
            next,
            core: self.core.clone(),
            slot: PhantomData,
        }
    }
}

/// A service inside a [`SessionLayer`].
pub struct SessionService<Next, B, I = (), M = Main> {
    next: Next,
    core: Core<B, I>,
    slot: PhantomData<fn() -> M>,
}

impl<Next: Clone, B, I, M> Clone for SessionService<Next, B, I, M> {
    fn clone(&self) -> Self {
        Self {
            next: self.next.clone(),
            core: self.core.clone(),
            slot: PhantomData,
        }
    }
}

impl<Next, B, I, M> fmt::Debug for SessionService<Next, B, I, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionService").field(&self.core).finish()
    }
}

impl<Next, B, I, M, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<Next, B, I, M>
where
    Next: Service<Request<ReqBody>, Response = Response<ResBody>>,
    B: Backend,
    I: Interface,
    M: 'static,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = Next::Error;
    type Future = ResponseFuture<Next::Future, B, I, ResBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let visit = self.core.begin(RequestHead::new(
            request.method(),
            request.uri(),
            request.headers(),
        ));
        request
            .extensions_mut()
            .insert(Handle::<M>::new(Arc::clone(&visit)));
        ResponseFuture {
            next: self.next.call(request),
            visit,
            finishing: None,
        }
    }
}

type Finishing = Pin<Box<dyn Future<Output = (Verdict, HeaderMap)> + Send>>;

pin_project! {
    /// The response of a [`SessionService`]. Dropped early, it leaves the session's old record or the
    /// new one.
    pub struct ResponseFuture<F, B, I, Body> {
        #[pin]
        next: F,
        visit: Arc<Visit<B, I>>,
        finishing: Option<(Finishing, Response<Body>)>,
    }
}

impl<F, B, I, Body> fmt::Debug for ResponseFuture<F, B, I, Body> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, B, I, Body> Future for ResponseFuture<F, B, I, Body>
where
    F: Future<Output = Result<Response<Body>, E>>,
    B: Backend,
    I: Interface,
    Body: Default,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.finishing.is_none() {
            let mut response = ready!(this.next.poll(context))?;
            let core = &this.visit.core;
            if !core.must_finish(this.visit) {
                return Poll::Ready(Ok(response));
            }
            let mut headers = mem::take(response.headers_mut());
            let status = response.status();
            if this.visit.core.backend.is_immediate() {
                // No allocation: what takes no waiting is done here and now.
                let verdict = {
                    let finish = pin!(core.finish(this.visit, status, &mut headers));
                    poll_once(finish)
                };
                if let Some(verdict) = verdict {
                    return Poll::Ready(Ok(seal(response, verdict, headers)));
                }
            }
            let visit = Arc::clone(this.visit);
            let finish = async move {
                let verdict = visit.core.finish(&visit, status, &mut headers).await;
                (verdict, headers)
            };
            *this.finishing = Some((Box::pin(finish), response));
        }
        let Some((finish, _)) = this.finishing else {
            return Poll::Pending;
        };
        let (verdict, headers) = ready!(finish.as_mut().poll(context));
        match this.finishing.take() {
            Some((_, response)) => Poll::Ready(Ok(seal(response, verdict, headers))),
            None => Poll::Pending,
        }
    }
}

/// Puts headers and verdict into effect.
pub(super) fn seal<Body: Default>(
    mut response: Response<Body>,
    verdict: Verdict,
    headers: HeaderMap,
) -> Response<Body> {
    if let Verdict::Replace(status) = verdict {
        response = Response::new(Body::default());
        *response.status_mut() = status;
    }
    *response.headers_mut() = headers;
    response
}
