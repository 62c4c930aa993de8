//! How a whole session is written into its cookie: our own way, Flask's or Django's.

use std::time::Duration;

use bytes::Bytes;

use crate::cache::Terms;
use crate::codec::{Format, Layout};
#[cfg(feature = "compat")]
use crate::cookie::compat::{
    Derivation, JsonStyle, Refused, Value, django::ObjectSigner, itsdangerous::Signer,
    itsdangerous::TimestampSigner, itsdangerous::UrlSafeTimedSerializer,
};
use crate::cookie::{Keyring, SecureCookieStore};
#[cfg(feature = "compat")]
use crate::error::Error;
use crate::error::Result;

/// Whose text the cookie carries.
pub(super) enum Form {
    Own(SecureCookieStore),
    #[cfg(feature = "compat")]
    Flask(Box<UrlSafeTimedSerializer>),
    #[cfg(feature = "compat")]
    Django(Box<ObjectSigner>),
}

/// A record that came in a genuine cookie.
pub(super) struct Opened {
    pub(super) record: Bytes,
    /// When the cookie was made; 0 if that is not known, or if it is to be made anew.
    pub(super) made_ms: u64,
}

impl Form {
    /// What records inside this form look like.
    pub(super) fn record(&self) -> (Layout, Format) {
        match self {
            Self::Own(_) => (Layout::Native, Format::MessagePack),
            // What Python wrote stays the text it came as, its tags for types included.
            #[cfg(feature = "compat")]
            Self::Flask(_) | Self::Django(_) => (Layout::Bare, Format::Json),
        }
    }

    /// The record in a value of the cookie `name`, if it is genuine and, in the forms that carry no
    /// end of their own, no older than `life`.
    #[cfg_attr(
        not(feature = "compat"),
        expect(
            unused_variables,
            reason = "only other systems' forms have no end of their own"
        )
    )]
    pub(super) fn open(
        &self,
        name: &str,
        text: &str,
        now_ms: u64,
        life: Duration,
    ) -> Option<Opened> {
        match self {
            Self::Own(store) => {
                let opened = store.decode_as(name, text, now_ms)?;
                // What an old key signed counts as due for renewal.
                let made_ms = if opened.is_fallback {
                    0
                } else {
                    opened.issued_ms
                };
                Some(Opened {
                    record: opened.record,
                    made_ms,
                })
            }
            #[cfg(feature = "compat")]
            Self::Flask(serializer) => {
                let read = serializer.loads(text, time(now_ms), Some(life));
                let (value, made) = read.map_err(|refused| tell(&refused)).ok()?;
                let made = made.duration_since(std::time::UNIX_EPOCH).ok()?;
                Some(Opened {
                    record: json(&value)?,
                    made_ms: crate::time::millis(made),
                })
            }
            #[cfg(feature = "compat")]
            Self::Django(signer) => {
                let read = signer.loads(text, time(now_ms), Some(life));
                let value = read.map_err(|refused| tell(&refused)).ok()?;
                Some(Opened {
                    record: json(&value)?,
                    made_ms: 0,
                })
            }
        }
    }

    /// The value of the cookie `name` for `record`, good for `life` from now on.
    pub(super) fn seal(
        &self,
        name: &str,
        record: &[u8],
        life: Duration,
        now_ms: u64,
    ) -> Result<String> {
        match self {
            Self::Own(store) => store.encode_as(name, record, &Terms::ttl(life), now_ms),
            #[cfg(feature = "compat")]
            Self::Flask(serializer) => serializer.dumps(&value(record)?, time(now_ms)),
            #[cfg(feature = "compat")]
            Self::Django(signer) => signer.dumps(&value(record)?, time(now_ms)),
        }
    }
}

/// Flask's `SecureCookieSessionInterface`. Its tags are left as they are: a session here is JSON.
#[cfg(feature = "compat")]
pub(super) fn flask(secret: &[u8], fallbacks: &[&[u8]]) -> Result<Form> {
    let oldest_first = fallbacks.iter().rev().copied().chain([secret]);
    let signer = Signer::new(oldest_first, "cookie-session")?.derivation(Derivation::Hmac);
    let serializer = UrlSafeTimedSerializer::new(TimestampSigner::new(signer));
    Ok(Form::Flask(Box::new(serializer.style(JsonStyle::FLASK))))
}

/// Django's `signed_cookies`.
#[cfg(feature = "compat")]
pub(super) fn django(secret: &[u8], fallbacks: &[&[u8]]) -> Result<Form> {
    let keys = [secret].into_iter().chain(fallbacks.iter().copied());
    let salt = "django.contrib.sessions.backends.signed_cookies";
    let signer = ObjectSigner::new(keys, salt)?.packed(true);
    Ok(Form::Django(Box::new(signer)))
}

/// Our own.
pub(super) fn own(keyring: Keyring, protection: crate::cookie::Protection) -> Form {
    // Each cookie says its own name; the browser's limit is the same for all.
    let any = crate::cookie::CookieConfig::default();
    Form::Own(SecureCookieStore::new(keyring, &any, protection))
}

#[cfg(feature = "compat")]
fn time(ms: u64) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + Duration::from_millis(ms)
}

#[cfg(feature = "compat")]
fn json(value: &Value) -> Option<Bytes> {
    let text = serde_json::to_vec(value).ok()?;
    Some(Bytes::from(text))
}

#[cfg(feature = "compat")]
fn value(record: &[u8]) -> Result<Value> {
    serde_json::from_slice(record)
        .map_err(|_| Error::input("write a session's cookie: a value of it is no JSON of Python's"))
}

/// Forgeries are everyday noise; what was signed and cannot be read is worth a line.
#[cfg(feature = "compat")]
fn tell(refused: &Refused) {
    if let Refused::Undecodable(error) = refused {
        tracing::warn!(
            target: "sessile::security",
            %error,
            "a genuine session cookie cannot be read; its client gets an empty session"
        );
    }
}
