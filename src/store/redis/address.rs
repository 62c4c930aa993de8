//! What a store's URLs say: one server, sentinels, or a cluster.

use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
};

use crate::error::{Error, Result};

/// Where Sentinel listens unless told otherwise.
const SENTINEL_PORT: u16 = 26379;
/// More hosts than this are a mistake.
const HOSTS_MAX: usize = 100;

/// Where a store's records are.
pub(super) enum Address {
    Node(ConnectionInfo),
    Sentinel {
        sentinels: Vec<ConnectionAddr>,
        service: String,
        /// Name, password and database for the servers that the sentinels name.
        servers: RedisConnectionInfo,
    },
    Cluster(Vec<ConnectionInfo>),
}

impl Address {
    pub(super) fn is_tls(&self) -> bool {
        match self {
            Self::Node(info) => is_tls(info.addr()),
            Self::Sentinel { sentinels, .. } => sentinels.iter().all(is_tls),
            Self::Cluster(nodes) => nodes.iter().all(|node| is_tls(node.addr())),
        }
    }
}

pub(super) fn is_tls(addr: &ConnectionAddr) -> bool {
    matches!(addr, ConnectionAddr::TcpTls { .. })
}

/// Reads URLs; none stands for `redis://127.0.0.1:6379`.
pub(super) fn read(urls: &[String]) -> Result<Address> {
    match urls {
        [] => Ok(Address::Node(node("redis://127.0.0.1:6379")?)),
        [url] => one(url.trim()),
        urls => {
            let nodes = urls.iter().map(|url| node(url.trim()));
            cluster(nodes.collect::<Result<_>>()?)
        }
    }
}

fn one(url: &str) -> Result<Address> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(wrong("it has no scheme; say redis://host:port"));
    };
    let (plain, kind) = match scheme {
        "redis+sentinel" | "valkey+sentinel" => ("redis", "sentinel"),
        "rediss+sentinel" | "valkeys+sentinel" => ("rediss", "sentinel"),
        "redis+cluster" | "valkey+cluster" => ("redis", "cluster"),
        "rediss+cluster" | "valkeys+cluster" => ("rediss", "cluster"),
        _ => return Ok(Address::Node(node(url)?)),
    };
    if rest.contains(['?', '#']) {
        return Err(wrong("a list of hosts takes no ? and no #"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let hosts: Vec<&str> = hosts.split(',').map(str::trim).collect();
    if hosts.len() > HOSTS_MAX {
        return Err(wrong("it names more than a hundred hosts"));
    }
    if kind == "cluster" {
        if !matches!(path, "" | "0") {
            return Err(wrong("a cluster has the database 0 only"));
        }
        let nodes = hosts
            .iter()
            .map(|host| node(&format!("{plain}://{user}{host}")));
        return cluster(nodes.collect::<Result<_>>()?);
    }
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    // The names that Sentinel allows.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if service.is_empty() || !service.chars().all(is_name) {
        let why = "it names no service; say redis+sentinel://host:port,host:port/service/database";
        return Err(wrong(why));
    }
    let mut sentinels = Vec::with_capacity(hosts.len());
    let mut servers = None;
    for host in hosts {
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.contains(']'));
        let port = match has_port {
            true => String::new(),
            false => format!(":{SENTINEL_PORT}"),
        };
        let info = node(&format!("{plain}://{user}{host}{port}/{database}"))?;
        sentinels.push(info.addr().clone());
        servers = Some(info.redis_settings().clone());
    }
    let servers = servers.ok_or_else(|| wrong("it names no host"))?;
    Ok(Address::Sentinel {
        sentinels,
        service: service.to_owned(),
        servers,
    })
}

fn cluster(nodes: Vec<ConnectionInfo>) -> Result<Address> {
    let Some(first) = nodes.first() else {
        return Err(wrong("it names no host"));
    };
    let alike = |node: &ConnectionInfo| {
        let (one, other) = (node.redis_settings(), first.redis_settings());
        one.username() == other.username()
            && one.password() == other.password()
            && one.protocol() == other.protocol()
            && is_tls(node.addr()) == is_tls(first.addr())
    };
    if !nodes.iter().all(alike) {
        return Err(wrong(
            "the nodes of a cluster have one scheme, user and password",
        ));
    }
    for node in &nodes {
        if matches!(node.addr(), ConnectionAddr::Unix(_)) {
            return Err(wrong(
                "the nodes of a cluster are not reached by a socket's path",
            ));
        }
        if node.redis_settings().db() != 0 {
            return Err(wrong("a cluster has the database 0 only"));
        }
    }
    Ok(Address::Cluster(nodes))
}

