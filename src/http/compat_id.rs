//! Signed ids as Flask-Session and Invenio write them into the cookie.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::id_text::IdText;
use crate::cookie::compat::flask_session;
use crate::cookie::compat::invenio::InvenioId;
use crate::error::Result;
use crate::id::{IdFormat, SessionId};

/// Ids as Flask-Session signs them under `SESSION_USE_SIGNER`: no time, and no cookie's name inside.
#[derive(Debug, Clone)]
pub struct FlaskSessionId {
    /// How ids look.
    pub format: IdFormat,
    /// Signs and verifies.
    pub signer: flask_session::SignedId,
}

impl IdText for FlaskSessionId {
    fn write<'i>(&self, id: &'i SessionId, _: &str, _: u64) -> Result<Cow<'i, str>> {
        Ok(Cow::Owned(self.signer.sign(id.expose())))
    }

    fn read(&self, value: &str, _: &str, _: u64) -> Option<SessionId> {
        let id = self.signer.unsign(value).ok()?;
        SessionId::parse(self.format, id)
    }
}

/// Ids as Invenio signs them: with the time, and for so long.
#[derive(Debug, Clone)]
pub struct InvenioSessionId {
    /// How ids look: [`IdFormat::Uuid`] where Invenio draws them, too.
    pub format: IdFormat,
    /// Signs and verifies.
    pub signer: InvenioId,
    /// How long a signature is good. A cookie that is not sent anew in that time leads to nothing, so
    /// take no less than sessions live; Invenio takes the lifetime, or a day if that is longer.
    pub max_age: Duration,
}

impl IdText for InvenioSessionId {
    fn write<'i>(&self, id: &'i SessionId, _: &str, now_ms: u64) -> Result<Cow<'i, str>> {
        Ok(Cow::Owned(self.signer.sign(id.expose(), time(now_ms))))
    }

    fn read(&self, value: &str, _: &str, now_ms: u64) -> Option<SessionId> {
        let id = self.signer.unsign(value, time(now_ms), self.max_age).ok()?;
        SessionId::parse(self.format, id)
    }
}

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}
