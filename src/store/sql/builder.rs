//! What can be chosen of a database store, and connecting to it.

use std::sync::Arc;
use std::time::Duration;

use super::address;
use super::dialect::{Engine, Form};
use super::link::Preparing;
use super::pool::Pool;
use super::store::{Inner, SqlStore};
use super::target::{Target, Wishes};
use super::texts;
use crate::error::{Error, Result};
use crate::store::Patience;

/// Whose table a store shares, for [`SqlStoreBuilder::bare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Python {
    /// Flask-Session 0.8 with `SESSION_TYPE = "sqlalchemy"`: the columns `id`, `session_id`, `data`
    /// and `expiry`, in the table `sessions` unless another is named. Rows without an end count as
    /// absent, as they do there. Ends are UTC.
    FlaskSession,
    /// Django's `django.contrib.sessions.backends.db` (or `cached_db`) with `USE_TZ = True`: the
    /// columns `session_key`, `session_data` and `expire_date`, in the table `django_session`. Values
    /// must be text (UTF-8 without zero bytes).
    Django,
}

/// Chooses how a [`SqlStore`] works, then connects it.
///
/// | setting | default |
/// |---|---|
/// | [`table`](Self::table) | `flask_sessions` (with [`bare`](Self::bare) the Python program's) |
/// | [`schema`](Self::schema) | the connection's own |
/// | [`create_table`](Self::create_table) | no |
/// | [`connections`](Self::connections) | 10; SQLite: 4 that read, 1 that writes |
/// | [`value_max`](Self::value_max) | 4 MiB |
/// | [`patience`](Self::patience) | 2 s per attempt, 3 attempts |
/// | [`prepared_statements`](Self::prepared_statements) | yes |
/// | [`sync_each_write`](Self::sync_each_write) | no (SQLite only) |
///
/// ```no_run
/// use sessile::store::SqlStore;
///
/// # async fn connect() -> sessile::Result<()> {
/// let store = SqlStore::builder()
///     .table("web_sessions")
///     .create_table(true)
///     .connect("postgresql://app:password@db.example/web")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SqlStoreBuilder {
    table: Option<String>,
    schema: Option<String>,
    form: Form,
    create_table: bool,
    connections: Option<u32>,
    value_max: usize,
    patience: Patience,
    preparing: Preparing,
    sync_each_write: bool,
}

/// More readers than this gain nothing on the machines that were measured, and each is a thread.
const SQLITE_READERS: u32 = 4;
/// What the drivers are told at most; some count in a few bits.
const ATTEMPT_MAX: Duration = Duration::from_secs(86_400);
const CONNECTIONS_MAX: u32 = 1000;
const VALUE_MAX: std::ops::RangeInclusive<usize> = 1 << 10..=64 << 20;

impl SqlStoreBuilder {
    pub(super) fn new() -> Self {
        Self {
            table: None,
            schema: None,
            form: Form::Native,
            create_table: false,
            connections: None,
            value_max: 4 << 20,
            patience: Patience::new(),
            preparing: Preparing::Kept,
            sync_each_write: false,
        }
    }

