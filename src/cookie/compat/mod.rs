//! Sessions shared with Python: reads and writes what Flask, Django, Flask-Session and Invenio do.
//!
//! | Python has | here |
//! |---|---|
//! | `itsdangerous.Signer`, `TimestampSigner`, `URLSafeSerializer`, `URLSafeTimedSerializer` | [`itsdangerous`] |
//! | Flask's session in a signed cookie | [`flask::FlaskCookie`] |
//! | Django's `signed_cookies` backend | [`django::CookieSession`] |
//! | Django's stored sessions, `SessionBase.encode` and `decode` | [`django::StoredSession`] |
//! | Django's `db`, `cache`, `cached_db` and `file` engines, over a store of texts | [`django::DjangoRecords`] |
//! | the files of Django's `file` engine | [`django::DjangoFiles`] |
//! | Django's `signing.dumps`, `loads`, `set_signed_cookie`, `get_signed_cookie` | [`django::ObjectSigner`], [`django::SignedCookie`] |
//! | Flask-Session's signed session id, MessagePack and JSON records | [`flask_session`] |
//! | Invenio's session id | [`invenio::InvenioId`] |
//!
//! Data are [`Map`]s of [`Value`]s, which know Python's tuple, bytes, markup, UUID and datetime, and go
//! to and from structs through serde ([`Value::of`], [`Value::read`]).
//!
//! # What agrees to the byte
//!
//! Signatures, timestamps, JSON and MessagePack do. Payloads that zlib made shorter agree once they are
//! unpacked: what zlib writes differs between its versions and between builds of Python, and either
//! side reads the other's.
//!
//! # What is refused
//!
//! The signature is checked in constant time before a byte of the payload is looked at, and only its
//! canonical spelling counts. [`Limits`] bound the text, what it unpacks to and how deep it nests.
//! Integers wider than 64 bits and lone surrogates, which Python can write, are [`Refused`].
//! Pickle is never decoded, whoever signed it.
//!
//! Nothing here asks for the time: it is an argument, a [`SystemTime`](std::time::SystemTime).

pub mod django;
pub mod flask;
pub mod flask_session;
pub mod invenio;
pub mod itsdangerous;
mod json;
mod limits;
mod mac;
mod payload;
mod pickle;
mod refused;
mod value;

pub use json::JsonStyle;
pub use limits::Limits;
pub use mac::{Derivation, Digest};
pub use refused::Refused;
pub use value::{DateTime, Map, Markup, Uuid, Value};

/// Under this name Flask and Flask-Session keep in the data whether a session outlives the browser.
pub const PERMANENT: &str = "_permanent";

/// The session within a value that was believed.
fn map(value: Value) -> Result<Map, Refused> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(Refused::Undecodable(payload::corrupt(format!(
            "read session: it is a {} and not a dict",
            other.kind()
        )))),
    }
}

/// The session that was read, or an empty one. Forgeries are everyday noise; what somebody signed and
/// nobody can read goes to the log.
fn or_empty(read: Result<Map, Refused>) -> Map {
    match read {
        Ok(map) => map,
        Err(Refused::Undecodable(error)) => {
            tracing::warn!(
                target: "sessile::security",
                %error,
                "session data corrupted: genuine, but it cannot be read; an empty session takes its place"
            );
            Map::new()
        }
        Err(refused) => {
            tracing::debug!(target: "sessile::security", %refused, "session cookie refused");
            Map::new()
        }
    }
}
