//! What a configuration comes down to: plain values that hold together.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::secret::Secret;
use super::store::StoreSettings;
use crate::codec::Format;
use crate::cookie::SameSite;
use crate::http::Refresh;
use crate::id::IdFormat;
use crate::session::{EmptyPolicy, OnConflict};

/// Holds every value of a configuration, typed, checked and free of contradictions;
/// [`Config::resolve`](super::Config::resolve) makes it.
///
/// [`Settings::doctor`] says which of the choices are insecure.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The session cookie.
    pub cookie: CookieSettings,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// What a session's id looks like.
    pub id: IdFormat,
    /// How ids are signed in the cookie, if they are.
    pub signer: Option<SignerSettings>,
    /// How a store's key is made of an id.
    pub keys: KeyForm,
    /// How a session is written into a record.
    pub record: RecordForm,
    /// The key that signs and encrypts, and older ones.
    pub secrets: Secrets,
    /// What becomes of a session when its request ends.
    pub saving: Saving,
    /// Where sessions are kept.
    pub store: StoreSettings,
    /// How a store outside the process is dealt with.
    pub remote: Remote,
}

/// How a store outside the process is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remote {
    /// The longest that one attempt may take. Default: 2 s.
    pub timeout: Duration,
    /// Attempts in all, the first included. Default: 3.
    pub attempts: NonZeroU32,
    /// Connections that are open at once at most, to a database or to each memcached; `None` for the
    /// store's own number. Redis has one that all calls share, MongoDB's is in its address
    /// (`maxPoolSize`). Default: `None`.
    pub connections: Option<NonZeroU32>,
    /// Whether tables and indexes that are missing are made when the store is opened; otherwise
    /// `sessile prepare` does it. Default: false.
    pub prepare: bool,
}

/// The session cookie's name and attributes, checked against each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieSettings {
    /// The name, a token of RFC 9110. Default: `id`.
    pub name: String,
    /// Sent to this host and all below it. Default: none, the setting host alone.
    pub domain: Option<String>,
    /// Sent for paths below this one. Default: `/`.
    pub path: String,
    /// Hidden from scripts. Default: true.
    pub http_only: bool,
    /// Sent over https only. Default: true.
    pub secure: bool,
    /// Whether other sites' requests carry it; `None` leaves the attribute out. Default: `Lax`.
    pub same_site: Option<SameSite>,
    /// Kept apart per top-level site (CHIPS). Default: false.
    pub partitioned: bool,
    /// How long browsers keep it, in whole seconds; `None` until they close. Default: `None`.
    pub max_age: Option<Duration>,
}

/// How long sessions live, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// A record ends when it was not used for so long. Default: the permanent lifetime.
    pub idle: Duration,
    /// A session ends so long after its creation, whatever happens; `None` for never.
    /// Default: 30 days, or `idle` where that is longer.
    pub absolute: Option<Duration>,
    /// An id that was in use for so long is replaced by a new one, in the middle of the session.
    /// Default: `None`, ids change at logins only.
    pub renewal: Option<Duration>,
    /// How long the old id then still leads to the session. Default: `None`, which is 10 seconds.
    pub renewal_overlap: Option<Duration>,
    /// How long a browser keeps the cookie of a permanent session. Default: 14 days.
    pub permanent: Duration,
    /// Whether new sessions are permanent: whether their cookie survives the browser.
    /// Default: false.
    pub starts_permanent: bool,
    /// Whether reading a session prolongs it; otherwise only writing does. Default: true.
    pub sliding: bool,
}

/// How ids are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerSettings {
    /// Mixed into the key, so that a signature made for one purpose is worthless for another.
    pub salt: String,
    /// Whose signatures.
    pub form: SignerForm,
}

/// Whose signatures of ids are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerForm {
    /// The crate's own.
    Native,
    /// Flask-Session's: HMAC-SHA1, no time.
    FlaskSession,
    /// Invenio's: HMAC-SHA1 over id and time.
    Invenio,
}

/// How a store's key is made of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyForm {
    /// A keyed digest: who reads the store cannot use what is in it as a cookie.
    Digest {
        /// What tells apart two kinds of sessions in one store: cookie name and prefix.
        namespace: String,
    },
    /// Prefix and id as they are, as Python services expect that share the store.
    Plain {
        /// Put before every id; may be empty.
        prefix: String,
    },
}

/// How a session is written into a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordForm {
    /// How values are written. Default: MessagePack.
    pub format: Format,
    /// What is around them. Default: native.
    pub layout: Layout,
}

/// What is around a record's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A header with times, owner and version before the values.
    Native,
    /// The values alone, as Flask-Session writes them.
    Bare,
    /// Signed, compressed JSON, as Django's `db` and `file` engines write it.
    Django,
}

/// The key that signs and encrypts, and those it replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Secrets {
    /// Signs and encrypts; at least 16 bytes. `None` only where nothing needs it.
    pub primary: Option<Secret>,
    /// Verify and decrypt what was made before, and never make anything.
    pub fallbacks: Vec<Secret>,
}

/// What becomes of a session when its request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saving {
    /// When a client that has the cookie is sent it again. Default: when the session was written or
    /// its life prolonged.
    pub refresh: Refresh,
    /// Save with every request, changed or not. Default: false.
    pub save_every_request: bool,
    /// Save although the answer is a 5xx. Default: false.
    pub save_on_error: bool,
    /// What becomes of a session without values. Default: deleted.
    pub empty: EmptyPolicy,
    /// What becomes of a save that another one came before. Default: merged.
    pub on_conflict: OnConflict,
    /// Sessions one owner may have at once; `None` for any number. Default: `None`.
    pub max_per_owner: Option<NonZeroU32>,
    /// Purge expired records once in about so many requests, in stores that have no expiry of
    /// their own; `None` leaves it to a task or a command. Default: `None`.
    pub cleanup_n_requests: Option<NonZeroU64>,
}
