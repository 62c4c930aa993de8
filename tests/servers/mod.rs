//! Throw-away servers for tests: started from the installed programs, on free ports, in temporary
//! folders, and gone with the test.
//!
//! A test whose server is not installed says so loudly and passes, unless the variable
//! `SESSILE_TEST_SERVERS` is `all`: then it fails.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::allow_attributes,
    clippy::wrong_self_convention,
    reason = "each test binary uses its own part"
)]

mod certificates;
mod clock;
mod disk;
mod mariadb;
mod memcached;
mod peer;
mod postgres;
mod program;
mod proxy;
mod redis;
mod row;
pub(crate) mod trips;
mod untested;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sessile::ErrorKind;

pub use certificates::Certificates;
pub use clock::shifted;
pub use disk::Disk;
pub use mariadb::MariaDb;
pub use memcached::Memcached;
pub(crate) use peer::Peer;
pub use postgres::Postgres;
pub use program::Program;
pub use proxy::{Proxy, Weather};
pub use redis::{Redis, RedisCluster, Watched};
pub(crate) use row::row;
pub(crate) use untested::not_tested;

/// Folders of servers that are on nobody's path.
const FOLDERS: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/usr/lib/postgresql/*/bin"];

/// Finds an installed program.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for folder in FOLDERS {
        match folder.split_once("/*") {
            None => folders.push(folder.into()),
            Some((parent, rest)) => {
                let versions = std::fs::read_dir(parent).into_iter().flatten().flatten();
                folders.extend(versions.map(|entry| {
                    let mut folder = entry.path();
                    folder.push(rest.trim_start_matches('/'));
                    folder
                }));
            }
        }
    }
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Finds all programs that a test needs, or says loudly that `what` is not tested here.
///
/// # Panics
/// If one is missing and `SESSILE_TEST_SERVERS` is `all`.
pub fn need<const N: usize>(what: &str, names: [&str; N]) -> Option<[PathBuf; N]> {
    let found = names.map(find);
    let missing: Vec<&str> = names
        .iter()
        .zip(&found)
        .filter(|(_, found)| found.is_none())
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() {
        return Some(found.map(|file| file.expect("none is missing")));
    }
    let missing = missing.join(", ");
    not_tested(what, &format!("no program {missing} is installed"));
    None
}

/// A port of the loopback address that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Waits until `ready` says yes.
///
/// # Panics
/// After 90 seconds.
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !ready() {
        assert!(
            Instant::now() < end,
            "{what} did not come up within 90 seconds"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks until it is answered, for stores whose attempts are too short for a busy machine.
///
/// # Panics
/// If fifty calls get no answer, or one fails for another reason.
pub async fn answered<T>(mut ask: impl AsyncFnMut() -> sessile::Result<T>) -> T {
    let mut outcome = ask().await;
    for _ in 1..50 {
        match outcome {
            Ok(answer) => return answer,
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
                "{error:?}"
            ),
        }
        outcome = ask().await;
    }
    outcome.expect("one of fifty calls is answered")
}

/// Waits until somebody listens on `port`.
pub fn wait_for_port(what: &str, port: u16) {
    wait_until(what, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}
