//! Lanes of tower services on axum's bodies.

use std::convert::Infallible;
use std::mem;

use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tokio::runtime::Runtime;
use tower::{Service, service_fn};

use super::{Deed, Lane, Meter, Routing, Served, cookie_line, shared};

/// The name of the service without sessions.
pub(super) const BARE: &str = "bare (tower)";

/// How a handler of one session crate does its deeds.
pub(super) trait Api: 'static {
    /// Does the deed with the session of the request, extracted as axum's handlers have it. Says
    /// whether what it asked for was there.
    fn act(deed: Deed, parts: &mut Parts) -> impl Future<Output = bool> + Send;
}

/// A handler without sessions.
pub(super) struct Nobody;

impl Api for Nobody {
    async fn act(_: Deed, _: &mut Parts) -> bool {
        true
    }
}

/// The innermost service: what axum does around a handler, without its router.
pub(super) fn handler<A: Api>(
    deed: Deed,
) -> impl Service<
    Request<Body>,
    Response = Response<Body>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(move |request: Request<Body>| async move {
        let (mut parts, _body) = request.into_parts();
        let is_there = deed == Deed::Untouched || A::act(deed, &mut parts).await;
        let mut response = Response::new(Body::empty());
        if !is_there {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(response)
    })
}

/// One service per deed.
pub(super) struct TowerLane<S> {
    name: &'static str,
    runtime: Runtime,
    services: Vec<S>,
    routing: Routing,
}

/// What a router leaves in a request.
#[derive(Clone)]
struct Routed;

impl<S> TowerLane<S> {
    /// `make` runs inside of the runtime.
    pub(super) fn new(
        name: &'static str,
        routing: Routing,
        runtime: Runtime,
        make: impl Fn(Deed) -> S,
    ) -> Self {
        let entered = runtime.enter();
        let services = Deed::ALL.into_iter().map(make).collect();
        drop(entered);
        Self {
            name,
            runtime,
            services,
            routing,
        }
    }
}

impl<S> Lane for TowerLane<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn bare(&self) -> &'static str {
        BARE
    }

    fn serve(&mut self, deed: Deed, lines: &[String], meter: Meter) -> Served {
        let service = &mut self.services[deed as usize];
        let lines: Vec<HeaderValue> = lines.iter().map(|line| header(line)).collect();
        let mut kept: Vec<HeaderMap> = Vec::with_capacity(lines.len());
        let mut served = self.runtime.block_on(async {
            let running = meter.start();
            let mut refused = 0;
            for line in &lines {
                let mut request = request(line);
                if self.routing == Routing::Before {
                    request.extensions_mut().insert(Routed);
                }
                let Ok(mut response) = service.call(request).await;
                refused += usize::from(response.status() != StatusCode::OK);
                if deed.gives_cookie() {
                    kept.push(mem::take(response.headers_mut()));
                }
            }
            Served {
                refused,
                ..running.stop()
            }
        });
        served.cookies = kept.iter().map(next_line).collect();
        served
    }
}

pub(super) fn header(line: &str) -> HeaderValue {
    HeaderValue::from_maybe_shared(shared(line)).expect("a cookie line is a header value")
}

pub(super) fn request(line: &HeaderValue) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(COOKIE, line.clone());
    request
}

pub(super) fn next_line(headers: &HeaderMap) -> String {
    let lines = headers.get_all(SET_COOKIE).iter();
    cookie_line(lines.filter_map(|line| line.to_str().ok()))
}
