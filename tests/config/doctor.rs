//! S50: every insecure choice has a name of its own and is found by the doctor.

use std::fs;
use std::path::Path;

use sessile::http::config::{Config, Finding};

use crate::kit::{ALL, KEY};

fn findings(config: &Config) -> Vec<Finding> {
    let settings = config
        .resolve_for(ALL)
        .expect("this configuration is accepted");
    settings.doctor()
}

fn keys(config: &Config) -> Vec<&'static str> {
    findings(config).iter().map(|finding| finding.key).collect()
}

#[test]
fn s50_the_defaults_and_ordinary_settings_have_no_findings() {
    let rows = [
        Config::new(),
        Config::new().secret(KEY).signed_ids(),
        Config::new()
            .cookie_name("__Host-id")
            .permanent(true)
            .max_per_owner(5),
        Config::new().env([("SESSION_TYPE", "redis")]),
        Config::new().env([("SESSION_TYPE", "filesystem")]),
        Config::new().env([
            ("SESSION_TYPE", "sql"),
            ("SESSION_SQLALCHEMY", "sqlite:a.db"),
        ]),
        Config::new().env([("SESSION_MAX_BYTES", "unlimited")]),
    ];
    for config in rows {
        assert_eq!(findings(&config), [], "{config:?}");
    }
}

#[test]
fn s50_each_insecure_choice_is_found() {
    let rows: &[(&[(&str, &str)], &str)] = &[
        (
            &[("SESSION_COOKIE_SECURE", "false")],
            "SESSION_COOKIE_SECURE",
        ),
        (
            &[("SESSION_COOKIE_HTTPONLY", "false")],
            "SESSION_COOKIE_HTTPONLY",
        ),
        (
            &[("SESSION_COOKIE_SAMESITE", "omit")],
            "SESSION_COOKIE_SAMESITE",
        ),
        (
            &[("SESSION_COOKIE_SAMESITE", "None")],
            "SESSION_COOKIE_SAMESITE",
        ),
        (
            &[("SESSION_COOKIE_DOMAIN", "example.org")],
            "SESSION_COOKIE_DOMAIN",
        ),
        (
            &[("SESSION_ABSOLUTE_TIMEOUT", "none")],
            "SESSION_ABSOLUTE_TIMEOUT",
        ),
        (
            &[("SESSION_ABSOLUTE_TIMEOUT", "400d")],
            "SESSION_ABSOLUTE_TIMEOUT",
        ),
        (&[("SESSION_IDLE_TIMEOUT", "60d")], "SESSION_IDLE_TIMEOUT"),
        (
            &[
                ("PERMANENT_SESSION_LIFETIME", "401d"),
                ("SESSION_IDLE_TIMEOUT", "1d"),
            ],
            "PERMANENT_SESSION_LIFETIME",
        ),
        (
            &[("SESSION_SAVE_ON_ERROR", "true")],
            "SESSION_SAVE_ON_ERROR",
        ),
        (&[("SESSION_ID_FORM", "uuid")], "SESSION_ID_FORM"),
        (&[("SESSION_KEY_FORM", "plain")], "SESSION_KEY_FORM"),
        (&[("SECRET_KEY", "q8Zr41-vB0_tMx7Lw")], "SECRET_KEY"),
        (
            &[("SECRET_KEY", "django-insecure-4kd9fj2l3k4jf84jfh29dj20sk")],
            "SECRET_KEY",
        ),
        (
            &[
                ("SESSION_MAX_ENTRIES", "unlimited"),
                ("SESSION_MAX_BYTES", "unlimited"),
            ],
            "SESSION_MAX_ENTRIES",
        ),
        (
            &[
                ("SESSION_TYPE", "filesystem"),
                ("SESSION_FILE_MODE", "0o644"),
            ],
            "SESSION_FILE_MODE",
        ),
        (
            &[
                ("SESSION_TYPE", "filesystem"),
                ("SESSION_FILE_THRESHOLD", "0"),
            ],
            "SESSION_FILE_THRESHOLD",
        ),
        (
            &[("SESSION_TYPE", "redis"), ("SESSION_REDIS", "10.0.0.7")],
            "SESSION_REDIS",
        ),
        (
            &[
                ("SESSION_TYPE", "memcached"),
                ("SESSION_MEMCACHED", "127.0.0.1,10.0.0.7"),
            ],
            "SESSION_MEMCACHED",
        ),
        (
            &[
                ("SESSION_TYPE", "mongodb"),
                ("SESSION_MONGODB", "db.example"),
            ],
            "SESSION_MONGODB",
        ),
        (
            &[
                ("SESSION_TYPE", "tiered"),
                ("SESSION_SQLALCHEMY", "mysql://db.example/x"),
            ],
            "SESSION_SQLALCHEMY",
        ),
        (
            &[("SESSION_TYPE", "securecookie"), ("SECRET_KEY", KEY)],
            "SESSION_TYPE",
        ),
    ];
    for (pairs, key) in rows {
        assert_eq!(
            keys(&Config::new().env(pairs.iter().copied())),
            [*key],
            "{pairs:?}"
        );
    }
    let old: Vec<String> = (0..4).map(|n| format!("{n}{KEY}")).collect();
    let many = Config::new().secret(KEY).set("SECRET_KEY_FALLBACKS", old);
    assert_eq!(keys(&many), ["SECRET_KEY_FALLBACKS"]);
}

