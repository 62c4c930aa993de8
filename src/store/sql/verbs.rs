//! What the verbs ask of one connection.

use super::dialect::Form;
use super::fault::{Class, Fault};
use super::link::Row;
use super::pool::{Lease, Pool};
use super::statement::{Statement, Values};
use super::store::Inner;
use super::write::{content, version_of};
use crate::error::Result;
use crate::store::{Replaced, Version};

/// How often a change that meets others' is tried again before it counts as a lock held too long.
const ROUNDS_MAX: u32 = 8;

impl Inner {
    /// Runs one writing statement and returns the number of rows.
    pub(super) async fn run(
        &self,
        what: &'static str,
        statement: &Statement,
        values: Values<'_>,
    ) -> Result<u64> {
        self.patience
            .ask(what, |_| async move {
                let mut lease = self.writes.lend(what).await?;
                let done = lease.run(statement, &[values]).await;
                done.map_err(|fault| fault.into_failed(what))
            })
            .await
    }

    /// Runs one statement that answers with at most one row.
    pub(super) async fn row(
        &self,
        what: &'static str,
        pool: &Pool,
        statement: &Statement,
        values: Values<'_>,
    ) -> Result<Option<Row>> {
        self.patience
            .ask(what, |_| async move {
                let mut lease = pool.lend(what).await?;
                let done = lease.row(statement, values).await;
                done.map_err(|fault| fault.into_failed(what))
            })
            .await
    }

    /// Writes where no live record is; says whether it did. In a repeated attempt, what equals this
    /// write is taken for the first attempt's.
    pub(super) async fn create(
        &self,
        lease: &mut Lease<'_>,
        values: Values<'_>,
        is_again: bool,
    ) -> Result<bool, Fault> {
        let texts = &self.texts;
        let create = match is_again {
            false => &texts.create,
            true => &texts.create_again,
        };
        let Some(take_over) = &texts.take_over else {
            return Ok(lease.run(create, &[values]).await? > 0);
        };
        let take_over = &take_over[usize::from(is_again)];
        let mut round = 0;
        loop {
            let duplicate = match lease.run(create, &[values]).await {
                Err(fault) if fault.class == Class::Duplicate => fault,
                done => return Ok(done? > 0),
            };
            if lease.run(take_over, &[values]).await? > 0 {
                return Ok(true);
            }
            if lease.row(&texts.exists, values).await?.is_some() {
                return Ok(false);
            }
            // Removed in between; or the row that is in the way is another key's to us.
            round += 1;
            if round >= ROUNDS_MAX {
                return Err(duplicate);
            }
        }
    }

    /// Writes, whatever is there.
    pub(super) async fn put(&self, lease: &mut Lease<'_>, values: Values<'_>) -> Result<(), Fault> {
        for _ in 0..ROUNDS_MAX {
            if lease.run(&self.texts.put, &[values]).await? > 0
                || self.form == Form::Native
                || self.create(lease, values, false).await?
            {
                return Ok(());
            }
        }
        Err(Fault::crowded(self.engine))
    }

    pub(super) async fn replace_any(
        &self,
        lease: &mut Lease<'_>,
        values: Values<'_>,
        ours: Version,
    ) -> Result<Replaced, Fault> {
        Ok(match lease.run(&self.texts.replace, &[values]).await? {
            0 => Replaced::Gone,
            _ => Replaced::Done(ours),
        })
    }

    /// Replaces what has the version `seen`, or `ours`: then an earlier attempt arrived.
    pub(super) async fn replace_seen(
        &self,
        lease: &mut Lease<'_>,
        values: Values<'_>,
        ours: Version,
        seen: Version,
    ) -> Result<Replaced, Fault> {
        let expected = super::statement::Value::Number(Some(seen.to_u64().cast_signed()));
        let values = Values { expected, ..values };
        for _ in 0..ROUNDS_MAX {
            if lease.run(&self.texts.replace_expected, &[values]).await? > 0 {
                return Ok(Replaced::Done(ours));
            }
            let there = lease.row(&self.texts.version, values).await?;
            let Some(there) = there.and_then(|row| row.version) else {
                return Ok(Replaced::Gone);
            };
            let there = Version::from_u64(there.cast_unsigned());
            if there != seen && there != ours {
                return Ok(Replaced::Conflict(there));
            }
        }
        Err(Fault::crowded(self.engine))
    }

    /// Replaces what has content of the version `seen`: loads it, then writes if exactly that is still
    /// there.
    pub(super) async fn replace_content(
        &self,
        lease: &mut Lease<'_>,
        values: Values<'_>,
        ours: Version,
        seen: Version,
        is_again: bool,
    ) -> Result<Replaced, Fault> {
        for _ in 0..ROUNDS_MAX {
            let there = lease.row(&self.texts.load, values).await?;
            let Some(there) = there.and_then(|row| row.data) else {
                return Ok(Replaced::Gone);
            };
            let version = version_of(&there);
            if version != seen {
                return Ok(match is_again && version == ours {
                    true => Replaced::Done(ours),
                    false => Replaced::Conflict(version),
                });
            }
            let expected = content(self.form.is_text(), &there);
            let values = Values { expected, ..values };
            if lease.run(&self.texts.replace_expected, &[values]).await? > 0 {
                return Ok(Replaced::Done(ours));
            }
        }
        Err(Fault::crowded(self.engine))
    }
}
