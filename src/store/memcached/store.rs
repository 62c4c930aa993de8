//! The store: checks, naming and patience around the verbs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::builder::MemcachedBuilder;
use super::connection::{Answer, nonsense};
use super::name::Naming;
use super::pool::Server;
use super::reply::Code;
use super::request::{Mode, Request};
use super::{bare, distribution, native, record};
use crate::cache::Key;
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::Failed;
use crate::store::span::verb;
use crate::store::{
    Created, Lived, Loaded, Patience, Purged, Replaced, SessionStore, Terms, Version, check_write,
};
use crate::time::Clock;

/// Keeps sessions in one memcached server or several. Clones share the connections.
///
/// # What memcached cannot promise
/// Memcached is a cache. It **forgets whatever it likes whenever it likes**: when its memory is used up,
/// when it restarts, when a server leaves the list. A session that it forgot is gone and its user has
/// to sign in again. It cannot list its keys either, so sessions cannot be surveyed or counted. Keep
/// sessions elsewhere if that is not good enough.
///
/// # Records
/// A value stands behind 24 bytes of ours: the write's version, the exact end, a checksum. A key is
/// stored as base64url, or as its BLAKE3 digest if that would exceed memcached's 250 bytes, behind the
/// [prefix](MemcachedBuilder::prefix). What is under a key and is no such record is absent, and one
/// warning is logged. With [`bare`](MemcachedBuilder::bare) neither is so: see there.
///
/// # Time
/// The clock of the calling process decides when a record ends, to the millisecond; all processes that
/// share sessions need clocks that agree. The server is told the time to live rounded up and forgets
/// the record a few seconds after its end; its own clock is asked only for more than 30 days, which it
/// takes for a date and which therefore get an hour on top. Lifetimes that end after January 2038 it
/// is not told at all: such records end by our clock and stay until they are evicted.
///
/// # Cost
/// In round trips: `load`, `exists` and `put` one, `create` one if the key is new, two if it is taken and
/// three over a record that has ended, `replace`, `touch` and `remove` two: one to see the record, one to
/// write or remove it if nobody wrote in between (memcached's compare-and-swap). When others did, again;
/// after 64 times it is [`Conflict`](ErrorKind::Conflict). [Bare](MemcachedBuilder::bare), all take one but
/// for a `replace` that expects a version.
///
/// # Faults
/// An attempt has a time limit, and there are several ([`Patience`]). A server that cannot be reached is
/// [`Unavailable`](ErrorKind::Unavailable) for its keys; they are never looked for on another server.
/// A write whose answer was lost is repeated under the same version, and recognized if it arrived.
/// Where somebody else wrote or removed the record in between, the repetition answers as it finds
/// things. Of two callers that remove one record, both may be told that there was one, if the first
/// one's answer was lost.
///
/// # Security
/// No TLS: Debian's memcached has none, and neither has this client. Let memcached listen on the
/// loopback address, a Unix socket or a network of its own; who reaches it reads all sessions.
/// [Credentials](MemcachedBuilder::credentials) are sent in clear.
///
/// # Cancellation
/// A call that is dropped while it waits closes its connection; the next one opens another.
///
/// ```no_run
/// use std::time::Duration;
/// use sessile::store::{MemcachedStore, SessionStore, Terms};
///
/// # async fn example() -> sessile::Result<()> {
/// let store = MemcachedStore::connect("127.0.0.1:11211").await?;
/// store.put(b"digest", "user=7".into(), Terms::ttl(Duration::from_secs(1800))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemcachedStore {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) servers: Vec<Server>,
    pub(super) naming: Naming,
    pub(super) patience: Patience,
    pub(super) value_max: usize,
    pub(super) clock: Box<dyn Clock>,
}

/// A key's server and its name there.
pub(super) struct Place<'s> {
    server: &'s Server,
    pub(super) name: String,
}

impl MemcachedStore {
    /// Starts the settings; without any, one server at `127.0.0.1:11211`.
    pub fn builder() -> MemcachedBuilder {
        MemcachedBuilder::new()
    }

    /// Connects to `servers`, addresses separated by commas, with the defaults of everything else.
    ///
    /// # Errors
    /// As [`MemcachedBuilder::connect`].
    pub async fn connect(servers: &str) -> Result<Self> {
        Self::builder().servers(servers).connect().await
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Asks every server for a sign of life.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) or [`Timeout`](ErrorKind::Timeout) if one does not
    /// answer, [`InvalidConfig`](ErrorKind::InvalidConfig) if it refuses the credentials.
    pub async fn ping(&self) -> Result<()> {
        for server in &self.inner.servers {
            let ask = async |_| match server.ask(&Request::Nothing).await?.reply.code {
                Code::Nothing => Ok(()),
                _ => Err(nonsense()),
            };
            self.inner.patience.ask("ping memcached", ask).await?;
        }
        Ok(())
    }

