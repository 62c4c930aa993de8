//! The store itself: the verbs, one round trip each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::RedisBuilder;
use super::form::{Form, HEADER_LEN, Written};
use super::lifetime::{lifetime_ms, spell};
use super::link::{Answer, Doubt, Link};
use super::scripts::{Call, Scripts};
use super::target::{Target, cluster_slots};
use super::tracking::{Hub, Watcher};
use crate::cache::{Key, Replaced, Terms, TimeToLive, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::Patience;
use crate::store::span::verb;
use crate::store::{
    Created, Invalidations, Lived, Loaded, NewRecord, Purged, SessionStore, check_write,
};

/// Changed keys that wait for a slow listener.
const INVALIDATIONS_MAX: usize = 4096;
/// Calls of one batch that are under way at once.
pub(super) const BATCH: usize = 64;

/// Keeps records in Redis 7 or Valkey: one server, Sentinel or Cluster.
///
/// Each verb is one command or script, and one round trip. All calls share one connection, opened when
/// first needed and opened anew after it breaks; clones share it too. Records are single strings that
/// Redis itself expires, so that nothing has to be purged.
///
/// # What it keeps of the contract
/// - Time is the server's: nobody else's clock counts. Redis ends a record when its milliseconds have
///   passed by the server's wall clock, so a server whose clock is set forward ends records early. A
///   lifetime of one single millisecond may last two.
/// - Of the lifetimes it keeps the time to live; an idle timeout or a maximum age is refused.
/// - Values may have 512 MiB less nine bytes.
/// - [`touch`](SessionStore::touch) does not look into the record, so a malformed one counts as one.
/// - A key that holds something that is no string is absent to reads, refused to writes with
///   [`Corrupt`](ErrorKind::Corrupt), and left alone.
/// - If an answer was lost, [`remove`](SessionStore::remove) says true although another may have removed
///   the record meanwhile, and [`put`](SessionStore::put) may write twice. In a cluster the driver
///   repeats commands by itself after a connection broke, and `remove` may then say false for a record
///   it did remove.
///
/// Redis acknowledges before it has saved or replicated: what a crash or a failover loses is decided by
/// the server's settings (`appendfsync`, `min-replicas-to-write`). A server that evicts
/// (`maxmemory-policy`) drops sessions early; with `noeviction` writes fail with
/// [`Full`](ErrorKind::Full) instead.
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

struct Inner {
    link: Arc<Link>,
    hub: Arc<Hub>,
    form: Form,
    scripts: Scripts,
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
        self.ask("reach redis", command).await?;
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
    /// [`InvalidInput`](ErrorKind::InvalidInput) on a connection with the old protocol; faults of the
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

    pub(super) fn link(&self) -> &Link {
        &self.inner.link
    }

    pub(super) fn form(&self) -> &Form {
        &self.inner.form
    }

    pub(super) async fn ask(&self, what: &'static str, command: Cmd) -> Result<Answer> {
        self.call(what, &Call::from(command)).await
    }

    async fn call(&self, what: &'static str, call: &Call<'_>) -> Result<Answer> {
        self.inner
            .link
            .ask(what, &Doubt::default(), call, call)
            .await
    }

    /// What is stored under a key, and the milliseconds it has left, of one moment.
    pub(super) async fn seen(
        &self,
        what: &'static str,
        key: &[u8],
    ) -> Result<Option<(Loaded, TimeToLive)>> {
        let answer = self
            .call(what, &self.inner.scripts.seen.call(key, &[]))
            .await?;
        let value = match answer {
            Answer::Value(Value::Nil) => return Ok(None),
            Answer::Value(Value::Array(both)) => <[Value; 2]>::try_from(both).ok(),
            Answer::Value(_) => None,
            Answer::OtherType(_) => return Ok(warn_other_type()),
        };
        let Some([Value::BulkString(stored), Value::Int(left)]) = value else {
            return Err(odd(what));
        };
        let left = match u64::try_from(left) {
            Ok(left) => TimeToLive::Left(Duration::from_millis(left.saturating_add(1))),
            Err(_) => TimeToLive::Forever,
        };
        Ok(self.read(stored).map(|loaded| (loaded, left)))
    }

    fn read(&self, stored: Vec<u8>) -> Option<Loaded> {
        let loaded = self.inner.form.read(stored);
        if loaded.is_none() {
            tracing::warn!("a record in redis is malformed and counts as absent");
        }
        loaded
    }

    fn prepare(&self, key: &[u8], value: Bytes, terms: &Terms) -> Result<(Vec<u8>, Written)> {
        check_write(key, terms)?;
        if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
            return Err(Error::input(
                "store a record in redis: it keeps times to live, no idle timeout and no maximum age",
            ));
        }
        let form = &self.inner.form;
        Ok((form.key(key), form.write(value)?))
    }

    /// Stores a native record where a malformed one is in the way.
    async fn claim(
        &self,
        what: &'static str,
        key: &[u8],
        written: &Written,
        terms: &Terms,
    ) -> Result<Created> {
        let lifetime = spell(terms.time_to_live());
        let arguments: [&[u8]; 2] = [&written.stored, lifetime.as_bytes()];
        let call = self.inner.scripts.claim.call(key, &arguments);
        match self.call(what, &call).await? {
            Answer::Value(Value::Int(1)) => Ok(Created::Done(written.version)),
            Answer::Value(Value::BulkString(version)) => {
                let is_ours = self.inner.form.spelt(&version) == Some(written.version);
                Ok(if is_ours {
                    Created::Done(written.version)
                } else {
                    Created::Taken
                })
            }
            Answer::Value(_) => Err(odd(what)),
            Answer::OtherType(fault) => Err(fault.error(what)),
        }
    }
}

