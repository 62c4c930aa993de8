//! Which key names are known, which setting each one means, and which known name an unknown one
//! resembles.

/// One setting, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Store,
    Permanent,
    Signer,
    Salt,
    StorePrefix,
    StoreKeys,
    IdLength,
    IdForm,
    Encoding,
    Layout,
    CleanupRequests,
    CookieName,
    CookieDomain,
    CookiePath,
    ApplicationRoot,
    CookieHttpOnly,
    CookieSecure,
    CookieSameSite,
    CookiePartitioned,
    Refresh,
    SaveEvery,
    Lifetime,
    IdleTimeout,
    AbsoluteTimeout,
    RenewalTimeout,
    RenewalOverlap,
    MaxPerOwner,
    OnConflict,
    Empty,
    SaveOnError,
    MaxEntries,
    ProtectedEntries,
    MaxBytes,
    Secret,
    Fallbacks,
    Redis,
    Memcached,
    MemcachedUser,
    MemcachedPassword,
    FileDir,
    FileThreshold,
    FileMode,
    MongoDb,
    MongoDbDatabase,
    MongoDbCollection,
    Sql,
    SqlTable,
    SqlSchema,
    TieredBack,
    TieredFreshFor,
    StoreTimeout,
    StoreAttempts,
    StoreConnections,
    StorePrepare,
}

/// Every accepted name; the first of a setting is the one that messages use for its default.
pub(super) const NAMES: &[(&str, Key)] = &[
    ("SESSION_TYPE", Key::Store),
    ("SESSION_BACKEND", Key::Store),
    ("SESSION_ENGINE", Key::Store),
    ("default_backend", Key::Store),
    ("SESSION_PERMANENT", Key::Permanent),
    (BROWSER_CLOSE, Key::Permanent),
    ("SESSION_USE_SIGNER", Key::Signer),
    (INVENIO_SIGN, Key::Signer),
    ("SESSION_SALT", Key::Salt),
    ("SESSION_KEY_PREFIX", Key::StorePrefix),
    ("SESSION_BACKEND_CACHE_PREFIX", Key::StorePrefix),
    ("SESSION_KEY_FORM", Key::StoreKeys),
    ("SESSION_ID_LENGTH", Key::IdLength),
    ("SESSION_ID_FORM", Key::IdForm),
    ("SESSION_SERIALIZATION_FORMAT", Key::Encoding),
    ("SESSION_SERIALIZER", Key::Encoding),
    ("SESSION_RECORD_LAYOUT", Key::Layout),
    ("SESSION_CLEANUP_N_REQUESTS", Key::CleanupRequests),
    ("SESSION_COOKIE_NAME", Key::CookieName),
    ("cookie_name", Key::CookieName),
    ("SESSION_COOKIE_DOMAIN", Key::CookieDomain),
    ("cookie_args.domain", Key::CookieDomain),
    ("SESSION_COOKIE_PATH", Key::CookiePath),
    ("cookie_args.path", Key::CookiePath),
    ("APPLICATION_ROOT", Key::ApplicationRoot),
    ("SESSION_COOKIE_HTTPONLY", Key::CookieHttpOnly),
    ("cookie_args.httponly", Key::CookieHttpOnly),
    ("SESSION_COOKIE_SECURE", Key::CookieSecure),
    ("cookie_args.secure", Key::CookieSecure),
    ("SESSION_COOKIE_SAMESITE", Key::CookieSameSite),
    ("SESSION_COOKIE_PARTITIONED", Key::CookiePartitioned),
    ("SESSION_REFRESH_EACH_REQUEST", Key::Refresh),
    ("SESSION_SAVE_EVERY_REQUEST", Key::SaveEvery),
    ("cookie_args.force", Key::SaveEvery),
    (FLASK_LIFETIME, Key::Lifetime),
    ("SESSION_COOKIE_AGE", Key::Lifetime),
    ("cookie_args.max_age", Key::Lifetime),
    ("SESSION_IDLE_TIMEOUT", Key::IdleTimeout),
    ("SESSION_BACKEND_CACHE_TIMEOUT", Key::IdleTimeout),
    ("cookie_args.session_expires", Key::IdleTimeout),
    ("SESSION_ABSOLUTE_TIMEOUT", Key::AbsoluteTimeout),
    ("SESSION_RENEWAL_TIMEOUT", Key::RenewalTimeout),
    ("SESSION_RENEWAL_OVERLAP", Key::RenewalOverlap),
    ("SESSION_MAX_PER_OWNER", Key::MaxPerOwner),
    ("SESSION_ON_CONFLICT", Key::OnConflict),
    ("SESSION_EMPTY", Key::Empty),
    ("SESSION_SAVE_ON_ERROR", Key::SaveOnError),
    ("SESSION_MAX_ENTRIES", Key::MaxEntries),
    ("SESSION_PROTECTED_ENTRIES", Key::ProtectedEntries),
    ("SESSION_MAX_BYTES", Key::MaxBytes),
    ("SECRET_KEY", Key::Secret),
    ("secret_key", Key::Secret),
    ("SECRET_KEY_FALLBACKS", Key::Fallbacks),
    ("SESSION_REDIS", Key::Redis),
    ("SESSION_MEMCACHED", Key::Memcached),
    ("SESSION_MEMCACHED_USER", Key::MemcachedUser),
    ("SESSION_MEMCACHED_PASSWORD", Key::MemcachedPassword),
    ("SESSION_FILE_DIR", Key::FileDir),
    ("SESSION_FILE_PATH", Key::FileDir),
    ("SESSION_FILE_THRESHOLD", Key::FileThreshold),
    ("SESSION_FILE_MODE", Key::FileMode),
    ("SESSION_MONGODB", Key::MongoDb),
    ("SESSION_MONGODB_DB", Key::MongoDbDatabase),
    ("SESSION_MONGODB_COLLECT", Key::MongoDbCollection),
    ("SESSION_SQLALCHEMY", Key::Sql),
    ("SESSION_SQLALCHEMY_TABLE", Key::SqlTable),
    ("SESSION_SQLALCHEMY_SCHEMA", Key::SqlSchema),
    ("SESSION_TIERED_BACK", Key::TieredBack),
    ("SESSION_TIERED_FRESH_FOR_MS", Key::TieredFreshFor),
    ("SESSION_STORE_TIMEOUT_MS", Key::StoreTimeout),
    ("SESSION_STORE_ATTEMPTS", Key::StoreAttempts),
    ("SESSION_STORE_CONNECTIONS", Key::StoreConnections),
    ("SESSION_STORE_PREPARE", Key::StorePrepare),
];

