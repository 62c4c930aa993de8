//! Where a configuration's values come from, who wins, and what happens to names nobody knows.

use std::fs;
use std::time::Duration;

use sessile::cookie::SameSite;
use sessile::http::config::{Config, Settings, StoreSettings};
use sessile::id::IdFormat;
use sessile::session::EmptyPolicy;
use sessile::{ErrorKind, Fault};

use crate::kit::KEY;

#[track_caller]
fn resolved(config: &Config) -> Settings {
    config.resolve().expect("this configuration is accepted")
}

#[track_caller]
fn refused(config: &Config, words: &[&str]) -> String {
    let error = config.resolve().expect_err("this configuration is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.kind().fault(), Fault::Configuration);
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text}\ndoes not say {word:?}");
    }
    text
}

fn env(name: &str, value: &str) -> Config {
    Config::new().env([(name, value)])
}

#[test]
fn code_wins_over_the_environment_over_documents_over_defaults_in_any_order() {
    let name = |config: Config| resolved(&config).cookie.name;
    let toml = "SESSION_COOKIE_NAME = 'document'";
    let pair = [("SESSION_COOKIE_NAME", "environment")];
    assert_eq!(name(Config::new()), "id");
    assert_eq!(name(Config::new().toml(toml)), "document");
    assert_eq!(name(Config::new().toml(toml).env(pair)), "environment");
    assert_eq!(name(Config::new().env(pair).toml(toml)), "environment");
    let all = |config: Config| config.toml(toml).env(pair);
    assert_eq!(name(all(Config::new()).cookie_name("code")), "code");
    assert_eq!(name(all(Config::new().cookie_name("code"))), "code");
    assert_eq!(name(all(Config::flask_compat().secret(KEY))), "environment");
}

