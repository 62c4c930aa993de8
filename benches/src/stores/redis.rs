//! The Redis store beside the bare driver that sends the same commands with the same bytes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use sessile::store::{RedisStore, Replaced, SessionStore, Terms};
use tokio::runtime::Runtime;

use super::pace;
use super::server::Redis;
use crate::args::Args;
use crate::measure::Found;
use crate::report::Table;

const KEYS: usize = 1_000;
const VALUE_BYTES: usize = 512;
/// Calls of a round: about half a second of a task alone.
const CALLS: usize = 8_000;
const TTL: Duration = Duration::from_secs(1800);
/// One millisecond less than asked for: Redis serves a key through its last one.
const TTL_MS: u64 = 1_800_000 - 1;
/// Where the store keeps a key, as its documentation says.
const PREFIX: &[u8] = b"7:sessile:";
/// What a stored value begins with; eight bytes of version follow.
const FORMAT: u8 = 0xf1;

/// What a replace has to be, whoever writes it: only if there is a record, only over the version that is
/// expected if one is, and done if an earlier attempt of the same write arrived.
const REPLACE: &str = "
local key, stored, lifetime = KEYS[1], ARGV[1], ARGV[2]
local header = redis.call('GETRANGE', key, 0, 8)
if #header < 9 or string.byte(header) ~= 241 then return 0 end
if header == string.sub(stored, 1, 9) then return 1 end
local version, expected = string.sub(header, 2), ARGV[3]
if expected ~= '' and expected ~= version then return version end
if lifetime == '' then redis.call('SET', key, stored)
else redis.call('SET', key, stored, 'PX', lifetime) end
return 1
";

/// The versions that the bare driver writes.
static VERSIONS: AtomicU64 = AtomicU64::new(1);

#[derive(Clone, Copy)]
enum Verb {
    Load,
    Touch,
    Put,
    Replace,
}

const VERBS: [(&str, Verb); 4] = [
    ("load", Verb::Load),
    ("touch", Verb::Touch),
    ("put", Verb::Put),
    ("replace", Verb::Replace),
];

/// Both contenders, and the runtime they share.
struct Field {
    runtime: Runtime,
    store: RedisStore,
    driver: MultiplexedConnection,
    hash: String,
    value: Bytes,
    _server: Redis,
}

pub(super) fn take(args: &Args) -> Found {
    let field = Field::open()?;
    let calls = args.size(CALLS);
    let mut table = Table::new(
        "redis: the store beside the bare driver, calls per second",
        "One connection each, the same commands with the same bytes; ratios of the same round.",
        &pace::COLUMNS,
    );
    for tasks in [1, 64] {
        for (name, verb) in VERBS {
            let run = |ours: bool| field.round(verb, tasks, calls, ours);
            // Untimed: the script is known, and what grows on first use has grown.
            run(true);
            run(false);
            let (ours, theirs) = pace::interleave(args.rounds(), || run(true), || run(false));
            let name = match tasks {
                1 => format!("{name}, 1 task"),
                _ => format!("{name}, {tasks} tasks"),
            };
            pace::pair(&mut table, name, &ours, &theirs, ">= 0.90");
        }
    }
    Ok(vec![table])
}

impl Field {
    fn open() -> Result<Self, String> {
        let server = Redis::start()?;
        let runtime = super::server::clients()?;
        let (store, driver, hash) = runtime
            .block_on(async {
                let store = RedisStore::builder().url(server.url());
                let store = store.connect().await.map_err(|error| error.to_string())?;
                let client = redis::Client::open(server.url())?;
                let mut driver = client.get_multiplexed_async_connection().await?;
                let mut script = redis::cmd("SCRIPT");
                script.arg("LOAD").arg(REPLACE);
                let hash: String = script.query_async(&mut driver).await?;
                Ok::<_, Failure>((store, driver, hash))
            })
            .map_err(|failure| failure.0)?;
        let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
        drop(value.clone());
        let field = Self {
            runtime,
            store,
            driver,
            hash,
            value,
            _server: server,
        };
        field.runtime.block_on(async {
            for number in 0..KEYS {
                let (key, value) = (super::key(number), field.value.clone());
                let put = field.store.put(&key, value, Terms::ttl(TTL));
                put.await.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        })?;
        Ok(field)
    }

    /// Calls per second of so many tasks that call one after the other.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn round(&self, verb: Verb, tasks: usize, calls: usize, ours: bool) -> f64 {
        let each = calls / tasks;
        let began = Instant::now();
        self.runtime.block_on(async {
            let run = |task: usize| {
                let numbers = task * each..(task + 1) * each;
                match ours {
                    true => {
                        let (store, value) = (self.store.clone(), self.value.clone());
                        tokio::spawn(async move {
                            for number in numbers {
                                call(&store, verb, number, &value).await;
                            }
                        })
                    }
                    false => {
                        let (mut driver, hash) = (self.driver.clone(), self.hash.clone());
                        let mut stored = [&[FORMAT; 9][..], &self.value].concat();
                        tokio::spawn(async move {
                            for number in numbers {
                                // Another one each time: over its own version a replace does nothing.
                                let version = VERSIONS.fetch_add(1, Relaxed);
                                stored[1..9].copy_from_slice(&version.to_be_bytes());
                                let command = command(verb, number, &stored, &hash);
                                ask(&mut driver, verb, &command).await;
                            }
                        })
                    }
                }
            };
            let running: Vec<_> = (0..tasks).map(run).collect();
            for task in running {
                task.await.expect("no call fails");
            }
        });
        (each * tasks) as f64 / began.elapsed().as_secs_f64()
    }
}

async fn call(store: &RedisStore, verb: Verb, number: usize, value: &Bytes) {
    let (key, value) = (super::key(number % KEYS), value.clone());
    let terms = Terms::ttl(TTL);
    let done = match verb {
        Verb::Load => store.load(&key).await.map(|found| found.is_some()),
        Verb::Touch => store.touch(&key, TTL).await,
        Verb::Put => store.put(&key, value, terms).await.map(|_| true),
        Verb::Replace => {
            let replaced = store.replace(&key, value, terms, None).await;
            replaced.map(|replaced| matches!(replaced, Replaced::Done(_)))
        }
    };
    assert!(done.is_ok_and(|done| done), "a call failed");
}

/// The command that the store sends, made by hand.
fn command(verb: Verb, number: usize, stored: &[u8], hash: &str) -> Cmd {
    let key = [PREFIX, &super::key(number % KEYS)].concat();
    let mut command = Cmd::new();
    match verb {
        Verb::Load => command.arg("GET").arg(key),
        Verb::Touch => command.arg("PEXPIRE").arg(key).arg(TTL_MS),
        Verb::Put => {
            command.arg("SET").arg(key).arg(stored);
            command.arg("PX").arg(TTL_MS).arg("GET")
        }
        Verb::Replace => {
            command.arg("EVALSHA").arg(hash).arg(1).arg(key);
            command.arg(stored).arg(TTL_MS).arg("")
        }
    };
    command
}

async fn ask(driver: &mut MultiplexedConnection, verb: Verb, command: &Cmd) {
    let answer: Value = command
        .query_async(driver)
        .await
        .expect("the server answers");
    let is_done = match verb {
        Verb::Load | Verb::Put => matches!(answer, Value::BulkString(_)),
        Verb::Touch | Verb::Replace => answer == Value::Int(1),
    };
    assert!(is_done, "a call failed");
}

struct Failure(String);

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<redis::RedisError> for Failure {
    fn from(error: redis::RedisError) -> Self {
        Self(error.to_string())
    }
}
