//! One connection to a database, of whichever kind.

#[cfg(feature = "mysql")]
use sqlx::mysql::{MySql, MySqlConnection};
#[cfg(feature = "postgres")]
use sqlx::postgres::{PgConnection, Postgres};
#[cfg(feature = "sqlite")]
use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::dialect::Engine;
use super::fault::Fault;
use super::statement::{Statement, Value, Values};

/// An open connection.
pub(super) enum Link {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    #[cfg(feature = "mysql")]
    MySql(MySqlConnection),
}

/// A row of an answer; statements that ask for less leave the rest empty.
#[derive(Default)]
pub(super) struct Row {
    pub(super) data: Option<Vec<u8>>,
    pub(super) version: Option<i64>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) left_ms: Option<i64>,
}

/// How a statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preparing {
    /// Prepared once per connection: one round trip from then on.
    Kept,
    /// Prepared for this time only.
    Once,
}

/// Binds the values to a statement.
macro_rules! bound {
    ($database:ty, $statement:expr, $rows:expr, $preparing:expr) => {{
        let mut query = sqlx::query::<$database>($statement.text());
        for value in $statement.bound($rows) {
            query = match value {
                Value::Bytes(bytes) => query.bind(bytes),
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            };
        }
        query.persistent($preparing == Preparing::Kept)
    }};
}

/// Reads the columns that a row has. The types are not checked: bytes and texts are bytes to us.
macro_rules! read {
    ($row:expr) => {{
        use sqlx::Row as _;
        let row = $row;
        let mut read = Row {
            data: row.try_get_unchecked(0)?,
            version: row.try_get_unchecked(1)?,
            ..Row::default()
        };
        if row.len() > 2 {
            read.key = row.try_get_unchecked(2)?;
            read.left_ms = row.try_get_unchecked(3)?;
        }
        Ok::<_, sqlx::Error>(read)
    }};
}

impl Link {
    fn engine(&self) -> Engine {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Engine::Postgres,
            #[cfg(feature = "mysql")]
            Self::MySql(_) => Engine::MySql,
        }
    }

    /// Runs a statement and returns the number of rows that it found and wrote.
    pub(super) async fn run(
        &mut self,
        statement: &Statement,
        rows: &[Values<'_>],
        preparing: Preparing,
    ) -> Result<u64, Fault> {
        let done = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(link) => {
                let query = bound!(Sqlite, statement, rows, preparing);
                link.execute(query).await.map(|done| done.rows_affected())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(link) => {
                let query = bound!(Postgres, statement, rows, preparing);
                link.execute(query).await.map(|done| done.rows_affected())
            }
            #[cfg(feature = "mysql")]
            Self::MySql(link) => {
                let query = bound!(MySql, statement, rows, preparing);
                link.execute(query).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(|error| Fault::of(self.engine(), error))
    }

    /// Runs a statement that answers with at most one row.
    pub(super) async fn row(
        &mut self,
        statement: &Statement,
        values: Values<'_>,
        preparing: Preparing,
    ) -> Result<Option<Row>, Fault> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(link) => {
                let query = bound!(Sqlite, statement, &[values], preparing);
                let row = link.fetch_optional(query).await;
                row.and_then(|row| row.map(|row| read!(row)).transpose())
                    .map_err(|error| Fault::of(Engine::Sqlite, error))
            }
            // These drivers leave what follows the first row for the next statement to skip.
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => Ok(self.rows(statement, values, preparing).await?.pop()),
        }
    }

    /// Runs a statement that answers with rows.
    pub(super) async fn rows(
        &mut self,
        statement: &Statement,
        values: Values<'_>,
        preparing: Preparing,
    ) -> Result<Vec<Row>, Fault> {
        let rows = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(link) => {
                let query = bound!(Sqlite, statement, &[values], preparing);
                let rows = link.fetch_all(query).await;
                rows.and_then(|rows| rows.into_iter().map(|row| read!(row)).collect())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(link) => {
                let query = bound!(Postgres, statement, &[values], preparing);
                let rows = link.fetch_all(query).await;
                rows.and_then(|rows| rows.into_iter().map(|row| read!(row)).collect())
            }
            #[cfg(feature = "mysql")]
            Self::MySql(link) => {
                let query = bound!(MySql, statement, &[values], preparing);
                let rows = link.fetch_all(query).await;
                rows.and_then(|rows| rows.into_iter().map(|row| read!(row)).collect())
            }
        };
        rows.map_err(|error| Fault::of(self.engine(), error))
    }

    /// Runs a text without values, unprepared: a change of tables, the bounds of a transaction.
    pub(super) async fn say(&mut self, text: &str) -> Result<(), Fault> {
        let done = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(link) => link.execute(text).await.map(drop),
            #[cfg(feature = "postgres")]
            Self::Postgres(link) => link.execute(text).await.map(drop),
            #[cfg(feature = "mysql")]
            Self::MySql(link) => link.execute(text).await.map(drop),
        };
        done.map_err(|error| Fault::of(self.engine(), error))
    }

    /// Says goodbye; what the other side answers does not matter.
    pub(super) async fn close(self) {
        let _ = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(link) => link.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(link) => link.close().await,
            #[cfg(feature = "mysql")]
            Self::MySql(link) => link.close().await,
        };
    }
}
