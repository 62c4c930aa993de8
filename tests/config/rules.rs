//! Which settings may not stand together.

use std::time::Duration;

use sessile::http::config::{Config, SignerForm};

use crate::kit::{KEY, refused};

/// Variables, and the words that their refusal must have.
type Row = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

#[test]
fn cookies_that_browsers_would_drop_are_refused() {
    let rows: &[Row] = &[
        (
            &[
                ("SESSION_COOKIE_SAMESITE", "none"),
                ("SESSION_COOKIE_SECURE", "0"),
            ],
            &[
                "SESSION_COOKIE_SAMESITE (environment) is None",
                "SESSION_COOKIE_SECURE",
            ],
        ),
        (
            &[
                ("SESSION_COOKIE_PARTITIONED", "1"),
                ("SESSION_COOKIE_SECURE", "0"),
            ],
            &["SESSION_COOKIE_PARTITIONED", "browsers drop"],
        ),
        (
            &[
                ("SESSION_COOKIE_NAME", "__Host-a"),
                ("SESSION_COOKIE_SECURE", "0"),
            ],
            &["\"__Host-a\"", "SESSION_COOKIE_SECURE"],
        ),
        (
            &[
                ("SESSION_COOKIE_NAME", "__host-a"),
                ("SESSION_COOKIE_PATH", "/app"),
            ],
            &["SESSION_COOKIE_PATH", "\"/app\"", "__Secure-"],
        ),
        (
            &[
                ("SESSION_COOKIE_NAME", "__SECURE-a"),
                ("SESSION_COOKIE_SECURE", "0"),
            ],
            &["\"__SECURE-a\"", "without prefix"],
        ),
        (
            &[
                ("SESSION_COOKIE_NAME", "__Http-a"),
                ("SESSION_COOKIE_HTTPONLY", "0"),
            ],
            &["SESSION_COOKIE_HTTPONLY"],
        ),
        (
            &[
                ("SESSION_COOKIE_NAME", "__Host-Http-a"),
                ("SESSION_COOKIE_HTTPONLY", "0"),
            ],
            &["SESSION_COOKIE_HTTPONLY"],
        ),
        (&[("SESSION_COOKIE_NAME", "__Host-")], &["nothing else"]),
    ];
    for (pairs, words) in rows {
        refused(&Config::new().env(pairs.iter().copied()), words);
    }
    let fine = Config::new().env([("SESSION_COOKIE_NAME", "__Host-a")]);
    assert_eq!(fine.resolve().expect("holds").cookie.name, "__Host-a");
}

#[test]
fn x11_a_host_cookie_with_a_domain_is_refused() {
    let config = Config::new()
        .cookie_name("__Host-id")
        .env([("SESSION_COOKIE_DOMAIN", "example.org")]);
    refused(
        &config,
        &[
            "SESSION_COOKIE_NAME (set in code)",
            "SESSION_COOKIE_DOMAIN (environment) is \"example.org\"",
            "leave the domain out",
        ],
    );
}

#[test]
fn s29_partitioned_implies_secure_where_nobody_denies_it() {
    let config = Config::flask_compat().secret(KEY).partitioned();
    assert!(config.resolve().expect("holds").cookie.secure);
    refused(
        &config.insecure_over_http(),
        &["SESSION_COOKIE_PARTITIONED"],
    );
    let flask = Config::flask_compat()
        .secret(KEY)
        .set("SESSION_COOKIE_SAMESITE", "None");
    refused(&flask, &["SESSION_COOKIE_SECURE (default) is false"]);
}

#[test]
fn an_idle_timeout_longer_than_the_absolute_one_is_refused() {
    let config = Config::new()
        .env([("SESSION_IDLE_TIMEOUT", "2d")])
        .toml("SESSION_ABSOLUTE_TIMEOUT = '1d'");
    refused(
        &config,
        &[
            "SESSION_IDLE_TIMEOUT (environment) is 172800 s",
            "SESSION_ABSOLUTE_TIMEOUT (TOML text) is 86400 s",
        ],
    );
    let derived = Config::new().env([("SESSION_ABSOLUTE_TIMEOUT", "1d")]);
    refused(&derived, &["PERMANENT_SESSION_LIFETIME (default)"]);
    let equal = Config::new().env([
        ("SESSION_ABSOLUTE_TIMEOUT", "1d"),
        ("SESSION_IDLE_TIMEOUT", "1d"),
    ]);
    assert!(equal.resolve().is_ok());
}

#[test]
fn s13_renewals_that_cannot_be_are_refused() {
    let with = |pairs: &[(&'static str, &'static str)]| {
        let config = Config::new().secret(KEY);
        config.env(pairs.iter().copied())
    };
    const TIMEOUT: &str = "SESSION_RENEWAL_TIMEOUT";
    const OVERLAP: &str = "SESSION_RENEWAL_OVERLAP";
    refused(&with(&[(OVERLAP, "5")]), &[OVERLAP, "no id is renewed"]);
    refused(&with(&[(TIMEOUT, "0")]), &[TIMEOUT, "at logins only"]);
    refused(&with(&[(TIMEOUT, "10")]), &[TIMEOUT, "is 10 s", OVERLAP]);
    refused(
        &with(&[(TIMEOUT, "1h"), (OVERLAP, "61")]),
        &[OVERLAP, "at most 60 s"],
    );
    refused(
        &with(&[(TIMEOUT, "30d")]),
        &[TIMEOUT, "SESSION_ABSOLUTE_TIMEOUT (default)"],
    );
    refused(
        &with(&[(TIMEOUT, "1h"), ("SESSION_TYPE", "securecookie")]),
        &[TIMEOUT, "SESSION_TYPE", "no ids to renew"],
    );
    let settings = with(&[(TIMEOUT, "1h"), (OVERLAP, "60")]);
    let lives = settings.resolve().expect("sound").lifetimes;
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    assert_eq!(seconds(lives.renewal), Some(3600));
    assert_eq!(seconds(lives.renewal_overlap), Some(60));
    assert_eq!(with(&[]).resolve().expect("sound").lifetimes.renewal, None);
}

#[test]
fn a_salt_without_signer_and_a_length_without_its_form_are_refused() {
    refused(
        &Config::new().set("SESSION_SALT", "x"),
        &["SESSION_SALT", "SESSION_USE_SIGNER"],
    );
    let pairs = [("SESSION_ID_LENGTH", "32"), ("SESSION_ID_FORM", "uuid")];
    refused(
        &Config::new().env(pairs),
        &["SESSION_ID_LENGTH", "SESSION_ID_FORM"],
    );
    let pairs = [
        ("SESSION_MAX_ENTRIES", "10"),
        ("SESSION_PROTECTED_ENTRIES", "10"),
    ];
    refused(
        &Config::new().env(pairs),
        &["SESSION_PROTECTED_ENTRIES", "nothing is left"],
    );
    let signed = Config::new()
        .secret(KEY)
        .signed_ids()
        .resolve()
        .expect("holds");
    assert_eq!(
        signed.signer.map(|signer| signer.form),
        Some(SignerForm::Native)
    );
}

#[test]
fn what_was_refused_alone_is_not_reported_again_as_a_contradiction() {
    let config = Config::new().env([
        ("SESSION_COOKIE_SECURE", "perhaps"),
        ("SESSION_COOKIE_SAMESITE", "None"),
        ("SESSION_USE_SIGNER", "yes"),
        ("SECRET_KEY", "dev"),
    ]);
    refused(&config, &["2 problems"]);
}
