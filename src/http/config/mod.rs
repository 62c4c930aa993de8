//! One configuration for sessions, cookies and stores, under the names that Flask, Flask-Session,
//! Flask-Unchained, Django, tipfy and Invenio gave its keys.
//!
//! | source | read by | rank |
//! |---|---|---|
//! | the program itself | [`Config::set`] and its named forms | wins over all |
//! | environment | [`Config::from_env`], [`Config::env`] | wins over documents |
//! | documents | [`Config::file`], [`Config::toml`], [`Config::json`], serde | the later one wins |
//! | defaults | [`Config::new`], [`Config::flask_compat`], [`Config::django_compat`] | where nobody else spoke |
//!
//! The rank decides, not the order of the calls. Within one source, two names of one setting must
//! agree. Problems of every kind are collected and reported at once by [`Config::resolve`].
//!
//! ```
//! use sessile::http::config::{Config, StoreSettings};
//!
//! let settings = Config::new()
//!     .toml("[session]\ncookie_name = '__Host-id'\nidle_timeout = '30m'")
//!     .env([("SESSION_TYPE", "cache"), ("SESSION_MAX_ENTRIES", "50000")])
//!     .resolve()?;
//! assert_eq!(settings.cookie.name, "__Host-id");
//! assert_eq!(settings.lifetimes.idle.as_secs(), 1800);
//! assert!(matches!(settings.store, StoreSettings::Cache(_)));
//! assert!(settings.doctor().is_empty());
//! # Ok::<(), sessile::Error>(())
//! ```
//!
//! # Keys
//!
//! Truth values are `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off`. Lifetimes are whole seconds or
//! texts like `31d` and `12h 30m`, and never zero. Lists are arrays, or texts between commas.
//!
//! | key | other names | default | Flask's, Django's |
//! |---|---|---|---|
//! | `SESSION_TYPE` | `SESSION_BACKEND`, `SESSION_ENGINE`, `default_backend` | `cache` | `securecookie`, `sql` |
//! | `SESSION_COOKIE_NAME` | `cookie_name` | `id` | `session`, `sessionid` |
//! | `SESSION_COOKIE_DOMAIN`, `_PATH` | `cookie_args.domain`, `.path` | none, `/` | path: `APPLICATION_ROOT` |
//! | `SESSION_COOKIE_HTTPONLY` | `cookie_args.httponly` | true | |
//! | `SESSION_COOKIE_SECURE` | `cookie_args.secure` | true | false |
//! | `SESSION_COOKIE_SAMESITE` (`Lax`, `Strict`, `None`, `omit`) | | `Lax` | left out, `Lax` |
//! | `SESSION_COOKIE_PARTITIONED` | | false | |
//! | `PERMANENT_SESSION_LIFETIME` | `SESSION_COOKIE_AGE`, `cookie_args.max_age`, which make sessions permanent | 14 d | 31 d, 14 d |
//! | `SESSION_PERMANENT` | `SESSION_EXPIRE_AT_BROWSER_CLOSE`, its opposite | false | true on servers, true |
//! | `SESSION_IDLE_TIMEOUT` | `SESSION_BACKEND_CACHE_TIMEOUT`, `cookie_args.session_expires` | the lifetime | |
//! | `SESSION_ABSOLUTE_TIMEOUT` (or `none`) | | 30 d, or the idle time if longer | none |
//! | `SESSION_RENEWAL_TIMEOUT`, `SESSION_RENEWAL_OVERLAP` | | none, 10 s | |
//! | `SESSION_REFRESH_EACH_REQUEST` | | when renewed | true, false |
//! | `SESSION_SAVE_EVERY_REQUEST` | `cookie_args.force` | false | |
//! | `SESSION_SAVE_ON_ERROR` | | false | true, false |
//! | `SESSION_EMPTY` (`delete`, `keep`) | | `delete` | `delete`, `keep` |
//! | `SESSION_ON_CONFLICT` (`merge`, `fail`) | | `merge` | |
//! | `SESSION_MAX_PER_OWNER` | | no limit | |
//! | `SESSION_ID_FORM` (`base64`, `django`, `uuid`) | | `base64` | `base64`, `django` |
//! | `SESSION_ID_LENGTH` | | 32, and nothing else | |
//! | `SESSION_KEY_FORM` (`digest`, `plain`) | | `digest` | `plain` |
//! | `SESSION_KEY_PREFIX` | `SESSION_BACKEND_CACHE_PREFIX` | `session:` | `session:`, empty |
//! | `SESSION_USE_SIGNER`, `SESSION_SALT` | `SESSION_SIGN` | false | |
//! | `SESSION_SERIALIZATION_FORMAT` (`msgpack`, `json`) | `SESSION_SERIALIZER` | `msgpack` | `msgpack`, `json` |
//! | `SESSION_RECORD_LAYOUT` (`native`, `bare`, `django`) | | `native` | `bare`, `django` |
//! | `SECRET_KEY`, `SECRET_KEY_FALLBACKS` | `secret_key` | none | |
//! | `SESSION_CLEANUP_N_REQUESTS` | | none | |
//! | `SESSION_MAX_ENTRIES`, `SESSION_PROTECTED_ENTRIES`, `SESSION_MAX_BYTES` | | 200,000, nine tenths, 256 MiB | |
//! | `SESSION_FILE_DIR`, `_THRESHOLD`, `_MODE` | `SESSION_FILE_PATH` | `flask_sessions`, 500, 0o600 | |
//! | `SESSION_REDIS`, `SESSION_MEMCACHED` | | this machine, 6379 and 11211 | |
//! | `SESSION_MEMCACHED_USER`, `_PASSWORD` (both or neither) | | none | |
//! | `SESSION_MONGODB`, `_DB`, `_COLLECT` | | this machine, `flask_session`, `sessions` | |
//! | `SESSION_SQLALCHEMY`, `_TABLE`, `_SCHEMA` | | none, `flask_sessions`, none | table `django_session` |
//! | `SESSION_TIERED_BACK` | | `sql` | |
//! | `SESSION_TIERED_FRESH_FOR_MS` (0 asks the back each time) | | 1000; on Redis, which tells of changes, 60,000 | |
//! | `SESSION_STORE_TIMEOUT_MS`, `SESSION_STORE_ATTEMPTS` | | 2000, 3 | |
//! | `SESSION_STORE_CONNECTIONS` (databases, each memcached) | | 10 (SQLite: 4 readers), 16 | |
//! | `SESSION_STORE_PREPARE` | | false | |

