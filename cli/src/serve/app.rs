//! What all requests share, and which request goes where.

use std::num::NonZeroU64;
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
use sessile::http::config::{Settings, StoreSettings, Stores};
use sessile::http::{Configured, Core, SessionLayer, WhenGone};
use sessile::session::AnyIndex;
use sessile::store::AnyStore;
use sessile::{Cache, Result, Sessions};

use super::handlers::{account, health, overview, sessions, shop};
use super::history::History;
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
    pub(super) core: Core<Configured>,
    pub(super) cookie: String,
    /// The store's name, as SESSION_TYPE has it.
    pub(super) store: String,
    pub(super) history: History,
    pub(super) started: Instant,
    pub(super) idle: Duration,
    pub(super) max_entries: Option<u64>,
    pub(super) is_secure: bool,
    pub(super) heap: fn() -> usize,
}

impl Shared {
    /// The sessions behind the requests', to list and to end; `None` where they live in their cookies.
    pub(super) fn sessions(&self) -> Option<&Sessions<AnyStore, AnyIndex>> {
        self.core.sessions()
    }

    /// The cache that serves reads, if there is one.
    pub(super) fn cache(&self) -> Option<&Arc<Cache>> {
        self.sessions()?.store().cache()
    }
}

impl App {
    /// Opens the store and builds what stands on it. `heap` tells the bytes on the program's heap.
    ///
    /// # Errors
    /// [`InvalidConfig`](sessile::ErrorKind::InvalidConfig) for settings that do not hold; faults of the
    /// store.
    pub async fn new(settings: &Settings, heap: fn() -> usize) -> Result<Self> {
        let core = Stores::new().builder(settings).await?;
        // Every change here ends in a redirect, and the page behind it shows what is true.
        let core = core.when_gone(WhenGone::Ignore).build()?;
        let max_entries = match &settings.store {
            StoreSettings::Cache(cache) | StoreSettings::Tiered { front: cache, .. } => {
                cache.max_entries
            }
            _ => None,
        };
        Ok(Self(Arc::new(Shared {
            core,
            cookie: settings.cookie.name.clone(),
            store: settings.store.name().to_owned(),
            history: History::default(),
            started: Instant::now(),
            idle: settings.lifetimes.idle,
            max_entries: max_entries.map(NonZeroU64::get),
            is_secure: settings.cookie.secure,
            heap,
        })))
    }

    /// The store, to be cleaned up and closed; `None` where sessions live in their cookies.
    #[must_use]
    pub fn store(&self) -> Option<&AnyStore> {
        Some(self.0.sessions()?.store())
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
            .route("/health/session", get(health::session))
            .layer(SessionLayer::new(self.0.core.clone()));
        // Beside the sessions: these are the same for everybody.
        Router::new()
            .merge(pages)
            .route("/style.css", get(async || asset("text/css", style::SHEET)))
            .route("/icon.svg", get(async || asset("image/svg+xml", MARK)))
            .route("/health", get(health::server))
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
        if let Some(cache) = self.0.cache() {
            cache.maintain(EXPIRED_PER_TICK_MAX);
            self.0.history.note(&cache.stats());
        }
        if let Some(sessions) = self.0.sessions() {
            sessions.sweep_owners(OWNED_PER_TICK_MAX).await?;
        }
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
