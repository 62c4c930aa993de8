//! The verbs of the database store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::builder::SqlStoreBuilder;
use super::dialect::{Engine, Form};
use super::keys::Stored;
use super::link::{Link, Row};
use super::pool::Pool;
use super::statement::{Value, Values};
use super::texts::Texts;
use super::write::{MILLENNIUM_MS, version_of};
use crate::error::Result;
use crate::store::span::verb;
use crate::store::{
    Created, Lived, Loaded, NewRecord, Patience, Purged, Replaced, SessionStore, Terms, TimeToLive,
    Version,
};
use crate::sync::Lock;

/// Keeps records in a table of a database: SQLite, PostgreSQL, MariaDB or MySQL.
///
/// One type for all; the address given to [`connect`](Self::connect) decides. The features `sqlite`,
/// `postgres` and `mysql` compile the drivers in. Clones share the connections. Needs tokio.
///
/// # What it keeps of the contract
/// All of it, for lifetimes that are a time to live. Idle timeouts and maximum ages are refused with
/// [`InvalidInput`](crate::ErrorKind::InvalidInput).
///
/// - *Cost*: every verb is one statement and one round trip; a replace that expects a version and is
///   refused takes a second one to say why. On MariaDB and MySQL a create that meets an expired record
///   takes two, one that is refused three. The first use of a statement on a connection takes one more,
///   to prepare it. In tables of Python programs a replace that expects a version takes two, or one if
///   it is refused, and a put where nothing is takes one more than a create.
/// - *Clock*: the database's decides what has expired, read within the statement, so that all
///   processes agree whatever their own clocks say. SQLite's clock is the machine's. When that clock
///   steps back, records live longer by as much.
/// - *Durability*: an acknowledged write is as durable as the database makes it; for SQLite see
///   [`SqlStoreBuilder::sync_each_write`].
/// - *Retries*: a broken connection, a deadlock, a lock held too long: the statement is repeated as
///   [`Patience`] says. A repeated write recognises its first attempt by the version. A repeated
///   [`remove`](SessionStore::remove) whose first answer was lost says `false`.
/// - *Late statements*: a server that was frozen may carry out what it was sent before, after the
///   store has asked again and been answered. An unconditional write can then come twice.
/// - *Cancellation*: the old record or the new one, never a mixture. A server's connection is closed
///   if its caller gives up.
///
/// # Example
/// ```
/// # #[cfg(feature = "sqlite")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use sessile::store::{SessionStore, SqlStore};
///
/// let store = SqlStore::builder().create_table(true).connect("sqlite::memory:").await?;
/// store.put(b"key", "value".into(), Duration::from_secs(60).into()).await?;
/// let found = store.load(b"key").await?;
/// assert_eq!(found.map(|found| found.value).as_deref(), Some(&b"value"[..]));
/// store.close().await?;
/// # Ok::<(), sessile::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SqlStore(Arc<Inner>);

pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) form: Form,
    pub(super) texts: Texts,
    /// Its quoted name.
    pub(super) table: String,
    pub(super) value_max: usize,
    pub(super) patience: Patience,
    pub(super) reads: Arc<Pool>,
    /// The same as `reads`, but for SQLite in a file.
    pub(super) writes: Arc<Pool>,
    /// Keeps a database in memory alive.
    pub(super) _anchor: Option<Lock<Link>>,
}

/// The most rows that one statement purges, whatever the budget: a statement that holds its locks for
/// long is in others' way.
const PURGE_MAX: usize = 1000;

