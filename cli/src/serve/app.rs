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
use sessile::cookie::CookieConfig;
use sessile::http::{Core, SessionLayer, Stored, WhenGone};
use sessile::session::{LocalIndex, Sessions};
use sessile::{Cache, CacheStore, Result};

use super::handlers::{account, overview, sessions, shop};
use super::history::History;
use super::options::{IDLE_DAYS_MAX, Options};
use super::pages::MARK;
use super::refusal::Refusal;
use super::style;

/// The longest body of a request: forms here take a few hundred bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Steps of looking for what expired, each second: more than human traffic lets expire.
const EXPIRED_PER_TICK_MAX: usize = 10_000;
/// Sessions of owners that are looked up, each second: those that ended leave the lists.
const OWNED_PER_TICK_MAX: usize = 64;

/// What all requests share. Clones are handles of the same.
#[derive(Clone)]
pub struct App(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) cache: Arc<Cache>,
    pub(super) core: Core<Stored<CacheStore, LocalIndex>>,
    pub(super) cookie: String,
    pub(super) history: History,
    pub(super) started: Instant,
    pub(super) idle: Duration,
    pub(super) max_entries: u64,
    pub(super) is_secure: bool,
    pub(super) heap: fn() -> usize,
}

impl Shared {
    /// The sessions behind the requests', to list and to end.
    pub(super) fn sessions(&self) -> &Sessions<CacheStore> {
        self.core.sessions()
    }
}

impl App {
    /// Builds the cache and what stands on it. `heap` tells the bytes on the program's heap.
    ///
    /// # Errors
    /// [`InvalidConfig`](sessile::ErrorKind::InvalidConfig) if the cache cannot be built so large.
    pub fn new(options: &Options, heap: fn() -> usize) -> Result<Self> {
        let max_entries = usize::try_from(options.max_entries).unwrap_or(usize::MAX);
        let cache = Arc::new(Cache::builder().max_entries(max_entries).build()?);
        let sessions = Sessions::builder(CacheStore::new(cache.clone()))
            .idle(options.idle)
            .absolute(Some(Duration::from_secs(IDLE_DAYS_MAX * 24 * 60 * 60)))
            .build()?;
        // A cookie that is not Secure cannot have the prefix of one host either.
        let name = if options.secure {
            "__Host-session"
        } else {
            "session"
        };
        let cookie = CookieConfig::builder()
            .name(name)
            .secure(options.secure)
            .build()?;
        let cookie_name = cookie.name().to_owned();
        let core = Core::builder(sessions)
            .cookie(cookie)
            // Every change here ends in a redirect, and the page behind it shows what is true.
            .when_gone(WhenGone::Ignore)
            .build()?;
        Ok(Self(Arc::new(Shared {
            cache,
            core,
            cookie: cookie_name,
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
            .layer(SessionLayer::new(self.0.core.clone()));
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
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn tick(&self) -> Result<()> {
        self.0.cache.maintain(EXPIRED_PER_TICK_MAX);
        self.0.sessions().sweep_owners(OWNED_PER_TICK_MAX).await?;
        self.0.history.note(&self.0.cache.stats());
        Ok(())
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
