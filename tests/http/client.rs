//! A browser's share of cookie handling, for tests that talk to a router.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use sessile::http::{Core, CoreBuilder, Interface, SessionLayer, Stored};
use sessile::session::Sessions;
use sessile::{Cache, CacheStore};
use tower::ServiceExt as _;

/// A router behind a layer, with the cache that its sessions lie in.
pub(crate) struct App {
    pub(crate) client: Client,
    pub(crate) cache: Arc<Cache>,
}

fn parts() -> (CoreBuilder<Stored<CacheStore>>, Arc<Cache>) {
    let cache = Cache::builder().unlimited_entries().build();
    let cache = Arc::new(cache.expect("allowed"));
    let sessions = Sessions::builder(CacheStore::new(Arc::clone(&cache))).build();
    (Core::builder(sessions.expect("allowed")), cache)
}

/// A core on a cache of its own.
pub(crate) fn core<I: Interface>(
    change: impl FnOnce(CoreBuilder<Stored<CacheStore>>) -> CoreBuilder<Stored<CacheStore>, I>,
) -> Core<Stored<CacheStore>, I> {
    change(parts().0).build().expect("allowed")
}

pub(crate) fn app<I: Interface>(
    routes: Router,
    change: impl FnOnce(CoreBuilder<Stored<CacheStore>>) -> CoreBuilder<Stored<CacheStore>, I>,
) -> App {
    let (builder, cache) = parts();
    let core = change(builder).build().expect("allowed");
    let client = Client::new(routes.layer(SessionLayer::new(core)));
    App { client, cache }
}

/// Keeps cookies as a browser would, but for their attributes.
pub(crate) struct Client {
    router: Router,
    cookies: BTreeMap<String, String>,
}

/// An answer, taken apart.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found: Vec<_> = self.headers.iter().filter(|(n, _)| n == name).collect();
        assert!(found.len() <= 1, "{name} came {} times", found.len());
        found.first().map(|(_, value)| value.as_str())
    }

    /// All cookies that are set, in their order.
    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let lines = self.headers.iter();
        lines
            .filter(|(name, _)| name == "set-cookie")
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(crate) fn vary(&self) -> Option<&str> {
        self.header("vary")
    }

    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.header("set-cookie")
    }
}

impl Client {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn plant(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.cookies.get(name).cloned()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let pairs = self.cookies.iter().map(|(n, v)| format!("{n}={v}"));
        let line = pairs.collect::<Vec<_>>().join("; ");
        let lines: &[&str] = if line.is_empty() { &[] } else { &[&line] };
        let answer = self.get_with(path, lines).await;
        for (_, cookie) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            match attributes.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    /// With these `Cookie` lines and no others; what is set is not kept.
    pub(crate) async fn get_with(&self, path: &str, lines: &[&str]) -> Answer {
        let mut request = Request::get(path);
        for line in lines {
            request = request.header("cookie", line.as_bytes());
        }
        let request = request.body(Body::empty()).expect("a request");
        let response: Response<Body> = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer {
            status: parts.status.as_u16(),
            body: text(&body),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
        }
    }
}