/// Django's name for a session that is not permanent: the one name that says the opposite.
pub(super) const BROWSER_CLOSE: &str = "SESSION_EXPIRE_AT_BROWSER_CLOSE";
/// Invenio's name for signed ids.
pub(super) const INVENIO_SIGN: &str = "SESSION_SIGN";
/// Flask's name for the lifetime, the only one that does not make cookies persistent by itself.
pub(super) const FLASK_LIFETIME: &str = "PERMANENT_SESSION_LIFETIME";

/// Known names that point at Python objects: the one value that changes nothing, and what to do
/// about any other.
const PYTHON_ONLY: &[(&str, &str, &str)] = &[
    ("SESSION_BACKEND_CACHE", "invenio_ext.cache:cache", STORE),
    (
        "SESSION_BACKEND_SQLALCHEMY",
        "invenio_ext.sqlalchemy:db",
        DATABASE,
    ),
    (
        "SESSION_BACKEND_SQLALCHEMY_MODEL",
        "invenio_ext.session.model:Session",
        DATABASE,
    ),
    ("SESSION_BACKEND_SQLALCHEMY_GETTER", "get_session", DATABASE),
    ("SESSION_BACKEND_SQLALCHEMY_SETTER", "set_session", DATABASE),
    (
        "SESSION_BACKEND_SQLALCHEMY_VALUE",
        "session_object",
        DATABASE,
    ),
    (
        "SESSION_SESSION_CLASS",
        "",
        "leave it out; there is one session type",
    ),
    ("SESSION_CACHE_ALIAS", "default", STORE),
    ("SESSION_SQLALCHEMY_MODEL", "", DATABASE),
    ("SESSION_SQLALCHEMY_SEQUENCE", "", DATABASE),
    ("SESSION_SQLALCHEMY_BIND_KEY", "", DATABASE),
    (
        "SESSION_CACHELIB",
        "",
        "set SESSION_TYPE to filesystem, and SESSION_FILE_DIR",
    ),
    ("SESSION_DYNAMODB", "", STORE),
    ("SESSION_DYNAMODB_TABLE", "", STORE),
];
const STORE: &str = "choose the store by SESSION_TYPE, and leave this key out";
const DATABASE: &str =
    "set SESSION_SQLALCHEMY to the database's URL and SESSION_SQLALCHEMY_TABLE to the table";

/// Variables that others put into an environment; the first is in that of every X11 desktop.
const STRANGERS: &[&str] = &["SESSION_MANAGER"];