impl SessionStore for RedisStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        verb("redis", "load", async move {
            const WHAT: &str = "load a record from redis";
            if is_impossible(key) {
                return Ok(None);
            }
            let mut command = redis::cmd("GET");
            command.arg(self.inner.form.key(key));
            match self.ask(WHAT, command).await? {
                Answer::Value(Value::Nil) => Ok(None),
                Answer::Value(Value::BulkString(stored)) => Ok(self.read(stored)),
                Answer::Value(_) => Err(odd(WHAT)),
                Answer::OtherType(_) => Ok(warn_other_type()),
            }
        })
        .await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        verb("redis", "load_left", async move {
            if is_impossible(key) {
                return Ok(None);
            }
            let key = self.inner.form.key(key);
            let seen = self.seen("load a record from redis", &key).await?;
            Ok(seen.map(|(loaded, left)| Lived {
                loaded,
                left: Some(left),
            }))
        })
        .await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        verb("redis", "create", async move {
            const WHAT: &str = "create a record in redis";
            let (key, written) = self.prepare(key, value, &terms)?;
            let mut command = set(&key, &written.stored, &terms);
            // What is there comes back with the refusal, and tells whether it is our own.
            command.arg("NX").arg("GET");
            let (doubt, call) = (Doubt::default(), Call::from(command));
            let stored = match self.inner.link.ask(WHAT, &doubt, &call, &call).await? {
                Answer::Value(Value::Nil) => return Ok(Created::Done(written.version)),
                Answer::Value(Value::BulkString(stored)) => stored,
                Answer::Value(_) => return Err(odd(WHAT)),
                Answer::OtherType(fault) => return Err(fault.error(WHAT)),
            };
            let is_ours = match self.inner.form.is_bare() {
                true => doubt.is_left() && stored == written.stored,
                false => match self.inner.form.version(&stored) {
                    Some(version) => version == written.version,
                    None => return self.claim(WHAT, &key, &written, &terms).await,
                },
            };
            Ok(if is_ours {
                Created::Done(written.version)
            } else {
                Created::Taken
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
        verb("redis", "replace", async move {
            const WHAT: &str = "replace a record in redis";
            let (key, written) = self.prepare(key, value, &terms)?;
            let Inner {
                form,
                scripts,
                link,
                ..
            } = &*self.inner;
            let lifetime = spell(terms.time_to_live());
            let expected = expected
                .map(|version| form.spell(version))
                .unwrap_or_default();
            let arguments = |again: &'static [u8]| -> [&[u8]; 4] {
                [&written.stored, lifetime.as_bytes(), &expected, again]
            };
            let (first, later) = (arguments(b"0"), arguments(b"1"));
            let call = scripts.replace.call(&key, &first);
            // A native record knows its own version: nothing has to be said of earlier attempts.
            let again = form.is_bare().then(|| scripts.replace.call(&key, &later));
            let again = again.as_ref().unwrap_or(&call);
            match link.ask(WHAT, &Doubt::default(), &call, again).await? {
                Answer::Value(Value::Int(0)) => Ok(Replaced::Gone),
                Answer::Value(Value::Int(1)) => Ok(Replaced::Done(written.version)),
                Answer::Value(Value::BulkString(there)) => match form.spelt(&there) {
                    Some(version) => Ok(Replaced::Conflict(version)),
                    None => Err(odd(WHAT)),
                },
                Answer::Value(_) => Err(odd(WHAT)),
                Answer::OtherType(fault) => Err(fault.error(WHAT)),
            }
        })
        .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        verb("redis", "put", async move {
            const WHAT: &str = "put a record into redis";
            let (key, written) = self.prepare(key, value, &terms)?;
            let mut command = set(&key, &written.stored, &terms);
            // Without it, whatever is under the key would be overwritten, a list as well.
            command.arg("GET");
            match self.ask(WHAT, command).await? {
                Answer::Value(_) => Ok(written.version),
                Answer::OtherType(fault) => Err(fault.error(WHAT)),
            }
        })
        .await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        verb("redis", "touch", async move {
            const WHAT: &str = "touch a record in redis";
            if time_to_live.is_zero() {
                return self.remove(key).await;
            }
            if is_impossible(key) {
                return Ok(false);
            }
            let mut command = redis::cmd("PEXPIRE");
            command
                .arg(self.inner.form.key(key))
                .arg(lifetime_ms(time_to_live));
            match self.ask(WHAT, command).await? {
                Answer::Value(Value::Int(found @ 0..=1)) => Ok(found == 1),
                _ => Err(odd(WHAT)),
            }
        })
        .await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        verb("redis", "remove", async move {
            const WHAT: &str = "remove a record from redis";
            if is_impossible(key) {
                return Ok(false);
            }
            // Unlike DEL it leaves alone what is no string, and shows what it removed.
            let mut command = redis::cmd("GETDEL");
            command.arg(self.inner.form.key(key));
            let (doubt, call) = (Doubt::default(), Call::from(command));
            match self.inner.link.ask(WHAT, &doubt, &call, &call).await? {
                Answer::Value(Value::Nil) => Ok(doubt.is_left()),
                Answer::Value(Value::BulkString(stored)) => Ok(self.read(stored).is_some()),
                Answer::Value(_) => Err(odd(WHAT)),
                Answer::OtherType(_) => Ok(warn_other_type::<()>().is_some()),
            }
        })
        .await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        verb("redis", "exists", async move {
            const WHAT: &str = "look for a record in redis";
            if is_impossible(key) {
                return Ok(false);
            }
            let form = &self.inner.form;
            if form.is_bare() {
                let mut command = redis::cmd("TYPE");
                command.arg(form.key(key));
                return match self.ask(WHAT, command).await? {
                    Answer::Value(Value::SimpleString(kind)) => Ok(kind == "string"),
                    _ => Err(odd(WHAT)),
                };
            }
            let mut command = redis::cmd("GETRANGE");
            command.arg(form.key(key)).arg(0).arg(HEADER_LEN - 1);
            match self.ask(WHAT, command).await? {
                Answer::Value(Value::BulkString(header)) => Ok(form.version(&header).is_some()),
                Answer::Value(_) => Err(odd(WHAT)),
                Answer::OtherType(_) => Ok(warn_other_type::<()>().is_some()),
            }
        })
        .await
    }

    /// There is nothing to do: Redis reclaims expired records by itself.
    async fn purge_expired(&self, _budget: usize) -> Result<Purged> {
        verb(
            "redis",
            "purge_expired",
            async move { Ok(Purged::default()) },
        )
        .await
    }

    /// Sixty-four at a time are under way at once.
    async fn create_many(&self, records: Vec<NewRecord>) -> Result<usize> {
        verb("redis", "create_many", async move {
            let mut created = 0;
            let mut records = records.into_iter().peekable();
            while records.peek().is_some() {
                let batch: Vec<_> = records.by_ref().take(BATCH).collect();
                let creates = batch
                    .iter()
                    .map(|record| self.create(&record.key, record.value.clone(), record.terms));
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
        verb("redis", "close", async move {
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

fn is_impossible(key: &[u8]) -> bool {
    Key::from(key).check().is_err()
}

fn set(key: &[u8], stored: &[u8], terms: &Terms) -> Cmd {
    let mut command = Cmd::with_capacity(7, key.len() + stored.len() + 32);
    command.arg("SET").arg(key).arg(stored);
    if let Some(time_to_live) = terms.time_to_live() {
        command.arg("PX").arg(lifetime_ms(time_to_live));
    }
    command
}

fn odd(what: &str) -> Error {
    let text = format!("{what}: the server's answer is not what Redis answers");
    Error::new(ErrorKind::Unavailable, text)
}

fn warn_other_type<T>() -> Option<T> {
    tracing::warn!("a key in redis holds something that is no string and counts as absent");
    None
}
