//! Single signed cookies: `set_signed_cookie` and `get_signed_cookie`.

use std::time::{Duration, SystemTime};

use super::{Signer, TimestampSigner};
use crate::cookie::compat::Refused;
use crate::cookie::compat::mac::Secret;
use crate::error::Result;

/// Signs and verifies single cookies as Django 5.2.19 does, with the cookie's name in the salt.
///
/// Older versions ran name and salt together, so that a value could move between cookies; what they
/// signed is read only [if asked for](Self::legacy).
///
/// ```
/// use std::time::SystemTime;
/// use sessile::cookie::compat::django::SignedCookie;
///
/// let cookies = SignedCookie::new(["SECRET_KEY"])?;
/// let now = SystemTime::now();
/// let signed = cookies.sign("theme", "", "dark", now);
/// assert_eq!(cookies.unsign("theme", "", &signed, now, None)?, "dark");
/// assert!(cookies.unsign("other", "", &signed, now, None).is_err());
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SignedCookie {
    signer: TimestampSigner,
    is_legacy_read: bool,
}

impl SignedCookie {
    /// Takes `SECRET_KEY`, then `SECRET_KEY_FALLBACKS`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` without keys or with an empty one.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Self> {
        let keys: Vec<Secret> = keys.into_iter().map(|key| prefixed(key.as_ref())).collect();
        let signer = Signer::new(keys.iter().map(|key| key.as_slice()), "")?;
        Ok(Self {
            signer: TimestampSigner::new(signer),
            is_legacy_read: false,
        })
    }

    /// Sets whether cookies that older versions of Django signed are read
    /// (`SIGNED_COOKIE_LEGACY_SALT_FALLBACK`): no.
    #[must_use]
    pub fn legacy(mut self, is_read: bool) -> Self {
        self.is_legacy_read = is_read;
        self
    }

    /// Sets how far in the future a cookie may have been signed: 60 seconds; see
    /// [`TimestampSigner::skew`].
    #[must_use]
    pub fn skew(mut self, skew: Option<Duration>) -> Self {
        self.signer = self.signer.skew(skew);
        self
    }

    /// The signed value of the cookie `name`. `salt` is empty unless the Python side sets one.
    #[must_use]
    pub fn sign(&self, name: &str, salt: &str, value: &str, now: SystemTime) -> String {
        self.signer.with_salt(current(name, salt)).sign(value, now)
    }

    /// The value of the cookie `name`, if one of the keys signed it for that name and salt at most
    /// `max_age` ago.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it is not believed. What has expired is not tried as a legacy one.
    pub fn unsign<'a>(
        &self,
        name: &str,
        salt: &str,
        signed: &'a str,
        now: SystemTime,
        max_age: Option<Duration>,
    ) -> Result<&'a str, Refused> {
        let signer = self.signer.with_salt(current(name, salt));
        match signer.unsign(signed, now, max_age) {
            Err(Refused::Forged) if self.is_legacy_read => self
                .signer
                .with_salt(format!("{name}{salt}"))
                .unsign(signed, now, max_age),
            other => other,
        }
    }
}

/// An empty key stays empty, and is refused for it.
fn prefixed(key: &[u8]) -> Secret {
    let prefix: &[u8] = if key.is_empty() {
        b""
    } else {
        b"django.http.cookies"
    };
    Secret::new([prefix, key].concat())
}

/// With the salt's length in characters, so that no two pairs run together.
fn current(name: &str, salt: &str) -> String {
    format!(
        "django.http.cookies.v2:{}:{salt}{name}",
        salt.chars().count()
    )
}