#[test]
fn s50_what_weakens_a_default_in_code_is_called_insecure() {
    let rows = [
        (Config::new().insecure_over_http(), "SESSION_COOKIE_SECURE"),
        (
            Config::new().insecure_readable_by_scripts(),
            "SESSION_COOKIE_HTTPONLY",
        ),
        (
            Config::new().insecure_without_same_site(),
            "SESSION_COOKIE_SAMESITE",
        ),
        (
            Config::new().insecure_shared_with_subdomains("example.org"),
            "SESSION_COOKIE_DOMAIN",
        ),
        (
            Config::new().insecure_without_absolute_timeout(),
            "SESSION_ABSOLUTE_TIMEOUT",
        ),
        (Config::new().insecure_plain_keys("s:"), "SESSION_KEY_FORM"),
    ];
    // Every method of that name is in the list above.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/config/setters.rs");
    let source = fs::read_to_string(source).expect("the sources are there");
    assert_eq!(source.matches("pub fn insecure_").count(), rows.len());
    for (config, key) in rows {
        assert_eq!(keys(&config), [key]);
    }
}

#[test]
fn s50_the_defaults_of_flask_and_django_are_listed_in_plain_words() {
    let flask = Config::flask_compat().secret(KEY);
    assert_eq!(
        keys(&flask),
        [
            "SESSION_COOKIE_SECURE",
            "SESSION_COOKIE_SAMESITE",
            "SESSION_ABSOLUTE_TIMEOUT",
            "SESSION_SAVE_ON_ERROR",
            "SESSION_TYPE",
            "SESSION_TYPE",
        ]
    );
    let shared = flask.store("redis").signed_ids();
    assert!(keys(&shared).contains(&"SESSION_KEY_FORM"));
    assert!(keys(&shared).contains(&"SESSION_USE_SIGNER"));
    let django = Config::django_compat()
        .secret(KEY)
        .set("SESSION_SQLALCHEMY", "sqlite:db.sqlite3");
    assert_eq!(
        keys(&django),
        [
            "SESSION_COOKIE_SECURE",
            "SESSION_ABSOLUTE_TIMEOUT",
            "SESSION_KEY_FORM"
        ]
    );
    for finding in findings(&django) {
        let line = finding.to_string();
        assert!(
            line.starts_with(finding.key) && !line.contains('\n'),
            "{line}"
        );
        assert!(!line.contains(KEY));
    }
}
