//! What a memcached store is made from, checked once.

use std::collections::BTreeSet;
use std::fmt;

use zeroize::Zeroizing;

use super::address::Address;
use super::name::Naming;
use super::pool::Server;
use super::store::{Inner, MemcachedStore};
use crate::error::{Error, Result};
use crate::store::Patience;
use crate::time::{Clock, CoarseClock};

const SERVERS_MAX: usize = 256;
const CONNECTIONS_MAX: usize = 1024;
const VALUE_MAX: usize = 1 << 30;
/// What memcached's default limit of 1 MiB leaves after its own head of an item, the longest name and
/// our head of a record.
const VALUE_DEFAULT: usize = (1 << 20) - 1024;
const CREDENTIAL_MAX: usize = 256;

/// Settings of a [`MemcachedStore`].
///
/// ```
/// use sessile::store::MemcachedStore;
///
/// let store = MemcachedStore::builder()
///     .servers("10.0.0.1:11211, 10.0.0.2:11211")
///     .prefix("shop:")
///     .connections_max(32)
///     .build()?;
/// # let _ = store;
/// # Ok::<(), sessile::Error>(())
/// ```
#[must_use = "a builder does nothing until `build` or `connect`"]
pub struct MemcachedBuilder {
    servers: String,
    prefix: String,
    is_bare: bool,
    connections_max: usize,
    value_max: usize,
    credentials: Option<(Zeroizing<String>, Zeroizing<String>)>,
    patience: Patience,
    clock: Box<dyn Clock>,
}

impl MemcachedBuilder {
    pub(super) fn new() -> Self {
        Self {
            servers: "127.0.0.1:11211".to_owned(),
            prefix: "sessile:".to_owned(),
            is_bare: false,
            connections_max: 16,
            value_max: VALUE_DEFAULT,
            credentials: None,
            patience: Patience::new(),
            clock: Box::new(CoarseClock),
        }
    }

    /// Where the servers listen: `host:port` or `[v6 address]:port`, also behind `memcached://`, or
    /// `unix:/path`, separated by commas, at most 256. Default: `127.0.0.1:11211`.
    ///
    /// With several, each key is on one of them, chosen by rendezvous hashing of the texts given here:
    /// the order does not matter, another spelling of a host does. pymemcache's `HashClient` chooses
    /// the same ones; pylibmc (libmemcached) and python-memcached do not. When the list changes, the
    /// sessions that change servers are lost.
    pub fn servers(mut self, addresses: impl Into<String>) -> Self {
        self.servers = addresses.into();
        self
    }

    /// What the names of all keys begin with: up to 120 bytes of ASCII without white space. Default:
    /// `sessile:`. Bare stores have none.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Stores each value exactly as given under its key exactly as given, as Flask-Session 0.8 does, so
    /// that both read and write the same sessions. Default: no.
    ///
    /// This weakens promises. A version is a digest of the content, so equal contents have equal
    /// versions. The server's clock decides the end, in whole seconds rounded up: a record may live
    /// up to one second longer than asked, or, for the shortest, not at all. A key must have from 1 to
    /// 250 bytes of UTF-8 without white space and control characters. A repeated removal says that
    /// there was nothing.
    pub fn bare(mut self) -> Self {
        self.is_bare = true;
        self
    }

    /// The most connections to each server, from 1 to 1,024. Default: 16.
    ///
    /// They are opened when needed and kept. Who finds all of them in use waits, within the time of
    /// his attempt.
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections;
        self
    }

    /// The longest value in bytes, at most 1 GiB. Default: 1 MiB less 1 KiB, which is what memcached's own
    /// default limit leaves. Longer ones are refused with
    /// [`TooLarge`](crate::ErrorKind::TooLarge) before they are sent.
    ///
    /// Raise it only with the server's limit (`-I`): the server refuses what is too long for it, but
    /// may remove the record that was there.
    pub fn value_max(mut self, bytes: usize) -> Self {
        self.value_max = bytes;
        self
    }

    /// User and password for servers that want them (`-Y`), sent in clear. Default: none.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into().into(), password.into().into()));
        self
    }

    /// How long and how often a server is asked. Default: [`Patience::new`].
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Whose Unix time decides when a record ends. Default: the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Makes the store; connects when it is first used.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for what is out of range, an address that is
    /// none, a server that is named twice.
    pub fn build(self) -> Result<MemcachedStore> {
        if !(1..=CONNECTIONS_MAX).contains(&self.connections_max) {
            return Err(Error::config(format!(
                "make a memcached store: connections_max must be from 1 to {CONNECTIONS_MAX}"
            )));
        }
        if !(1..=VALUE_MAX).contains(&self.value_max) {
            return Err(Error::config(format!(
                "make a memcached store: value_max must be from 1 to {VALUE_MAX} bytes"
            )));
        }
        let naming = match self.is_bare {
            true => Naming::Bare,
            false => Naming::native(&self.prefix)?,
        };
        let credentials = self.wire_credentials()?;
        let mut names = BTreeSet::new();
        let mut servers = Vec::new();
        for text in self.servers.split(',') {
            let address = Address::parse(text)?;
            if !names.insert(address.name()) || servers.len() == SERVERS_MAX {
                return Err(Error::config(format!(
                    "make a memcached store: a server is named twice, or more than {SERVERS_MAX} are"
                )));
            }
            servers.push(Server::new(
                address,
                credentials.clone(),
                Inner::wire_max(self.value_max),
                self.connections_max,
            ));
        }
        Ok(MemcachedStore::of(Inner {
            servers,
            naming,
            patience: self.patience,
            value_max: self.value_max,
            clock: self.clock,
        }))
    }

    /// Makes the store and sees whether all servers answer.
    ///
    /// # Errors
    /// As [`build`](Self::build) and [`MemcachedStore::ping`].
    pub async fn connect(self) -> Result<MemcachedStore> {
        let store = self.build()?;
        store.ping().await?;
        Ok(store)
    }

    /// `user password`, in the form of the wire.
    fn wire_credentials(&self) -> Result<Option<Zeroizing<String>>> {
        let Some((user, password)) = &self.credentials else {
            return Ok(None);
        };
        let is_sound = |text: &str| {
            (1..=CREDENTIAL_MAX).contains(&text.len()) && !text.contains(|c: char| c.is_control())
        };
        match is_sound(user) && is_sound(password) && !user.contains(' ') {
            true => Ok(Some(Zeroizing::new(format!("{} {}", **user, **password)))),
            false => Err(Error::config(format!(
                "make a memcached store: user and password must have from 1 to {CREDENTIAL_MAX} bytes without \
                 control characters, and the user no space"
            ))),
        }
    }
}

/// Shows nothing of the credentials or the addresses.
impl fmt::Debug for MemcachedBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedBuilder")
            .field("prefix", &self.prefix)
            .field("is_bare", &self.is_bare)
            .field("connections_max", &self.connections_max)
            .field("value_max", &self.value_max)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
