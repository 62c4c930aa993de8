//! What it takes to connect: the driver's options, made of an address and a builder's wishes.

use std::time::Duration;

use sqlx::ConnectOptions as _;
#[cfg(feature = "mysql")]
use sqlx::mysql::MySqlConnectOptions;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgConnectOptions;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

#[cfg(feature = "sqlite")]
use super::address;
use super::dialect::Engine;
use super::fault::Fault;
use super::link::{Link, Preparing};
use crate::error::{Error, Result};

/// What a builder wants of each connection.
pub(super) struct Wishes {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "mysql")),
        expect(dead_code, reason = "SQLite's statements always stay prepared")
    )]
    pub(super) preparing: Preparing,
    /// How long one attempt may take.
    pub(super) attempt: Duration,
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "servers have settings of their own for this")
    )]
    pub(super) sync_each_write: bool,
}

/// 16 MiB of pages per connection, in SQLite's words. With its default of 2 MiB a bulk write of random
/// keys writes each page of the index again and again.
#[cfg(feature = "sqlite")]
const SQLITE_CACHE: &str = "-16384";
/// Pages in the log before they are written to the file, 32 MiB. At the default of 1000 a bulk write
/// writes each page of the index to the file again and again too.
#[cfg(feature = "sqlite")]
const SQLITE_CHECKPOINT: &str = "8192";

/// What it takes to connect.
#[derive(Clone)]
pub(super) enum Target {
    #[cfg(feature = "sqlite")]
    Sqlite(Box<SqliteConnectOptions>),
    #[cfg(feature = "postgres")]
    Postgres(Box<PgConnectOptions>),
    /// With what is said on each new connection.
    #[cfg(feature = "mysql")]
    MySql(Box<MySqlConnectOptions>, String),
}

impl Target {
    pub(super) fn new(engine: Engine, url: &str, wishes: &Wishes) -> Result<Self> {
        match engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite => wishes.sqlite(url),
            #[cfg(feature = "postgres")]
            Engine::Postgres => wishes.postgres(url),
            #[cfg(feature = "mysql")]
            Engine::MySql => wishes.mysql(url),
            #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
            _ => Err(Error::config(format!(
                "connect to a database: this program was built without the feature for {engine} \
                 (`sqlite`, `postgres` or `mysql`)"
            ))),
        }
    }

    pub(super) async fn connect(&self) -> Result<Link, Fault> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options) => {
                let link = options.connect().await;
                link.map(Link::Sqlite)
                    .map_err(|error| Fault::of(Engine::Sqlite, error))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => {
                let link = options.connect().await;
                link.map(Link::Postgres)
                    .map_err(|error| Fault::of(Engine::Postgres, error))
            }
            #[cfg(feature = "mysql")]
            Self::MySql(options, greeting) => {
                let link = options.connect().await;
                let mut link = link
                    .map(Link::MySql)
                    .map_err(|error| Fault::of(Engine::MySql, error))?;
                link.say(greeting).await?;
                Ok(link)
            }
        }
    }

    pub(super) fn engine(&self) -> Engine {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Engine::Postgres,
            #[cfg(feature = "mysql")]
            Self::MySql(..) => Engine::MySql,
        }
    }
}

impl Wishes {
    #[cfg(feature = "sqlite")]
    fn sqlite(&self, url: &str) -> Result<Target> {
        let options: SqliteConnectOptions = url.parse().map_err(|_| unreadable())?;
        if options.get_filename().as_os_str().is_empty() {
            return Err(Error::config(
                "connect to a database: the address names no file; write sqlite:path or \
                 sqlite::memory:",
            ));
        }
        let mode = address::parameter(url, "mode");
        let options = match mode {
            Some(_) => options,
            None => options.create_if_missing(true),
        };
        // The journal's mode is written to the file.
        let is_fixed = mode == Some("ro") || address::parameter(url, "immutable").is_some();
        let options = match is_fixed {
            true => options,
            false => options.journal_mode(SqliteJournalMode::Wal),
        };
        let options = options
            .synchronous(match self.sync_each_write {
                true => SqliteSynchronous::Full,
                false => SqliteSynchronous::Normal,
            })
            .pragma("cache_size", SQLITE_CACHE)
            .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT)
            // Shorter than an attempt: SQLite gives up first, and says why.
            .busy_timeout(self.attempt.mul_f32(0.5))
            .thread_name(|number| format!("sessile-sqlite-{number}"))
            .disable_statement_logging();
        Ok(Target::Sqlite(Box::new(options)))
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, url: &str) -> Result<Target> {
        let options: PgConnectOptions = url.parse().map_err(|_| unreadable())?;
        let options = match self.preparing {
            // What a pooler refuses is left out.
            Preparing::Once => options.statement_cache_capacity(0).extra_float_digits(None),
            // A statement that nobody waits for any more shall not hold a lock, nor do its work late.
            Preparing::Kept => {
                let timeout = format!("{}ms", self.attempt.as_millis().max(1));
                options.options([("statement_timeout", timeout.as_str())])
            }
        };
        Ok(Target::Postgres(Box::new(
            options
                .application_name("sessile")
                .disable_statement_logging(),
        )))
    }

    #[cfg(feature = "mysql")]
    fn mysql(&self, url: &str) -> Result<Target> {
        let options: MySqlConnectOptions = url.parse().map_err(|_| unreadable())?;
        let options = match self.preparing {
            Preparing::Once => options.statement_cache_capacity(0),
            Preparing::Kept => options,
        };
        let options = options
            .timezone(Some("+00:00".to_owned()))
            .disable_statement_logging();
        let seconds = self.attempt.as_secs().max(1);
        // Gaps between rows are not locked: fewer deadlocks. Strict, so that what is too long is refused
        // and not cut. Times are cut and not rounded up, which MariaDB does by itself, and MySQL when
        // told so in what MariaDB takes for a comment.
        let greeting = format!(
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
             SET SESSION innodb_lock_wait_timeout = {seconds}, \
             sql_mode = CONCAT(REPLACE(@@sql_mode, 'TIME_ROUND_FRACTIONAL', ''), \
             ',STRICT_ALL_TABLES' /*!80001 , ',TIME_TRUNCATE_FRACTIONAL' */)"
        );
        Ok(Target::MySql(Box::new(options), greeting))
    }
}

/// The driver's own words are left out: they may quote a part of the address.
fn unreadable() -> Error {
    Error::config(
        "connect to a database: the driver cannot read the address or one of its parameters; special \
         characters in a password must be percent-encoded",
    )
}