    /// Names the table: 1 to 63 ASCII letters, digits and underscores that begin with no digit.
    /// Default: `flask_sessions`, or the Python program's own.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = Some(name.into());
        self
    }

    /// Names the schema (MySQL: the database) that the table is in. The same letters as for a table.
    /// Default: whichever the connection is in. SQLite has none.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Shares the table of a Python program: records are stored exactly as given, without anything of
    /// ours, so that it reads what this store writes and the other way round. Default: our own table.
    ///
    /// These tables have no column for versions. The version is a digest of the content, so that
    /// records of equal content have equal versions: a replace that expects a version cannot tell
    /// that a record was changed and changed back. It takes two round trips instead of one, and so does
    /// a [`put`](crate::SessionStore::put) where nothing is. Lifetimes
    /// end at most a thousand years from now; that is also what "forever" becomes.
    ///
    /// Keys are stored as given if they are printable ASCII without spaces and no tilde in front, up
    /// to 255 bytes (Django: 40); of others a digest is stored behind a tilde.
    pub fn bare(mut self, python: Python) -> Self {
        self.form = match python {
            Python::FlaskSession => Form::FlaskSession,
            Python::Django => Form::Django,
        };
        self
    }

    /// Makes the table when connecting, as [`SqlStore::migrate`] does. Default: no.
    pub fn create_table(mut self, create: bool) -> Self {
        self.create_table = create;
        self
    }

    /// The most connections that are open at once, 1 to 1000; callers beyond wait. Default: 10.
    ///
    /// SQLite has one connection that writes, because it lets one write at a time, and this many that
    /// read (default 4), each a thread.
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = Some(most);
        self
    }

    /// The longest value, in bytes, 1 KiB to 64 MiB. Default: 4 MiB.
    ///
    /// Longer ones are refused by writes. One that somebody else stored is absent. MySQL's own limit
    /// for everything in one statement is `max_allowed_packet`.
    pub fn value_max(mut self, bytes: usize) -> Self {
        self.value_max = bytes;
        self
    }

    /// How long the database is waited for and how often it is asked again. Waiting for a free
    /// connection counts. Default: [`Patience::new`].
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Whether statements stay prepared on their connections. Default: yes.
    ///
    /// Say no behind a pooler that gives each transaction another connection (PgBouncer before 1.21
    /// in transaction mode). Each statement then is a transaction of its own and takes four round
    /// trips instead of one; the connection has no `statement_timeout`, which such poolers refuse.
    pub fn prepared_statements(mut self, keep: bool) -> Self {
        self.preparing = match keep {
            true => Preparing::Kept,
            false => Preparing::Once,
        };
        self
    }

    /// Whether SQLite waits for the disk with each write. Default: no.
    ///
    /// Without it (`synchronous = NORMAL`) a power cut may lose the last writes; a crash of the
    /// process loses none, and neither damages the file. With it (`FULL`) a power cut loses none, at
    /// the cost of one `fsync` per write. Servers have settings of their own for this.
    pub fn sync_each_write(mut self, sync: bool) -> Self {
        self.sync_each_write = sync;
        self
    }

    /// Connects to the database at `url`.
    ///
    /// The scheme decides: `sqlite:path` (made if missing) or `sqlite::memory:`, `postgresql://` or
    /// `postgres://`, `mysql://` or `mariadb://`, each with the parameters of the driver, such as
    /// `?sslmode=verify-full`.
    ///
    /// # TLS
    /// | parameter | PostgreSQL | MariaDB, MySQL |
    /// |---|---|---|
    /// | which connection | `sslmode` | `ssl-mode` |
    /// | the server proves its name: **use this one** | `verify-full` | `VERIFY_IDENTITY` |
    /// | it has a certificate of a known authority, for whatever name | `verify-ca` | `VERIFY_CA` |
    /// | encrypted, to whoever answers | `require` | `REQUIRED` |
    /// | encrypted if the server offers it (the default) | `prefer` | `PREFERRED` |
    /// | in clear | `disable` | `DISABLED` |
    /// | the authorities, a file in PEM, besides those of the system | `sslrootcert` | `ssl-ca` |
    /// | our own certificate and key, if the server asks | `sslcert`, `sslkey` | `ssl-cert`, `ssl-key` |
    ///
    /// The default protects from nobody who stands between the two: such a one declines TLS. Say what
    /// you want wherever the way leads off the machine. The library is rustls; certificates need the
    /// host in `subjectAltName`.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for an unknown scheme, one whose feature is
    /// not compiled in, a name or number out of range, a wrong password, missing rights;
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) for a table of a newer version;
    /// [`Unavailable`](crate::ErrorKind::Unavailable), [`Timeout`](crate::ErrorKind::Timeout) or
    /// [`Io`](crate::ErrorKind::Io) if the database cannot be reached or opened,
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the file is none of SQLite's. No error holds the
    /// address. A missing table is no error yet: call [`SqlStore::migrate`].
    pub async fn connect(self, url: &str) -> Result<SqlStore> {
        let engine = address::engine(url)?;
        let schema = self.schema.as_deref();
        let names = address::names(engine, self.form, schema, self.table.as_deref())?;
        if !VALUE_MAX.contains(&self.value_max) {
            return Err(Error::config(
                "connect to a database: the longest value is outside 1 KiB to 64 MiB",
            ));
        }
        if self.patience.attempt_max().is_zero() {
            return Err(Error::config(
                "connect to a database: an attempt may take no time at all",
            ));
        }
        let connections = self.connections.unwrap_or(match engine {
            Engine::Sqlite => SQLITE_READERS,
            Engine::Postgres | Engine::MySql => 10,
        });
        if !(1..=CONNECTIONS_MAX).contains(&connections) {
            return Err(Error::config(
                "connect to a database: the number of connections is outside 1 to 1000",
            ));
        }
        let wishes = Wishes {
            preparing: self.preparing,
            attempt: self.patience.attempt_max().min(ATTEMPT_MAX),
            sync_each_write: self.sync_each_write,
        };
        let target = Target::new(engine, url, &wishes)?;
        let pool = |size| Arc::new(Pool::new(target.clone(), self.preparing, size));
        let in_memory = engine == Engine::Sqlite && address::is_in_memory(url);
        let (reads, writes, anchor) = match engine {
            // One connection for everything, so that nothing meets a lock, and one that never works,
            // so that the database outlives the other.
            Engine::Sqlite if in_memory => {
                let pool = pool(1);
                let anchor = target.connect().await;
                let anchor =
                    anchor.map_err(|fault| fault.into_error("open a database in memory"))?;
                (Arc::clone(&pool), pool, Some(anchor))
            }
            Engine::Sqlite => (pool(connections), pool(1), None),
            Engine::Postgres | Engine::MySql => {
                let pool = pool(connections);
                (Arc::clone(&pool), pool, None)
            }
        };
        let store = SqlStore::of(Inner {
            engine,
            form: self.form,
            table: names.table.clone(),
            texts: texts::write(engine, self.form, &names, self.value_max),
            value_max: self.value_max,
            patience: self.patience,
            reads,
            writes,
            _anchor: anchor.map(crate::sync::Lock::new),
        });
        match self.create_table {
            true => store.migrate().await?,
            false => store.check_schema().await?,
        }
        Ok(store)
    }
}
