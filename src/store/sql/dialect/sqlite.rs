//! SQLite's words. Its clock is the process's, read once per statement.

use super::{Form, Times};

pub(super) fn times(form: Form) -> Times {
    match form {
        // `subsec` is a floating number of seconds: rounding brings back the whole milliseconds that
        // SQLite reads from the system.
        Form::Native => Times {
            now: "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)",
            now_once: "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)",
            end: "CAST(round(unixepoch('subsec') * 1000) AS INTEGER) + :ttl",
            left_ms: r#""expires_ms" - CAST(round(unixepoch('subsec') * 1000) AS INTEGER)"#,
        },
        // Times are texts. SQLAlchemy always writes six digits after the point, Django none where
        // they are zero; either way the texts sort as the times do.
        Form::FlaskSession => Times {
            now: "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
            now_once: "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
            end: "(strftime('%Y-%m-%d %H:%M:%f', 'now', (:ttl / 1000.0) || ' seconds') || '000')",
            left_ms: r#"CAST((julianday("expiry") - julianday('now')) * 86400000 AS INTEGER)"#,
        },
        Form::Django => Times {
            left_ms: r#"CAST((julianday("expire_date") - julianday('now')) * 86400000 AS INTEGER)"#,
            ..times(Form::FlaskSession)
        },
    }
}

pub(super) fn tables(form: Form, table: &str, index: &str) -> Vec<String> {
    match form {
        Form::Native => vec![
            format!(
                r#"CREATE TABLE IF NOT EXISTS {table} (
                "key" BLOB NOT NULL PRIMARY KEY,
                "data" BLOB NOT NULL,
                "version" INTEGER NOT NULL,
                "expires_ms" INTEGER) STRICT"#
            ),
            format!(r#"CREATE INDEX IF NOT EXISTS {index} ON {table} ("expires_ms")"#),
        ],
        Form::FlaskSession => vec![format!(
            r#"CREATE TABLE IF NOT EXISTS {table} (
            id INTEGER NOT NULL,
            session_id VARCHAR(255),
            data BLOB,
            expiry DATETIME,
            PRIMARY KEY (id),
            UNIQUE (session_id))"#
        )],
        Form::Django => vec![
            format!(
                r#"CREATE TABLE IF NOT EXISTS {table} (
                "session_key" varchar(40) NOT NULL PRIMARY KEY,
                "session_data" text NOT NULL,
                "expire_date" datetime NOT NULL)"#
            ),
            format!(r#"CREATE INDEX IF NOT EXISTS {index} ON {table} ("expire_date")"#),
        ],
    }
}
