//! Ids as Flask-Session and Invenio sign them, through the layer and by the configuration's names.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sessile::cookie::compat::{flask_session, invenio::InvenioId};
use sessile::http::config::Config;
use sessile::http::{FlaskSessionId, IdText, InvenioSessionId, SessionLayer};
use sessile::id::{IdFormat, SessionId};
use sessile::session::Session;

use crate::client::Client;

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const OLD: &str = "00112233445566778899aabbccddeeff";
const THEN_MS: u64 = 1_308_874_145_000;
const DAY: Duration = Duration::from_secs(86_400);

async fn count(session: Session) -> String {
    let counted = session.modify("a", |a: Option<u32>| Some(a.unwrap_or(0) + 1));
    counted.expect("small");
    format!("{:?}", session.get::<u32>("a").expect("a number"))
}

fn client(config: Config) -> Client {
    let settings = config.store("cache").resolve().expect("sound");
    let core = settings.core().expect("all features");
    Client::new(
        Router::new()
            .route("/", get(count))
            .layer(SessionLayer::new(core)),
    )
}

#[test]
fn the_vectors_are_signed_right_and_are_no_ids() {
    // The id in the vectors, abc, is signed well and of no form that any of them draws.
    let flask = FlaskSessionId {
        format: IdFormat::Base64,
        signer: flask_session::SignedId::new("k").expect("a key"),
    };
    let text = "abc.IMkw1s8YyAhNbQxUuwMDTLjZStg";
    assert_eq!(flask.signer.unsign(text).expect("genuine"), "abc");
    assert_eq!(flask.read(text, "session", THEN_MS), None);

    let invenio = InvenioSessionId {
        format: IdFormat::Uuid,
        signer: InvenioId::new("k").expect("a key"),
        max_age: DAY,
    };
    let text = "abc.TgPVoQ.4aFCWUS7cFWBnV1w2Csn6O1lx2M";
    assert_eq!(invenio.read(text, "session", THEN_MS), None);
    let id = SessionId::random(IdFormat::Uuid).expect("randomness");
    let signed = invenio.write(&id, "session", THEN_MS).expect("it signs");
    let day_ms = 86_400_000;
    assert_eq!(invenio.read(&signed, "session", THEN_MS + day_ms), Some(id));
    let late = THEN_MS + day_ms + 1000;
    assert_eq!(invenio.read(&signed, "session", late), None);
    assert_eq!(invenio.read(id.expose(), "session", THEN_MS), None);
}

#[tokio::test]
async fn flask_sessions_signer_signs_and_what_it_did_not_sign_leads_to_nothing() {
    let config = Config::flask_compat().secret(KEY).signed_ids();
    let mut browser = client(config.clone());
    assert_eq!(browser.get("/").await.body, "Some(1)");
    let value = browser.value("session").expect("set");
    let signer = flask_session::SignedId::new(KEY).expect("a key");
    let id = signer
        .unsign(&value)
        .expect("as Python signs it")
        .to_owned();
    assert!(SessionId::parse(IdFormat::Base64, &id).is_some());
    assert_eq!(browser.get("/").await.body, "Some(2)");
    for forged in [id.clone(), format!("{id}.AAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
        let answer = browser.get_with("/", &[&format!("session={forged}")]).await;
        assert_eq!(answer.body, "Some(1)");
    }
    let salted = config.set("SESSION_SALT", "other");
    let settings = salted.store("cache").resolve().expect("sound");
    let error = settings.core().expect_err("no Flask-Session would read it");
    assert!(error.to_string().contains("SESSION_SALT"), "{error}");
}

#[tokio::test]
async fn invenios_signer_dates_ids_and_older_keys_still_verify() {
    let config = Config::flask_compat()
        .secret(KEY)
        .secret_fallbacks(&[OLD])
        .set("SESSION_SIGN", true)
        .set("SESSION_ID_FORM", "uuid");
    let mut browser = client(config);
    assert_eq!(browser.get("/").await.body, "Some(1)");
    let value = browser.value("session").expect("set");
    assert_eq!(value.split('.').count(), 3);
    let now = std::time::SystemTime::now() + Duration::from_secs(2);
    let signer = |key| InvenioId::new(key).expect("a key");
    let id = signer(KEY)
        .unsign(&value, now, DAY)
        .expect("as Python signs it");
    let by_old = signer(OLD).sign(id, std::time::SystemTime::now());
    let answer = browser.get_with("/", &[&format!("session={by_old}")]).await;
    assert_eq!(answer.body, "Some(2)");
}

#[tokio::test]
async fn our_own_signer_binds_ids_to_salt_and_cookie() {
    let config = Config::new().secret(KEY).signed_ids();
    let mut browser = client(config.clone());
    browser.get("/").await;
    assert_eq!(browser.get("/").await.body, "Some(2)");
    let value = browser.value("id").expect("set");
    let answer = browser
        .get_with("/", &[&format!("id={}", &value[1..])])
        .await;
    assert_eq!(answer.body, "Some(1)");
}
