//! What the tests of the configuration share: a key, the stores there may be, and how one asks.

use sessile::http::config::{Config, Settings};

pub(crate) const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// Every store, as if all features were on.
pub(crate) const ALL: &[&str] = &[
    "cache",
    "null",
    "filesystem",
    "redis",
    "memcached",
    "sql",
    "mongodb",
    "securecookie",
    "cached_db",
];

/// The settings of one variable, or what is wrong with it.
pub(crate) fn given(name: &str, value: &str) -> Result<Settings, String> {
    let config = Config::new().env([(name, value)]);
    config.resolve_for(ALL).map_err(|error| error.to_string())
}

#[track_caller]
pub(crate) fn accepted(name: &str, value: &str) -> Settings {
    given(name, value).expect("this value is accepted")
}

/// Demands a refusal that has these words, and returns all that it says.
#[track_caller]
pub(crate) fn refused(config: &Config, words: &[&str]) -> String {
    let error = config
        .resolve_for(ALL)
        .expect_err("this configuration is refused");
    let text = format!("{error} {error:?}");
    for word in words {
        assert!(text.contains(word), "{text}\ndoes not say {word:?}");
    }
    text
}
