//! The store: checks and patience around the verbs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::mongodb::bson::{Document, doc};
use ::mongodb::options::IndexOptions;
use ::mongodb::{Client, Collection, IndexModel};
use bytes::Bytes;

use super::builder::MongoBuilder;
use super::document::{BARE, Fields, NATIVE, Record};
use super::fault::failed;
use super::{bare, native};
use crate::cache::Key;
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::Failed;
use crate::store::span::verb;
use crate::store::{
    Created, Lived, Loaded, Patience, Purged, Replaced, SessionStore, Terms, Version, check_write,
};
use crate::time::Clock;

/// The longest value: MongoDB's limit of 16 MiB for a document, less room for a key and the rest.
const VALUE_MAX: usize = 15 << 20;
/// How long the server keeps a document of ours after its end, in case its clock is ahead of ours.
const GRACE: Duration = Duration::from_secs(3600);

/// Keeps sessions in a collection of MongoDB. Clones share the connections.
///
/// **No real MongoDB was at hand** when this was made and tested. The tests run the official driver
/// against a double that speaks its wire protocol and keeps the documented meaning of the few commands
/// used here; try it against yours before you rely on it. It needs MongoDB 4.2 or later.
///
/// # Documents
/// `{ _id: <key, binary>, version: <int64>, value: <binary>, expires: <date> }`; what never ends has no
/// `expires`. Keys are stored as they are, up to 64 KiB, values up to 15 MiB. A document of another form
/// is absent, and one warning is logged. With [`bare`](MongoBuilder::bare) the documents are
/// Flask-Session's: see there. Keys are typed values wherever they stand in a command, never documents:
/// no key is an operator.
///
/// # Time
/// The clock of the calling process decides when a record ends, to the millisecond; all processes that
/// share sessions need clocks that agree. (The server's own clock cannot decide in the filter of an
/// upsert, where MongoDB allows no expressions; `create` would need a second round trip.) The server
/// removes documents an hour after their end, give or take its minute, if [`prepare`](Self::prepare)
/// was called: without it they stay. The hour is for a server whose clock is ahead. What ends after
/// the year 9999 never does.
///
/// # Cost
/// One round trip each; `replace` takes a second one when it fails, to tell
/// [`Gone`](Replaced::Gone) from [`Conflict`](Replaced::Conflict). [Bare](MongoBuilder::bare), a `replace`
/// that expects a version takes two, or one when it fails, and a `create` takes a second one where a
/// session is, living or ended.
///
/// # Durability
/// Reads go to the primary. Writes wait for a majority of the replica set unless the address says
/// otherwise (`w=`). A write that was made but not confirmed by as many is
/// [`Timeout`](ErrorKind::Timeout). A read may see a write before it is confirmed, which a failover may
/// still undo; `readConcernLevel=majority` in the address makes it wait.
///
/// # Faults
/// An attempt has a time limit, and there are several ([`Patience`]), on top of the driver's own
/// repetition of writes, which a replica set recognizes. A removal whose answer is lost again, or on a
/// single server without a replica set, says that there was nothing. All other writes are recognized by
/// their version.
///
/// # Cancellation
/// A call that is dropped while it waits has written or not; the driver closes its connection.
///
/// ```no_run
/// use std::time::Duration;
/// use sessile::store::{MongoStore, SessionStore, Terms};
///
/// # async fn example() -> sessile::Result<()> {
/// let store = MongoStore::connect("mongodb://127.0.0.1:27017").await?;
/// store.prepare().await?;
/// store.put(b"digest", "user=7".into(), Terms::ttl(Duration::from_secs(1800))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MongoStore {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) client: Client,
    pub(super) sessions: Collection<Document>,
    pub(super) is_bare: bool,
    pub(super) patience: Patience,
    pub(super) clock: Box<dyn Clock>,
}

