//! Where a memcached server listens.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// Where nothing else is said.
const PORT: u16 = 11211;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Address {
    /// Reads `host`, `host:port`, `[v6 address]:port`, each also behind `memcached://`, or `unix:/path`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        // The text is not repeated: somebody may have written a password into it.
        let wrong = |what: &str| {
            Error::config(format!(
                "read the address of a memcached server: {what}; write host:port, [::1]:port or unix:/path"
            ))
        };
        let text = text.trim();
        if text.contains('@') {
            return Err(wrong(
                "it has user and password, which have a setting of their own",
            ));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong("it has white space or control characters"));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.starts_with('/') {
                true => Ok(Self::Unix(path.into())),
                false => Err(wrong("the path of its socket is not absolute")),
            };
        }
        let text = match text.strip_prefix("memcached://") {
            Some(rest) => rest.strip_suffix('/').unwrap_or(rest),
            None => text,
        };
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(|| wrong("it lacks a ]"))?;
                match rest {
                    "" => (host, None),
                    _ => (
                        host,
                        Some(
                            rest.strip_prefix(':')
                                .ok_or_else(|| wrong("after ] comes no :"))?,
                        ),
                    ),
                }
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(wrong("an IPv6 address goes into []"));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port.map(str::parse) {
            None => PORT,
            Some(Ok(port @ 1..)) => port,
            Some(_) => return Err(wrong("its port is no number from 1 to 65535")),
        };
        match host.is_empty() || host.contains('/') {
            true => Err(wrong("its host is empty or has a /")),
            false => Ok(Self::Tcp(host.to_owned(), port)),
        }
    }

    /// What the server is called where keys are distributed; pymemcache calls it the same.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Tcp(host, port) => format!("{host}:{port}"),
            Self::Unix(path) => path.to_string_lossy().into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn hosts_ports_and_sockets_are_read() {
        for (text, name) in [
            ("cache", "cache:11211"),
            (" 10.0.0.1:5 ", "10.0.0.1:5"),
            ("[::1]", "::1:11211"),
            ("[fe80::2]:99", "fe80::2:99"),
            ("memcached://cache", "cache:11211"),
            ("memcached://[::1]:5/", "::1:5"),
            ("unix:/run/memcached.sock", "/run/memcached.sock"),
            ("unix:///run/memcached.sock", "/run/memcached.sock"),
        ] {
            let address = Address::parse(text).expect("an address");
            assert_eq!(address.name(), name);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "",
            ":1",
            "h:0",
            "h:65536",
            "h:x",
            "h:1:2",
            "::1",
            "[::1",
            "[::1]2",
            "a b",
            "a\r\nb",
            "secret:word@h:1",
            "unix:relative",
            "unix://relative",
            "memcached://",
            "redis://h:1",
            "h/x:1",
        ] {
            let error = Address::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
