//! The store itself, and what it shares among its clones.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::RedisBuilder;
use super::form::Form;
use super::link::Link;
use super::scripts::Scripts;
use super::target::{Target, cluster_slots};
use super::tracking::{Hub, Watcher};
use crate::cache::{Replaced, Terms, Version};
use crate::error::{Error, Result};
use crate::store::remote::Patience;
use crate::store::span::verb;
use crate::store::{Created, Invalidations, Lived, Loaded, NewRecord, Purged, SessionStore};

/// Changed keys that wait for a slow listener.
const INVALIDATIONS_MAX: usize = 4096;
/// Calls of one batch that are under way at once.
pub(super) const BATCH: usize = 64;

/// Keeps records in Redis 7 or Valkey: one server, Sentinel or Cluster.
///
/// All calls share one connection, opened when first needed and opened anew after it breaks; clones share
/// it too. Records are single strings that Redis itself expires, so that nothing has to be purged.
///
/// # Cost
/// Each verb is one command or script, and one round trip. A create takes a second one where something
/// malformed is in the way, and a script that the server does not know yet is sent again in full.
///
/// # What it keeps of the contract
/// - Time is the server's: nobody else's clock counts. Redis ends a record when its milliseconds have
///   passed by the server's wall clock, so a server whose clock is set forward ends records early. A
///   lifetime of one single millisecond may last two.
/// - Of the lifetimes it keeps the time to live; an idle timeout or a maximum age is refused.
/// - Values may have 512 MiB less nine bytes.
/// - [`touch`](SessionStore::touch) does not look into the record, so a malformed one counts as one.
/// - A key that holds something that is no string is absent to reads, refused to writes with
///   [`Corrupt`](crate::ErrorKind::Corrupt), and left alone.
/// - If an answer was lost, [`remove`](SessionStore::remove) says true although another may have removed
///   the record meanwhile, and [`put`](SessionStore::put) may write twice. In a cluster the driver
///   repeats commands by itself after a connection broke, and `remove` may then say false for a record
///   it did remove.
///
/// Redis acknowledges before it has saved or replicated: what a crash or a failover loses is decided by
/// the server's settings (`appendfsync`, `min-replicas-to-write`). A server that evicts
/// (`maxmemory-policy`) drops sessions early; with `noeviction` writes fail with
/// [`Full`](crate::ErrorKind::Full) instead.
///
/// The server's user needs `get`, `set`, `getdel`, `getrange`, `type`, `pexpire`, `pttl`, `eval`,
/// `evalsha` and `ping`; `scan` for listing, and `client|tracking` for
/// [`invalidations`](Self::invalidations); in a cluster `cluster|slots` and `asking`.
///
/// ```no_run
/// # async fn example() -> sessile::Result<()> {
/// use std::time::Duration;
/// use sessile::store::{RedisStore, SessionStore, Terms};
///
/// let store = RedisStore::connect("redis://127.0.0.1:6379").await?;
/// let terms = Terms::ttl(Duration::from_secs(1800));
/// let created = store.create(b"digest", "user=7".into(), terms).await?;
/// # let _ = created;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) link: Arc<Link>,
    hub: Arc<Hub>,
    pub(super) form: Form,
    pub(super) scripts: Scripts,
    patience: Patience,
}