impl MongoStore {
    /// Starts the settings; without any, `mongodb://127.0.0.1:27017`, database `flask_session`,
    /// collection `sessions`.
    pub fn builder() -> MongoBuilder {
        MongoBuilder::new()
    }

    /// Connects to `address` with the defaults of everything else.
    ///
    /// # Errors
    /// As [`MongoBuilder::connect`].
    pub async fn connect(address: &str) -> Result<Self> {
        Self::builder().address(address).connect().await
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Makes the indexes: the one by which the server removes ended sessions, and for bare stores one
    /// that keeps ids apart. Repeating it does no harm; needs the right to make indexes.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig) if there is such an index with other options or the
    /// right is missing; faults of the server.
    pub async fn prepare(&self) -> Result<()> {
        let index = |field: &str, options: IndexOptions| {
            let options = Some(options);
            IndexModel::builder()
                .keys(doc! { field: 1 })
                .options(options)
                .build()
        };
        // For bare stores the same that Flask-Session makes.
        let expiring = match self.inner.is_bare {
            true => (BARE.end, Duration::ZERO),
            false => (NATIVE.end, GRACE),
        };
        let options = IndexOptions::builder().expire_after(expiring.1).build();
        let mut indexes = vec![index(expiring.0, options)];
        if self.inner.is_bare {
            let options = IndexOptions::builder().unique(true).build();
            indexes.push(index(BARE.key, options));
        }
        let ask = async |_| {
            let made = self.inner.sessions.create_indexes(indexes.clone());
            made.await.map(drop).map_err(failed)
        };
        self.inner.patience.ask("prepare MongoDB", ask).await
    }

    /// Asks the primary for a sign of life.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) or [`Timeout`](ErrorKind::Timeout) if there is none,
    /// [`InvalidConfig`](ErrorKind::InvalidConfig) if it refuses the credentials.
    pub async fn ping(&self) -> Result<()> {
        let ask = async |_| {
            let database = self.inner.client.database("admin");
            database
                .run_command(doc! { "ping": 1 })
                .await
                .map(drop)
                .map_err(failed)
        };
        self.inner.patience.ask("ping MongoDB", ask).await
    }

    /// The bare key, if this store is a bare one.
    fn bare_key<'k>(&self, key: &'k [u8]) -> Result<Option<&'k str>, std::str::Utf8Error> {
        match self.inner.is_bare {
            true => std::str::from_utf8(key).map(Some),
            false => Ok(None),
        }
    }

    /// For reads: `None` for a key that has no record.
    fn place<'k>(&self, key: &'k [u8]) -> Option<Place<'k>> {
        Key::from(key).check().ok()?;
        let bare = self.bare_key(key).ok()?;
        Some(bare.map_or(Place::Native(key), Place::Bare))
    }

    /// Where a write goes, if the store can take it.
    fn place_of_write<'k>(&self, key: &'k [u8], value: &[u8], terms: &Terms) -> Result<Place<'k>> {
        check_write(key, terms)?;
        if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
            return Err(Error::input(
                "store a session in MongoDB: this store keeps times to live only",
            ));
        }
        if value.len() > VALUE_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "store a session in MongoDB: it has {} bytes, {VALUE_MAX} are allowed; put less into it",
                    value.len()
                ),
            ));
        }
        self.place(key)
            .ok_or_else(|| Error::input("store a session in MongoDB: a bare key has to be UTF-8"))
    }

    async fn find(&self, key: &[u8]) -> Result<Option<Record>> {
        let Some(place) = self.place(key) else {
            return Ok(None);
        };
        let ask = async |_| match place {
            Place::Native(key) => native::find(&self.inner, key).await,
            Place::Bare(key) => bare::find(&self.inner, key).await,
        };
        self.inner
            .patience
            .ask("load a session from MongoDB", ask)
            .await
    }
}

