//! What the driver's errors mean to a store: whose fault, worth another attempt, and told without
//! keys, values or passwords.

use std::fmt;

use redis::{ErrorKind as Kind, RedisError, ServerErrorKind as Server};

use crate::error::{Error, ErrorKind};
use crate::store::remote::Failed;

/// An error of the driver, judged.
pub(super) struct Fault {
    kind: ErrorKind,
    why: &'static str,
    cause: Cause,
    /// Another attempt may succeed.
    again: bool,
    /// The connection is of no more use.
    pub(super) broken: bool,
}

impl Fault {
    pub(super) fn of(error: &RedisError) -> Self {
        let fault = |kind, why, again, broken| Self {
            kind,
            why,
            cause: Cause::of(error),
            again,
            broken,
        };
        let config = |why| fault(ErrorKind::InvalidConfig, why, false, false);
        let soon = |why| fault(ErrorKind::Unavailable, why, true, false);
        let elsewhere = |why| fault(ErrorKind::Unavailable, why, true, true);
        let for_good = |why| fault(ErrorKind::Unavailable, why, false, false);
        match error.code() {
            Some("NOAUTH") => {
                return config("the server asks for a password; put one into the URL");
            }
            Some("WRONGPASS") => {
                return config("the server refuses the user's name or password; check the URL");
            }
            Some("OOM") => {
                let why = "the server's memory is full (maxmemory); give it more, or let it evict";
                return fault(ErrorKind::Full, why, false, false);
            }
            Some("WRONGTYPE") => {
                let why =
                    "the key holds something that is no string; let nobody else use the prefix";
                return fault(ErrorKind::Corrupt, why, false, false);
            }
            Some("MISCONF") => {
                return for_good(
                    "the server cannot save to its disk and refuses writes; see its log",
                );
            }
            Some("NOREPLICAS") => {
                return soon("too few replicas are there for the server to write");
            }
            _ => {}
        }
        match error.kind() {
            Kind::AuthenticationFailed => {
                config("the server refuses the user's name or password; check the URL")
            }
            Kind::InvalidClientConfig => config("the driver refuses the settings; check the URL"),
            Kind::RESP3NotSupported => config("the server is older than Redis 6; 7 is needed"),
            Kind::Server(Server::NoPerm) => {
                config("the server's access rules forbid the user this command or this key")
            }
            Kind::Server(Server::Moved | Server::Ask | Server::CrossSlot) => {
                config("the server is a node of a cluster; name it as one (redis+cluster://)")
            }
            Kind::Server(Server::BusyLoading) => soon("the server is still loading its data"),
            Kind::Server(Server::TryAgain) => soon("the cluster is moving the key's slot"),
            Kind::Server(Server::ClusterDown) => soon("the cluster is down"),
            // Of a server that was the master a moment ago: whoever is now has to be looked for.
            Kind::Server(Server::ReadOnly) => elsewhere("the server is a replica now"),
            Kind::Server(Server::MasterDown) => elsewhere("the server has lost its master"),
            Kind::MasterNameNotFoundBySentinel => {
                elsewhere("no sentinel knows a master of that name that answers")
            }
            Kind::ClusterConnectionNotFound => elsewhere("no node of the cluster can be reached"),
            Kind::Io if error.is_timeout() => {
                fault(ErrorKind::Timeout, "no answer in time", true, true)
            }
            Kind::Io if error.is_connection_refusal() => {
                elsewhere("the server cannot be reached; see whether it runs, and the URL")
            }
            Kind::Io => elsewhere("the connection to the server broke"),
            Kind::Parse | Kind::UnexpectedReturnType => {
                elsewhere("the server's answer is not what Redis answers")
            }
            Kind::Client => for_good("no safe connection can be made; check the certificates"),
            _ => for_good("the server refuses the command; Redis 7 or Valkey is needed"),
        }
    }

    /// The server answered, so that the command surely did not run; otherwise it may have.
    pub(super) fn is_answer(error: &RedisError) -> bool {
        error.code().is_some()
    }

    /// The key holds another type than a string.
    pub(super) fn is_other_type(&self) -> bool {
        self.kind == ErrorKind::Corrupt
    }

    /// The server does not know the script by its name.
    pub(super) fn is_unknown_script(error: &RedisError) -> bool {
        error.kind() == Kind::Server(Server::NoScript)
    }

    pub(super) fn error(self, what: &str) -> Error {
        Error::new(self.kind, format!("{what}: {}", self.why)).with_source(self.cause)
    }

    pub(super) fn failed(self, what: &str) -> Failed {
        match self.again {
            true => Failed::ForNow(self.error(what)),
            false => Failed::ForGood(self.error(what)),
        }
    }
}

/// What may be told of a driver's error. Its own text may quote a command with its arguments.
#[derive(Debug)]
struct Cause {
    kind: Kind,
    code: Option<String>,
}

impl Cause {
    fn of(error: &RedisError) -> Self {
        let is_code = |code: &&str| {
            let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
            code.len() <= 20 && code.bytes().all(is_letter)
        };
        Self {
            kind: error.kind(),
            code: error.code().filter(is_code).map(str::to_owned),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis: {:?}", self.kind)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Cause {}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn no_text_of_the_server_is_told() {
        for code in ["ERR", "secret", "SECRETSECRETSECRETSECRET", "A B"] {
            let told = Some("unknown command, beginning with: secret".to_owned());
            let error = redis::make_extension_error(code.to_owned(), told);
            let error = Fault::of(&error).error("try");
            let source = error.source().map(ToString::to_string);
            let text = format!("{error} {error:?} {source:?}");
            assert!(!text.to_lowercase().contains("secret"), "{text}");
        }
    }
}
