//! The session id in the cookie when `SESSION_USE_SIGNER` is set.

use crate::cookie::compat::itsdangerous::Signer;
use crate::cookie::compat::mac::Secret;
use crate::cookie::compat::{Derivation, Refused};
use crate::error::Result;

/// Signs and verifies session ids as Flask-Session does: SHA-1, `hmac`, salt `flask-session`, no time.
///
/// ```
/// use sessile::cookie::compat::flask_session::SignedId;
///
/// let signer = SignedId::new("k")?;
/// assert_eq!(signer.sign("abc"), "abc.IMkw1s8YyAhNbQxUuwMDTLjZStg");
/// assert_eq!(signer.unsign("abc.IMkw1s8YyAhNbQxUuwMDTLjZStg")?, "abc");
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SignedId(Signer);

impl SignedId {
    /// Takes the application's `SECRET_KEY`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if it is empty.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self> {
        Self::with_fallbacks(secret, std::iter::empty::<&[u8]>())
    }

    /// Takes the application's `SECRET_KEY` and others that still verify and never sign. Flask-Session
    /// itself knows one key only.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_fallbacks(
        secret: impl AsRef<[u8]>,
        fallbacks: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Self> {
        let mut secrets: Vec<Secret> = fallbacks
            .into_iter()
            .map(|fallback| fallback.as_ref().to_vec().into())
            .collect();
        secrets.reverse();
        secrets.push(secret.as_ref().to_vec().into());
        let secrets = secrets.iter().map(|secret| secret.as_slice());
        let signer = Signer::new(secrets, "flask-session")?;
        Ok(Self(signer.derivation(Derivation::Hmac)))
    }

    /// The cookie's value for an id.
    #[must_use]
    pub fn sign(&self, id: &str) -> String {
        // An id is text, and what is added to it is ASCII.
        String::from_utf8_lossy(&self.0.sign(id)).into_owned()
    }

    /// The id in a cookie's value.
    ///
    /// Parse it before use: it is genuine, but may be of any form.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it is not believed.
    pub fn unsign<'a>(&self, cookie: &'a str) -> Result<&'a str, Refused> {
        let id = self.0.unsign(cookie)?;
        // The cookie is text and was cut at a separator.
        std::str::from_utf8(id).map_err(|_| Refused::Malformed)
    }
}