/// A key, as the form of the documents has it.
#[derive(Clone, Copy)]
enum Place<'k> {
    Native(&'k [u8]),
    Bare(&'k str),
}

impl Inner {
    pub(super) fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }

    /// The session in a document that was found, if it is one and alive.
    pub(super) fn live_record(&self, fields: &Fields, found: Option<Document>) -> Option<Record> {
        let record = Record::of(fields, found?);
        if record.is_none() {
            tracing::warn!("MongoDB holds something else than a session under the key of one");
        }
        record.filter(|record| record.is_live(self.now_ms()))
    }
}

pub(super) fn contended() -> Failed {
    Failed::ForGood(Error::new(
        ErrorKind::Conflict,
        "replace a session in MongoDB: others wrote it each time; nothing was written, try again later",
    ))
}

impl SessionStore for MongoStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        verb("mongodb", "load", async move {
            Ok(self.find(key).await?.map(Record::loaded))
        })
        .await
    }

    /// Costs no more than `load`.
    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        verb("mongodb", "load_left", async move {
            Ok(self.find(key).await?.map(|record| Lived {
                left: Some(record.left(self.inner.now_ms())),
                loaded: record.loaded(),
            }))
        })
        .await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        verb("mongodb", "create", async move {
            match self.place_of_write(key, &value, &terms)? {
                Place::Native(key) => native::create(&self.inner, key, &value, terms).await,
                Place::Bare(key) => bare::create(&self.inner, key, &value, terms).await,
            }
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
        verb("mongodb", "replace", async move {
            match self.place_of_write(key, &value, &terms)? {
                Place::Native(key) => {
                    native::replace(&self.inner, key, &value, terms, expected).await
                }
                Place::Bare(key) => bare::replace(&self.inner, key, &value, terms, expected).await,
            }
        })
        .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        verb("mongodb", "put", async move {
            match self.place_of_write(key, &value, &terms)? {
                Place::Native(key) => native::put(&self.inner, key, &value, terms).await,
                Place::Bare(key) => bare::put(&self.inner, key, &value, terms).await,
            }
        })
        .await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        verb("mongodb", "touch", async move {
            if time_to_live.is_zero() {
                return self.remove(key).await;
            }
            match self.place(key) {
                None => Ok(false),
                Some(Place::Native(key)) => native::touch(&self.inner, key, time_to_live).await,
                Some(Place::Bare(key)) => bare::touch(&self.inner, key, time_to_live).await,
            }
        })
        .await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        verb("mongodb", "remove", async move {
            match self.place(key) {
                None => Ok(false),
                Some(Place::Native(key)) => native::remove(&self.inner, key).await,
                Some(Place::Bare(key)) => bare::remove(&self.inner, key).await,
            }
        })
        .await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        verb("mongodb", "exists", async move {
            let Some(place) = self.place(key) else {
                return Ok(false);
            };
            let ask = async |_| match place {
                Place::Native(key) => native::exists(&self.inner, key).await,
                Place::Bare(key) => bare::exists(&self.inner, key).await,
            };
            self.inner
                .patience
                .ask("look for a session in MongoDB", ask)
                .await
        })
        .await
    }

    /// Nothing to do: the server removes what has ended, once [`MongoStore::prepare`] was called.
    async fn purge_expired(&self, _budget: usize) -> Result<Purged> {
        verb(
            "mongodb",
            "purge_expired",
            async move { Ok(Purged::default()) },
        )
        .await
    }

    /// Closes all connections. Later calls are [`Unavailable`](ErrorKind::Unavailable), also those of
    /// clones.
    async fn close(&self) -> Result<()> {
        verb("mongodb", "close", async move {
            self.inner.client.clone().shutdown().immediate(true).await;
            Ok(())
        })
        .await
    }
}

/// Shows where the sessions are on the server, and nothing of its address.
impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore")
            .field("namespace", &self.inner.sessions.namespace().to_string())
            .field("is_bare", &self.inner.is_bare)
            .field("patience", &self.inner.patience)
            .finish_non_exhaustive()
    }
}
