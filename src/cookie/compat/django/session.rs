//! Django's sessions: the one in a cookie, and the text of those in stores.

use std::time::{Duration, SystemTime};

use super::{ObjectSigner, Signer, TimestampSigner};
use crate::cookie::compat::{Limits, Map, Refused, Value};
use crate::error::Result;

/// Django's `SESSION_COOKIE_AGE` unless set: two weeks.
pub(super) const AGE: Duration = Duration::from_secs(14 * 24 * 3600);

/// The session in a cookie's value, as Django's `signed_cookies` backend keeps it.
///
/// Anybody who has the cookie can read it, and it stays valid until its age ends: flushing a session
/// takes the browser's copy away and no other.
///
/// ```
/// use std::time::SystemTime;
/// use sessile::cookie::compat::django::CookieSession;
///
/// let django = CookieSession::new(["SECRET_KEY", "one of SECRET_KEY_FALLBACKS"])?;
/// let now = SystemTime::now();
/// let mut session = django.open(None, now);
/// session.insert("visits", 1);
/// let cookie = django.write(&session, now)?.expect("a session that is not empty has a cookie");
/// assert_eq!(django.read(&cookie, now)?, session);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CookieSession {
    signer: ObjectSigner,
    age: Duration,
}

impl CookieSession {
    /// Takes `SECRET_KEY`, then `SECRET_KEY_FALLBACKS`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` without keys or with an empty one.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Self> {
        let salt = "django.contrib.sessions.backends.signed_cookies";
        Ok(Self {
            signer: ObjectSigner::new(keys, salt)?.packed(true),
            age: AGE,
        })
    }

    /// Sets how long after its signing a cookie is read (`SESSION_COOKIE_AGE`): two weeks.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.signer = self.signer.limits(limits);
        self
    }

    /// The session in a cookie's value.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it is not believed.
    pub fn read(&self, cookie: &str, now: SystemTime) -> Result<Map, Refused> {
        super::super::map(self.signer.loads(cookie, now, Some(self.age))?)
    }

    /// The session in a cookie's value, or an empty one: without a cookie, and for one that is not
    /// believed. A genuine cookie that cannot be read is told to the log (`tracing`, target
    /// `sessile::security`).
    #[must_use]
    pub fn open(&self, cookie: Option<&str>, now: SystemTime) -> Map {
        cookie.map_or_else(Map::new, |cookie| {
            super::super::or_empty(self.read(cookie, now))
        })
    }

    /// The cookie's value for a session, dated `now`; `None` for an empty session, which has no
    /// cookie. Django signs the empty one, too, when it could not read the client's cookie.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that JSON has no form for, or beyond the limits. Whether a browser
    /// keeps so long a cookie (4,096 bytes with its name) is for the caller to check.
    pub fn write(&self, session: &Map, now: SystemTime) -> Result<Option<String>> {
        if session.is_empty() {
            return Ok(None);
        }
        let value = Value::Map(session.clone());
        self.signer.dumps(&value, now).map(Some)
    }
}

/// The text of a session in Django's database, cache or file: `SessionBase.encode` and `decode`.
///
/// ```
/// use std::time::SystemTime;
/// use sessile::cookie::compat::{Map, django::StoredSession};
///
/// let django = StoredSession::new(["SECRET_KEY"])?;
/// let mut session = Map::new();
/// session.insert("_auth_user_id", "42");
/// let text = django.encode(&session, SystemTime::now())?;
/// assert_eq!(django.decode(&text), session);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StoredSession(ObjectSigner);

impl StoredSession {
    /// Takes `SECRET_KEY`, then `SECRET_KEY_FALLBACKS`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` without keys or with an empty one.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Self> {
        Self::with_class(keys, "SessionStore")
    }

    /// Takes the keys and the qualified name of the store's class, if the application wrote its own:
    /// Django salts by it. Its own are all called `SessionStore`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_class(
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        class: &str,
    ) -> Result<Self> {
        let signer = Signer::new(keys, format!("django.contrib.sessions.{class}"))?;
        // Nothing asks for the age of a record.
        let signer = ObjectSigner::with_signer(TimestampSigner::new(signer));
        Ok(Self(signer.packed(true)))
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self(self.0.limits(limits))
    }

    /// The text to store.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that JSON has no form for, or beyond the limits.
    pub fn encode(&self, session: &Map, now: SystemTime) -> Result<String> {
        self.0.dumps(&Value::Map(session.clone()), now)
    }

    /// The session of a stored text.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it is not believed.
    pub fn try_decode(&self, text: &str) -> Result<Map, Refused> {
        super::super::map(self.0.loads(text, SystemTime::UNIX_EPOCH, None)?)
    }

    /// The session of a stored text; for one that is not believed an empty one and a line in the
    /// security log, as in Django.
    #[must_use]
    pub fn decode(&self, text: &str) -> Map {
        match self.try_decode(text) {
            Err(refused @ (Refused::Forged | Refused::Malformed)) => {
                // In a store, unlike in a cookie, a forgery is no everyday noise.
                tracing::warn!(target: "sessile::security", %refused, "session data corrupted");
                Map::new()
            }
            read => super::super::or_empty(read),
        }
    }
}
