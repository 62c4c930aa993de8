//! `URLSafeSerializer` and `URLSafeTimedSerializer`: objects as URL-safe signed text.

use std::time::{Duration, SystemTime};

use super::{Signed, Signer, TimestampSigner};
use crate::cookie::compat::flask::Tags;
use crate::cookie::compat::json::{self, Dialect};
use crate::cookie::compat::payload::{self, corrupt};
use crate::cookie::compat::{JsonStyle, Limits, Refused, Value};
use crate::error::{Error, Result};

/// How objects become the bytes that are signed.
#[derive(Debug, Clone)]
struct Form {
    style: JsonStyle,
    tags: Option<Tags>,
    limits: Limits,
}

impl Form {
    fn new() -> Self {
        Self {
            style: JsonStyle::ITSDANGEROUS,
            tags: None,
            limits: Limits::default(),
        }
    }

    fn write(&self, value: &Value) -> Result<String> {
        let dialect = Dialect::Python(self.style, self.tags.as_ref());
        let json = json::write(value, dialect, &self.limits)?;
        Ok(payload::encode(json.as_bytes(), true))
    }

    fn read(&self, payload: &[u8]) -> Result<Value> {
        let bytes = payload::decode(payload, &self.limits)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| corrupt("read session as JSON: it is not UTF-8"))?;
        let value = json::read(text, &self.limits)?;
        match &self.tags {
            Some(tags) => tags.untag(value),
            None => Ok(value),
        }
    }

    fn check_length(&self, text: &str) -> Result<(), Refused> {
        if text.len() > self.limits.bytes {
            return Err(Refused::TooLong);
        }
        Ok(())
    }
}

macro_rules! settings {
    ($signer:ty) => {
        /// Adds a signer that is tried after the others and never signs: for a change of digest or
        /// derivation.
        #[must_use]
        pub fn fallback(mut self, signer: $signer) -> Self {
            self.signers.push(signer);
            self
        }

        /// Sets how JSON is written: [`JsonStyle::ITSDANGEROUS`].
        #[must_use]
        pub fn style(mut self, style: JsonStyle) -> Self {
            self.form.style = style;
            self
        }

        /// Makes it Flask's tagged JSON: plain JSON.
        #[must_use]
        pub fn tags(mut self, tags: Tags) -> Self {
            self.form.tags = Some(tags);
            self
        }

        /// Sets the limits.
        #[must_use]
        pub fn limits(mut self, limits: Limits) -> Self {
            self.form.limits = limits;
            self
        }
    };
}

/// Turns values into signed text as `itsdangerous.URLSafeSerializer` does.
///
/// ```
/// use sessile::cookie::compat::Value;
/// use sessile::cookie::compat::itsdangerous::{Signer, UrlSafeSerializer};
///
/// let serializer = UrlSafeSerializer::new(Signer::new(["secret"], "itsdangerous")?);
/// let text = serializer.dumps(&Value::of(&[1, 2])?)?;
/// assert_eq!(serializer.loads(&text)?.read::<Vec<u8>>()?, [1, 2]);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct UrlSafeSerializer {
    signers: Vec<Signer>,
    form: Form,
}

impl UrlSafeSerializer {
    /// Signs and verifies by `signer`.
    #[must_use]
    pub fn new(signer: Signer) -> Self {
        Self {
            signers: vec![signer],
            form: Form::new(),
        }
    }

    settings!(Signer);

    /// The value as signed text.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that JSON has no form for, or beyond the limits.
    pub fn dumps(&self, value: &Value) -> Result<String> {
        text(self.signers[0].sign(self.form.write(value)?))
    }

    /// The value of a text that one of the signers signed.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why not.
    pub fn loads(&self, signed: &str) -> Result<Value, Refused> {
        self.form.check_length(signed)?;
        let payload = first(&self.signers, |signer| signer.unsign(signed))?;
        self.form.read(payload).map_err(Refused::Undecodable)
    }
}

/// Turns values into signed and dated text as `itsdangerous.URLSafeTimedSerializer` does.
#[derive(Debug, Clone)]
pub struct UrlSafeTimedSerializer {
    signers: Vec<TimestampSigner>,
    form: Form,
}

impl UrlSafeTimedSerializer {
    /// Signs and verifies by `signer`.
    #[must_use]
    pub fn new(signer: TimestampSigner) -> Self {
        Self {
            signers: vec![signer],
            form: Form::new(),
        }
    }

    settings!(TimestampSigner);

    /// The value as text signed `now`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for values that JSON has no form for, or beyond the limits.
    pub fn dumps(&self, value: &Value, now: SystemTime) -> Result<String> {
        text(self.signers[0].sign(self.form.write(value)?, now))
    }

    /// The value of a text that one of the signers signed at most `max_age` ago, and when it did.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why not. What one signer finds expired is not shown to the next.
    pub fn loads(
        &self,
        signed: &str,
        now: SystemTime,
        max_age: Option<Duration>,
    ) -> Result<(Value, SystemTime), Refused> {
        self.form.check_length(signed)?;
        let Signed { value, signed_at } =
            first(&self.signers, |signer| signer.unsign(signed, now, max_age))?;
        let value = self.form.read(value).map_err(Refused::Undecodable)?;
        Ok((value, signed_at))
    }
}

/// The answer of the first signer that does not call it forged.
fn first<S, T>(
    signers: &[S],
    mut unsign: impl FnMut(&S) -> Result<T, Refused>,
) -> Result<T, Refused> {
    for signer in signers {
        match unsign(signer) {
            Err(Refused::Forged) => {}
            other => return other,
        }
    }
    Err(Refused::Forged)
}

fn text(signed: Vec<u8>) -> Result<String> {
    // Payload, timestamp and signature are ASCII, and separators are text.
    String::from_utf8(signed).map_err(|_| Error::input("write signed text: it is not UTF-8"))
}
