//! Stores by name: unknown ones, absent ones, and the options of each.

use std::time::Duration;

use sessile::http::config::{Config, CookieForm, Secret, StoreSettings};

use crate::kit::{ALL, KEY, accepted, refused};

#[track_caller]
fn store(pairs: &[(&str, &str)]) -> StoreSettings {
    let config = Config::new().env(pairs.iter().copied());
    config
        .resolve_for(ALL)
        .expect("this store is accepted")
        .store
}

#[test]
fn fs01_an_unset_store_is_one_that_works_and_never_null() {
    assert_eq!(
        Config::new().resolve().expect("holds").store.name(),
        "cache"
    );
    let flask = Config::flask_compat().secret(KEY).resolve().expect("holds");
    assert_eq!(flask.store.name(), "securecookie");
    // Flask-Session's null store is there, for who asks for it by name.
    assert_eq!(store(&[("SESSION_TYPE", "NULL")]), StoreSettings::Null);
    let null = Config::new().toml("SESSION_TYPE = 'none'");
    refused(&null, &["SESSION_TYPE", "\"none\"", "null"]);
}

/// The stores of a program that has no others.
const FEW: &[&str] = &["cache", "null"];

#[test]
fn tp28_unknown_stores_list_the_known_and_absent_ones_the_available() {
    let unknown = Config::new().env([("SESSION_TYPE", "redsi")]);
    refused(
        &unknown,
        &[
            "\"redsi\"",
            "cache",
            "redis",
            "sqlalchemy",
            "mongodb",
            "cached_db",
        ],
    );
    for name in [
        "filesystem",
        "redis",
        "memcached",
        "sqlalchemy",
        "mongodb",
        "cached_db",
        "db",
    ] {
        let config = Config::new().env([("SESSION_TYPE", name)]);
        let error = config.resolve_for(FEW).expect_err("absent").to_string();
        let available = FEW.join(", ");
        assert!(error.contains("SESSION_TYPE (environment)"), "{error}");
        assert!(
            error.contains(&format!("available are {available}")),
            "{error}"
        );
    }
    let django = Config::django_compat()
        .secret(KEY)
        .resolve_for(FEW)
        .expect_err("needs sql");
    assert!(
        django
            .to_string()
            .contains("sql is what Django defaults to"),
        "{django}"
    );
    let pickled = Config::new().env([("SESSION_TYPE", "cachelib")]);
    refused(&pickled, &["pickled", "use filesystem"]);
    let own = Config::new().env([("SESSION_TYPE", "Acme")]);
    let settings = own
        .resolve_for(&["cache", "acme"])
        .expect("the program has it");
    assert_eq!(
        settings.store,
        StoreSettings::Other {
            name: "acme".into()
        }
    );
    let error = unknown
        .resolve_for(&["cache", "acme"])
        .expect_err("unknown");
    assert!(error.to_string().contains("acme"), "{error}");
}