fn node(url: &str) -> Result<ConnectionInfo> {
    // The driver's own text may quote a part of the URL, and with it a password.
    let info = url.into_connection_info().map_err(|_| {
        wrong("it is none; say redis://, rediss:// (TLS), valkey://, valkeys:// or unix://")
    })?;
    if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
        return Err(wrong(
            "#insecure is refused: trust the server's certificate instead, see the builder",
        ));
    }
    let settings = info.redis_settings().clone();
    if settings.db() < 0 {
        return Err(wrong("a database has a number from 0"));
    }
    if url.contains("protocol=") {
        return Ok(info);
    }
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

fn wrong(why: &str) -> Error {
    Error::config(format!("open a redis store: its URL is refused: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address> {
        read(&[url.to_owned()])
    }

    fn tcp(addr: &ConnectionAddr) -> (&str, u16, bool) {
        match addr {
            ConnectionAddr::Tcp(host, port) => (host, *port, false),
            ConnectionAddr::TcpTls { host, port, .. } => (host, *port, true),
            _ => panic!("not over TCP"),
        }
    }

    #[test]
    fn one_server_in_every_spelling() {
        for (url, wanted) in [
            ("redis://example.com", ("example.com", 6379, false)),
            ("rediss://example.com:7000/2", ("example.com", 7000, true)),
            ("valkey://u:p@10.0.0.1:1", ("10.0.0.1", 1, false)),
            ("valkeys://[::1]:2", ("::1", 2, true)),
        ] {
            let Address::Node(info) = address(url).unwrap() else {
                panic!("{url}")
            };
            assert_eq!(tcp(info.addr()), wanted);
            assert_eq!(info.redis_settings().protocol(), ProtocolVersion::RESP3);
        }
        for url in [
            "unix:///run/redis.sock?db=3",
            "redis+unix:///run/redis.sock?db=3",
        ] {
            let Address::Node(info) = address(url).unwrap() else {
                panic!("{url}")
            };
            assert!(
                matches!(info.addr(), ConnectionAddr::Unix(path) if path.ends_with("redis.sock"))
            );
            assert_eq!(info.redis_settings().db(), 3);
        }
        assert!(matches!(read(&[]), Ok(Address::Node(_))));
    }

    #[test]
    fn sentinels_with_service_user_and_database() {
        let url = "rediss+sentinel://u:p%40@one:1, two,[::1]/my-service/4";
        let Address::Sentinel {
            sentinels,
            service,
            servers,
        } = address(url).unwrap()
        else {
            panic!("{url}")
        };
        let found: Vec<_> = sentinels.iter().map(tcp).collect();
        assert_eq!(
            found,
            [("one", 1, true), ("two", 26379, true), ("::1", 26379, true)]
        );
        assert_eq!(service, "my-service");
        assert_eq!(
            (servers.username(), servers.password()),
            (Some("u"), Some("p@"))
        );
        assert_eq!(servers.db(), 4);
    }

    #[test]
    fn clusters_from_one_url_and_from_several() {
        let several = ["redis://a:1".to_owned(), "redis://b:2".to_owned()];
        for address in [
            address("redis+cluster://a:1,b:2").unwrap(),
            read(&several).unwrap(),
        ] {
            let Address::Cluster(nodes) = address else {
                panic!("not a cluster")
            };
            let found: Vec<_> = nodes.iter().map(|node| tcp(node.addr())).collect();
            assert_eq!(found, [("a", 1, false), ("b", 2, false)]);
        }
    }

    #[test]
    fn what_is_wrong_is_refused_without_telling_the_password() {
        for url in [
            "",
            "secret",
            "http://u:secret@host",
            "redis://u:secret@host:port",
            "redis://u:secret@host/x",
            "redis://u:secret@host/-1",
            "redis://u:secret@host?protocol=secret",
            "rediss://u:secret@host#insecure",
            "redis+sentinel://u:secret@host",
            "redis+sentinel://u:secret@host/a%20b",
            "redis+sentinel://u:secret@host/name/x",
            "redis+sentinel://u:secret@host/name?x=secret",
            "redis+cluster://u:secret@a,b/3",
            "redis+cluster://u:secret@",
        ] {
            let Err(error) = address(url) else {
                panic!("{url} is accepted")
            };
            assert_eq!(error.kind(), crate::error::ErrorKind::InvalidConfig);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        for pair in [
            ["redis://a", "rediss://b"],
            ["redis://u:p@a", "redis://b"],
            ["redis://a/1", "redis://b/1"],
            ["redis://a", "unix:///x"],
        ] {
            assert!(read(&pair.map(str::to_owned)).is_err(), "{pair:?}");
        }
    }
}
