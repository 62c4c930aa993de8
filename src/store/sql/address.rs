//! Reads what was chosen: the engine of an address, the names of tables.
//!
//! Nothing of an address is ever shown: it may hold a password.

use super::dialect::{Engine, Form};
use super::texts::Names;
use crate::error::{Error, Result};

/// The longest name that all engines keep whole: PostgreSQL cuts at 63.
const NAME_MAX: usize = 63;

/// The engine that an address names by its scheme.
pub(super) fn engine(url: &str) -> Result<Engine> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme {
        "sqlite" => Ok(Engine::Sqlite),
        "postgres" | "postgresql" => Ok(Engine::Postgres),
        "mysql" | "mariadb" => Ok(Engine::MySql),
        _ => Err(Error::config(
            "connect to a database: the address begins with no known scheme; known are sqlite:, \
             postgresql://, postgres://, mysql:// and mariadb:// (without a driver's name as in \
             postgresql+psycopg://)",
        )),
    }
}

/// Whether an address of SQLite means a database that is in no file.
pub(super) fn is_in_memory(url: &str) -> bool {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    path == ":memory:" || parameter(url, "mode") == Some("memory")
}

/// A parameter of an address.
pub(super) fn parameter<'u>(url: &'u str, name: &str) -> Option<&'u str> {
    let (_, parameters) = url.split_once('?')?;
    let pairs = parameters
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next_back()
}

/// Checks and quotes the names that a store uses.
pub(super) fn names(
    engine: Engine,
    form: Form,
    schema: Option<&str>,
    table: Option<&str>,
) -> Result<Names> {
    let table = table.unwrap_or(match form {
        Form::Native => "flask_sessions",
        // What Flask-Session calls it unless told otherwise.
        Form::FlaskSession => "sessions",
        Form::Django => "django_session",
    });
    check("table", table)?;
    let mut prefix = String::new();
    if let Some(schema) = schema {
        check("schema", schema)?;
        if engine == Engine::Sqlite {
            return Err(Error::config(
                "connect to a database: SQLite has no schemas; leave the schema out",
            ));
        }
        prefix = format!("{}.", engine.quote(schema));
    }
    Ok(Names {
        table: format!("{prefix}{}", engine.quote(table)),
        index: engine.quote(&derived(table, "_ends")),
        schema_table: format!("{prefix}{}", engine.quote(&derived(table, "_schema"))),
    })
}

/// A name made from a table's. Cut names differ by a digest of the whole, so that an engine that cuts
/// what is too long never meets one.
fn derived(table: &str, suffix: &str) -> String {
    if table.len() + suffix.len() <= NAME_MAX {
        return format!("{table}{suffix}");
    }
    let digest = blake3::hash(table.as_bytes()).to_hex();
    format!("{}_{}{suffix}", &table[..40], &digest[..12])
}

/// A letter or underscore, then letters, digits and underscores; ASCII only.
fn check(what: &str, name: &str) -> Result<()> {
    let first = name.bytes().next();
    let is_name = first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= NAME_MAX;
    match is_name {
        true => Ok(()),
        // The name is not shown: it may be an attack on whoever reads the log.
        false => Err(Error::config(format!(
            "connect to a database: the name of the {what} is not 1 to {NAME_MAX} ASCII letters, \
             digits and underscores that begin with no digit"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn schemes_name_engines() {
        for (url, expected) in [
            ("sqlite:a.db", Engine::Sqlite),
            ("sqlite::memory:", Engine::Sqlite),
            ("postgres://h/d", Engine::Postgres),
            ("postgresql://u:p@h/d", Engine::Postgres),
            ("mysql://h/d", Engine::MySql),
            ("mariadb://h/d", Engine::MySql),
        ] {
            assert_eq!(engine(url).expect("it is known"), expected, "{url}");
        }
        for url in [
            "",
            "oracle://u:hunter2@h",
            "postgresql+psycopg://u:hunter2@h",
            "hunter2",
        ] {
            let error = engine(url).expect_err("it is unknown");
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn only_plain_names_pass_and_all_are_quoted() {
        let made = |table| names(Engine::Postgres, Form::Native, Some("s"), Some(table));
        assert_eq!(made("A_1").expect("a plain name").table, "\"s\".\"A_1\"");
        let longest = "t".repeat(63);
        assert!(made(&longest).is_ok());
        for name in [
            "", "1a", "a-b", "a b", "a\"b", "a;b", "a.b", "a`b", "\u{e9}", "a\0",
        ] {
            assert!(made(name).is_err(), "{name:?}");
        }
        assert!(made(&"t".repeat(64)).is_err());
        assert!(names(Engine::Sqlite, Form::Native, Some("s"), None).is_err());
    }

    #[test]
    fn derived_names_stay_short_and_apart() {
        let (one, other) = ("t".repeat(62) + "a", "t".repeat(62) + "b");
        let (one, other) = (derived(&one, "_schema"), derived(&other, "_schema"));
        assert_ne!(one, other);
        assert!(one.len() <= NAME_MAX);
        assert_eq!(derived("flask_sessions", "_ends"), "flask_sessions_ends");
    }

    #[test]
    fn databases_in_no_file_are_known() {
        for (url, expected) in [
            ("sqlite::memory:", true),
            ("sqlite://:memory:", true),
            ("sqlite:x?mode=memory", true),
            ("sqlite:memory", false),
            ("sqlite:///var/mode=memory", false),
        ] {
            assert_eq!(is_in_memory(url), expected, "{url}");
        }
    }
}