#[test]
fn each_store_has_its_documented_defaults_and_takes_its_options() {
    let file = |dir: &str, threshold: u64| StoreSettings::FileSystem {
        dir: dir.into(),
        threshold: threshold.try_into().ok(),
        mode: 0o600,
    };
    let filesystem = ("SESSION_TYPE", "filesystem");
    assert_eq!(store(&[filesystem]), file("flask_sessions", 500));
    let options = [
        filesystem,
        ("SESSION_FILE_DIR", "/s"),
        ("SESSION_FILE_THRESHOLD", "0"),
    ];
    assert_eq!(store(&options), file("/s", 0));

    let redis = |urls: &[&str]| StoreSettings::Redis {
        urls: urls.iter().map(Secret::new).collect(),
    };
    assert_eq!(
        store(&[("SESSION_TYPE", "redis")]),
        redis(&["redis://127.0.0.1:6379"])
    );
    let rows = [
        ("localhost:7000", vec!["redis://localhost:7000"]),
        (
            "rediss://a:1,rediss://b:2",
            vec!["rediss://a:1", "rediss://b:2"],
        ),
        (r#"["redis://a"]"#, vec!["redis://a"]),
        (
            "redis+sentinel://a:1,b:2/main/0",
            vec!["redis+sentinel://a:1,b:2/main/0"],
        ),
        ("redis+cluster://a:1,b:2", vec!["redis+cluster://a:1,b:2"]),
    ];
    for (given, urls) in rows {
        let options = [("SESSION_TYPE", "redis"), ("SESSION_REDIS", given)];
        assert_eq!(store(&options), redis(&urls));
    }
    let memcached = StoreSettings::Memcached {
        urls: vec![Secret::new("memcached://127.0.0.1:11211")],
        credentials: None,
    };
    assert_eq!(store(&[("SESSION_TYPE", "memcache")]), memcached);

    let StoreSettings::MongoDb {
        url,
        database,
        collection,
    } = store(&[("SESSION_TYPE", "mongodb")])
    else {
        panic!("MongoDB");
    };
    assert_eq!(url.expose_text(), "mongodb://127.0.0.1:27017");
    assert_eq!((&*database, &*collection), ("flask_session", "sessions"));

    let options = [
        ("SESSION_TYPE", "sqlalchemy"),
        ("SESSION_SQLALCHEMY", "postgresql+psycopg2://u:p@h/d"),
        ("SESSION_SQLALCHEMY_SCHEMA", "web"),
    ];
    let StoreSettings::Sql { url, table, schema } = store(&options) else {
        panic!("SQL");
    };
    assert_eq!(url.expose_text(), "postgresql://u:p@h/d");
    assert_eq!(
        (&*table, schema.as_deref()),
        ("flask_sessions", Some("web"))
    );
    let missing = Config::new().env([("SESSION_TYPE", "sql")]);
    refused(
        &missing,
        &["SESSION_SQLALCHEMY is missing", "sqlite:sessions.db"],
    );
    let object = Config::new().env([("SESSION_REDIS", "<redis.Redis object at 0x7f>")]);
    refused(&object, &["SESSION_REDIS", "client object of Python"]);

    let encrypted = Config::new()
        .secret(KEY)
        .store("securecookie")
        .resolve()
        .expect("holds");
    let form = CookieForm::Encrypted;
    assert_eq!(encrypted.store, StoreSettings::SecureCookie { form });
    let flask = Config::flask_compat().secret(KEY).resolve().expect("holds");
    let form = CookieForm::Flask;
    assert_eq!(flask.store, StoreSettings::SecureCookie { form });
}

#[test]
fn a_tiered_store_has_a_cache_in_front_and_a_durable_back() {
    for name in ["cached_db", "tiered", "datastore"] {
        let options = [
            ("SESSION_TYPE", name),
            ("SESSION_TIERED_BACK", "filesystem"),
        ];
        let StoreSettings::Tiered { front, back, .. } = store(&options) else {
            panic!("{name}");
        };
        assert!(front.max_entries.is_some());
        assert_eq!(back.name(), "filesystem");
    }
    let sql = [
        ("SESSION_TYPE", "cached_db"),
        ("SESSION_SQLALCHEMY", "sqlite::memory:"),
    ];
    let StoreSettings::Tiered { back, .. } = store(&sql) else {
        panic!("tiered");
    };
    assert_eq!(back.name(), "sql");
    let options = [("SESSION_TYPE", "tiered"), ("SESSION_TIERED_BACK", "cache")];
    refused(
        &Config::new().env(options),
        &["SESSION_TIERED_BACK", "must be one of sql"],
    );
    let config = Config::new().env([("SESSION_TYPE", "tiered")]);
    let error = config
        .resolve_for(&["cache", "tiered"])
        .expect_err("no back");
    assert!(error.to_string().contains("SESSION_TIERED_BACK"), "{error}");
}

#[test]
fn memcached_takes_user_and_password_together() {
    let memcached = ("SESSION_TYPE", "memcached");
    let (user, password) = (
        ("SESSION_MEMCACHED_USER", "app"),
        ("SESSION_MEMCACHED_PASSWORD", "hunter2 and more"),
    );
    let StoreSettings::Memcached { credentials, .. } = store(&[memcached, user, password]) else {
        panic!("memcached");
    };
    let given = Some(("app".to_owned(), Secret::new("hunter2 and more")));
    assert_eq!(credentials, given);
    assert!(!format!("{credentials:?}").contains("hunter2"));
    for one in [user, password] {
        let config = Config::new().env([memcached, one]);
        let text = refused(&config, &[user.0, password.0, "set both or neither"]);
        assert!(!text.contains("hunter2"), "{text}");
    }
    let long = "hunter2".repeat(40);
    for (name, value) in [
        (user.0, "two words"),
        (user.0, "a\tb"),
        (password.0, "hunter2\r\n"),
        (password.0, &long),
    ] {
        // One problem, and not the missing half besides.
        let text = refused(&Config::new().env([(name, value)]), &[name, "1 problem"]);
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn connections_and_the_age_of_copies_are_numbers_within_reason() {
    let settings = accepted("SESSION_STORE_CONNECTIONS", "32");
    assert_eq!(settings.remote.connections.map(|it| it.get()), Some(32));
    assert_eq!(accepted("SESSION_TYPE", "cache").remote.connections, None);
    for absurd in ["0", "1001", "-1", "many", "1.5"] {
        let config = Config::new().env([("SESSION_STORE_CONNECTIONS", absurd)]);
        refused(&config, &["SESSION_STORE_CONNECTIONS", "from 1 to 1000"]);
    }
    let fresh_for = |millis: Option<&str>| {
        let given = millis.map(|millis| ("SESSION_TIERED_FRESH_FOR_MS", millis));
        let tiered = [("SESSION_TYPE", "tiered"), ("SESSION_TIERED_BACK", "redis")];
        let pairs: Vec<_> = tiered.into_iter().chain(given).collect();
        match store(&pairs) {
            StoreSettings::Tiered { fresh_for, .. } => fresh_for,
            _ => panic!("tiered"),
        }
    };
    assert_eq!(fresh_for(None), None);
    assert_eq!(fresh_for(Some("0")), Some(Duration::ZERO));
    assert_eq!(fresh_for(Some("2_500")), Some(Duration::from_millis(2500)));
    for absurd in ["86400001", "-5", "1s", ""] {
        let config = Config::new().env([("SESSION_TIERED_FRESH_FOR_MS", absurd)]);
        match absurd {
            // As if it were not set, as with all keys.
            "" => assert!(config.resolve().is_ok()),
            _ => drop(refused(
                &config,
                &["SESSION_TIERED_FRESH_FOR_MS", "from 0 to"],
            )),
        }
    }
}
