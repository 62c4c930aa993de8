//! `django.core.signing.dumps` and `loads`: JSON, signed and dated.

use std::time::{Duration, SystemTime};

use super::{Signer, TimestampSigner};
use crate::cookie::compat::json::{self, Dialect};
use crate::cookie::compat::{JsonStyle, Limits, Refused, Value, payload};
use crate::error::Result;

/// Turns values into signed and dated text as `signing.dumps` does, and back.
///
/// ```
/// use std::time::SystemTime;
/// use sessile::cookie::compat::Value;
/// use sessile::cookie::compat::django::ObjectSigner;
///
/// let signer = ObjectSigner::new(["SECRET_KEY"], "my app")?;
/// let now = SystemTime::now();
/// let text = signer.dumps(&Value::of(&("foo", 9))?, now)?;
/// assert_eq!(signer.loads(&text, now, None)?.read::<(String, u8)>()?, ("foo".into(), 9));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ObjectSigner {
    signer: TimestampSigner,
    is_packed: bool,
    limits: Limits,
}

impl ObjectSigner {
    /// Takes the keys, the one that signs first, and the salt: `django.core.signing` if the Python
    /// side names none.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` without keys or with an empty one.
    pub fn new(
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        salt: impl AsRef<[u8]>,
    ) -> Result<Self> {
        let signer = TimestampSigner::new(Signer::new(keys, salt)?);
        Ok(Self::with_signer(signer))
    }

    /// Takes a signer with its digest, separator and skew.
    #[must_use]
    pub fn with_signer(signer: TimestampSigner) -> Self {
        Self {
            signer,
            is_packed: false,
            limits: Limits::default(),
        }
    }

    /// Sets whether what becomes shorter by it is packed by zlib (`compress=True`): no.
    #[must_use]
    pub fn packed(mut self, is_packed: bool) -> Self {
        self.is_packed = is_packed;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The value as text signed `now`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that JSON has no form for, or beyond the limits.
    pub fn dumps(&self, value: &Value, now: SystemTime) -> Result<String> {
        let dialect = Dialect::Python(JsonStyle::DJANGO, None);
        let json = json::write(value, dialect, &self.limits)?;
        let payload = payload::encode(json.as_bytes(), self.is_packed);
        Ok(self.signer.sign(&payload, now))
    }

    /// The value of a text that one of the keys signed at most `max_age` ago.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why not.
    pub fn loads(
        &self,
        signed: &str,
        now: SystemTime,
        max_age: Option<Duration>,
    ) -> Result<Value, Refused> {
        if signed.len() > self.limits.bytes {
            return Err(Refused::TooLong);
        }
        let payload = self.signer.unsign(signed, now, max_age)?;
        let read = payload::decode(payload.as_bytes(), &self.limits).and_then(|bytes| {
            // Django reads Latin-1, whose characters are the first 256 of Unicode.
            let text: String = bytes.iter().copied().map(char::from).collect();
            json::read(&text, &self.limits)
        });
        read.map_err(Refused::Undecodable)
    }
}
