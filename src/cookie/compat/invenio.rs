//! Invenio's session id: signed and dated, the data being on the server.

use std::time::{Duration, SystemTime};

use super::Refused;
use super::itsdangerous::{Signer, TimestampSigner};
use super::mac::Secret;
use crate::error::Result;

/// Signs and verifies the session ids of `invenio_ext.session`: 32 hexadecimal digits of a UUID, dated,
/// by SHA-1 and `django-concat`.
///
/// Its records are pickles within LZMA and stay unread.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use sessile::cookie::compat::invenio::InvenioId;
///
/// let invenio = InvenioId::new("k")?;
/// let then = UNIX_EPOCH + Duration::from_secs(1_308_874_145);
/// let cookie = invenio.sign("abc", then);
/// assert_eq!(cookie, "abc.TgPVoQ.4aFCWUS7cFWBnV1w2Csn6O1lx2M");
/// let day = Duration::from_secs(86_400);
/// assert_eq!(invenio.unsign(&cookie, then, day)?, "abc");
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct InvenioId(TimestampSigner);

impl InvenioId {
    /// Takes the application's `SECRET_KEY`; the salt is `inveniosalt`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if the secret is empty.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self> {
        Self::with_salt(secret, "inveniosalt")
    }

    /// Takes the application's `SECRET_KEY` and `SESSION_SALT`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_salt(secret: impl AsRef<[u8]>, salt: impl AsRef<[u8]>) -> Result<Self> {
        Self::with_fallbacks(secret, std::iter::empty::<&[u8]>(), salt)
    }

    /// Takes the application's `SECRET_KEY`, others that still verify and never sign, and
    /// `SESSION_SALT`. Invenio itself knows one key only.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_fallbacks(
        secret: impl AsRef<[u8]>,
        fallbacks: impl IntoIterator<Item = impl AsRef<[u8]>>,
        salt: impl AsRef<[u8]>,
    ) -> Result<Self> {
        let mut secrets: Vec<Secret> = fallbacks
            .into_iter()
            .map(|fallback| fallback.as_ref().to_vec().into())
            .collect();
        secrets.reverse();
        secrets.push(secret.as_ref().to_vec().into());
        let secrets = secrets.iter().map(|secret| secret.as_slice());
        Ok(Self(TimestampSigner::new(Signer::new(secrets, salt)?)))
    }

    /// The cookie's value for an id.
    #[must_use]
    pub fn sign(&self, id: &str, now: SystemTime) -> String {
        // An id is text, and what is added to it is ASCII.
        String::from_utf8_lossy(&self.0.sign(id, now)).into_owned()
    }

    /// The id in a cookie's value, signed at most `max_age` ago. Invenio takes the longer of the
    /// application's lifetime and a day.
    ///
    /// Parse it before use: it is genuine, but may be of any form.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it is not believed.
    pub fn unsign<'a>(
        &self,
        cookie: &'a str,
        now: SystemTime,
        max_age: Duration,
    ) -> Result<&'a str, Refused> {
        let signed = self.0.unsign(cookie, now, Some(max_age))?;
        // The cookie is text and was cut at a separator.
        std::str::from_utf8(signed.value).map_err(|_| Refused::Malformed)
    }
}
