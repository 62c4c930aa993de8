//! A small browser: it carries cookies from one response to the next request.

use std::collections::BTreeMap;
use std::sync::Arc;

use sessile::cookie::{Jar, JarSettings, Keyring, SetCookie, SignedCookie};

/// Two keys of a ring, and a time.
pub(crate) const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(crate) const OTHER: &[u8] = b"fedcba9876543210fedcba9876543210";
pub(crate) const NOW_MS: u64 = 1_308_874_145_000;

pub(crate) fn settings() -> JarSettings {
    JarSettings::new().keyring(Keyring::new(KEY).expect("a long key"))
}

/// Keeps cookies from one response to the next request.
pub(crate) struct Browser {
    pub(crate) settings: Arc<JarSettings>,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) now_ms: u64,
}

impl Browser {
    pub(crate) fn new(settings: JarSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            cookies: BTreeMap::new(),
            now_ms: NOW_MS,
        }
    }

    pub(crate) fn jar(&self) -> Jar {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let line = pairs.join("; ");
        Jar::new(self.settings.clone(), [line.as_str()], self.now_ms)
    }

    /// One request; returns the headers of its response, which the browser obeys.
    #[track_caller]
    pub(crate) fn visit(&mut self, handler: impl FnOnce(&mut Jar)) -> Vec<SetCookie> {
        let mut jar = self.jar();
        handler(&mut jar);
        let headers = jar.finish().expect("everything can be sent");
        for header in &headers {
            if header.is_removal() {
                self.cookies.remove(header.name());
            } else {
                let (name, value) = (header.name().to_owned(), header.value().to_owned());
                self.cookies.insert(name, value);
            }
        }
        headers
    }
}

/// The text called `name` of a map.
pub(crate) fn text(cookie: &SignedCookie, name: &str) -> Option<String> {
    cookie.get(name).expect("a text")
}

/// Reads `foo` of a signed map, then sets it: the handler of many scenarios.
pub(crate) fn swap(jar: &mut Jar, name: &str, value: &str) -> Option<String> {
    let cookie = jar.signed(name).expect("there is a key");
    let before = text(cookie, "foo");
    cookie.insert("foo", value).expect("a text");
    before
}
