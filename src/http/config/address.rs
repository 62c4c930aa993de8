//! Addresses of servers: which are acceptable, and which leave the machine unprotected.

use super::parse::{self, Parsed};
use super::secret::Secret;
use super::value::Raw;

const ADDRESS_MAX: usize = 2048;

/// The kinds of server that an address can lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Redis,
    Memcached,
    MongoDb,
    Sql,
}

impl Server {
    /// The schemes of this server's addresses; the first is put before a bare `host:port`.
    fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Redis => &[
                "redis",
                "rediss",
                "redis+unix",
                "redis+sentinel",
                "rediss+sentinel",
                "redis+cluster",
                "rediss+cluster",
                "unix",
                "valkey",
                "valkeys",
            ],
            Self::Memcached => &["memcached", "unix"],
            Self::MongoDb => &["mongodb", "mongodb+srv"],
            Self::Sql => &["sqlite", "postgresql", "postgres", "mysql", "mariadb"],
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Redis => "redis://127.0.0.1:6379",
            Self::Memcached => "127.0.0.1:11211",
            Self::MongoDb => "mongodb://127.0.0.1:27017",
            Self::Sql => "sqlite:sessions.db or postgresql://user:password@host/database",
        }
    }
}

/// One address. Messages never repeat any of it: it may hold a password.
pub(super) fn one(raw: &Raw, server: Server) -> Parsed<Secret> {
    let wanted = || {
        format!(
            "must be an address like {}; a client object of Python cannot be taken over",
            server.example()
        )
    };
    let text = parse::text(raw).map_err(|_| wanted())?.trim();
    if text.is_empty() || text.len() > ADDRESS_MAX {
        return Err(wanted());
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '<' || c == '>')
    {
        return Err(wanted());
    }
    let Some((scheme, _)) = text
        .split_once(':')
        .filter(|(scheme, _)| has_scheme(text, scheme))
    else {
        // SQL has no host to guess: a bare text would be a file, or a mistake.
        if server == Server::Sql {
            return Err(wanted());
        }
        return Ok(Secret::new(format!("{}://{text}", server.schemes()[0])));
    };
    let scheme = scheme.to_ascii_lowercase();
    // SQLAlchemy names the driver behind a plus sign.
    let known = match server {
        Server::Sql => scheme.split('+').next().unwrap_or_default(),
        _ => &scheme,
    };
    if !server.schemes().contains(&known) {
        return Err(wanted());
    }
    Ok(match server {
        Server::Sql => Secret::new(format!("{known}{}", &text[scheme.len()..])),
        _ => Secret::new(text),
    })
}

/// One address or several, in a list or between commas.
pub(super) fn several(raw: &Raw, server: Server) -> Parsed<Vec<Secret>> {
    // These hold the hosts of several servers, between commas.
    if let Ok(text) = parse::text(raw)
        && ["+sentinel://", "+cluster://"]
            .iter()
            .any(|word| text.contains(word))
    {
        return one(raw, server).map(|address| vec![address]);
    }
    let addresses = parse::list(raw)?
        .into_iter()
        .map(|address| one(&Raw::Text(address), server))
        .collect::<Parsed<Vec<_>>>()?;
    if addresses.is_empty() {
        return Err(format!("must be an address like {}", server.example()));
    }
    Ok(addresses)
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.contains("://") || matches!(scheme, "sqlite" | "unix")
}

/// Whether an address leads to another machine without encryption that the address asks for.
pub(super) fn is_exposed(address: &Secret) -> bool {
    let text = address.expose_text();
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let (authority, options) = match rest.find(['/', '?']) {
        Some(end) => (&rest[..end], rest[end..].to_ascii_lowercase()),
        None => (rest, String::new()),
    };
    let encrypted = match scheme.to_ascii_lowercase().as_str() {
        "rediss" | "rediss+sentinel" | "rediss+cluster" | "valkeys" | "mongodb+srv" => true,
        "mongodb" => ["tls=true", "ssl=true"]
            .iter()
            .any(|word| options.contains(word)),
        "postgresql" | "postgres" => ["sslmode=require", "sslmode=verify"]
            .iter()
            .any(|word| options.contains(word)),
        "mysql" | "mariadb" => ["required", "verify_ca", "verify_identity"]
            .iter()
            .any(|word| {
                options.contains(&format!("ssl-mode={word}"))
                    || options.contains(&format!("sslmode={word}"))
            }),
        "sqlite" | "unix" | "redis+unix" => return false,
        _ => false,
    };
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    !encrypted && hosts.split(',').any(|host| !is_local(host))
}

fn is_local(host: &str) -> bool {
    if host.starts_with('[') {
        return host.starts_with("[::1]");
    }
    let name = host.split(':').next().unwrap_or_default();
    let is_loopback = name
        .parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback());
    is_loopback || name.is_empty() || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposed_is_what_leaves_the_machine_in_the_clear() {
        let rows = [
            ("redis://127.0.0.1:6379", false),
            ("redis://user:p@ss@localhost:6379/0", false),
            ("redis://[::1]:6379", false),
            ("redis://10.0.0.7:6379", true),
            ("rediss://10.0.0.7:6379", false),
            ("mongodb://localhost,db.example:27017", true),
            ("mongodb://db.example/?tls=true", false),
            ("postgresql://db.example/x?sslmode=verify-full", false),
            ("postgresql://db.example/x?sslmode=disable", true),
            ("mysql://db.example/x?ssl-mode=REQUIRED", false),
            ("postgresql:///x?host=/run/postgresql", false),
            ("sqlite:sessions.db", false),
            ("memcached://127.0.0.1.example", true),
        ];
        for (address, exposed) in rows {
            assert_eq!(is_exposed(&Secret::new(address)), exposed, "{address}");
        }
    }
}
