//! How much the store costs over the bare driver doing the same commands.
//!
//! Asks for a quiet machine, so it is asked for by name:
//! `cargo test --release -p sessile --no-default-features --features redis,contract --test store_redis
//! -- --ignored --nocapture pace`.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::Cmd;
use redis::aio::MultiplexedConnection;
use sessile::store::{RedisStore, SessionStore, Terms};

use crate::kit;
use crate::servers::Redis;

const ROUNDS: usize = 15;
const CALLS: usize = 4000;
const KEYS: usize = 1000;
const TTL: Terms = Terms::ttl(Duration::from_secs(1800));

/// What a run came to.
struct Pace {
    /// Calls per second.
    calls: f64,
    /// Microseconds of this process's processors per call, which other programs disturb less.
    work: f64,
}

fn work() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
}

/// `tasks` tasks that call one after the other.
async fn pace<F>(tasks: usize, call: impl Fn(usize) -> F) -> Pace
where
    F: Future<Output = ()> + Send + 'static,
{
    let (began, before) = (Instant::now(), work());
    let per_task = CALLS / tasks;
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let calls: Vec<F> = (0..per_task).map(|n| call(task * per_task + n)).collect();
            tokio::spawn(async move {
                for call in calls {
                    call.await;
                }
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
    let calls = (per_task * tasks) as f64;
    Pace {
        calls: calls / began.elapsed().as_secs_f64(),
        work: (work() - before).as_secs_f64() * 1e6 / calls,
    }
}

fn key(number: usize) -> String {
    format!("key {}", number % KEYS)
}

async fn bare(mut connection: MultiplexedConnection, command: Cmd) {
    let _: redis::Value = command.query_async(&mut connection).await.unwrap();
}

fn middle(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (
        figures[0],
        figures[figures.len() / 2],
        figures[figures.len() - 1],
    )
}

async fn compare(verb: &str, store: &RedisStore, driver: &MultiplexedConnection, tasks: usize) {
    // What a replace has to be, whoever writes it.
    const REPLACE: &str = "
        local key, stored, lifetime = KEYS[1], ARGV[1], ARGV[2]
        local header = redis.call('GETRANGE', key, 0, 8)
        if #header < 9 or string.byte(header) ~= 241 then return 0 end
        if header == string.sub(stored, 1, 9) then return 1 end
        local version, expected = string.sub(header, 2), ARGV[3]
        if expected ~= '' and expected ~= version then return version end
        if lifetime == '' then redis.call('SET', key, stored)
        else redis.call('SET', key, stored, 'PX', lifetime) end
        return 1";
    let value = Bytes::from(vec![b'v'; 512]);
    drop(value.clone());
    // What the store stores: a format byte, a version, the value. The version is another each time:
    // over its own a replace does nothing.
    let stored = |number: usize| {
        let mut stored = [&[0xf1; 9][..], &value].concat();
        stored[1..9].copy_from_slice(&number.to_be_bytes());
        stored
    };
    let versions = AtomicUsize::new(1);
    let sha = redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg(REPLACE)
        .query_async(&mut driver.clone())
        .await;
    let sha: String = sha.unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS * 2 {
        let is_ours = (round + round / 2) % 2 == 0;
        let figure = if is_ours {
            let call = |number: usize| {
                let (store, verb, value) = (store.clone(), verb.to_owned(), value.clone());
                async move {
                    let key = key(number);
                    let key = key.as_bytes();
                    match &*verb {
                        "load" => drop(store.load(key).await.unwrap().unwrap()),
                        "put" => drop(store.put(key, value, TTL).await.unwrap()),
                        "replace" => {
                            let done = store.replace(key, value, TTL, None).await.unwrap();
                            assert!(kit::is_done(done));
                        }
                        _ => assert!(store.touch(key, Duration::from_secs(1800)).await.unwrap()),
                    }
                }
            };
            pace(tasks, call).await
        } else {
            let call = |number: usize| {
                let key = format!("7:sessile:{}", key(number));
                let stored = || stored(versions.fetch_add(1, Relaxed));
                let mut command = Cmd::new();
                match verb {
                    "load" => command.arg("GET").arg(key),
                    "put" => command
                        .arg("SET")
                        .arg(key)
                        .arg(stored())
                        .arg("PX")
                        .arg(1_799_999)
                        .arg("GET"),
                    "replace" => command
                        .arg("EVALSHA")
                        .arg(&sha)
                        .arg(1)
                        .arg(key)
                        .arg(stored())
                        .arg(1_799_999)
                        .arg(""),
                    _ => command.arg("PEXPIRE").arg(key).arg(1_800_000),
                };
                bare(driver.clone(), command)
            };
            pace(tasks, call).await
        };
        if is_ours {
            ours.push(figure)
        } else {
            theirs.push(figure)
        }
    }
    let ratio = |of: fn(&Pace) -> f64| -> (f64, f64, f64) {
        middle(
            ours.iter()
                .zip(&theirs)
                .map(|(ours, theirs)| of(ours) / of(theirs))
                .collect(),
        )
    };
    let told = |of: fn(&Pace) -> f64| -> String {
        let mids = [&ours, &theirs].map(|paces| middle(paces.iter().map(of).collect()).1);
        let (low, mid, high) = ratio(of);
        format!(
            "{:.1} and {:.1}, ratio {mid:.2} ({low:.2} to {high:.2})",
            mids[0], mids[1]
        )
    };
    println!(
        "{verb:8} {tasks:3} tasks, store and driver: calls/s {}; us of work per call {}",
        told(|pace| pace.calls),
        told(|pace| pace.work)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a quiet machine"]
async fn pace_of_the_store_and_of_the_bare_driver() {
    let Some(server) = Redis::start("the pace of Redis", &[]) else {
        return;
    };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let url = format!("{}?protocol=resp3", server.url());
    let driver = redis::Client::open(url).unwrap();
    let driver = driver.get_multiplexed_async_connection().await.unwrap();
    for number in 0..KEYS {
        store
            .put(key(number).as_bytes(), vec![b'v'; 512].into(), TTL)
            .await
            .unwrap();
    }
    for tasks in [1, 64] {
        for verb in ["load", "touch", "replace", "put"] {
            compare(verb, &store, &driver, tasks).await;
        }
    }
}

/// Whether a pool of shared connections would be faster than one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a quiet machine"]
async fn pace_of_one_connection_and_of_several() {
    let Some(server) = Redis::start("the pace of pools", &[]) else {
        return;
    };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    for number in 0..KEYS {
        let value = vec![b'v'; 512].into();
        store.put(key(number).as_bytes(), value, TTL).await.unwrap();
    }
    let driver = redis::Client::open(server.url()).unwrap();
    for tasks in [8, 64, 256] {
        let mut figures = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            for (figures, connections) in figures.iter_mut().zip([1, 2, 4]) {
                let mut pool = Vec::new();
                for _ in 0..connections {
                    pool.push(driver.get_multiplexed_async_connection().await.unwrap());
                }
                let call = |number: usize| {
                    let mut command = Cmd::new();
                    command.arg("GET").arg(format!("7:sessile:{}", key(number)));
                    bare(pool[number / 7 % pool.len()].clone(), command)
                };
                figures.push(pace(tasks, call).await.calls);
            }
        }
        for (figures, connections) in figures.into_iter().zip([1, 2, 4]) {
            let (low, mid, high) = middle(figures);
            println!(
                "{tasks:3} tasks, {connections} connections: {mid:6.0}/s ({low:.0} to {high:.0})"
            );
        }
    }
}
