//! How a session's id is written into its cookie: as it is, or signed.

use std::borrow::Cow;

use crate::cookie::Keyring;
use crate::error::Result;
use crate::id::{IdFormat, SessionId};

/// Writes ids into cookies and reads them back.
///
/// Reading proves the form (and the signature, if there is one), not that the session exists.
pub trait IdText: Send + Sync + 'static {
    /// Returns the value of the cookie `name` that carries `id`; `now_ms` is the wall time.
    ///
    /// # Errors
    /// Faults of signing, which the implementation documents.
    fn write<'i>(&self, id: &'i SessionId, name: &str, now_ms: u64) -> Result<Cow<'i, str>>;

    /// Returns the id that a cookie's value carries, or `None` if it is forged or malformed.
    fn read(&self, value: &str, name: &str, now_ms: u64) -> Option<SessionId>;
}

impl IdText for Box<dyn IdText> {
    fn write<'i>(&self, id: &'i SessionId, name: &str, now_ms: u64) -> Result<Cow<'i, str>> {
        (**self).write(id, name, now_ms)
    }

    fn read(&self, value: &str, name: &str, now_ms: u64) -> Option<SessionId> {
        (**self).read(value, name, now_ms)
    }
}

/// The id as it is. 256 random bits need no signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainId(pub IdFormat);

impl IdText for PlainId {
    fn write<'i>(&self, id: &'i SessionId, _: &str, _: u64) -> Result<Cow<'i, str>> {
        Ok(Cow::Borrowed(id.expose()))
    }

    #[inline]
    fn read(&self, value: &str, _: &str, _: u64) -> Option<SessionId> {
        SessionId::parse(self.0, value)
    }
}

/// The id with a signature, which keeps guesses away from the store.
#[derive(Debug)]
pub struct SignedId {
    /// How ids look.
    pub format: IdFormat,
    /// Signs and verifies.
    pub keys: Keyring,
    /// What the signature is bound to, besides the cookie's name; [`SignedId::PURPOSE`] unless several
    /// applications share their keys.
    pub purpose: Cow<'static, str>,
}

impl SignedId {
    /// What signatures of ids are bound to by default.
    pub const PURPOSE: &'static str = "sessile.session-id";

    /// Signs ids of this format with these keys.
    #[must_use]
    pub const fn new(format: IdFormat, keys: Keyring) -> Self {
        Self {
            format,
            keys,
            purpose: Cow::Borrowed(Self::PURPOSE),
        }
    }
}

impl IdText for SignedId {
    fn write<'i>(&self, id: &'i SessionId, name: &str, _: u64) -> Result<Cow<'i, str>> {
        let signed = self.keys.sign(&self.purpose, name, id.expose().as_bytes());
        Ok(Cow::Owned(signed))
    }

    fn read(&self, value: &str, name: &str, _: u64) -> Option<SessionId> {
        let opened = self.keys.verify(&self.purpose, name, value)?;
        SessionId::parse(self.format, &opened.payload)
    }
}
