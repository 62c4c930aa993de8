//! The settings of a store in Redis.

use std::fmt;
use std::sync::Arc;

use redis::{ClientTlsConfig, TlsCertificates};

use super::RedisStore;
use super::address;
use super::form::Form;
use super::link::Link;
use super::target::{SentinelUser, Target};
use super::tracking::Hub;
use crate::error::{Error, Result};
use crate::store::remote::Patience;

const PREFIX: &[u8] = b"sessile";
/// Flask-Session's.
const BARE_PREFIX: &[u8] = b"session:";

/// Settings of a [`RedisStore`]; [`RedisStore::builder`] makes one.
///
/// `Debug` shows neither URLs nor passwords nor certificates.
#[derive(Clone, Default)]
#[must_use]
pub struct RedisBuilder {
    urls: Vec<String>,
    prefix: Option<Vec<u8>>,
    bare: bool,
    patience: Patience,
    root: Option<Vec<u8>>,
    client: Option<(Vec<u8>, Vec<u8>)>,
    sentinel_user: Option<(String, String)>,
}

impl RedisBuilder {
    /// Adds a URL; several are nodes of one cluster. Default: `redis://127.0.0.1:6379`.
    ///
    /// | URL | What it names |
    /// |---|---|
    /// | `redis://[user][:password@]host[:port][/database]` | one server; `valkey://` is the same |
    /// | `rediss://...`, `valkeys://...` | the same over TLS |
    /// | `unix:///path?db=N&user=U&pass=P`, `redis+unix://...` | one server on this machine |
    /// | `redis+sentinel://[user:password@]host[:port],host[:port]/service[/database]` | the master that these sentinels name; `rediss+sentinel://` over TLS. User and password are the server's; for the sentinels' own see [`sentinel_user`](Self::sentinel_user) |
    /// | `redis+cluster://[user:password@]host[:port],host[:port]` | the cluster that these nodes belong to, one is enough; `rediss+cluster://` over TLS |
    ///
    /// Ports default to 6379, those of sentinels to 26379. `?protocol=resp2`, for a server or a
    /// proxy that speaks nothing newer, does without [`RedisStore::invalidations`].
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// What the stored keys begin with, up to 1024 bytes of any kind. Default: `sessile`, and
    /// `session:` for [bare](Self::bare) records.
    ///
    /// The key `k` of the prefix `p` is stored as `1:p:k`, with the prefix's length before it, so that
    /// stores with different prefixes never meet; bare as `pk`, and then it is up to you.
    pub fn prefix(mut self, prefix: impl Into<Vec<u8>>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Stores records exactly as given, under the prefix and the key exactly as given, as
    /// Flask-Session and its like read and write them.
    ///
    /// There is no room for a version then: it is a digest of the content, so that two writes of the
    /// same content have the same version, and a repeated [`create`](crate::SessionStore::create) can
    /// take somebody else's equal record for its own if an answer was lost. Default: off.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// How long answers are waited for, and how often the server is asked again. Default:
    /// [`Patience::new`].
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The certificate authority, in PEM, that servers over TLS have to be known to, in place of the
    /// operating system's.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// This client's own certificate and its key, in PEM, for servers over TLS that ask for them.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client = Some((certificate.into(), key.into()));
        self
    }

    /// The name, possibly empty, and password that the sentinels themselves ask for. Default: none.
    pub fn sentinel_user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.sentinel_user = Some((name.into(), password.into()));
        self
    }

    /// Makes the store; the server is first talked to by the first verb.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a URL, prefix or certificate that cannot
    /// be, with a text that does not quote it.
    pub fn build(self) -> Result<RedisStore> {
        if self.patience.attempt_max().is_zero() {
            return Err(Error::config(
                "open a redis store: its attempts may take no time; allow some milliseconds",
            ));
        }
        let prefix = match (&self.prefix, self.bare) {
            (Some(prefix), _) => prefix,
            (None, true) => BARE_PREFIX,
            (None, false) => PREFIX,
        };
        let form = Form::new(prefix, self.bare)?;
        let address = address::read(&self.urls)?;
        let is_certified = self.root.is_some() || self.client.is_some();
        if is_certified && !address.is_tls() {
            return Err(Error::config(
                "open a redis store: certificates are given and its URL is without TLS; say rediss://",
            ));
        }
        let given = self.client.iter().map(|(certificate, _)| certificate);
        if !given.chain(&self.root).all(|pem| has_certificate(pem)) {
            return Err(Error::config(
                "open a redis store: a certificate is none; give it as PEM",
            ));
        }
        let tls = is_certified.then(|| TlsCertificates {
            client_tls: self
                .client
                .map(|(client_cert, client_key)| ClientTlsConfig {
                    client_cert,
                    client_key,
                }),
            root_cert: self.root,
        });
        let sentinel_user = self
            .sentinel_user
            .map(|(name, password)| SentinelUser { name, password });
        let target = Target::new(address, tls, sentinel_user, &self.patience)?;
        let hub = Arc::new(Hub::new(form.clone()));
        let link = Link::new(target, self.patience, Arc::clone(&hub));
        Ok(RedisStore::new(link, hub, form, self.patience))
    }

    /// Makes the store and makes sure that the server is there and lets us in.
    ///
    /// # Errors
    /// As [`build`](Self::build), and those of a server that cannot be reached
    /// ([`Unavailable`](crate::ErrorKind::Unavailable), [`Timeout`](crate::ErrorKind::Timeout)) or
    /// refuses the password ([`InvalidConfig`](crate::ErrorKind::InvalidConfig)).
    pub async fn connect(self) -> Result<RedisStore> {
        let store = self.build()?;
        store.ping().await?;
        Ok(store)
    }
}

/// The driver takes a text without any for an authority that nobody is known to.
fn has_certificate(pem: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    pem.windows(BEGIN.len()).any(|line| line == BEGIN)
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("urls", &self.urls.len())
            .field("bare", &self.bare)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
