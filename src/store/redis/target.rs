//! Whom to connect to: a server, whichever server the sentinels name, or the nodes of a cluster.

use std::pin::Pin;
use std::sync::Arc;

use redis::cluster::ClusterClient;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ProtocolVersion,
    RedisError, RedisResult, TlsCertificates, TlsMode, Value,
};

use super::address::{Address, is_tls};
use super::link::Wire;
use super::tracking::Hub;
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::Patience;

/// What the driver of a cluster may do by itself to find the node of a key.
const REDIRECTS: u32 = 3;

pub(super) enum Target {
    Node(Client),
    /// Shared, because asking sentinels keeps connections to them.
    Sentinel(tokio::sync::Mutex<SentinelClient>, ProtocolVersion),
    Cluster(Box<Cluster>),
}

pub(super) struct Cluster {
    client: ClusterClient,
    first: ConnectionInfo,
    tls: Option<TlsCertificates>,
}

/// How a program is known to the sentinels.
pub(super) struct SentinelUser {
    pub(super) name: String,
    pub(super) password: String,
}

impl Target {
    pub(super) fn new(
        address: Address,
        tls: Option<TlsCertificates>,
        sentinel_user: Option<SentinelUser>,
        patience: &Patience,
    ) -> Result<Self> {
        if address.is_tls() {
            choose_cryptography();
        }
        let target = match address {
            Address::Node(info) => node(info, tls).map(Self::Node),
            Address::Sentinel {
                sentinels,
                service,
                servers,
            } => {
                let protocol = servers.protocol();
                let is_tls = sentinels.iter().all(is_tls);
                let asked =
                    SentinelClientBuilder::new(sentinels, service, SentinelServerType::Master);
                asked
                    .and_then(|mut asked| {
                        if is_tls {
                            asked = asked
                                .set_client_to_redis_tls_mode(TlsMode::Secure)
                                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
                        }
                        if let Some(tls) = tls {
                            asked = asked
                                .set_client_to_redis_certificates(tls.clone())
                                .set_client_to_sentinel_certificates(tls);
                        }
                        if let Some(name) = servers.username() {
                            asked = asked.set_client_to_redis_username(name);
                        }
                        if let Some(password) = servers.password() {
                            asked = asked.set_client_to_redis_password(password);
                        }
                        if let Some(user) = sentinel_user {
                            if !user.name.is_empty() {
                                asked = asked.set_client_to_sentinel_username(user.name);
                            }
                            asked = asked.set_client_to_sentinel_password(user.password);
                        }
                        asked
                            .set_client_to_redis_db(servers.db())
                            .set_client_to_redis_protocol(protocol)
                            .build()
                    })
                    .map(|client| Self::Sentinel(tokio::sync::Mutex::new(client), protocol))
            }
            Address::Cluster(nodes) => cluster(nodes, tls, patience).map(Self::Cluster),
        };
        // The driver's own text may quote what it was given.
        target.map_err(|error: RedisError| {
            Error::new(
                ErrorKind::InvalidConfig,
                format!(
                    "open a redis store: {}; check URLs and certificates",
                    error.category()
                ),
            )
        })
    }

    /// Whether the server can tell by itself that keys changed.
    pub(super) fn can_push(&self) -> bool {
        let protocol = match self {
            Self::Node(client) => client.get_connection_info().redis_settings().protocol(),
            Self::Sentinel(_, protocol) => *protocol,
            Self::Cluster(cluster) => cluster.first.redis_settings().protocol(),
        };
        protocol != ProtocolVersion::RESP2
    }

    /// Boxed, because the driver's futures nest so deeply that programs around them would not compile
    /// without a higher recursion limit.
    pub(super) fn open<'a>(
        &'a self,
        patience: &'a Patience,
        hub: &'a Arc<Hub>,
    ) -> Pin<Box<dyn Future<Output = RedisResult<Wire>> + Send + 'a>> {
        Box::pin(self.connect(patience, hub))
    }

    async fn connect(&self, patience: &Patience, hub: &Arc<Hub>) -> RedisResult<Wire> {
        let client = match self {
            Self::Cluster(cluster) => {
                return Ok(Wire::Cluster(cluster.client.get_async_connection().await?));
            }
            Self::Node(client) => client,
            Self::Sentinel(sentinels, _) => &sentinels.lock().await.async_get_client().await?,
        };
        // Time is kept by whoever asks, connecting included; these are for what nobody waits for.
        let mut config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(Some(patience.attempt_max()));
        if self.can_push() {
            let hub = Arc::clone(hub);
            config = config.set_push_sender(move |push| {
                hub.hear(push);
                Ok::<(), std::convert::Infallible>(())
            });
        }
        let mut wire = Wire::Node(
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await?,
        );
        if hub.is_wanted() {
            wire.send(&hub.tracking()).await?;
            // Changes since the last connection broke were told to nobody.
            hub.all();
        }
        Ok(wire)
    }
}

impl Cluster {
    /// A target of one of the cluster's servers.
    pub(super) fn node(&self, host: &str, port: u16) -> RedisResult<Target> {
        let addr = match self.first.addr() {
            ConnectionAddr::TcpTls { .. } => ConnectionAddr::TcpTls {
                host: host.to_owned(),
                port,
                insecure: false,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        node(self.first.clone().set_addr(addr), self.tls.clone()).map(Target::Node)
    }

    /// The masters that an answer to `CLUSTER SLOTS` names, each once, in order.
    pub(super) fn masters(&self, slots: &Value) -> Vec<(String, u16)> {
        let Value::Array(slots) = slots else {
            return Vec::new();
        };
        let master = |slot: &Value| {
            let Value::Array(slot) = slot else {
                return None;
            };
            let Value::Array(master) = slot.get(2)? else {
                return None;
            };
            let [host, Value::Int(port), ..] = &master[..] else {
                return None;
            };
            let host = match host {
                Value::BulkString(host) => std::str::from_utf8(host).ok()?,
                Value::SimpleString(host) => host,
                _ => "",
            };
            // A node that does not know its own address is the one that was asked.
            let host = match (host, self.first.addr()) {
                ("" | "?", ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. }) => {
                    host
                }
                (host, _) => host,
            };
            Some((host.to_owned(), u16::try_from(*port).ok()?))
        };
        let mut masters: Vec<_> = slots.iter().filter_map(master).collect();
        masters.sort_unstable();
        masters.dedup();
        masters
    }
}

fn node(info: ConnectionInfo, tls: Option<TlsCertificates>) -> RedisResult<Client> {
    match tls {
        Some(tls) => Client::build_with_tls(info, tls),
        None => Client::open(info),
    }
}

fn cluster(
    nodes: Vec<ConnectionInfo>,
    tls: Option<TlsCertificates>,
    patience: &Patience,
) -> RedisResult<Box<Cluster>> {
    let first = nodes.first().cloned();
    let first = first.ok_or((redis::ErrorKind::InvalidClientConfig, "no nodes"))?;
    let mut client = ClusterClient::builder(nodes)
        .connection_timeout(patience.attempt_max())
        .response_timeout(patience.attempt_max())
        .retries(REDIRECTS)
        .min_retry_wait(10)
        .max_retry_wait(200);
    if let Some(tls) = &tls {
        client = client.certs(tls.clone());
    }
    let client = client.build()?;
    Ok(Box::new(Cluster { client, first, tls }))
}

/// Asks any one node of a cluster who the others are.
pub(super) fn cluster_slots() -> Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg("SLOTS");
    command
}

/// Chooses the process's cryptography for TLS if nobody has yet: the library would panic where several
/// are compiled in and none is chosen.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else was faster: just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