mod address;
mod build;
mod choice;
mod cookie;
mod doctor;
mod name;
mod open;
mod parse;
mod problem;
mod profile;
mod reader;
mod renewal;
mod resolve;
mod secret;
mod setters;
mod settings;
mod sources;
mod store;
mod stores;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Result;

use name::Key;
use problem::Problems;
use profile::Profile;
use reader::{Given, Reader};

pub use doctor::Finding;
pub use secret::Secret;
pub use settings::{
    CookieSettings, KeyForm, Layout, Lifetimes, RecordForm, Remote, Saving, Secrets, Settings,
    SignerForm, SignerSettings,
};
pub use store::{COMPILED_STORES, CacheSettings, CookieForm, StoreSettings};
pub use stores::Stores;
pub use value::Value;

/// Gathers what sources say about sessions, under any of the known names;
/// [`Config::resolve`] judges it.
///
/// It deserializes from a table that is its own, and does not serialize: it holds secrets, which
/// are overwritten when it is dropped and which `Debug` does not show. Nothing here is shared or
/// asynchronous; a program configures itself once, before it serves.
///
/// ```
/// use sessile::http::config::Config;
///
/// let error = Config::new()
///     .env([("SESSION_TYPO", "cache"), ("SESSION_COOKIE_SAMESITE", "sideways")])
///     .resolve()
///     .expect_err("two mistakes");
/// assert!(error.to_string().contains("did you mean SESSION_TYPE?"));
/// assert!(error.to_string().contains("must be one of Lax, Strict, None"));
/// ```
#[derive(Clone)]
#[must_use = "a configuration does nothing until `resolve`"]
pub struct Config {
    profile: &'static Profile,
    given: BTreeMap<Key, Given>,
    problems: Problems,
}

impl Config {
    /// Begins with our own defaults, which are secure: [`Settings::doctor`] finds nothing.
    pub fn new() -> Self {
        Self::of(profile::NATIVE)
    }

    /// Begins with the defaults of Flask and Flask-Session, to share sessions with such a service.
    ///
    /// They are weaker than ours; [`Settings::doctor`] lists in which ways. Where the key
    /// `SESSION_SIGN` asks for signed ids, the signatures are Invenio's. The store is Flask's
    /// signed cookie unless `SESSION_TYPE` names another, so that a key is needed.
    pub fn flask_compat() -> Self {
        Self::of(profile::FLASK)
    }

    /// Begins with Django's defaults, to share sessions with such a service.
    ///
    /// They are weaker than ours; [`Settings::doctor`] lists in which ways. The store is `sql`
    /// unless `SESSION_ENGINE` names another, and a key is needed, since Django signs its records.
    pub fn django_compat() -> Self {
        Self::of(profile::DJANGO)
    }

    /// Begins with our own defaults and takes the process's environment.
    pub fn from_env() -> Self {
        Self::new().env(std::env::vars_os())
    }

    fn of(profile: &'static Profile) -> Self {
        Self {
            profile,
            given: BTreeMap::new(),
            problems: Problems::default(),
        }
    }

    /// Returns the settings that hold, for the stores that this build brings along.
    ///
    /// # Errors
    /// One [`InvalidConfig`](crate::ErrorKind::InvalidConfig) that lists every problem of every
    /// source: its key, where it stood, what was found (of secrets only that), and what to do.
    pub fn resolve(&self) -> Result<Settings> {
        self.resolve_for(COMPILED_STORES)
    }

    /// Returns the settings that hold, for a program that has these stores, by the names of
    /// `SESSION_TYPE`; names that the crate does not know become [`StoreSettings::Other`].
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn resolve_for(&self, available: &[&str]) -> Result<Settings> {
        let mut reader = Reader::new(&self.given, self.problems.clone());
        let settings = resolve::settings(&mut reader, self.profile, available);
        match reader.problems.into_error() {
            Some(error) => Err(error),
            None => Ok(settings),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Config {
    /// Shows which keys were given and where, and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.given.values();
        f.debug_map()
            .entries(given.map(|given| (given.name, given.source.to_string())))
            .finish()
    }
}
