//! Servers whose disk is full: what was acknowledged stays, what was refused is not there, and when there
//! is room again all works.

use std::collections::BTreeMap;
use std::time::Duration;

use sessile::store::{Created, Patience, Replaced, SessionStore, SqlStore};
use sessile::{Error, ErrorKind, Result};

use crate::servers::{Disk, MariaDb, Postgres};

const HOUR: Duration = Duration::from_secs(3600);

/// That nothing was written nobody can say of a server that died over it.
const DEAD: &[ErrorKind] = &[ErrorKind::Unavailable, ErrorKind::Timeout];
const DEAD_OR_FULL: &[ErrorKind] = &[ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Full];

/// A store and what it is known to hold.
struct Known {
    store: SqlStore,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    refused: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Verb {
    Put,
    Create,
    Replace,
}

impl Known {
    async fn open(url: &str, patience: Patience) -> Self {
        let builder = SqlStore::builder().create_table(true).patience(patience);
        Self {
            store: builder.connect(url).await.unwrap(),
            records: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    async fn write(&mut self, verb: Verb, key: Vec<u8>, value: Vec<u8>) -> Result<()> {
        let (store, bytes, terms) = (&self.store, value.clone().into(), HOUR.into());
        let done = match verb {
            Verb::Put => store.put(&key, bytes, terms).await.map(drop),
            Verb::Create => store.create(&key, bytes, terms).await.map(|created| {
                assert!(matches!(created, Created::Done(_)), "{created:?}");
            }),
            Verb::Replace => store.replace(&key, bytes, terms, None).await.map(|it| {
                assert!(matches!(it, Replaced::Done(_)), "{it:?}");
            }),
        };
        match done {
            Ok(()) => drop(self.records.insert(key, value)),
            Err(_) => drop(self.refused.insert(key, value)),
        }
        done
    }

    /// Writes one record of these after the other until that is refused.
    async fn write_until_refused(&mut self, verb: Verb, group: &[u8], bytes: usize) -> Error {
        for number in 0..100_000_u32 {
            let key = [group, &number.to_be_bytes()].concat();
            if let Err(error) = self.write(verb, key, noise(number, bytes)).await {
                return error;
            }
        }
        panic!("the disk does not become full");
    }

    async fn is_there(&self) {
        for (key, value) in &self.records {
            let found = self.store.load(key).await.unwrap().unwrap();
            assert!(found.value == *value, "{key:?}");
        }
    }

    async fn the_refused_is_absent(&self) {
        for key in self.refused.keys() {
            let known = self.records.contains_key(key);
            assert_eq!(self.store.exists(key).await.unwrap(), known, "{key:?}");
        }
    }
}

/// A value that no compression makes much smaller.
fn noise(seed: u32, bytes: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..bytes).map(|_| next()).collect()
}

/// Waits longer than any machine takes.
fn patient() -> Patience {
    Patience::new().timeout(Duration::from_secs(60))
}

fn is_full(error: &Error, what: &str) {
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(what), "{text}");
    assert!(
        text.contains("disk is full") && text.contains("make room"),
        "{text}"
    );
}

/// Fills the disk that the store's table is on with records of this size, and then makes room.
async fn a_full_disk_is_told(url: &str, disk: &Disk, bytes: usize) {
    let mut known = Known::open(url, patient()).await;
    let store = known.store.clone();
    store.put(b"ended", "v".into(), HOUR.into()).await.unwrap();
    let larger = bytes * 2 - 1000;
    let full = known.write_until_refused(Verb::Put, b"put", bytes).await;
    is_full(&full, "put a session");
    assert!(known.records.len() > 10);
    let full = known.write_until_refused(Verb::Create, b"new", larger);
    is_full(&full.await, "create a session");
    let full = known.write_until_refused(Verb::Replace, b"put", larger);
    is_full(&full.await, "replace a session");

    disk.fill();
    let another = SqlStore::builder().table("another").create_table(true);
    let another = another.patience(patient()).connect(url).await;
    is_full(&another.unwrap_err(), "migrate the table of sessions");

    known.is_there().await;
    known.the_refused_is_absent().await;
    // Who signs out is signed out: a removal needs no room.
    assert!(store.remove(b"ended").await.unwrap());
    match store.touch(b"put\0\0\0\x01", 2 * HOUR).await {
        Ok(found) => assert!(found),
        Err(error) => is_full(&error, "touch a session"),
    }
    known.is_there().await;

    disk.grow("64m");
    for (key, value) in std::mem::take(&mut known.refused) {
        known.write(Verb::Put, key, value).await.unwrap();
    }
    known.is_there().await;
    assert!(!store.exists(b"ended").await.unwrap());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_tells_of_a_full_disk_and_loses_nothing() {
    use sqlx::Connection as _;
    let Some(server) = Postgres::start() else {
        return;
    };
    let Some(disk) = Disk::mount("a full disk of PostgreSQL", "4m", "postgres") else {
        return;
    };
    let mut link = sqlx::PgConnection::connect(&server.url()).await.unwrap();
    // Its log of writes has another disk.
    let place = disk.path().display();
    for text in [
        &format!("CREATE TABLESPACE small LOCATION '{place}'"),
        "ALTER ROLE postgres SET default_tablespace = small",
    ] {
        sqlx::raw_sql(text).execute(&mut link).await.unwrap();
    }
    a_full_disk_is_told(&server.url(), &disk, 20_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_tells_of_a_full_disk_and_loses_nothing() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let Some(disk) = Disk::mount("a full disk of MariaDB", "8m", "mysql") else {
        return;
    };
    // Both sizes are kept within a page of the table.
    a_full_disk_is_told(&server.url_on(&disk, "small"), &disk, 4000).await;
}

/// Fills the disk of a server that may die of it, with records of this size; then makes room and starts
/// the server again. `kinds` are those that the refusals may have.
async fn a_server_on_a_full_disk_loses_nothing(
    url: &str,
    bytes: usize,
    kinds: &[ErrorKind],
    make_room_and_restart: impl FnOnce() + Send + 'static,
) {
    let patience = Patience::new().timeout(Duration::from_secs(20)).attempts(2);
    let mut known = Known::open(url, patience).await;
    let store = known.store.clone();
    store.put(b"ended", "v".into(), HOUR.into()).await.unwrap();
    assert!(store.remove(b"ended").await.unwrap());
    for group in 0..10_u8 {
        let verb = [Verb::Put, Verb::Create][usize::from(group % 2)];
        let error = known.write_until_refused(verb, &[group], bytes).await;
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
    assert!(known.records.len() > 10);
    let restarted = tokio::task::spawn_blocking(make_room_and_restart);
    restarted.await.unwrap();

    known.is_there().await;
    assert!(!store.exists(b"ended").await.unwrap());
    for (key, value) in std::mem::take(&mut known.refused) {
        // Where the connection was lost too, nobody knows: all of it, or nothing.
        let found = store.load(&key).await.unwrap();
        assert!(found.is_none_or(|found| found.value == value));
        known.write(Verb::Put, key, value).await.unwrap();
    }
    known.is_there().await;
    store.close().await.unwrap();
}

async fn postgres_on_a_full_disk_loses_nothing(what: &str, size: &str, is_all: bool) {
    let Some((mut server, disk)) = Postgres::start_on_disk(what, size, is_all) else {
        return;
    };
    let (back, returned) = tokio::sync::oneshot::channel();
    let (url, kinds) = (server.url(), if is_all { DEAD_OR_FULL } else { DEAD });
    a_server_on_a_full_disk_loses_nothing(&url, 20_000, kinds, move || {
        disk.grow("128m");
        server.kill();
        server.restart();
        let _ = back.send((server, disk));
    })
    .await;
    drop(returned.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_with_all_its_data_on_a_full_disk_loses_nothing() {
    let what = "a full disk with all data of PostgreSQL";
    postgres_on_a_full_disk_loses_nothing(what, "64m", true).await;
}

/// It ends all its processes when there is no room for its log of writes.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_with_its_log_on_a_full_disk_loses_nothing() {
    let what = "a full disk with the log of PostgreSQL";
    postgres_on_a_full_disk_loses_nothing(what, "8m", false).await;
}

/// It kills itself where it has no room to undo what it has no room to finish, which is so with values
/// that it keeps on pages of their own (seen in 10.11).
#[tokio::test(flavor = "multi_thread")]
async fn mariadb_with_large_values_on_a_full_disk_loses_nothing() {
    let Some(mut server) = MariaDb::start(&[]) else {
        return;
    };
    let what = "a full disk of MariaDB and large values";
    let Some(disk) = Disk::mount(what, "8m", "mysql") else {
        return;
    };
    let url = server.url_on(&disk, "small");
    let (back, returned) = tokio::sync::oneshot::channel();
    a_server_on_a_full_disk_loses_nothing(&url, 50_000, DEAD_OR_FULL, move || {
        disk.grow("64m");
        server.restart();
        let _ = back.send((server, disk));
    })
    .await;
    drop(returned.await);
}
