//! SQLite's own faults: locks, full disks, files that cannot be read or written, other processes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sessile::store::{Created, NewRecord, Patience, Replaced, SessionStore, SqlStore, Terms};
use sessile::{ErrorKind, Result};

use crate::servers::{answered, not_tested};

const HOUR: Duration = Duration::from_secs(3600);

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

async fn open(file: &Path) -> Result<SqlStore> {
    SqlStore::builder()
        .create_table(true)
        .connect(&url(file))
        .await
}

/// A connection beside the store's.
async fn beside(file: &Path) -> sqlx::SqliteConnection {
    use sqlx::Connection as _;
    sqlx::SqliteConnection::connect(&url(file)).await.unwrap()
}

async fn say(link: &mut sqlx::SqliteConnection, text: &str) {
    sqlx::raw_sql(text).execute(link).await.unwrap();
}

#[tokio::test]
async fn a_missing_table_says_which_call_to_make() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::connect(&url(&folder.path().join("a.db")))
        .await
        .unwrap();
    let error = store.load(b"k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("SqlStore::migrate"), "{error}");
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert!(store.load(b"k").await.unwrap().is_none());
}

#[tokio::test]
async fn a_table_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    open(&file).await.unwrap();
    say(
        &mut beside(&file).await,
        "INSERT INTO flask_sessions_schema VALUES (99)",
    )
    .await;
    for done in [open(&file).await, SqlStore::connect(&url(&file)).await] {
        assert_eq!(done.unwrap_err().kind(), ErrorKind::UnsupportedVersion);
    }
}

#[tokio::test]
async fn a_writer_waits_for_another_and_gives_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let patient = open(&file).await.unwrap();
    patient.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    let patience = Patience::new()
        .timeout(Duration::from_millis(400))
        .attempts(2);
    let address = url(&file);
    let connect = async || {
        SqlStore::builder()
            .patience(patience)
            .connect(&address)
            .await
    };
    let store = answered(connect).await;
    let mut other = beside(&file).await;
    say(&mut other, "BEGIN IMMEDIATE").await;
    let error = store.put(b"k", "w".into(), HOUR.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // Readers are not in a writer's way, nor the other way round.
    let found = answered(async || store.load(b"k").await).await;
    assert_eq!(found.unwrap().value, "v");
    say(&mut other, "COMMIT").await;
    answered(async || store.put(b"k", "x".into(), HOUR.into()).await).await;
    let found = answered(async || store.load(b"k").await).await;
    assert_eq!(found.unwrap().value, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_write_one_file_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let first = open(&file).await.unwrap();
    first.put(b"count", "0".into(), HOUR.into()).await.unwrap();
    let mut writers = Vec::new();
    for _ in 0..4 {
        let store = open(&file).await.unwrap();
        writers.push(tokio::spawn(async move {
            let mut done = 0;
            while done < 25 {
                let found = store.load(b"count").await.unwrap().unwrap();
                let count: u32 = std::str::from_utf8(&found.value).unwrap().parse().unwrap();
                let value = (count + 1).to_string().into();
                let seen = Some(found.version);
                let replaced = store.replace(b"count", value, HOUR.into(), seen).await;
                done += u32::from(matches!(replaced.unwrap(), Replaced::Done(_)));
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(first.load(b"count").await.unwrap().unwrap().value, "100");
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A disk of our own, where that is permitted.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(folder.path())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        not_tested("a full disk under SQLite", "no tmpfs can be mounted");
        return;
    }
    let store = open(&folder.path().join("a.db")).await.unwrap();
    store.put(b"first", "v".into(), HOUR.into()).await.unwrap();
    let mut failed = None;
    for number in 0..200_u32 {
        let value = vec![b'v'; 20_000].into();
        if let Err(error) = store.put(&number.to_be_bytes(), value, HOUR.into()).await {
            failed = Some((number, error));
            break;
        }
    }
    let (number, error) = failed.unwrap();
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    assert_eq!(store.load(b"first").await.unwrap().unwrap().value, "v");
    for kept in 0..number {
        assert!(store.exists(&kept.to_be_bytes()).await.unwrap(), "{kept}");
    }
    assert!(!store.exists(&number.to_be_bytes()).await.unwrap());
    store.close().await.unwrap();
    let unmounted = Command::new("umount").arg(folder.path()).status();
    assert!(unmounted.unwrap().success());
}

#[tokio::test]
async fn foreign_and_damaged_files_are_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    std::fs::write(&file, vec![b'x'; 8192]).unwrap();
    assert_eq!(open(&file).await.unwrap_err().kind(), ErrorKind::Corrupt);

    let file = folder.path().join("b.db");
    let store = open(&file).await.unwrap();
    let record = |number: u32| NewRecord {
        key: number.to_be_bytes().to_vec().into(),
        value: vec![b'v'; 500].into(),
        terms: Terms::ttl(HOUR),
    };
    store
        .create_many((0..500).map(record).collect())
        .await
        .unwrap();
    store.close().await.unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    // All but the first pages, which hold the schema.
    bytes[5 * 4096..].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let store = SqlStore::connect(&url(&file)).await.unwrap();
    let mut corrupt = 0;
    for number in 0..500_u32 {
        match store.load(&number.to_be_bytes()).await {
            Ok(found) => assert!(found.is_none_or(|found| found.value == vec![b'v'; 500])),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
                corrupt += 1;
            }
        }
    }
    assert!(corrupt > 0);
}

#[tokio::test]
async fn a_file_that_can_only_be_read_serves_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let store = open(&file).await.unwrap();
    store.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    store.close().await.unwrap();
    let store = SqlStore::connect(&format!("{}?mode=ro", url(&file)))
        .await
        .unwrap();
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "v");
    for failed in [
        store.put(b"k", "w".into(), HOUR.into()).await.map(drop),
        store.remove(b"k").await.map(drop),
        store.purge_expired(10).await.map(drop),
    ] {
        assert!(failed.is_err_and(|error| error.kind() == ErrorKind::Io));
    }
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "v");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let error = SqlStore::connect("sqlite:/no/such/folder/a.db")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let store = open(&file).await.unwrap();
    store.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    // As a killed process leaves it: the log not folded into the file, nothing closed.
    let copy = folder.path().join("copy.db");
    for ending in ["", "-wal"] {
        let of = |file: &Path| format!("{}{ending}", file.display());
        std::fs::copy(of(&file), of(&copy)).unwrap();
    }
    let again = SqlStore::connect(&url(&copy)).await.unwrap();
    assert_eq!(again.load(b"k").await.unwrap().unwrap().value, "v");
}

#[tokio::test]
async fn a_given_up_call_does_not_lose_a_database_in_memory() {
    let store = SqlStore::builder()
        .create_table(true)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    store.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    let record = |number: u32| NewRecord {
        key: number.to_be_bytes().to_vec().into(),
        value: "v".into(),
        terms: Terms::ttl(HOUR),
    };
    for micros in [0, 10, 100, 1000] {
        let limit = Duration::from_micros(micros);
        let records = (0..1000).map(record).collect();
        let _ = tokio::time::timeout(limit, store.create_many(records)).await;
        let _ = tokio::time::timeout(limit, store.put(b"l", "v".into(), HOUR.into())).await;
        assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "v");
    }
    let created = store.create(b"m", "v".into(), HOUR.into()).await.unwrap();
    assert!(matches!(created, Created::Done(_)));
}
