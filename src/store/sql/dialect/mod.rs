//! What the engines say differently: quotes, places for values, time, tables.

mod mysql;
mod postgres;
mod sqlite;

use std::fmt;

/// A family of databases that speak one dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
    /// MariaDB too.
    MySql,
}

/// How a record lies in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Our own: any bytes, a version of its own, milliseconds.
    Native,
    /// The table of Flask-Session 0.8.
    FlaskSession,
    /// The table of `django.contrib.sessions`.
    Django,
}

/// Names of columns, unquoted.
pub(super) struct Columns {
    /// The primary key.
    pub(super) row: &'static str,
    pub(super) key: &'static str,
    pub(super) data: &'static str,
    /// Python's tables have none.
    pub(super) version: Option<&'static str>,
    pub(super) expires: &'static str,
}

impl Form {
    pub(super) fn columns(self) -> Columns {
        match self {
            Self::Native => Columns {
                row: "key",
                key: "key",
                data: "data",
                version: Some("version"),
                expires: "expires_ms",
            },
            Self::FlaskSession => Columns {
                row: "id",
                key: "session_id",
                data: "data",
                version: None,
                expires: "expiry",
            },
            Self::Django => Columns {
                row: "session_key",
                key: "session_key",
                data: "session_data",
                version: None,
                expires: "expire_date",
            },
        }
    }

    /// Whether the data column is text.
    pub(super) fn is_text(self) -> bool {
        self == Self::Django
    }
}

/// An engine's expressions for the time column of one form. The server's clock is the only one that
/// they ask.
pub(super) struct Times {
    /// Now, as it is when a row is looked at: after waiting for the row's lock, where that happens.
    pub(super) now: &'static str,
    /// Now, read once per statement, so that an index can be searched for it.
    pub(super) now_once: &'static str,
    /// The end of a record that has `:ttl` milliseconds from now; NULL for NULL.
    pub(super) end: &'static str,
    /// Milliseconds left to a row, for administration.
    pub(super) left_ms: &'static str,
}

impl Engine {
    pub(super) fn times(self, form: Form) -> Times {
        match self {
            Self::Sqlite => sqlite::times(form),
            Self::Postgres => postgres::times(form),
            Self::MySql => mysql::times(form),
        }
    }

    /// The statements that make a form's table. Repeating them does no harm.
    pub(super) fn tables(self, form: Form, table: &str, index: &str) -> Vec<String> {
        match self {
            Self::Sqlite => sqlite::tables(form, table, index),
            Self::Postgres => postgres::tables(form, table, index),
            Self::MySql => mysql::tables(form, table, index),
        }
    }

    /// Whether one bound value can stand in several places.
    ///
    /// SQLite knows numbers too, but its driver looks each of them up by name, in time that grows with
    /// their number: a fifth of the time of a bulk write.
    pub(super) fn has_numbered_places(self) -> bool {
        self == Self::Postgres
    }

    /// Writes the place of the value with this number, counted from 1.
    pub(super) fn write_place(self, text: &mut String, number: usize) {
        use fmt::Write as _;
        let _ = match self.has_numbered_places() {
            true => write!(text, "${number}"),
            false => write!(text, "?"),
        };
    }

    /// Quotes a checked name: letters, digits and underscores only.
    pub(super) fn quote(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{name}\""),
            Self::MySql => format!("`{name}`"),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
        })
    }
}