    /// Where the record of `key` is; `None` for a key that has none.
    fn place(&self, key: &[u8]) -> Option<Place<'_>> {
        Key::from(key).check().ok()?;
        let name = self.inner.naming.of(key)?;
        let servers = &self.inner.servers;
        let server = match &servers[..] {
            [only] => only,
            _ => servers.get(distribution::choose(
                servers.iter().map(Server::name),
                &name,
            )?)?,
        };
        Some(Place { server, name })
    }

    /// Where a write goes, if the store can take it.
    fn place_of_write(&self, key: &[u8], value: &[u8], terms: &Terms) -> Result<Place<'_>> {
        check_write(key, terms)?;
        if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
            return Err(Error::input(
                "store a session in memcached: this store keeps times to live only",
            ));
        }
        if value.len() > self.inner.value_max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "store a session in memcached: it has {} bytes, {} are allowed; put less into it, or \
                     raise the server's limit (-I) and value_max",
                    value.len(),
                    self.inner.value_max
                ),
            ));
        }
        self.place(key).ok_or_else(|| {
            Error::input(
                "store a session in memcached: a bare key has from 1 to 250 bytes of UTF-8, without white \
                 space and control characters",
            )
        })
    }
}

impl Inner {
    pub(super) fn is_bare(&self) -> bool {
        matches!(self.naming, Naming::Bare)
    }

    /// The longest value on the wire.
    pub(super) const fn wire_max(value_max: usize) -> usize {
        value_max + record::HEAD_BYTES
    }
}

impl Place<'_> {
    pub(super) async fn ask(&self, request: &Request<'_>) -> Result<Answer, Failed> {
        self.server.ask(request).await
    }

    /// Writes; says what the server said to it.
    pub(super) async fn set(
        &self,
        head: &[u8],
        value: &[u8],
        time_to_live: i32,
        mode: Mode,
    ) -> Result<Code, Failed> {
        let request = Request::Set {
            key: &self.name,
            head,
            value,
            time_to_live,
            mode,
        };
        Ok(self.ask(&request).await?.reply.code)
    }

    /// Removes; says whether the server did.
    pub(super) async fn delete(&self, cas: Option<u64>) -> Result<Code, Failed> {
        let key = &self.name;
        Ok(self.ask(&Request::Delete { key, cas }).await?.reply.code)
    }
}

impl SessionStore for MemcachedStore {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        verb("memcached", "load", async move {
            match self.place(key) {
                None => Ok(None),
                Some(place) if self.inner.is_bare() => bare::load(&self.inner, &place).await,
                Some(place) => native::load(&self.inner, &place).await,
            }
        })
        .await
    }

    /// Costs no more than `load`. Bare stores do not say what is left.
    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        verb("memcached", "load_left", async move {
            match self.place(key) {
                None => Ok(None),
                Some(place) if self.inner.is_bare() => {
                    let found = bare::load(&self.inner, &place).await?;
                    Ok(found.map(|loaded| Lived { loaded, left: None }))
                }
                Some(place) => native::load_left(&self.inner, &place).await,
            }
        })
        .await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        verb("memcached", "create", async move {
            let place = self.place_of_write(key, &value, &terms)?;
            match self.inner.is_bare() {
                true => bare::create(&self.inner, &place, &value, terms).await,
                false => native::create(&self.inner, &place, &value, terms).await,
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
        verb("memcached", "replace", async move {
            let place = self.place_of_write(key, &value, &terms)?;
            match self.inner.is_bare() {
                true => bare::replace(&self.inner, &place, &value, terms, expected).await,
                false => native::replace(&self.inner, &place, &value, terms, expected).await,
            }
        })
        .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        verb("memcached", "put", async move {
            let place = self.place_of_write(key, &value, &terms)?;
            match self.inner.is_bare() {
                true => bare::put(&self.inner, &place, &value, terms).await,
                false => native::put(&self.inner, &place, &value, terms).await,
            }
        })
        .await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        verb("memcached", "touch", async move {
            match self.place(key) {
                None => Ok(false),
                Some(place) if self.inner.is_bare() => {
                    bare::touch(&self.inner, &place, time_to_live).await
                }
                Some(place) if time_to_live.is_zero() => native::remove(&self.inner, &place).await,
                Some(place) => native::touch(&self.inner, &place, time_to_live).await,
            }
        })
        .await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        verb("memcached", "remove", async move {
            match self.place(key) {
                None => Ok(false),
                Some(place) if self.inner.is_bare() => bare::remove(&self.inner, &place).await,
                Some(place) => native::remove(&self.inner, &place).await,
            }
        })
        .await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        verb("memcached", "exists", async move {
            match self.place(key) {
                None => Ok(false),
                Some(place) if self.inner.is_bare() => bare::exists(&self.inner, &place).await,
                Some(place) => native::exists(&self.inner, &place).await,
            }
        })
        .await
    }

    /// Nothing to do: memcached reclaims by itself.
    async fn purge_expired(&self, _budget: usize) -> Result<Purged> {
        verb("memcached", "purge_expired", async move {
            Ok(Purged::default())
        })
        .await
    }

    /// Closes the idle connections, and the others as soon as they are done. Later calls are
    /// [`Unavailable`](ErrorKind::Unavailable), also those of clones.
    async fn close(&self) -> Result<()> {
        verb("memcached", "close", async move {
            self.inner.servers.iter().for_each(Server::close);
            Ok(())
        })
        .await
    }
}

/// Shows how many servers there are and what is not secret of the rest.
impl fmt::Debug for MemcachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedStore")
            .field("servers", &self.inner.servers.len())
            .field("naming", &self.inner.naming)
            .field("value_max", &self.inner.value_max)
            .field("patience", &self.inner.patience)
            .finish_non_exhaustive()
    }
}
