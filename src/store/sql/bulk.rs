//! Creating many records at once, for moving sessions from store to store.

use std::collections::HashSet;

use super::dialect::Form;
use super::fault::Fault;
use super::pool::Lease;
use super::store::Inner;
use super::write::Write;
use crate::error::Result;
use crate::store::NewRecord;

/// A statement of several rows carries at most so much: a quarter of what MariaDB takes by default.
const STATEMENT_BYTES_MAX: usize = 4 << 20;
/// A transaction has at most so many rows, so that each is done well within an attempt's time.
const TRANSACTION_ROWS_MAX: usize = 2048;
/// The same where each row is one to three statements of its own.
const TRANSACTION_SINGLE_ROWS_MAX: usize = 128;

impl Inner {
    /// Creates those of the records whose key has none; says how many.
    pub(super) async fn create_many(&self, records: &[NewRecord]) -> Result<usize> {
        const WHAT: &str = "create many sessions";
        let mut writes: Vec<Write<'_>> = Vec::with_capacity(records.len());
        let mut seen = HashSet::with_capacity(records.len());
        for record in records {
            let write = self.write(&record.key, &record.value, record.terms)?;
            // One statement must not meet one key twice; the first one stays.
            if seen.insert(write.key().to_vec()) {
                writes.push(write);
            }
        }
        // In one order, so that copies that meet wait for each other instead of locking each other out.
        writes.sort_unstable_by(|one, other| one.key().cmp(other.key()));
        let rows_max = match self.texts.create_rows.is_empty() {
            false => TRANSACTION_ROWS_MAX,
            true => TRANSACTION_SINGLE_ROWS_MAX,
        };
        let mut created = 0;
        for some in writes.chunks(rows_max) {
            let done = self.patience.ask(WHAT, |_| async move {
                let mut lease = self.writes.lend(WHAT).await?;
                let done = async {
                    lease.begin().await?;
                    let done = self.create_rows(&mut lease, some).await;
                    lease.end_transaction(done).await
                };
                done.await.map_err(|fault| fault.into_failed(WHAT))
            });
            created += done.await?;
        }
        Ok(created)
    }

    async fn create_rows(
        &self,
        lease: &mut Lease<'_>,
        writes: &[Write<'_>],
    ) -> Result<usize, Fault> {
        let mut created = 0;
        let mut rest = writes;
        while let [first, after @ ..] = rest {
            let fitting = fitting(rest);
            let many = &self.texts.create_rows;
            match many.iter().find(|many| many.rows() <= fitting) {
                Some(many) if self.form == Form::Native => {
                    let (now, later) = rest.split_at(many.rows());
                    let values: Vec<_> = now.iter().map(Write::values).collect();
                    let rows = lease.run(many, &values).await?;
                    created += usize::try_from(rows).unwrap_or(usize::MAX);
                    rest = later;
                }
                _ => {
                    // A repeated attempt in a table of Python is not told from others' equal records:
                    // its first attempt was most likely undone as a whole.
                    created += usize::from(self.create(lease, first.values(), false).await?);
                    rest = after;
                }
            }
        }
        Ok(created)
    }
}

/// How many of the first writes fit one statement.
fn fitting(writes: &[Write<'_>]) -> usize {
    let mut sum = 0;
    let fits = |write: &&Write<'_>| {
        sum += write.key().len() + write.value_bytes();
        sum <= STATEMENT_BYTES_MAX
    };
    writes.iter().take_while(fits).count()
}
