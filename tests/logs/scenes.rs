//! Requests in which everything goes wrong that may, each with canaries in all places.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sessile::cookie::{Jar, JarSettings, Keyring};
use sessile::http::{Cookies, Core, JarLayer, RequestHead, SessionLayer, SignedId};
use sessile::id::IdFormat;
use sessile::session::{Session, Sessions};
use sessile::{Cache, CacheStore, Error};

use crate::client::Client;
use crate::shaky::Shaky;

const KEY: &str = "canary-key of more than sixteen bytes";

async fn write(session: Session) -> Result<(), Error> {
    session.insert("canary-name", "canary-value")?;
    session.bind_owner("canary-owner")
}

async fn read(session: Session) -> String {
    let value: Option<String> = session.get("canary-name").unwrap();
    value.map_or_else(|| "nothing".to_owned(), |_| "something".to_owned())
}

async fn reserved(session: Session) -> Result<(), Error> {
    session.insert("_sessile.canary", "canary-value")
}

/// Each value fits, and all together do not.
async fn overfill(session: Session) {
    let much = format!("canary-{}", "x".repeat(600_000));
    session.insert("canary-a", &much).unwrap();
    session.insert("canary-b", &much).unwrap();
}

fn routes() -> Router {
    Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/reserved", get(reserved))
        .route("/overfill", get(overfill))
        .route(
            "/rotate",
            get(|session: Session| async move { session.cycle_id() }),
        )
        .route(
            "/destroy",
            get(|session: Session| async move { session.destroy() }),
        )
}

pub(crate) async fn all(secrets: &mut Vec<String>, shown: &mut String) {
    stored(secrets, shown).await;
    ended_meanwhile(secrets, shown).await;
    jars(secrets, shown).await;
    no_layer().await;
    #[cfg(feature = "compat")]
    python(secrets, shown).await;
}

/// A life of a session in a store that breaks down, and a record that nobody can read.
async fn stored(secrets: &mut Vec<String>, shown: &mut String) {
    let cache = Arc::new(Cache::builder().max_entries(1000).build().unwrap());
    let store = Shaky::new(CacheStore::new(Arc::clone(&cache)));
    let sessions = Sessions::builder(store.clone()).build().unwrap();
    let keys = Keyring::new(KEY).unwrap();
    let core = Core::builder(sessions)
        .id_text(SignedId::new(IdFormat::Base64, keys))
        .purge_every(NonZeroU64::MIN);
    let core = core.build().unwrap();
    *shown += &format!("{core:?} {:?}\n", core.sessions());
    let mut client = Client::new(routes().layer(SessionLayer::new(core)));
    let mut visit = async |path: &str, status: u16| {
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        shown.push_str(&answer.body);
        secrets.extend(client.value("__Host-id"));
    };
    visit("/write", 200).await;
    visit("/read", 200).await;
    visit("/rotate", 200).await;
    visit("/reserved", 500).await;
    visit("/overfill", 500).await;
    store.break_down(true);
    visit("/read", 500).await;
    store.break_down(false);
    let entries: Vec<_> = cache.iter().map(|entry| entry.key).collect();
    for key in &entries {
        let minute = Duration::from_secs(60);
        cache.insert(key, "canary-record", minute).unwrap();
    }
    assert!(!entries.is_empty());
    visit("/read", 200).await;
    visit("/write", 200).await;
    visit("/destroy", 200).await;
    for key in &entries {
        secrets.push(key.iter().map(|byte| format!("{byte:02x}")).collect());
    }
}

