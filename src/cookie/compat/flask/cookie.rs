//! Flask's `SecureCookieSessionInterface`: the session in the cookie, signed and dated.

use std::time::{Duration, SystemTime};

use super::Tags;
use crate::cookie::compat::itsdangerous::{Signer, TimestampSigner, UrlSafeTimedSerializer};
use crate::cookie::compat::mac::Secret;
use crate::cookie::compat::{Derivation, Digest, JsonStyle, Limits, Map, Refused, Value};
use crate::error::Result;

/// Flask's `PERMANENT_SESSION_LIFETIME` unless set.
const LIFETIME: Duration = Duration::from_secs(31 * 24 * 3600);

/// Reads and writes the values of Flask's session cookie.
///
/// Anybody who has the cookie can read it: it is signed, not encrypted. Flask measures the age of every
/// session by its lifetime, of those that are not permanent as well.
///
/// ```
/// use std::time::SystemTime;
/// use sessile::cookie::compat::flask::FlaskCookie;
///
/// let flask = FlaskCookie::new("the app's SECRET_KEY")?;
/// let now = SystemTime::now();
/// let mut session = flask.open(None, now);
/// session.insert("visits", 1);
/// let cookie = flask.write(&session, now)?.expect("a session that is not empty has a cookie");
/// assert_eq!(flask.read(&cookie, now)?, session);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FlaskCookie {
    serializer: UrlSafeTimedSerializer,
    lifetime: Duration,
}

/// What of Flask an application may have changed; [`build`](Self::build) makes the cookie of it.
#[derive(Clone)]
#[must_use]
pub struct FlaskCookieBuilder {
    secrets: Vec<Secret>,
    salt: Vec<u8>,
    digest: Digest,
    style: JsonStyle,
    tags: Tags,
    limits: Limits,
    lifetime: Duration,
    skew: Duration,
}

impl FlaskCookie {
    /// Takes the application's `SECRET_KEY`; everything else is Flask's default.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if it is empty.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self> {
        Self::builder(secret).build()
    }

    /// Takes the application's `SECRET_KEY`, and then what differs from the defaults.
    pub fn builder(secret: impl AsRef<[u8]>) -> FlaskCookieBuilder {
        FlaskCookieBuilder {
            secrets: vec![secret.as_ref().to_vec().into()],
            salt: b"cookie-session".to_vec(),
            digest: Digest::Sha1,
            style: JsonStyle::FLASK,
            tags: Tags::new(),
            limits: Limits::default(),
            lifetime: LIFETIME,
            skew: Duration::ZERO,
        }
    }

    /// The session in a cookie's value.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it is not believed.
    pub fn read(&self, cookie: &str, now: SystemTime) -> Result<Map, Refused> {
        let (value, _) = self.serializer.loads(cookie, now, Some(self.lifetime))?;
        super::super::map(value)
    }

    /// The session in a cookie's value, or an empty one: without a cookie, and for one that is not
    /// believed. A genuine cookie that cannot be read is told to the log (`tracing`, target
    /// `sessile::security`), where Flask fails with a 500.
    #[must_use]
    pub fn open(&self, cookie: Option<&str>, now: SystemTime) -> Map {
        match cookie.filter(|cookie| !cookie.is_empty()) {
            Some(cookie) => super::super::or_empty(self.read(cookie, now)),
            None => Map::new(),
        }
    }

    /// The cookie's value for a session, dated `now`; `None` for an empty session, which has no
    /// cookie.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that Flask has no form for, or beyond the limits. Whether a browser
    /// keeps so long a cookie (4,096 bytes with its name) is for the caller to check.
    pub fn write(&self, session: &Map, now: SystemTime) -> Result<Option<String>> {
        if session.is_empty() {
            return Ok(None);
        }
        let value = Value::Map(session.clone());
        self.serializer.dumps(&value, now).map(Some)
    }
}

impl FlaskCookieBuilder {
    /// Adds an older secret that still verifies and never signs (`SECRET_KEY_FALLBACKS`).
    pub fn fallback(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secrets.push(secret.as_ref().to_vec().into());
        self
    }

    /// Sets the salt: `cookie-session`.
    pub fn salt(mut self, salt: impl AsRef<[u8]>) -> Self {
        self.salt = salt.as_ref().to_vec();
        self
    }

    /// Sets the hash function: SHA-1.
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Sets how JSON is written: [`JsonStyle::FLASK`].
    pub fn style(mut self, style: JsonStyle) -> Self {
        self.style = style;
        self
    }

    /// Sets the tags: Flask's own.
    pub fn tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long after its signing a cookie is read, in whole seconds: 31 days.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how far in the future a cookie may have been signed: 0, as in Flask.
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Makes the cookie.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if a secret is empty.
    pub fn build(self) -> Result<FlaskCookie> {
        let oldest_first = self.secrets.iter().rev().map(|secret| secret.as_slice());
        let signer = Signer::new(oldest_first, &self.salt)?
            .digest(self.digest)
            .derivation(Derivation::Hmac);
        let timed = TimestampSigner::new(signer).skew(self.skew);
        let serializer = UrlSafeTimedSerializer::new(timed)
            .style(self.style)
            .tags(self.tags)
            .limits(self.limits);
        Ok(FlaskCookie {
            serializer,
            lifetime: self.lifetime,
        })
    }
}
