//! What holds where nobody said anything: our defaults, Flask's and Django's.

use std::time::Duration;

use sessile::codec::Format;
use sessile::cookie::SameSite;
use sessile::http::Refresh;
use sessile::http::config::{CacheSettings, Config, KeyForm, Layout, SignerForm, StoreSettings};
use sessile::id::IdFormat;
use sessile::session::EmptyPolicy;

use crate::kit::{ALL, KEY, accepted};

#[test]
fn our_defaults_are_secure() {
    let settings = Config::new().resolve().expect("defaults hold");
    let cookie = &settings.cookie;
    assert_eq!(
        (&*cookie.name, &*cookie.path, &cookie.domain),
        ("id", "/", &None)
    );
    assert!(cookie.secure && cookie.http_only && !cookie.partitioned);
    assert_eq!(cookie.same_site, Some(SameSite::Lax));
    assert_eq!(cookie.max_age, None);
    assert_eq!(settings.id, IdFormat::Base64);
    assert_eq!(settings.signer, None);
    let namespace = "id/session:".to_owned();
    assert_eq!(settings.keys, KeyForm::Digest { namespace });
    assert_eq!(settings.record.format, Format::MessagePack);
    assert_eq!(settings.record.layout, Layout::Native);
    assert_eq!(
        settings.lifetimes.absolute,
        Some(Duration::from_secs(30 * 86_400))
    );
    assert!(!settings.saving.save_on_error);
    assert_eq!(settings.saving.empty, EmptyPolicy::Delete);
    let StoreSettings::Cache(CacheSettings {
        max_entries,
        max_bytes,
        ..
    }) = settings.store
    else {
        panic!("{:?}", settings.store);
    };
    assert!(max_entries.is_some() && max_bytes.is_some());
}

#[test]
fn an_absolute_timeout_by_default_leaves_room_for_a_longer_lifetime() {
    let lives = accepted("PERMANENT_SESSION_LIFETIME", "90d").lifetimes;
    assert_eq!(lives.absolute, Some(lives.idle));
    assert_eq!(
        accepted("SESSION_ABSOLUTE_TIMEOUT", "none")
            .lifetimes
            .absolute,
        None
    );
}

#[test]
fn only_the_ages_of_django_and_tipfy_make_cookies_persistent() {
    for (name, persistent) in [
        ("PERMANENT_SESSION_LIFETIME", false),
        ("SESSION_COOKIE_AGE", true),
        ("cookie_args.max_age", true),
    ] {
        assert_eq!(
            accepted(name, "60").cookie.max_age.is_some(),
            persistent,
            "{name}"
        );
    }
    let pairs = [
        ("SESSION_COOKIE_AGE", "60"),
        ("SESSION_EXPIRE_AT_BROWSER_CLOSE", "1"),
    ];
    let settings = Config::new().env(pairs).resolve().expect("accepted");
    assert_eq!(settings.cookie.max_age, None);
}

#[test]
fn flasks_defaults_are_flasks() {
    let flask = || Config::flask_compat().secret(KEY);
    let settings = flask().resolve().expect("accepted");
    let cookie = &settings.cookie;
    assert_eq!(
        (&*cookie.name, cookie.secure, cookie.same_site),
        ("session", false, None)
    );
    assert!(cookie.http_only);
    assert_eq!(cookie.max_age, None);
    assert_eq!(settings.lifetimes.permanent.as_secs(), 31 * 86_400);
    assert_eq!(settings.store.name(), "securecookie");

    let settings = flask().store("redis").resolve_for(ALL).expect("accepted");
    assert_eq!(
        settings.cookie.max_age,
        Some(Duration::from_secs(31 * 86_400))
    );
    let prefix = "session:".to_owned();
    assert_eq!(settings.keys, KeyForm::Plain { prefix });
    assert_eq!(settings.record.layout, Layout::Bare);
    assert_eq!(settings.record.format, Format::MessagePack);

    let settings = flask().signed_ids().resolve().expect("accepted");
    let signer = settings.signer.expect("signed");
    assert_eq!(
        (&*signer.salt, signer.form),
        ("flask-session", SignerForm::FlaskSession)
    );
    let settings = flask()
        .set("SESSION_SIGN", true)
        .resolve()
        .expect("accepted");
    let signer = settings.signer.expect("signed");
    assert_eq!(
        (&*signer.salt, signer.form),
        ("inveniosalt", SignerForm::Invenio)
    );
    let bare = flask()
        .set("SESSION_KEY_PREFIX", "")
        .resolve()
        .expect("accepted");
    let prefix = String::new();
    assert_eq!(bare.keys, KeyForm::Plain { prefix });
}

#[test]
fn djangos_defaults_are_djangos() {
    let config = Config::django_compat()
        .secret(KEY)
        .set("SESSION_SQLALCHEMY", "sqlite:db.sqlite3");
    let settings = config.resolve_for(ALL).expect("accepted");
    let cookie = &settings.cookie;
    assert_eq!((&*cookie.name, cookie.secure), ("sessionid", false));
    assert_eq!(cookie.same_site, Some(SameSite::Lax));
    assert_eq!(cookie.max_age, Some(Duration::from_secs(1_209_600)));
    assert_eq!(settings.id, IdFormat::Django);
    assert_eq!(settings.saving.empty, EmptyPolicy::Keep);
    assert!(settings.saving.refresh == Refresh::WhenRenewed && !settings.lifetimes.sliding);
    assert_eq!(settings.record.layout, Layout::Django);
    assert_eq!(settings.record.format, Format::Json);
    let StoreSettings::Sql { table, .. } = settings.store else {
        panic!("{:?}", settings.store);
    };
    assert_eq!(table, "django_session");
}

#[test]
fn fl02_fl03_flasks_application_root_is_the_path_for_want_of_another() {
    let path = |config: Config| config.secret(KEY).resolve().expect("accepted").cookie.path;
    let root = [("APPLICATION_ROOT", "/foo")];
    let both = [
        ("APPLICATION_ROOT", "/foo"),
        ("SESSION_COOKIE_PATH", "/bar"),
    ];
    assert_eq!(path(Config::flask_compat().env(root)), "/foo");
    assert_eq!(path(Config::flask_compat().env(both)), "/bar");
    assert_eq!(path(Config::new().env(root)), "/");
    let wrong = Config::flask_compat()
        .secret(KEY)
        .env([("APPLICATION_ROOT", "foo")]);
    let error = wrong.resolve().expect_err("no path").to_string();
    assert!(
        error.contains("APPLICATION_ROOT (environment) is \"foo\""),
        "{error}"
    );
}

#[test]
fn fl04_every_cookie_setting_of_flask_arrives() {
    let config = Config::flask_compat().secret(KEY).env([
        ("SESSION_COOKIE_DOMAIN", ".example.com"),
        ("SESSION_COOKIE_HTTPONLY", "False"),
        ("SESSION_COOKIE_SECURE", "True"),
        ("SESSION_COOKIE_PARTITIONED", "True"),
        ("SESSION_COOKIE_SAMESITE", "Lax"),
        ("SESSION_COOKIE_PATH", "/"),
    ]);
    let cookie = config.resolve().expect("accepted").cookie;
    assert_eq!(cookie.domain.as_deref(), Some("example.com"));
    assert!(!cookie.http_only && cookie.secure && cookie.partitioned);
    assert_eq!(
        (cookie.same_site, &*cookie.path),
        (Some(SameSite::Lax), "/")
    );
}