impl SqlStore {
    /// Connects to the database at `url` with everything as by default; see
    /// [`SqlStoreBuilder::connect`].
    ///
    /// # Errors
    /// As [`SqlStoreBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder().connect(url).await
    }

    /// Starts choosing.
    pub fn builder() -> SqlStoreBuilder {
        SqlStoreBuilder::new()
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl SessionStore for SqlStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        verb("sql", "load", async move {
            let inner = self.inner();
            let Some(key) = Stored::of(inner.form, key) else {
                return Ok(None);
            };
            let values = Values::of(key.value());
            let row = inner
                .row("load a session", &inner.reads, &inner.texts.load, values)
                .await?;
            Ok(row.and_then(loaded))
        })
        .await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        verb("sql", "load_left", async move {
            let inner = self.inner();
            let Some(key) = Stored::of(inner.form, key) else {
                return Ok(None);
            };
            let (texts, values) = (&inner.texts, Values::of(key.value()));
            let row = inner
                .row("load a session", &inner.reads, &texts.load_left, values)
                .await?;
            Ok(row.and_then(|row| {
                let left = Some(left(inner.form, row.left_ms));
                loaded(row).map(|loaded| Lived { loaded, left })
            }))
        })
        .await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        verb("sql", "create", async move {
            const WHAT: &str = "create a session";
            let inner = self.inner();
            let write = inner.write(key, &value, terms)?;
            let values = write.values();
            let done = inner.patience.ask(WHAT, |attempt| async move {
                let mut lease = inner.writes.lend(WHAT).await?;
                let created = inner.create(&mut lease, values, attempt > 0).await;
                created.map_err(|fault| fault.into_failed(WHAT))
            });
            Ok(match done.await? {
                true => Created::Done(write.version),
                false => Created::Taken,
            })
        })
        .await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        verb("sql", "replace", async move {
            const WHAT: &str = "replace a session";
            let inner = self.inner();
            let write = inner.write(key, &value, terms)?;
            let values = write.values();
            let ours = write.version;
            inner
                .patience
                .ask(WHAT, |attempt| async move {
                    let mut lease = inner.writes.lend(WHAT).await?;
                    let replaced = match (inner.form, expected) {
                        (_, None) => inner.replace_any(&mut lease, values, ours).await,
                        (Form::Native, Some(seen)) => {
                            inner.replace_seen(&mut lease, values, ours, seen).await
                        }
                        (Form::FlaskSession | Form::Django, Some(seen)) => {
                            let is_again = attempt > 0;
                            inner
                                .replace_content(&mut lease, values, ours, seen, is_again)
                                .await
                        }
                    };
                    replaced.map_err(|fault| fault.into_failed(WHAT))
                })
                .await
        })
        .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        verb("sql", "put", async move {
            const WHAT: &str = "put a session";
            let inner = self.inner();
            let write = inner.write(key, &value, terms)?;
            let values = write.values();
            inner
                .patience
                .ask(WHAT, |_| async move {
                    let mut lease = inner.writes.lend(WHAT).await?;
                    let put = inner.put(&mut lease, values).await;
                    put.map_err(|fault| fault.into_failed(WHAT))
                })
                .await?;
            Ok(write.version)
        })
        .await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        verb("sql", "touch", async move {
            let inner = self.inner();
            let Some(key) = Stored::of(inner.form, key) else {
                return Ok(false);
            };
            let values = Values {
                ttl_ms: inner.ttl_ms(Some(time_to_live)),
                ..Values::of(key.value())
            };
            let touched = inner.run("touch a session", &inner.texts.touch, values);
            Ok(touched.await? > 0)
        })
        .await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        verb("sql", "remove", async move {
            let inner = self.inner();
            let Some(key) = Stored::of(inner.form, key) else {
                return Ok(false);
            };
            let values = Values::of(key.value());
            let removed = inner.run("remove a session", &inner.texts.remove, values);
            Ok(removed.await? > 0)
        })
        .await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        verb("sql", "exists", async move {
            let inner = self.inner();
            let Some(key) = Stored::of(inner.form, key) else {
                return Ok(false);
            };
            let (texts, values) = (&inner.texts, Values::of(key.value()));
            let row = inner
                .row("look for a session", &inner.reads, &texts.exists, values)
                .await?;
            Ok(row.is_some())
        })
        .await
    }

    /// One statement that deletes at most a thousand rows, found by the index of their ends
    /// (Flask-Session's table has none and is read whole).
    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        verb("sql", "purge_expired", async move {
            let inner = self.inner();
            let limit = budget.min(PURGE_MAX);
            if limit == 0 {
                return Ok(Purged::default());
            }
            let values = Values {
                limit: i64::try_from(limit).unwrap_or(i64::MAX),
                ..Values::of(Value::Bytes(&[]))
            };
            let purged = inner.run("purge expired sessions", &inner.texts.purge, values);
            let removed = usize::try_from(purged.await?).unwrap_or(usize::MAX);
            Ok(Purged {
                removed,
                more: removed >= limit,
            })
        })
        .await
    }

    /// In transactions of at most 2048 records, which are stored or not as a whole, up to 256 in one
    /// statement. On MySQL and in tables shared with Python each record takes statements of its own, 128
    /// records a transaction. In Python's tables those whose transaction was acknowledged only after the
    /// answer was lost once are stored, but not counted.
    async fn create_many(&self, records: Vec<NewRecord>) -> Result<usize> {
        verb("sql", "create_many", async move {
            self.inner().create_many(&records).await
        })
        .await
    }

    /// Waits for calls under way, then closes all connections. Calls made later fail with
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    ///
    /// A store that is dropped closes its connections too, without saying goodbye to the server.
    async fn close(&self) -> Result<()> {
        verb("sql", "close", async move {
            self.inner().writes.close().await;
            self.inner().reads.close().await;
            Ok(())
        })
        .await
    }
}

/// What a row has left. The clock was cut to whole milliseconds, so one is taken off: never more than
/// the truth.
pub(super) fn left(form: Form, left_ms: Option<i64>) -> TimeToLive {
    match left_ms {
        None => TimeToLive::Forever,
        // What was put there for ever, less the time since.
        Some(left_ms) if form != Form::Native && left_ms > MILLENNIUM_MS / 2 => TimeToLive::Forever,
        Some(left_ms) => {
            TimeToLive::Left(Duration::from_millis((left_ms - 1).max(0).unsigned_abs()))
        }
    }
}

/// What a row holds. One whose data cannot be loaded is absent, and somebody should know.
fn loaded(row: Row) -> Option<Loaded> {
    let Some(data) = row.data else {
        tracing::warn!(
            "a session in the database is malformed (no data, or too much) and counts as absent"
        );
        return None;
    };
    let version = match row.version {
        Some(version) => Version::from_u64(version.cast_unsigned()),
        None => version_of(&data),
    };
    let value = Bytes::from(data);
    Some(Loaded { value, version })
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore")
            .field("engine", &self.0.engine)
            .field("form", &self.0.form)
            .field("table", &self.0.table)
            .finish_non_exhaustive()
    }
}
