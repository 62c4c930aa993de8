//! Servers that die, freeze, answer late or not at all.

use std::time::{Duration, Instant};

use sessile::ErrorKind;
use sessile::store::{
    Created, NewRecord, Patience, Replaced, SessionStore, SqlStore, Survey, Terms,
};

use crate::servers::MariaDb;
use crate::servers::Postgres;
use crate::servers::{Proxy, Weather, answered};

const HOUR: Duration = Duration::from_secs(3600);

/// Waits long enough for a loaded machine, and asks often enough for a server to come back.
fn patient() -> Patience {
    Patience::new()
        .timeout(Duration::from_secs(5))
        .attempts(6)
        .pause(Duration::from_millis(200))
}

async fn open(url: &str, patience: Patience) -> SqlStore {
    SqlStore::builder()
        .create_table(true)
        .patience(patience)
        .connect(url)
        .await
        .unwrap()
}

/// The answers of writes are lost, one after the other; each arrives once and is answered rightly.
async fn lost_answers_do_no_harm(url: &str, proxy: &Proxy) {
    let store = open(url, patient()).await;
    // Everything is prepared, so that the first answer of a verb is that of its statement.
    let Created::Done(first) = store
        .create(b"warm", "v".into(), HOUR.into())
        .await
        .unwrap()
    else {
        panic!("an empty table has a record");
    };
    let replaced = store
        .replace(b"warm", "w".into(), HOUR.into(), Some(first))
        .await;
    assert!(matches!(replaced.unwrap(), Replaced::Done(_)));
    assert!(store.touch(b"warm", HOUR).await.unwrap());
    store.put(b"warm", "x".into(), HOUR.into()).await.unwrap();

    async fn in_bad_weather<T>(proxy: &Proxy, verb: impl Future<Output = T>) -> T {
        proxy.set(Weather::CutAnswers);
        let clearing = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            proxy.set(Weather::Fair);
        };
        tokio::join!(verb, clearing).0
    }

    let created = in_bad_weather(proxy, store.create(b"k", "1".into(), HOUR.into())).await;
    let Created::Done(version) = created.unwrap() else {
        panic!("its own first attempt was taken for somebody else's");
    };
    let found = store.load(b"k").await.unwrap().unwrap();
    assert_eq!((found.value.as_ref(), found.version), (&b"1"[..], version));

    let replace = store.replace(b"k", "2".into(), HOUR.into(), Some(version));
    let replaced = in_bad_weather(proxy, replace).await;
    let Replaced::Done(version) = replaced.unwrap() else {
        panic!("its own first attempt was taken for a conflict");
    };
    let found = store.load(b"k").await.unwrap().unwrap();
    assert_eq!((found.value.as_ref(), found.version), (&b"2"[..], version));

    let put = in_bad_weather(proxy, store.put(b"k", "3".into(), HOUR.into())).await;
    let found = store.load(b"k").await.unwrap().unwrap();
    assert_eq!(
        (found.value.as_ref(), found.version),
        (&b"3"[..], put.unwrap())
    );
    assert!(
        in_bad_weather(proxy, store.touch(b"k", HOUR))
            .await
            .unwrap()
    );
    in_bad_weather(proxy, store.remove(b"k")).await.unwrap();
    assert!(!store.exists(b"k").await.unwrap());
    let page = store.page(None, 100).await.unwrap();
    assert_eq!(page.records.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_answers_that_are_lost_do_no_harm() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    lost_answers_do_no_harm(&server.url_at(proxy.port()), &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_answers_that_are_lost_do_no_harm() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    lost_answers_do_no_harm(&server.url_at(proxy.port()), &proxy).await;
}

/// Puts until told to stop; returns the last number that was acknowledged and the first that may be in
/// the table.
async fn count_up(
    store: SqlStore,
    key: &'static [u8],
    stop: tokio::sync::watch::Receiver<bool>,
) -> u64 {
    let mut acknowledged = 0;
    while !*stop.borrow() {
        let next = acknowledged + 1;
        let value = next.to_string().into();
        if store.put(key, value, HOUR.into()).await.is_ok() {
            acknowledged = next;
        }
    }
    acknowledged
}

/// Traffic while `kill_and_restart` is at work.
async fn survives(url: &str, kill_and_restart: impl FnOnce() + Send + 'static) {
    let store = open(url, patient()).await;
    store.put(b"gone", "v".into(), HOUR.into()).await.unwrap();
    assert!(store.remove(b"gone").await.unwrap());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let keys: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
    let writers = keys.map(|key| tokio::spawn(count_up(store.clone(), key, stopped.clone())));
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokio::task::spawn_blocking(kill_and_restart).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.send_replace(true);
    for (key, writer) in keys.into_iter().zip(writers) {
        let acknowledged = writer.await.unwrap();
        assert!(acknowledged > 0);
        let found = store.load(key).await.unwrap().unwrap();
        let kept: u64 = std::str::from_utf8(&found.value).unwrap().parse().unwrap();
        // The last one may have arrived without its answer.
        assert!(
            kept == acknowledged || kept == acknowledged + 1,
            "{kept} of {acknowledged}"
        );
    }
    assert!(!store.exists(b"gone").await.unwrap());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_in_the_middle_loses_nothing_acknowledged() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    let (back, returned) = tokio::sync::oneshot::channel();
    survives(&url, move || {
        server.kill();
        server.restart();
        let _ = back.send(server);
    })
    .await;
    drop(returned.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_killed_in_the_middle_loses_nothing_acknowledged() {
    let Some(mut server) = MariaDb::start(&[]) else {
        return;
    };
    let url = server.url();
    let (back, returned) = tokio::sync::oneshot::channel();
    survives(&url, move || {
        server.kill();
        server.restart();
        let _ = back.send(server);
    })
    .await;
    drop(returned.await);
}

/// Each verb gives up within its attempts.
async fn gives_up_in_time(store: &SqlStore) {
    let began = Instant::now();
    for error in [
        store.load(b"k").await.map(drop),
        store.put(b"k", "w".into(), HOUR.into()).await.map(drop),
    ] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
    }
    // Two verbs of two attempts of 300 ms, on a machine that has other things to do.
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// A store with little time; to connect takes it as often as a busy machine wants.
async fn impatient(url: &str) -> SqlStore {
    let patience = Patience::new()
        .timeout(Duration::from_millis(300))
        .attempts(2);
    answered(async || SqlStore::builder().patience(patience).connect(url).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_postgres_is_given_up_in_time() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    open(&server.url(), patient()).await;
    let store = impatient(&server.url_at(proxy.port())).await;
    proxy.set(Weather::Slow(Duration::from_secs(600)));
    gives_up_in_time(&store).await;
    proxy.set(Weather::Fair);
    let calm = open(&server.url(), patient()).await;
    calm.put(b"k", "x".into(), HOUR.into()).await.unwrap();
    assert_eq!(calm.load(b"k").await.unwrap().unwrap().value, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_mariadb_is_given_up_in_time_and_comes_back() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let calm = open(&server.url(), patient()).await;
    calm.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    let store = impatient(&server.url()).await;
    server.freeze(true);
    gives_up_in_time(&store).await;
    server.freeze(false);
    assert!(calm.load(b"k").await.unwrap().is_some());
    calm.put(b"l", "x".into(), HOUR.into()).await.unwrap();
    assert_eq!(calm.load(b"l").await.unwrap().unwrap().value, "x");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let patience = Patience::new().attempts(2).pause(Duration::from_millis(1));
    for scheme in ["postgresql", "mysql"] {
        let url = format!(
            "{scheme}://app:secret@127.0.0.1:{}/app",
            crate::servers::free_port()
        );
        let error = SqlStore::builder()
            .patience(patience)
            .connect(&url)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_connections_wait_their_turn() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = SqlStore::builder()
        .create_table(true)
        .connections(2)
        .patience(patient())
        .connect(&server.url())
        .await
        .unwrap();
    let callers: Vec<_> = (0..64_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = number.to_be_bytes();
                store.put(&key, "v".into(), HOUR.into()).await?;
                store.load(&key).await
            })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap().unwrap().is_some());
    }
    let mut link = beside(&server.url()).await;
    let (count,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sessile'")
            .fetch_one(&mut link)
            .await
            .unwrap();
    assert!((1..=2).contains(&count), "{count} connections");
}

async fn beside(url: &str) -> sqlx::PgConnection {
    use sqlx::Connection as _;
    sqlx::PgConnection::connect(url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_is_waited_for_and_then_told() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = open(&server.url(), patient()).await;
    store.put(b"k", "v".into(), HOUR.into()).await.unwrap();
    let hasty = impatient(&server.url()).await;
    let mut other = beside(&server.url()).await;
    sqlx::raw_sql("BEGIN; UPDATE flask_sessions SET data = 'x'")
        .execute(&mut other)
        .await
        .unwrap();
    let error = hasty.put(b"k", "w".into(), HOUR.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let found = answered(async || hasty.load(b"k").await).await;
    assert_eq!(found.unwrap().value, "v");
    let waiting = tokio::spawn(async move { store.touch(b"k", HOUR).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert!(waiting.await.unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_meet_in_mariadb_all_get_through() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let store = open(&server.url(), patient()).await;
    let writers: Vec<_> = (0..16_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..20_u32 {
                    let key = [((number + round) % 5).to_le_bytes()[0]];
                    let _ = store.create(&key, "v".into(), HOUR.into()).await.unwrap();
                    store.put(&key, "w".into(), HOUR.into()).await.unwrap();
                    store.remove(&key).await.unwrap();
                    store.purge_expired(10).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(store.page(None, 10).await.unwrap().records.is_empty());
}

/// Several copies of the same records at once: each record is created by one of them.
async fn copies_that_meet_all_get_through(url: &str) {
    let store = open(url, patient()).await;
    let record = |number: u32| NewRecord {
        key: number.to_be_bytes().to_vec().into(),
        value: "v".into(),
        terms: Terms::ttl(HOUR),
    };
    for round in 0..3 {
        let copies: Vec<_> = (0..4_u32)
            .map(|copy| {
                let store = store.clone();
                let mut records: Vec<_> = (0..300).map(record).collect();
                records.rotate_left(copy as usize * 70);
                tokio::spawn(async move { store.create_many(records).await.unwrap() })
            })
            .collect();
        let mut created = 0;
        for copy in copies {
            created += copy.await.unwrap();
        }
        assert_eq!(created, 300, "round {round}");
        // Half is removed, half has ended: the next round takes the place of both.
        for number in 0..300_u32 {
            let key = number.to_be_bytes();
            let done = match number % 2 {
                0 => store.remove(&key).await,
                _ => store.touch(&key, Duration::ZERO).await,
            };
            assert!(done.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_meet_in_postgres_all_get_through() {
    let Some(server) = Postgres::start() else {
        return;
    };
    copies_that_meet_all_get_through(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_meet_in_mariadb_all_get_through() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    copies_that_meet_all_get_through(&server.url()).await;
}