/// Names people bring along from elsewhere, which no edit distance leads to the right key.
const HINTS: &[(&str, &str)] = &[
    ("SESSION_SECRET", "SECRET_KEY"),
    ("SESSION_SECRET_KEY", "SECRET_KEY"),
    ("SESSION_LIFETIME", FLASK_LIFETIME),
    ("SESSION_TIMEOUT", "SESSION_IDLE_TIMEOUT"),
    ("SESSION_STORE", "SESSION_TYPE"),
    ("SESSION_NAME", "SESSION_COOKIE_NAME"),
    ("SESSION_TABLE", "SESSION_SQLALCHEMY_TABLE"),
];

/// Names longer than this are not compared with the known ones.
const NAME_MAX: usize = 64;

impl Key {
    /// The name that messages use where nobody has spelled one.
    pub(super) fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, key)| *key == self)
            .map_or("?", |(name, _)| *name)
    }

    /// Whether a value must never be shown: keys, and addresses that may hold passwords.
    pub(super) fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Secret
                | Self::Fallbacks
                | Self::Redis
                | Self::Memcached
                | Self::MemcachedPassword
                | Self::MongoDb
                | Self::Sql
        )
    }

    /// Whether an empty text is a value of its own and not an absence.
    pub(super) fn may_be_empty(self) -> bool {
        matches!(self, Self::StorePrefix)
    }
}

/// What a name turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    Ours(&'static str, Key),
    /// The value that changes nothing, and the advice for all others.
    PythonOnly(&'static str, &'static str, &'static str),
    /// Nobody's of ours.
    Stranger,
    /// Meant for us and not understood.
    Unknown,
}

/// Where a name stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Variables: exact names, most of them other programs'.
    Environment,
    /// The top of a document that may hold a whole application's settings.
    Document,
    /// A table that is ours alone: short and lower-case names, and nobody else's.
    Own,
}

pub(super) fn look_up(name: &str, scope: Scope) -> Meaning {
    let known = |name: &str| {
        let ours = NAMES.iter().find(|(known, _)| *known == name);
        let python = PYTHON_ONLY.iter().find(|(known, ..)| *known == name);
        match (ours, python) {
            (Some((name, key)), _) => Some(Meaning::Ours(name, *key)),
            (_, Some((name, harmless, advice))) => {
                Some(Meaning::PythonOnly(name, harmless, advice))
            }
            _ => None,
        }
    };
    if let Some(meaning) = known(name) {
        return meaning;
    }
    if name.len() > NAME_MAX {
        let starts = name.as_bytes().starts_with(b"SESSION_");
        let is_ours = starts || scope == Scope::Own;
        return if is_ours {
            Meaning::Unknown
        } else {
            Meaning::Stranger
        };
    }
    let upper = name.to_ascii_uppercase();
    if scope != Scope::Environment
        && let Some(meaning) = known(&upper)
    {
        return meaning;
    }
    match scope {
        Scope::Own => known(&format!("SESSION_{upper}")).unwrap_or(Meaning::Unknown),
        Scope::Environment if STRANGERS.contains(&name) => Meaning::Stranger,
        Scope::Environment if name.starts_with("SESSION_") => Meaning::Unknown,
        Scope::Environment if name.starts_with("PERMANENT_SESSION_") => Meaning::Unknown,
        Scope::Environment => Meaning::Stranger,
        Scope::Document if upper.starts_with("SESSION_") => Meaning::Unknown,
        // A slip of the finger is an error too, somebody else's key is not.
        Scope::Document if is_slip(&upper) => Meaning::Unknown,
        Scope::Document => Meaning::Stranger,
    }
}

/// Whether a name is a known one with a letter too many, too few or wrong.
fn is_slip(upper: &str) -> bool {
    NAMES.iter().any(|(known, _)| {
        // Most names of others differ in length already, and cost nothing more.
        known.len().abs_diff(upper.len()) <= 1 && distance(upper, &known.to_ascii_uppercase()) <= 1
    })
}

/// The known name that most resembles `name`.
pub(super) fn nearest(name: &str) -> &'static str {
    let upper: String = name
        .chars()
        .take(NAME_MAX)
        .collect::<String>()
        .to_ascii_uppercase();
    if let Some((_, meant)) = HINTS.iter().find(|(hint, _)| *hint == upper) {
        return meant;
    }
    NAMES
        .iter()
        .filter(|(known, _)| !known.contains('.'))
        .map(|(known, _)| *known)
        .min_by_key(|known| distance(&upper, &known.to_ascii_uppercase()))
        .unwrap_or("SESSION_TYPE")
}

/// Insertions, deletions and substitutions between two short texts (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_edits() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("same", "same", 0),
        ] {
            assert_eq!(distance(a, b), edits);
            assert_eq!(distance(b, a), edits);
        }
    }

    #[test]
    fn each_name_is_listed_once() {
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.extend(PYTHON_ONLY.iter().map(|(name, ..)| *name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
