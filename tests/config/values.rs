//! What values mean: lifetimes, truth, sizes, permissions, words.

use std::num::NonZeroU64;
use std::time::Duration;

use sessile::cookie::SameSite;
use sessile::http::config::{Config, Settings, StoreSettings};
use sessile::session::OnConflict;

use crate::kit::{ALL, KEY, accepted, given};

#[track_caller]
fn refused(name: &str, value: &str, words: &[&str]) {
    let text = given(name, value).expect_err("this value is refused");
    for word in words.iter().chain(&[name, "environment"]) {
        assert!(text.contains(word), "{text}\ndoes not say {word:?}");
    }
}

#[test]
fn fl26_a_lifetime_in_whole_numbers_is_in_seconds() {
    let config = Config::flask_compat()
        .secret(KEY)
        .set("PERMANENT_SESSION_LIFETIME", 42)
        .permanent(true);
    let settings = config.resolve().expect("accepted");
    assert_eq!(settings.lifetimes.permanent, Duration::from_secs(42));
    assert_eq!(settings.cookie.max_age, Some(Duration::from_secs(42)));
}

#[test]
fn lifetimes_are_seconds_or_amounts_with_units() {
    let rows = [
        ("42", 42),
        (" 42 ", 42),
        ("31d", 31 * 86_400),
        ("12h 30m", 45_000),
        ("90 minutes", 5_400),
        ("1 week, 2 days", 9 * 86_400),
        ("3650d", 3650 * 86_400),
    ];
    for (text, seconds) in rows {
        let lives = accepted("PERMANENT_SESSION_LIFETIME", text).lifetimes;
        assert_eq!(lives.permanent.as_secs(), seconds, "{text}");
        assert_eq!(lives.idle.as_secs(), seconds, "idle follows the lifetime");
    }
    let config = Config::new().json(r#"{"SESSION_IDLE_TIMEOUT": 60.0}"#);
    assert_eq!(
        config.resolve().expect("whole").lifetimes.idle.as_secs(),
        60
    );
    let config = Config::new().idle_timeout(Duration::from_secs(61));
    assert_eq!(
        config.resolve().expect("whole").lifetimes.idle.as_secs(),
        61
    );
    for text in [
        "soon",
        "1.5h",
        "5 parsecs",
        "12:30",
        "timedelta(days=31)",
        "true",
        "1e3",
    ] {
        refused("PERMANENT_SESSION_LIFETIME", text, &["whole seconds"]);
    }
    let half = Config::new().idle_timeout(Duration::from_millis(1500));
    assert!(
        half.resolve()
            .expect_err("a fraction")
            .to_string()
            .contains("whole seconds")
    );
    for text in ["3651d", "99999999999999999999", "4294967295w"] {
        refused("SESSION_IDLE_TIMEOUT", text, &["ten years"]);
    }
}

#[test]
fn x05_a_lifetime_of_zero_is_refused_with_what_to_say_instead() {
    for zero in ["0", "0s", "0d 0h", "-0"] {
        refused(
            "PERMANENT_SESSION_LIFETIME",
            zero,
            &[
                "zero is no lifetime",
                "SESSION_EXPIRE_AT_BROWSER_CLOSE=true",
            ],
        );
    }
    refused(
        "SESSION_COOKIE_AGE",
        "0",
        &["SESSION_EXPIRE_AT_BROWSER_CLOSE=true"],
    );
    refused(
        "cookie_args.max_age",
        "0",
        &["SESSION_EXPIRE_AT_BROWSER_CLOSE=true"],
    );
    refused("SESSION_IDLE_TIMEOUT", "0", &["leave the key out"]);
    refused("cookie_args.session_expires", "0", &["leave the key out"]);
    refused("SESSION_ABSOLUTE_TIMEOUT", "0", &["\"none\" for no limit"]);
    refused("PERMANENT_SESSION_LIFETIME", "-1", &["positive"]);
    let zero = Config::new().permanent_lifetime(Duration::ZERO).resolve();
    assert!(zero.is_err());
}

#[test]
fn truth_has_the_forms_of_environment_files() {
    for (texts, truth) in [
        (["true", "True", "1", "YES", "on", " t "], true),
        (["false", "FALSE", "0", "no", "Off", "n"], false),
    ] {
        for text in texts {
            let settings = accepted("SESSION_SAVE_EVERY_REQUEST", text);
            assert_eq!(settings.saving.save_every_request, truth, "{text}");
        }
    }
    for text in ["2", "maybe", "truee"] {
        refused("SESSION_SAVE_EVERY_REQUEST", text, &["true or false"]);
    }
    let config = Config::new().json(r#"{"SESSION_COOKIE_HTTPONLY": 0}"#);
    assert!(!config.resolve().expect("a number").cookie.http_only);
}

#[test]
fn fl05_wz06_wz07_same_site_is_taken_in_any_case_and_nothing_else_is() {
    let rows = [
        ("strict", Some(SameSite::Strict)),
        ("LAX", Some(SameSite::Lax)),
        ("None", Some(SameSite::None)),
        ("omit", None),
        ("False", None),
    ];
    for (text, same_site) in rows {
        let settings = accepted("SESSION_COOKIE_SAMESITE", text);
        assert_eq!(settings.cookie.same_site, same_site, "{text}");
    }
    refused(
        "SESSION_COOKIE_SAMESITE",
        "sideways",
        &["\"sideways\"", "Lax, Strict, None"],
    );
    refused("SESSION_COOKIE_SAMESITE", "true", &["Lax, Strict, None"]);
}

#[test]
fn permissions_are_octal_or_say_nothing_ambiguous() {
    let mode = |settings: Settings| match settings.store {
        StoreSettings::FileSystem { mode, .. } => mode,
        other => panic!("{other:?}"),
    };
    let files = |value: &str| {
        let pairs = [("SESSION_TYPE", "filesystem"), ("SESSION_FILE_MODE", value)];
        Config::new().env(pairs).resolve_for(ALL)
    };
    for (text, expected) in [
        ("0o600", 0o600),
        ("0600", 0o600),
        ("384", 0o600),
        ("0o660", 0o660),
        ("432", 0o660),
    ] {
        assert_eq!(mode(files(text).expect("a mode")), expected, "{text}");
    }
    for text in [
        "700",
        "600",
        "644",
        "755",
        "400",
        "0o1777",
        "0o999",
        "rw-------",
        "-1",
    ] {
        refused("SESSION_FILE_MODE", text, &["octal", "0o600", "384"]);
    }
    refused("SESSION_FILE_MODE", "0o400", &["denies the owner"]);
    let toml = Config::new().toml("SESSION_TYPE = 'filesystem'\nSESSION_FILE_MODE = 0o640");
    assert_eq!(
        mode(toml.resolve_for(ALL).expect("TOML knows octal")),
        0o640
    );
    assert!(
        Config::new()
            .toml("SESSION_FILE_MODE = 700")
            .resolve()
            .is_err()
    );
}

#[test]
fn words_numbers_and_sizes_are_bounded() {
    let cache = |name: &str, value: &str| match accepted(name, value).store {
        StoreSettings::Cache(cache) => cache,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        cache("SESSION_MAX_ENTRIES", "1_000").max_entries,
        NonZeroU64::new(1000)
    );
    assert_eq!(cache("SESSION_MAX_ENTRIES", "Unlimited").max_entries, None);
    for (text, bytes) in [("64 MiB", 64 << 20), ("2048", 2048), ("1GB", 1_000_000_000)] {
        assert_eq!(
            cache("SESSION_MAX_BYTES", text).max_bytes,
            NonZeroU64::new(bytes)
        );
    }
    assert_eq!(cache("SESSION_MAX_BYTES", "unlimited").max_bytes, None);
    let entries = cache("SESSION_PROTECTED_ENTRIES", "10").protected_entries;
    assert_eq!(entries, NonZeroU64::new(10));
    let rows = [
        ("SESSION_MAX_ENTRIES", "0", "from 1"),
        ("SESSION_MAX_ENTRIES", "many", "\"unlimited\""),
        ("SESSION_MAX_BYTES", "100", "1024"),
        ("SESSION_MAX_BYTES", "5 parsecs", "64 MiB"),
        ("SESSION_MAX_BYTES", "99999999999999 GiB", "64 MiB"),
        ("SESSION_MAX_PER_OWNER", "0", "leave the key out"),
        ("SESSION_CLEANUP_N_REQUESTS", "0", "leave the key out"),
        ("SESSION_ID_LENGTH", "8", "32 random bytes"),
        ("SESSION_ON_CONFLICT", "overwrite", "merge, fail"),
        ("SESSION_SERIALIZATION_FORMAT", "pickle", "unpickling"),
        (
            "SESSION_SERIALIZER",
            "django.contrib.sessions.serializers.PickleSerializer",
            "unpickling",
        ),
        ("SESSION_KEY_PREFIX", "two words", "visible ASCII"),
        ("SESSION_COOKIE_NAME", "a;b", "cookie's name"),
        ("SESSION_COOKIE_NAME", "naïve", "cookie's name"),
        ("SESSION_COOKIE_PATH", "app", "begins with /"),
        ("SESSION_COOKIE_PATH", "/a;b", "semicolons"),
        ("SESSION_COOKIE_PATH", "/a\r\nSet-Cookie: x", "ASCII"),
        (
            "SESSION_COOKIE_DOMAIN",
            "https://example.org",
            "without scheme",
        ),
        (
            "SESSION_COOKIE_DOMAIN",
            "example.org:80",
            "without scheme and port",
        ),
        ("SESSION_COOKIE_DOMAIN", "bücher.example", "punycode"),
        ("SESSION_SQLALCHEMY_TABLE", "a; DROP TABLE b", "plain name"),
        ("SESSION_SQLALCHEMY_TABLE", "1st", "plain name"),
        ("SESSION_MONGODB_COLLECT", "$cmd", "plain name"),
    ];
    for (name, value, word) in rows {
        refused(name, value, &[word]);
    }
    let domain = accepted("SESSION_COOKIE_DOMAIN", ".Example.org")
        .cookie
        .domain;
    assert_eq!(domain.as_deref(), Some("example.org"));
    assert_eq!(
        accepted("SESSION_MAX_PER_OWNER", "5")
            .saving
            .max_per_owner
            .map(u32::from),
        Some(5)
    );
    assert_eq!(
        accepted("SESSION_ON_CONFLICT", "Fail").saving.on_conflict,
        OnConflict::Fail
    );
    let long = "x".repeat(100_000);
    let text = given("SESSION_TYPE", &long).expect_err("too long");
    assert!(text.len() < 400, "{} bytes", text.len());
}
