//! The stores by name, and what each of them is told.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;

/// The stores that this build of the crate brings along, by the names of `SESSION_TYPE`.
///
/// [`Config::resolve`](super::Config::resolve) accepts these; a program that has more says so by
/// [`Config::resolve_for`](super::Config::resolve_for).
pub const COMPILED_STORES: &[&str] = &[
    "cache",
    "null",
    "securecookie",
    #[cfg(all(unix, feature = "filesystem"))]
    "filesystem",
    #[cfg(feature = "redis")]
    "redis",
    #[cfg(feature = "memcached")]
    "memcached",
    #[cfg(feature = "__sql")]
    "sql",
    #[cfg(feature = "mongodb")]
    "mongodb",
    #[cfg(feature = "tiered")]
    "tiered",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreKind {
    Cache,
    Null,
    FileSystem,
    Redis,
    Memcached,
    Sql,
    MongoDb,
    SecureCookie,
    Tiered,
}

/// Every name of a store in lower case; the first of a kind is the one that messages use.
pub(super) const KINDS: &[(&str, StoreKind)] = &[
    ("cache", StoreKind::Cache),
    ("null", StoreKind::Null),
    ("filesystem", StoreKind::FileSystem),
    ("file", StoreKind::FileSystem),
    ("redis", StoreKind::Redis),
    ("memcached", StoreKind::Memcached),
    ("memcache", StoreKind::Memcached),
    ("sql", StoreKind::Sql),
    ("sqlalchemy", StoreKind::Sql),
    ("db", StoreKind::Sql),
    ("mongodb", StoreKind::MongoDb),
    ("securecookie", StoreKind::SecureCookie),
    ("signed_cookies", StoreKind::SecureCookie),
    ("cached_db", StoreKind::Tiered),
    ("tiered", StoreKind::Tiered),
    ("datastore", StoreKind::Tiered),
];

impl StoreKind {
    pub(super) fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("?", |(name, _)| *name)
    }
}

/// Says where sessions are kept, and all that the store is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreSettings {
    /// The embedded cache.
    Cache(CacheSettings),
    /// Nowhere: reads are empty, writes fail.
    Null,
    /// One file per session.
    FileSystem {
        /// The directory, for this purpose alone. Default: `flask_sessions` in the working one.
        dir: PathBuf,
        /// Files kept at most; `None` for any number. Default: 500.
        threshold: Option<NonZeroU64>,
        /// Permissions of a file. Default: 0o600.
        mode: u32,
    },
    /// Redis or Valkey.
    Redis {
        /// One address, or the nodes of a cluster. Default: `redis://127.0.0.1:6379`.
        urls: Vec<Secret>,
    },
    /// memcached.
    Memcached {
        /// One address or several. Default: `memcached://127.0.0.1:11211`.
        urls: Vec<Secret>,
        /// User and password, sent in clear. Default: `None`.
        credentials: Option<(String, Secret)>,
    },
    /// SQLite, PostgreSQL, MariaDB or MySQL.
    Sql {
        /// The database; without a default.
        url: Secret,
        /// The table. Default: `flask_sessions`, and `django_session` for Django.
        table: String,
        /// The schema. Default: the connection's own.
        schema: Option<String>,
    },
    /// MongoDB.
    MongoDb {
        /// The server. Default: `mongodb://127.0.0.1:27017`.
        url: Secret,
        /// The database. Default: `flask_session`.
        database: String,
        /// The collection. Default: `sessions`.
        collection: String,
    },
    /// The cookie itself: no state on the server.
    SecureCookie {
        /// Who can read it, besides us.
        form: CookieForm,
    },
    /// The embedded cache in front of a durable store.
    Tiered {
        /// The front.
        front: CacheSettings,
        /// The back; `sql` unless `SESSION_TIERED_BACK` says otherwise.
        back: Box<StoreSettings>,
        /// How long a copy is served without asking the back. `None` for a second, or a minute where
        /// the back tells what others change (Redis). Default: `None`.
        fresh_for: Option<Duration>,
    },
    /// A store of the program's own, that it named to
    /// [`Config::resolve_for`](super::Config::resolve_for).
    Other {
        /// Its name, in lower case.
        name: String,
    },
}

impl StoreSettings {
    /// Returns the store's name as `SESSION_TYPE` has it.
    #[must_use]
    pub fn name(&self) -> &str {
        let kind = match self {
            Self::Cache(_) => StoreKind::Cache,
            Self::Null => StoreKind::Null,
            Self::FileSystem { .. } => StoreKind::FileSystem,
            Self::Redis { .. } => StoreKind::Redis,
            Self::Memcached { .. } => StoreKind::Memcached,
            Self::Sql { .. } => StoreKind::Sql,
            Self::MongoDb { .. } => StoreKind::MongoDb,
            Self::SecureCookie { .. } => StoreKind::SecureCookie,
            Self::Tiered { .. } => StoreKind::Tiered,
            Self::Other { name } => return name,
        };
        kind.name()
    }
}

/// The limits of the embedded cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheSettings {
    /// Sessions held at most; `None` for any number. Default: 200,000.
    pub max_entries: Option<NonZeroU64>,
    /// Of these, those with an owner at most; `None` for nine tenths. Default: `None`.
    pub protected_entries: Option<NonZeroU64>,
    /// Bytes held at most; `None` for any number. Default: 256 MiB.
    pub max_bytes: Option<NonZeroU64>,
}

/// Whose format a session in a cookie has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieForm {
    /// The crate's own: encrypted.
    Encrypted,
    /// Flask's: signed, and readable by the browser's owner.
    Flask,
    /// Django's `signed_cookies`: signed, and readable by the browser's owner.
    Django,
}