/// A request changes a session that is ended while it runs.
async fn ended_meanwhile(secrets: &mut Vec<String>, shown: &mut String) {
    let cache = Cache::builder().max_entries(1000).build().unwrap();
    let sessions = Sessions::builder(CacheStore::new(cache.into()))
        .build()
        .unwrap();
    let session = sessions.fresh();
    session.insert("canary-name", "canary-value").unwrap();
    sessions.commit(&session).await.unwrap();
    let id = session.id().unwrap();
    secrets.push(id.expose().to_owned());
    let core = Core::builder(sessions.clone()).build().unwrap();
    let (method, uri) = (http::Method::GET, http::Uri::from_static("/?canary"));
    let mut headers = http::HeaderMap::new();
    let line = format!("__Host-id={}", id.expose());
    headers.insert("cookie", line.parse().unwrap());
    let visit = core.begin(RequestHead::new(&method, &uri, &headers));
    let session = visit.session().await.unwrap();
    session.insert("canary-name", "canary-other").unwrap();
    assert!(sessions.revoke(&id).await.unwrap());
    let mut answer = http::HeaderMap::new();
    let verdict = core.finish(&visit, http::StatusCode::OK, &mut answer).await;
    *shown += &format!("{verdict:?} {visit:?} {session:?} {core:?} {id:?}\n");
}

/// A jar that cannot be written, and a genuine cookie that is none of the jar's.
async fn jars(secrets: &mut Vec<String>, shown: &mut String) {
    async fn large(cookies: Cookies) -> Result<(), Error> {
        let value = format!("canary-{}", "x".repeat(4000));
        cookies.with(|jar| jar.signed("map")?.insert("canary-a", &value))
    }
    let settings = Arc::new(JarSettings::new().keyring(Keyring::new(KEY).unwrap()));
    let mut jar = Jar::new(Arc::clone(&settings), [""; 0], 0);
    jar.set_signed("map", "\"canary-text\"").unwrap();
    let sent = jar.finish().unwrap();
    let line = format!("map={}", sent[0].value());
    secrets.push(sent[0].value().to_owned());
    let mut jar = Jar::new(Arc::clone(&settings), [line.as_str()], 0);
    assert!(jar.signed("map").unwrap().is_empty());
    *shown += &format!("{jar:?} {settings:?} {sent:?}\n");
    let routes = Router::new().route("/", get(large));
    let layer = JarLayer::new(JarSettings::clone(&settings));
    *shown += &format!("{layer:?}\n");
    let mut client = Client::new(routes.layer(layer));
    assert_eq!(client.get("/").await.status, 500);
}

async fn no_layer() {
    let mut client = Client::new(routes());
    assert_eq!(client.get("/read").await.status, 500);
}

/// Cookies and records as Python signs them: forged, or genuine and not to be read.
#[cfg(feature = "compat")]
async fn python(secrets: &mut Vec<String>, shown: &mut String) {
    use std::time::SystemTime;

    use sessile::cookie::compat::django::StoredSession;
    use sessile::cookie::compat::flask::FlaskCookie;
    use sessile::cookie::compat::{Derivation, itsdangerous};
    use sessile::http::CookieSessions;

    let flask = FlaskCookie::new(KEY).unwrap();
    let signer = itsdangerous::Signer::new([KEY], "cookie-session").unwrap();
    let signer = itsdangerous::TimestampSigner::new(signer.derivation(Derivation::Hmac));
    // In base64url: `["canary"]`, a list and no map, and `canary`, which is no JSON.
    let genuine = ["WyJjYW5hcnkiXQ", "Y2FuYXJ5"].map(|payload| {
        let signed = signer.sign(payload, SystemTime::now());
        String::from_utf8(signed).unwrap()
    });
    secrets.extend(genuine.clone());
    let forged = "canary.canary.canary";
    for text in genuine.iter().map(String::as_str).chain([forged]) {
        assert!(flask.open(Some(text), SystemTime::now()).is_empty());
        let refused = flask.read(text, SystemTime::now()).unwrap_err();
        *shown += &format!("{refused} {refused:?} {flask:?}\n");
    }
    let django = StoredSession::new([KEY]).unwrap();
    assert!(django.decode("canary:canary:canary").is_empty());
    let layer = CookieSessions::flask(KEY.as_bytes(), &[]).unwrap();
    let core = Core::on(layer.build().unwrap()).build().unwrap();
    let mut client = Client::new(routes().layer(SessionLayer::new(core)));
    for text in genuine {
        client.plant("__Host-id", &text);
        assert_eq!(client.get("/read").await.body, "nothing");
    }
}
