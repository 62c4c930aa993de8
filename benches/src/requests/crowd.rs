//! Many clients on one session at once, each adding to the same number.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use http::{HeaderValue, Request, Response, StatusCode};
use sessile::session::Session;
use tokio::runtime::Builder;
use tower::{Layer as _, Service, service_fn};

use super::lanes::ours;
use super::stranger;
use super::tower::{header, next_line, request};

/// What the crowd did.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Tasks.
    pub clients: usize,
    /// Requests that were answered with 200, each of which added 1.
    pub added: u64,
    /// Requests answered with anything else, which must not have added.
    pub refused: u64,
    /// The number in the session afterwards.
    pub found: u64,
    /// Wall time of all.
    pub took: Duration,
}

/// Lets `clients` tasks make `requests` each on `threads` threads. Each handler lets the others run
/// between its change and its response, so that all are in flight at once.
#[must_use]
pub fn crowd(clients: usize, requests: usize, threads: usize) -> Crowd {
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .build()
        .expect("a runtime");
    let service = ours().layer(service_fn(add));
    runtime.block_on(async {
        let first = service.clone().call(request(&header(&stranger()))).await;
        let Ok(first) = first;
        let line = header(&next_line(first.headers()));
        let start = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| tokio::spawn(client(service.clone(), line.clone(), requests)))
            .collect();
        let (mut added, mut refused) = (0, 0);
        for task in tasks {
            let (more, fewer) = task.await.expect("a client ran to its end");
            added += more;
            refused += fewer;
        }
        let took = start.elapsed();
        let Ok(last) = service.clone().call(request(&line)).await;
        let found = last.headers().get("x-number").and_then(number);
        Crowd {
            clients,
            added,
            refused,
            // Without those of the first and the last request.
            found: found.unwrap_or(0).saturating_sub(2),
            took,
        }
    })
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

async fn client<S>(mut service: S, line: HeaderValue, requests: usize) -> (u64, u64)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let (mut added, mut refused) = (0, 0);
    for _ in 0..requests {
        let Ok(response) = service.call(request(&line)).await;
        match response.status() {
            StatusCode::OK => added += 1,
            _ => refused += 1,
        }
    }
    (added, refused)
}

async fn add(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (mut parts, _body) = request.into_parts();
    let session = Session::from_request_parts(&mut parts, &()).await;
    let session = session.expect("the layer is there");
    session
        .modify("number", |number: Option<u64>| {
            Some(number.unwrap_or(0) + 1)
        })
        .expect("a number fits");
    tokio::task::yield_now().await;
    let number = session.get::<u64>("number").ok().flatten().unwrap_or(0);
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert("x-number", number.into());
    Ok(response)
}
