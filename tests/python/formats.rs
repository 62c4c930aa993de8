//! The formats by the names that both sides know them by, with the same secrets.

use std::time::{Duration, SystemTime};

use sessile::cookie::compat::django::{CookieSession, ObjectSigner, SignedCookie, StoredSession};
use sessile::cookie::compat::flask::FlaskCookie;
use sessile::cookie::compat::flask_session::{Format, Record, SignedId};
use sessile::cookie::compat::invenio::InvenioId;
use sessile::cookie::compat::itsdangerous::{
    Signer, TimestampSigner, UrlSafeSerializer, UrlSafeTimedSerializer,
};
use sessile::cookie::compat::{Limits, Map, Value};

const KEY: &str = "the secret that both sides share";
const OLD: &str = "a secret of last year";
const MINUTE: Duration = Duration::from_secs(60);

/// Kinds of values that a format carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// JSON's.
    Json,
    /// JSON's, no infinities.
    Finite,
    /// And bytes and datetimes.
    Packed,
    /// All.
    Tagged,
    /// Nothing but a text.
    Id,
}

const NAMES: [(&str, Kinds); 12] = [
    ("flask", Kinds::Tagged),
    ("itsdangerous", Kinds::Json),
    ("itsdangerous_timed", Kinds::Json),
    ("django", Kinds::Json),
    ("django_packed", Kinds::Json),
    ("django_cookie", Kinds::Json),
    ("django_stored", Kinds::Json),
    ("record_msgpack", Kinds::Packed),
    ("record_json", Kinds::Finite),
    ("flask_session_id", Kinds::Id),
    ("invenio_id", Kinds::Id),
    ("django_signed_cookie", Kinds::Id),
];

/// All formats at one time.
pub(crate) struct Formats {
    now: SystemTime,
    flask: FlaskCookie,
    plain: UrlSafeSerializer,
    timed: UrlSafeTimedSerializer,
    objects: ObjectSigner,
    cookie: CookieSession,
    stored: StoredSession,
    ids: SignedId,
    invenio: InvenioId,
    single: SignedCookie,
}

impl Formats {
    pub(crate) fn new(now: SystemTime) -> Self {
        let made = "the secrets are not empty";
        let signer = |salt| Signer::new([OLD, KEY], salt).expect(made);
        let django = [KEY, OLD];
        Self {
            now,
            flask: FlaskCookie::builder(KEY).fallback(OLD).build().expect(made),
            plain: UrlSafeSerializer::new(signer("plain")),
            timed: UrlSafeTimedSerializer::new(TimestampSigner::new(signer("timed"))),
            objects: ObjectSigner::new(django, "objects").expect(made),
            cookie: CookieSession::new(django).expect(made),
            stored: StoredSession::new(django).expect(made),
            ids: SignedId::new(KEY).expect(made),
            invenio: InvenioId::new(KEY).expect(made),
            single: SignedCookie::new(django).expect(made),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, Kinds)> {
        NAMES.into_iter()
    }

    fn record(name: &str) -> Record {
        let format = match name {
            "record_json" => Format::Json,
            _ => Format::MessagePack,
        };
        Record::new(format, Limits::default())
    }

    pub(crate) fn write(&self, name: &str, value: &Value) -> Vec<u8> {
        let now = self.now;
        let map = || value.as_map().expect("sessions are maps");
        let id = || value.as_str().expect("ids are text");
        let text = match name {
            "flask" => self.flask.write(map(), now).map(Option::unwrap_or_default),
            "itsdangerous" => self.plain.dumps(value),
            "itsdangerous_timed" => self.timed.dumps(value, now),
            "django" => self.objects.dumps(value, now),
            "django_packed" => self.objects.clone().packed(true).dumps(value, now),
            "django_cookie" => self.cookie.write(map(), now).map(Option::unwrap_or_default),
            "django_stored" => self.stored.encode(map(), now),
            "flask_session_id" => Ok(self.ids.sign(id())),
            "invenio_id" => Ok(self.invenio.sign(id(), now)),
            "django_signed_cookie" => Ok(self.single.sign("name", "sält", id(), now)),
            record => {
                let written = Self::record(record).write(map());
                return written.expect("cases are within the limits");
            }
        };
        text.expect("cases are within the limits").into_bytes()
    }

    pub(crate) fn read(&self, name: &str, text: &[u8]) -> Value {
        let now = self.now;
        if name.starts_with("record") {
            return Value::Map(Self::record(name).read(text).expect("a record"));
        }
        let text = std::str::from_utf8(text).expect("signed text is text");
        let map = |read: Result<Map, _>| read.map(Value::Map);
        let read = match name {
            "flask" => map(self.flask.read(text, now)),
            "itsdangerous" => self.plain.loads(text),
            "itsdangerous_timed" => self
                .timed
                .loads(text, now, Some(MINUTE))
                .map(|(value, _)| value),
            "django" | "django_packed" => self.objects.loads(text, now, Some(MINUTE)),
            "django_cookie" => map(self.cookie.read(text, now)),
            "django_stored" => map(self.stored.try_decode(text)),
            "flask_session_id" => self.ids.unsign(text).map(Value::from),
            "invenio_id" => self.invenio.unsign(text, now, MINUTE).map(Value::from),
            "django_signed_cookie" => self
                .single
                .unsign("name", "sält", text, now, Some(MINUTE))
                .map(Value::from),
            other => panic!("no format is called {other}"),
        };
        read.unwrap_or_else(|refused| panic!("{name}: {refused} {refused:?}: {text}"))
    }
}
