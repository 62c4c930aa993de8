//! What all requests share, and which request goes where.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sessile::{Cache, Result};

use super::handlers::{account, overview, sessions, shop};
use super::history::History;
use super::options::Options;
use super::pages::MARK;
use super::refusal::Refusal;
use super::stand_in::{self, Sessions};
use super::style;

/// The longest body of a request: forms here take a few hundred bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What all requests share. Clones are handles of the same.
#[derive(Clone)]
pub struct App(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) cache: Arc<Cache>,
    pub(super) sessions: Sessions,
    pub(super) history: History,
    pub(super) started: Instant,
    pub(super) idle: Duration,
    pub(super) max_entries: u64,
    pub(super) is_secure: bool,
    pub(super) heap: fn() -> usize,
}

impl App {
    /// Builds the cache and what stands on it. `heap` tells the bytes on the program's heap.
    ///
    /// # Errors
    /// [`InvalidConfig`](sessile::ErrorKind::InvalidConfig) if the cache cannot be built so large.
    pub fn new(options: &Options, heap: fn() -> usize) -> Result<Self> {
        let max_entries = usize::try_from(options.max_entries).unwrap_or(usize::MAX);
        let cache = Arc::new(Cache::builder().max_entries(max_entries).build()?);
        let sessions = Sessions::new(cache.clone(), options.idle, options.secure);
        Ok(Self(Arc::new(Shared {
            cache,
            sessions,
            history: History::default(),
            started: Instant::now(),
            idle: options.idle,
            max_entries: options.max_entries,
            is_secure: options.secure,
            heap,
        })))
    }

    /// The application as a service.
    pub fn router(&self) -> Router {
        let pages = Router::new()
            .route("/", get(account::home))
            .route("/login", post(account::login))
            .route("/logout", post(account::logout))
            .route("/goodbye", get(account::goodbye))
            .route("/cart", get(shop::page))
            .route("/cart/add", post(shop::add))
            .route("/cart/change", post(shop::change))
            .route("/cart/remove", post(shop::remove))
            .route("/sessions", get(sessions::page))
            .route("/sessions/end", post(sessions::end))
            .route("/sessions/end-others", post(sessions::end_others))
            .route("/sessions/end-all", post(sessions::end_all))
            .route("/cache", get(overview::page))
            .layer(middleware::from_fn_with_state(
                self.0.sessions.clone(),
                stand_in::layer,
            ));
        // Beside the sessions: these are the same for everybody.
        Router::new()
            .merge(pages)
            .route("/style.css", get(async || asset("text/css", style::SHEET)))
            .route("/icon.svg", get(async || asset("image/svg+xml", MARK)))
            .fallback(async || Refusal::NotFound)
            .method_not_allowed_fallback(async || Refusal::WrongMethod)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(middleware::map_response(harden))
            .with_state(self.clone())
    }

    /// Notes what the cache did lately and has it give back what expired; to be called each second.
    pub fn tick(&self) {
        /// Far more than can expire in a second of human traffic, and still under a millisecond.
        const STEPS: usize = 10_000;
        self.0.cache.maintain(STEPS);
        self.0.history.note(&self.0.cache.stats());
    }
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, text).into_response()
}

/// Adds what keeps a page from being framed, sniffed, scripted or kept.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    set(headers, CONTENT_SECURITY_POLICY, policy);
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, REFERRER_POLICY, "same-origin");
    // The way back after a logout must not show what was.
    set(headers, CACHE_CONTROL, "no-store");
    response
}

/// Sets a header that the response does not have yet.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}
