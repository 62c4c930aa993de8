//! Keys that are missing, weak or placeholders; and that none is ever shown.

use sessile::http::config::{Config, Secret, StoreSettings};

use crate::kit::{ALL, KEY, refused};

const OLD: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

#[test]
fn fl06_what_needs_a_key_says_so_at_start_and_how_to_make_one() {
    let rows = [
        (
            Config::new().signed_ids(),
            "SESSION_USE_SIGNER (set in code) signs ids",
        ),
        (
            Config::new().store("securecookie"),
            "SESSION_TYPE (set in code) keeps whole sessions",
        ),
        (Config::flask_compat(), "SESSION_TYPE (default)"),
        (
            Config::new().secret_fallbacks(&[OLD]),
            "SECRET_KEY_FALLBACKS (set in code)",
        ),
        (
            Config::new().set("SESSION_RECORD_LAYOUT", "django"),
            "signs records",
        ),
    ];
    for (config, who) in rows {
        refused(
            &config,
            &[
                "1 problem",
                "SECRET_KEY is missing",
                who,
                "openssl rand -hex 32",
            ],
        );
        assert!(config.secret(KEY).resolve().is_ok());
    }
    assert_eq!(
        Config::new().resolve().expect("needs none").secrets.primary,
        None
    );
}

#[test]
fn weak_secrets_are_refused_and_never_shown() {
    let rows = [
        ("changeme", "placeholder"),
        ("secret", "placeholder"),
        ("dev", "placeholder"),
        ("change-me-change-me-change-me", "placeholder"),
        ("Your-Secret-Key-Here", "placeholder"),
        ("k5J0#x", "fewer than 16 bytes"),
        ("fifteen bytes..", "fewer than 16 bytes"),
        ("zzzzzzzzzzzzzzzzzzzzzzzz", "repeats one character"),
    ];
    for (secret, wrong) in rows {
        let config = Config::new().env([("SECRET_KEY", secret)]).signed_ids();
        let found = format!(
            "SECRET_KEY (environment) is a text of {} bytes",
            secret.len()
        );
        let text = refused(
            &config,
            &["1 problem", &found, wrong, "openssl rand -hex 32"],
        );
        assert!(secret.len() < 6 || !text.contains(secret), "{text}");
        let config = Config::new()
            .secret(KEY)
            .env([("SECRET_KEY_FALLBACKS", secret)]);
        let text = refused(&config, &["SECRET_KEY_FALLBACKS", "number 1", wrong]);
        assert!(secret.len() < 6 || !text.contains(secret), "{text}");
    }
    let number = Config::new().json(r#"{"SECRET_KEY": 73519287364519283}"#);
    assert!(!refused(&number, &["SECRET_KEY", "a number"]).contains("73519287364519283"));
}

#[test]
fn fallbacks_are_lists_in_the_notation_of_their_source() {
    let array = format!(r#"["{OLD}", "with, comma and space"]"#);
    let rows = [
        (
            Config::new().env([("SECRET_KEY_FALLBACKS", format!("{OLD}, x{OLD}"))]),
            2,
        ),
        (
            Config::new().env([("SECRET_KEY_FALLBACKS", array.clone())]),
            2,
        ),
        (
            Config::new().json(&format!(r#"{{"SECRET_KEY_FALLBACKS": {array}}}"#)),
            2,
        ),
        (
            Config::new().toml(&format!("SECRET_KEY_FALLBACKS = {array}")),
            2,
        ),
        (Config::new().toml("SECRET_KEY_FALLBACKS = []"), 0),
    ];
    for (config, count) in rows {
        let secrets = config.secret(KEY).resolve().expect("accepted").secrets;
        assert_eq!(secrets.primary, Some(Secret::new(KEY)));
        assert_eq!(secrets.fallbacks.len(), count);
        assert!(count == 0 || secrets.fallbacks[0].expose() == OLD.as_bytes());
    }
    let broken = Config::new()
        .secret(KEY)
        .env([("SECRET_KEY_FALLBACKS", format!("[\"{OLD}"))]);
    assert!(!refused(&broken, &["SECRET_KEY_FALLBACKS", "list"]).contains(OLD));
}

#[test]
fn secrets_are_in_no_debug_output() {
    let password = "pa55word-in-address";
    let url = format!("redis://user:{password}@127.0.0.1/0");
    let config = Config::new()
        .secret(KEY)
        .secret_fallbacks(&[OLD])
        .env([("SESSION_TYPE", "redis"), ("SESSION_REDIS", &url)]);
    let settings = config.resolve_for(ALL).expect("accepted");
    for text in [format!("{config:?}"), format!("{settings:?} {settings:#?}")] {
        for hidden in [KEY, OLD, password] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
    assert!(format!("{config:?}").contains("SESSION_REDIS"));
    let StoreSettings::Redis { urls } = &settings.store else {
        panic!("{:?}", settings.store);
    };
    assert_eq!(urls[0].expose_text(), url);
    let wrong = Config::new().env([("SESSION_REDIS", format!("http://u:{password}@h"))]);
    assert!(!refused(&wrong, &["SESSION_REDIS", "redis://127.0.0.1:6379"]).contains(password));
}