#[test]
fn of_two_documents_the_later_one_wins_and_of_two_setters() {
    let config = Config::new()
        .toml("SESSION_COOKIE_NAME = 'first'\nSESSION_COOKIE_PATH = '/first'")
        .json(r#"{"SESSION_COOKIE_NAME": "second"}"#);
    let cookie = resolved(&config).cookie;
    assert_eq!((&*cookie.name, &*cookie.path), ("second", "/first"));
    let config = Config::new().cookie_name("first").cookie_name("second");
    assert_eq!(resolved(&config).cookie.name, "second");
}

#[test]
fn a_source_that_is_overridden_may_spell_the_setting_differently() {
    let config = Config::new()
        .toml("SESSION_COOKIE_AGE = 60")
        .env([("PERMANENT_SESSION_LIFETIME", "90")]);
    assert_eq!(resolved(&config).lifetimes.permanent.as_secs(), 90);
}

#[test]
fn two_names_of_one_setting_must_agree_within_a_source() {
    let config = Config::new().env([("SESSION_USE_SIGNER", "yes"), ("SESSION_SIGN", "0")]);
    refused(
        &config,
        &[
            "SESSION_USE_SIGNER",
            "SESSION_SIGN",
            "environment",
            "\"yes\"",
            "\"0\"",
            "keep one",
        ],
    );
    // The same value in another spelling is agreement, and so is a double negation.
    let config = Config::new().env([
        ("PERMANENT_SESSION_LIFETIME", "1d"),
        ("SESSION_COOKIE_AGE", "86400"),
        ("SESSION_PERMANENT", "false"),
        ("SESSION_EXPIRE_AT_BROWSER_CLOSE", "on"),
    ]);
    assert_eq!(resolved(&config).cookie.max_age, None);
    let config = Config::new().env([
        ("SESSION_PERMANENT", "true"),
        ("SESSION_EXPIRE_AT_BROWSER_CLOSE", "true"),
    ]);
    refused(&config, &["one setting with two values"]);
    let config = Config::new().env([("SESSION_EMPTY", "keep"), ("SESSION_EMPTY", "delete")]);
    refused(&config, &["SESSION_EMPTY is given twice"]);
    let config = Config::new().json(&format!(
        r#"{{"SECRET_KEY": "{KEY}", "tipfy.sessions": {{"secret_key": "x{KEY}"}}}}"#
    ));
    assert!(!refused(&config, &["SECRET_KEY", "secret_key"]).contains(KEY));
}

#[test]
fn unknown_session_keys_are_errors_that_name_the_nearest_known_one() {
    let rows = [
        ("SESSION_TYP", "SESSION_TYPE"),
        ("SESSION_COOKIE_NMAE", "SESSION_COOKIE_NAME"),
        ("SESSION_COOKIE_SAME_SITE", "SESSION_COOKIE_SAMESITE"),
        (
            "SESSION_REFRESH_EVERY_REQUEST",
            "SESSION_REFRESH_EACH_REQUEST",
        ),
        ("PERMANENT_SESSION_LIFETIM", "PERMANENT_SESSION_LIFETIME"),
        ("SESSION_SECRET", "SECRET_KEY"),
        ("SESSION_TIMEOUT", "SESSION_IDLE_TIMEOUT"),
        ("SESSION_FILE_THRESHHOLD", "SESSION_FILE_THRESHOLD"),
    ];
    for (wrong, meant) in rows {
        let mean = format!("did you mean {meant}?");
        let text = refused(&env(wrong, "hidden-value"), &[wrong, "environment", &mean]);
        assert!(!text.contains("hidden-value"), "{text}");
        refused(
            &Config::new().json(&format!(r#"{{"{wrong}": 1}}"#)),
            &[wrong, "JSON text", &mean],
        );
        refused(&Config::new().set(wrong, 1), &[wrong, "set in code", &mean]);
    }
    let long = format!("SESSION_{}", "X".repeat(100_000));
    assert!(refused(&env(&long, "1"), &["no known key"]).len() < 400);
}

#[test]
fn what_belongs_to_others_is_left_alone() {
    let config = Config::new().env([
        ("PATH", "/bin"),
        (
            "SESSION_MANAGER",
            "local/host:@/tmp/.ICE-unix/1,unix/host:/tmp/.ICE-unix/1",
        ),
        ("SESSIONNAME", "Console"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus"),
        ("session_type", "wayland"),
    ]);
    resolved(&config);
    let config = Config::new().toml(
        "DEBUG = true\nSERVER_NAME = 'x'\nSECURE_KEY = 'x'\n[server]\nport = 80\n[logging]\nlevel = 'info'\n\
         when = 1979-05-27",
    );
    resolved(&config);
    // A slip of the finger is not somebody else's key.
    refused(
        &Config::new().toml("SECRET_KEYS = 'x'"),
        &["SECRET_KEYS", "SECRET_KEY?"],
    );
    refused(
        &Config::new().toml("cookie_nam = 'x'"),
        &["cookie_nam", "cookie_name?"],
    );
}

#[test]
fn documents_may_keep_the_keys_in_a_table_of_their_own() {
    let config = Config::new().toml(
        "[session]\ntype = 'null'\ncookie_name = 'sid'\nSESSION_EMPTY = 'keep'\nidle_timeout = 60\n\
         cookie_secure = true\ncookie_partitioned = true",
    );
    let settings = resolved(&config);
    assert_eq!(settings.store, StoreSettings::Null);
    assert_eq!(settings.cookie.name, "sid");
    assert_eq!(settings.saving.empty, EmptyPolicy::Keep);
    assert_eq!(settings.lifetimes.idle.as_secs(), 60);
    assert!(settings.cookie.partitioned);
    refused(
        &Config::new().toml("[session]\ncolour = 'red'"),
        &["colour", "TOML text"],
    );
}

#[test]
fn tipfys_keys_are_understood_where_tipfy_has_them() {
    let inner = format!(
        r#"{{"secret_key": "{KEY}", "default_backend": "securecookie", "cookie_name": "t",
            "cookie_args": {{"session_expires": 600, "max_age": 3600, "domain": ".example.org",
            "path": "/app", "secure": true, "httponly": false, "force": true}}}}"#
    );
    let documents = [
        inner.clone(),
        format!(r#"{{"tipfy.ext.session": {inner}}}"#),
        format!(r#"{{"tipfy.sessions": {inner}}}"#),
        format!(r#"{{"tipfy": {{"ext": {{"session": {inner}}}}}}}"#),
    ];
    for document in documents {
        let settings = resolved(&Config::new().json(&document));
        assert!(matches!(settings.store, StoreSettings::SecureCookie { .. }));
        let cookie = settings.cookie;
        assert_eq!(cookie.name, "t");
        assert_eq!(cookie.domain.as_deref(), Some("example.org"));
        assert_eq!(cookie.path, "/app");
        assert!(cookie.secure && !cookie.http_only);
        assert_eq!(cookie.max_age, Some(Duration::from_secs(3600)));
        assert_eq!(settings.lifetimes.idle.as_secs(), 600);
        assert!(settings.saving.save_every_request);
        assert!(settings.secrets.primary.is_some());
    }
    let pairs = [("cookie_args.max_age", "3600"), ("cookie_name", "t")];
    let cookie = resolved(&Config::new().env(pairs)).cookie;
    assert_eq!(
        (&*cookie.name, cookie.max_age),
        ("t", Some(Duration::from_secs(3600)))
    );
    let wrong = Config::new().json(r#"{"cookie_args": {"max_aeg": 1}}"#);
    refused(&wrong, &["cookie_args.max_aeg", "no known key"]);
}

#[test]
fn invenios_and_djangos_keys_are_understood() {
    let config = Config::new().env([
        (
            "SESSION_BACKEND",
            "invenio_ext.session.backends.cache:Storage",
        ),
        ("SESSION_BACKEND_CACHE", "invenio_ext.cache:cache"),
        ("SESSION_BACKEND_CACHE_PREFIX", "session::"),
        ("SESSION_BACKEND_CACHE_TIMEOUT", "3600"),
        ("SESSION_SIGN", "true"),
        ("SESSION_SALT", "inveniosalt"),
        ("SECRET_KEY", KEY),
    ]);
    let settings = resolved(&config);
    assert_eq!(settings.store.name(), "cache");
    assert_eq!(settings.lifetimes.idle.as_secs(), 3600);
    assert_eq!(settings.signer.expect("signed").salt, "inveniosalt");

    let config = Config::new().env([
        (
            "SESSION_ENGINE",
            "django.contrib.sessions.backends.signed_cookies",
        ),
        (
            "SESSION_SERIALIZER",
            "django.contrib.sessions.serializers.JSONSerializer",
        ),
        ("SESSION_COOKIE_AGE", "1209600"),
        ("SESSION_EXPIRE_AT_BROWSER_CLOSE", "False"),
        ("SESSION_SAVE_EVERY_REQUEST", "True"),
        ("SESSION_CACHE_ALIAS", "default"),
        ("SESSION_FILE_PATH", "/var/lib/sessions"),
        ("SECRET_KEY", KEY),
    ]);
    let settings = resolved(&config);
    assert_eq!(settings.store.name(), "securecookie");
    assert_eq!(
        settings.cookie.max_age,
        Some(Duration::from_secs(1_209_600))
    );
    assert!(settings.saving.save_every_request);
}

#[test]
fn names_of_python_objects_are_refused_with_the_way_round() {
    let rows = [
        ("SESSION_BACKEND_CACHE", "myapp:cache", "SESSION_TYPE"),
        (
            "SESSION_BACKEND_SQLALCHEMY",
            "myapp:db",
            "SESSION_SQLALCHEMY",
        ),
        (
            "SESSION_SQLALCHEMY_MODEL",
            "myapp.models:Session",
            "SESSION_SQLALCHEMY_TABLE",
        ),
        ("SESSION_CACHE_ALIAS", "other", "SESSION_TYPE"),
        ("SESSION_CACHELIB", "FileSystemCache()", "filesystem"),
    ];
    for (name, value, advice) in rows {
        refused(&env(name, value), &[name, "object of Python", advice]);
    }
}

#[test]
fn absent_values_say_nothing() {
    let config = Config::new()
        .env([
            ("SECRET_KEY", ""),
            ("SESSION_COOKIE_DOMAIN", ""),
            ("SESSION_REDIS", ""),
        ])
        .json(r#"{"SESSION_COOKIE_SAMESITE": null, "SESSION_COOKIE_DOMAIN": null}"#);
    assert_eq!(resolved(&config), resolved(&Config::new()));
}

#[test]
fn a_table_in_an_applications_own_settings_deserializes() {
    #[derive(serde::Deserialize)]
    struct Application {
        port: u16,
        session: Config,
    }
    let text = r#"{"port": 80, "session": {"cookie_name": "a", "SESSION_ID_FORM": "UUID"}}"#;
    let application: Application = serde_json::from_str(text).expect("well-formed");
    assert_eq!(application.port, 80);
    let settings = resolved(&application.session.env([("SESSION_COOKIE_NAME", "b")]));
    assert_eq!((&*settings.cookie.name, settings.id), ("b", IdFormat::Uuid));
    let config: Config = serde_json::from_str(r#"{"tpye": 1, "cookie_path": "x"}"#).expect("JSON");
    refused(
        &config,
        &["2 problems", "tpye", "deserialized", "SESSION_COOKIE_PATH"],
    );
    assert!(serde_json::from_str::<Config>("[]").is_err());
}

#[test]
fn files_are_read_by_their_ending_and_named_in_errors() {
    let folder = std::env::temp_dir().join(format!("sessile-config-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a writable folder");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a writable file");
        path
    };
    let toml = write("good.toml", "SESSION_COOKIE_SAMESITE = 'strict'");
    let json = write("good.json", r#"{"SESSION_COOKIE_PATH": "/x"}"#);
    let cookie = resolved(&Config::new().file(toml).file(json)).cookie;
    assert_eq!(
        (cookie.same_site, &*cookie.path),
        (Some(SameSite::Strict), "/x")
    );

    let secret = "a-secret-that-must-not-show";
    let broken = write("broken.toml", &format!("A = 1\nSECRET_KEY = '{secret}"));
    let text = refused(
        &Config::new().file(broken),
        &["broken.toml", "no valid TOML at line 2"],
    );
    assert!(!text.contains(secret), "{text}");
    let broken = write(
        "broken.json",
        &format!("{{\"SECRET_KEY\":\n\"{secret}\" \"x\"}}"),
    );
    let text = refused(
        &Config::new().file(broken),
        &["broken.json", "no valid JSON at line 2"],
    );
    assert!(!text.contains(secret), "{text}");
    let list = write("list.json", "[1]");
    refused(
        &Config::new().file(list),
        &["list.json", "object of keys and values"],
    );
    let large = write("large.toml", &" ".repeat((1 << 20) + 1));
    refused(&Config::new().file(large), &["large.toml", "more than"]);
    let other = write("settings.py", "SESSION_TYPE = 'redis'");
    refused(
        &Config::new().file(other),
        &["settings.py", ".toml or .json"],
    );
    let none = folder.join("none.toml");
    refused(&Config::new().file(none), &["none.toml", "cannot be read"]);
    fs::remove_dir_all(&folder).expect("our own folder");
}

#[test]
fn hostile_documents_are_errors() {
    let deep = format!(
        "{}1{}",
        "{\"session\":".repeat(100_000),
        "}".repeat(100_000)
    );
    refused(&Config::new().json(&deep), &["JSON"]);
    let deep = format!("a = {}", "[".repeat(100_000));
    refused(&Config::new().toml(&deep), &["TOML"]);
    let many: String = (0..1000).map(|n| format!("SESSION_N{n} = {n}\n")).collect();
    let text = refused(
        &Config::new().toml(&many),
        &["1000 problems", "and 968 more"],
    );
    assert!(text.len() < 8192);
}

#[test]
fn all_problems_of_all_sources_are_reported_together() {
    let config = Config::new()
        .set("SESSION_ID_LENGTH", 8)
        .env([("SESSION_TYPE", "redsi"), ("SESSION_EMPTY", "burn")])
        .toml("SESSION_COOKIE_PATH = 'x'\nSESSION_PATH = '/'")
        .json("{");
    refused(
        &config,
        &[
            "6 problems",
            "SESSION_ID_LENGTH (set in code) is 8",
            "SESSION_TYPE (environment) is \"redsi\"",
            "SESSION_EMPTY (environment) is \"burn\": must be one of delete, keep",
            "SESSION_COOKIE_PATH (TOML text) is \"x\"",
            "\"SESSION_PATH\" (TOML text) is no known key",
            "no valid JSON",
        ],
    );
}

#[cfg(unix)]
#[test]
fn variables_that_are_not_text_are_errors_where_they_are_ours() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let bad = || OsString::from_vec(vec![0xff, 0xfe]);
    let config = Config::new().env([(OsString::from("OTHER"), bad()), (bad(), bad())]);
    resolved(&config);
    let config = Config::new().env([(OsString::from("SESSION_TYPE"), bad())]);
    refused(&config, &["SESSION_TYPE (environment) is not UTF-8"]);
}