impl RedisStore {
    pub(super) fn new(link: Link, hub: Arc<Hub>, form: Form, patience: Patience) -> Self {
        let scripts = Scripts::new(&form);
        let inner = Inner {
            link: Arc::new(link),
            hub,
            form,
            scripts,
            patience,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Begins with the defaults: `redis://127.0.0.1:6379`, the prefix `sessile`, [`Patience::new`].
    pub fn builder() -> RedisBuilder {
        RedisBuilder::default()
    }

    /// Connects to the server of a URL, with the defaults for the rest; see [`RedisBuilder::url`].
    ///
    /// # Errors
    /// As [`RedisBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder().url(url).connect().await
    }

    /// Makes sure that the server answers.
    ///
    /// # Errors
    /// Faults of the backend.
    pub async fn ping(&self) -> Result<()> {
        let command = match self.inner.link.target() {
            // Any one node: those that are down are no reason to do without the others.
            Target::Cluster(_) => cluster_slots(),
            _ => redis::cmd("PING"),
        };
        self.inner.ask("reach redis", command).await?;
        Ok(())
    }

    /// Tells from now on which records change: written, removed or expired, by anybody but this store.
    ///
    /// For whoever keeps copies. [`Invalidation::All`](crate::store::Invalidation::All) comes first, and
    /// again whenever something may have been missed: a connection broke, the listener was too slow
    /// (4096 keys wait for it), the database was emptied. A connection that falls silent is noticed
    /// within two seconds and the [`Patience`]'s time of an attempt. In a cluster this store's own
    /// changes are told too, and a node that joins or comes back is listened to within that time, with
    /// an `All` for what it changed until then.
    ///
    /// Costs the server a message per change. Dropping the answer ends it; so do
    /// [`close`](SessionStore::close) and dropping the last clone of the store.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) on a connection with the old protocol; faults of the
    /// backend, among them a user that may not `client tracking`.
    pub async fn invalidations(&self) -> Result<Invalidations> {
        const WHAT: &str = "follow what changes in redis";
        let Inner { link, hub, .. } = &*self.inner;
        if !link.target().can_push() {
            return Err(Error::input(format!(
                "{WHAT}: it takes the protocol RESP3; leave protocol= out of the URL"
            )));
        }
        let (sender, invalidations) = Invalidations::channel(INVALIDATIONS_MAX);
        if !hub.add(sender.clone()) {
            sender.all();
            return Ok(invalidations);
        }
        // The connection that is there does not listen; the next one will.
        link.give_up();
        let mut watcher = Watcher::new(self.inner.patience);
        if let Err(fault) = watcher.beat(link, hub).await {
            watcher.abandon(hub);
            return Err(fault.error(WHAT));
        }
        tokio::spawn(watcher.run(Arc::downgrade(link), Arc::downgrade(hub)));
        Ok(invalidations)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl SessionStore for RedisStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        verb("redis", "load", self.inner.load(key)).await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        verb("redis", "load_left", self.inner.load_left(key)).await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        verb("redis", "create", self.inner.create(key, value, terms)).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        let replaced = self.inner.replace(key, value, terms, expected);
        verb("redis", "replace", replaced).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        verb("redis", "put", self.inner.put(key, value, terms)).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        verb("redis", "touch", self.inner.touch(key, time_to_live)).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        verb("redis", "remove", self.inner.remove(key)).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        verb("redis", "exists", self.inner.exists(key)).await
    }

    /// There is nothing to do: Redis reclaims expired records by itself.
    async fn purge_expired(&self, _budget: usize) -> Result<Purged> {
        verb("redis", "purge_expired", async { Ok(Purged::default()) }).await
    }

    /// Sixty-four at a time are under way at once.
    async fn create_many(&self, records: Vec<NewRecord>) -> Result<usize> {
        let inner = &self.inner;
        verb("redis", "create_many", async move {
            let mut created = 0;
            let mut records = records.into_iter().peekable();
            while records.peek().is_some() {
                let batch: Vec<_> = records.by_ref().take(BATCH).collect();
                let creates = batch
                    .iter()
                    .map(|record| inner.create(&record.key, record.value.clone(), record.terms));
                for done in super::listing::together(creates).await {
                    created += usize::from(matches!(done?, Created::Done(_)));
                }
            }
            Ok(created)
        })
        .await
    }

    /// Ends the connection, after what is under way, and all [`Invalidations`](Self::invalidations). A
    /// verb called later connects anew.
    async fn close(&self) -> Result<()> {
        verb("redis", "close", async {
            self.inner.hub.end();
            self.inner.link.give_up();
            Ok(())
        })
        .await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("bare", &self.inner.form.is_bare())
            .field("patience", &self.inner.patience)
            .finish_non_exhaustive()
    }
}
