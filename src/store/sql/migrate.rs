//! Makes the tables, and knows how old they are.

use super::dialect::Form;
use super::fault::{Class, Fault};
use super::pool::Lease;
use super::statement::{Statement, Value, Values};
use super::store::{Inner, SqlStore};
use crate::error::{Error, ErrorKind, Result};

/// The form of the native table that this version of the crate reads and writes. Each change of the
/// table adds a step to [`Inner::make_tables`] and counts one up.
const SCHEMA: i64 = 1;

/// Several processes that begin at once make the same table; all but one are told that it is there.
const ROUNDS_MAX: u32 = 5;

impl SqlStore {
    /// Makes the table and its index if they are missing, and brings an older table up to date.
    ///
    /// Repeating it does no harm, nor does calling it from several processes at once. It is never
    /// called silently: connecting does it only if
    /// [`create_table`](super::SqlStoreBuilder::create_table) says so. Beside the table it keeps a
    /// small one, named like it with `_schema` behind, that holds the number of its form. Tables
    /// shared with Python are made if missing and otherwise left alone. Where all is made, this only
    /// reads.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the user may not make tables,
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) if a newer version of this crate
    /// made them; faults of the database.
    ///
    /// ```no_run
    /// # async fn migrate() -> sessile::Result<()> {
    /// use sessile::store::SqlStore;
    ///
    /// // In a program of its own, run when the application is deployed:
    /// let store = SqlStore::connect("postgresql://owner:password@db.example/web").await?;
    /// store.migrate().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn migrate(&self) -> Result<()> {
        const WHAT: &str = "migrate the table of sessions";
        let inner = self.inner();
        let found = inner.patience.ask(WHAT, |_| async move {
            let mut lease = inner.writes.lend(WHAT).await?;
            let mut round = 1;
            loop {
                match inner.make_tables(&mut lease).await {
                    Err(fault) if fault.class == Class::Duplicate && round < ROUNDS_MAX => {
                        round += 1;
                    }
                    done => return done.map_err(|fault| fault.into_failed(WHAT)),
                }
            }
        });
        supported(WHAT, found.await?)
    }

    /// Refuses a table that a newer version made; one that is missing is no error yet.
    pub(super) async fn check_schema(&self) -> Result<()> {
        const WHAT: &str = "connect to a database";
        let inner = self.inner();
        let found = inner.patience.ask(WHAT, |_| async move {
            let mut lease = inner.writes.lend(WHAT).await?;
            let found = match inner.form {
                Form::Native => match inner.schema(&mut lease).await {
                    Err(fault) if fault.class == Class::NoTable => Ok(None),
                    found => found,
                },
                Form::FlaskSession | Form::Django => lease.say("SELECT 1").await.map(|()| None),
            };
            found.map_err(|fault| fault.into_failed(WHAT))
        });
        supported(WHAT, found.await?)
    }
}

impl Inner {
    async fn schema(&self, lease: &mut Lease<'_>) -> Result<Option<i64>, Fault> {
        let text = format!("SELECT NULL, number FROM {}", self.texts.schema_table);
        let select = Statement::new(self.engine, &text);
        let rows = lease.rows(&select, Values::of(Value::Bytes(&[]))).await?;
        Ok(rows.into_iter().filter_map(|row| row.version).max())
    }

    /// Returns the number of the schema that was found.
    ///
    /// What is there is looked at first: a user who may not make tables, or a server that takes no
    /// writes, is no hindrance where there is nothing to make.
    async fn make_tables(&self, lease: &mut Lease<'_>) -> Result<Option<i64>, Fault> {
        if self.form != Form::Native {
            if !self.has_table(lease).await? {
                self.make_missing(lease).await?;
            }
            return Ok(None);
        }
        let found = match self.schema(lease).await {
            Err(fault) if fault.class == Class::NoTable => None,
            found => found?,
        };
        if found.is_some_and(|number| number > SCHEMA) {
            return Ok(found);
        }
        if found == Some(SCHEMA) && self.has_table(lease).await? {
            return Ok(found);
        }
        let table = &self.texts.schema_table;
        lease
            .say(&format!(
                "CREATE TABLE IF NOT EXISTS {table} (number BIGINT NOT NULL PRIMARY KEY)"
            ))
            .await?;
        self.make_missing(lease).await?;
        if found != Some(SCHEMA) {
            lease
                .say(&format!("INSERT INTO {table} (number) VALUES ({SCHEMA})"))
                .await?;
        }
        Ok(found)
    }

    async fn has_table(&self, lease: &mut Lease<'_>) -> Result<bool, Fault> {
        let text = format!("SELECT 1 FROM {} WHERE 1 = 0", self.texts.table);
        match lease.say(&text).await {
            Err(fault) if fault.class == Class::NoTable => Ok(false),
            done => done.map(|()| true),
        }
    }

    async fn make_missing(&self, lease: &mut Lease<'_>) -> Result<(), Fault> {
        for text in &self.texts.tables {
            lease.say(text).await?;
        }
        Ok(())
    }
}

fn supported(what: &str, schema: Option<i64>) -> Result<()> {
    match schema {
        Some(number) if number > SCHEMA => Err(Error::new(
            ErrorKind::UnsupportedVersion,
            format!(
                "{what}: the table has form {number}, made by a newer version of this crate; this one \
                 knows {SCHEMA}"
            ),
        )),
        _ => Ok(()),
    }
}
