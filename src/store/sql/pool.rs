//! Lends connections out, each to one caller at a time.
//!
//! Not sqlx's pool: that one asks the server for a sign of life each time a connection comes back,
//! which doubles the round trips of a store whose every verb is one. A connection that a caller gave
//! up in the middle of an answer is closed here, never repaired.

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::dialect::Engine;
use super::fault::{Class, Fault};
use super::link::{Link, Preparing, Row};
use super::statement::{Statement, Values};
use super::target::Target;
use crate::error::{Error, ErrorKind};
use crate::store::remote::Failed;
use crate::sync::Lock;

/// A connection that was idle longer is not used again: firewalls forget it without a word.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// A connection that is older is not used again, so that a server that moved is found.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);

/// At most so many connections to one database.
pub(super) struct Pool {
    target: Target,
    preparing: Preparing,
    places: Semaphore,
    size: u32,
    /// The last one given back is on top: when it is stale, all are.
    idle: Lock<Vec<Idle>>,
}

struct Idle {
    link: Link,
    made: Instant,
    since: Instant,
}

impl Pool {
    pub(super) fn new(target: Target, preparing: Preparing, size: u32) -> Self {
        Self {
            target,
            preparing,
            places: Semaphore::new(size as usize),
            size,
            idle: Lock::new(Vec::new()),
        }
    }

    /// Lends a connection, made anew if none is idle.
    pub(super) async fn lend(&self, what: &'static str) -> Result<Lease<'_>, Failed> {
        let Ok(place) = self.places.acquire().await else {
            return Err(Failed::ForGood(Error::new(
                ErrorKind::Unavailable,
                format!("{what}: the store has been closed"),
            )));
        };
        let (link, made) = match self.take_idle() {
            Some(found) => found,
            None => {
                let link = self.target.connect().await;
                let link = link.map_err(|fault| fault.into_failed(what))?;
                (link, Instant::now())
            }
        };
        Ok(Lease {
            pool: self,
            link: Some(link),
            made,
            is_ready: true,
            is_in_transaction: false,
            _place: place,
        })
    }

    fn take_idle(&self) -> Option<(Link, Instant)> {
        let mut idle = self.idle.lock();
        let found = idle.pop()?;
        let is_fresh = found.since.elapsed() < IDLE_MAX && found.made.elapsed() < AGE_MAX;
        // Connections to a file do not age, and one to memory alone must not be lost.
        if is_fresh || self.target.engine() == Engine::Sqlite {
            return Some((found.link, found.made));
        }
        let stale = std::mem::take(&mut *idle);
        drop(idle);
        drop(stale);
        None
    }

    /// Forgets the idle connections, because one of them turned out to be broken.
    fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }

    /// Lends nothing any more, waits until all is given back, and closes what is idle.
    pub(super) async fn close(&self) {
        // The answer is an error when it was closed before.
        let all = self.places.acquire_many(self.size).await;
        self.places.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock());
        for idle in idle {
            idle.link.close().await;
        }
    }
}

/// A connection on loan.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    link: Option<Link>,
    made: Instant,
    /// Whether the next statement can be sent: nothing is under way, and nothing is broken.
    is_ready: bool,
    is_in_transaction: bool,
    _place: SemaphorePermit<'p>,
}

impl Lease<'_> {
    /// As [`Link::run`].
    pub(super) async fn run(
        &mut self,
        statement: &Statement,
        rows: &[Values<'_>],
    ) -> Result<u64, Fault> {
        let alone = self.begin_alone().await?;
        let preparing = self.pool.preparing;
        let done = self.start()?.run(statement, rows, preparing).await;
        self.end_alone(alone, done).await
    }

    /// As [`Link::row`].
    pub(super) async fn row(
        &mut self,
        statement: &Statement,
        values: Values<'_>,
    ) -> Result<Option<Row>, Fault> {
        let alone = self.begin_alone().await?;
        let preparing = self.pool.preparing;
        let done = self.start()?.row(statement, values, preparing).await;
        self.end_alone(alone, done).await
    }

    /// As [`Link::rows`].
    pub(super) async fn rows(
        &mut self,
        statement: &Statement,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let alone = self.begin_alone().await?;
        let preparing = self.pool.preparing;
        let done = self.start()?.rows(statement, values, preparing).await;
        self.end_alone(alone, done).await
    }

    /// As [`Link::say`].
    pub(super) async fn say(&mut self, text: &str) -> Result<(), Fault> {
        let done = self.start()?.say(text).await;
        self.end(done)
    }

    /// Begins a transaction. A lease that is dropped before its end takes the connection with it.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        self.is_in_transaction = true;
        self.say(match self.pool.target.engine() {
            // Otherwise two that first read and then write could only both give up.
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres | Engine::MySql => "BEGIN",
        })
        .await
    }

    /// Ends the transaction: keeps what was done in it if all of it went well, undoes it otherwise.
    pub(super) async fn end_transaction<T>(&mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        let over = match &done {
            Ok(_) => self.say("COMMIT").await,
            // A broken connection is dropped, which undoes everything too.
            Err(_) if !self.is_ready => return done,
            Err(_) => self.say("ROLLBACK").await,
        };
        self.is_in_transaction = over.is_err();
        over.and(done)
    }

    /// What is prepared for one time needs a transaction around it, so that a pooler sends both halves
    /// to one server.
    async fn begin_alone(&mut self) -> Result<bool, Fault> {
        let alone = self.pool.preparing == Preparing::Once && !self.is_in_transaction;
        if alone {
            self.begin().await?;
        }
        Ok(alone)
    }

    async fn end_alone<T>(&mut self, alone: bool, done: Result<T, Fault>) -> Result<T, Fault> {
        let done = self.end(done);
        match alone {
            true => self.end_transaction(done).await,
            false => done,
        }
    }

    fn start(&mut self) -> Result<&mut Link, Fault> {
        let engine = self.pool.target.engine();
        // SQLite's thread ends what it has begun before it takes up anything else. To go on behind it
        // is better than to let it run on beside a new connection.
        self.is_ready = engine == Engine::Sqlite;
        self.link.as_mut().ok_or_else(|| Fault::lost(engine))
    }

    fn end<T>(&mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        self.is_ready = match &done {
            Err(fault) if fault.class == Class::Broken => {
                self.pool.forget_idle();
                false
            }
            _ => true,
        };
        done
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take()
            && self.is_ready
            && !self.is_in_transaction
            && !self.pool.places.is_closed()
        {
            let since = Instant::now();
            let made = self.made;
            self.pool.idle.lock().push(Idle { link, made, since });
        }
    }
}
