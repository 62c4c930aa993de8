//! Loads from Redis through one connection and through several: whether a pool would be faster than the one
//! that all calls of the store share. The bare driver alone; what is asked is not the store's doing.

use std::time::Instant;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use tokio::runtime::Runtime;

use super::pace::{figure, ratios, spread};
use super::server::Redis;
use crate::args::Args;
use crate::measure::Found;
use crate::report::{Table, median};

const KEYS: usize = 1_000;
const VALUE_BYTES: usize = 512;
const CALLS: usize = 8_000;
const CONNECTIONS: [usize; 3] = [1, 2, 4];
const TASKS: [usize; 3] = [8, 64, 256];

pub(super) fn take(args: &Args) -> Found {
    let server = Redis::start()?;
    let runtime = super::server::clients()?;
    let most = CONNECTIONS.into_iter().max().unwrap_or(1);
    let connections = runtime
        .block_on(open(&server, most))
        .map_err(|error| error.to_string())?;
    let calls = args.size(CALLS);
    let mut table = Table::new(
        "connections: loads from Redis per second, the bare driver",
        "Ratios to one connection in the same round.",
        &["", "1", "2", "ratio", "min-max", "4", "ratio", "min-max"],
    );
    for tasks in TASKS {
        let mut rates = CONNECTIONS.map(|_| Vec::new());
        for round in 0..args.rounds() {
            // The first of a round changes.
            for place in 0..CONNECTIONS.len() {
                let place = (place + round) % CONNECTIONS.len();
                let pool = &connections[..CONNECTIONS[place]];
                rates[place].push(loads(&runtime, pool, tasks, calls));
            }
        }
        let mut cells = vec![format!("{tasks} tasks"), figure(median(&rates[0]))];
        for several in &rates[1..] {
            let (low, middle, high) = spread(&ratios(several, &rates[0]));
            cells.push(figure(median(several)));
            cells.push(format!("{middle:.2}"));
            cells.push(format!("{low:.2}-{high:.2}"));
        }
        table.row(cells);
    }
    Ok(vec![table])
}

/// Fills the server and connects to it so often.
async fn open(
    server: &Redis,
    connections: usize,
) -> redis::RedisResult<Vec<MultiplexedConnection>> {
    let client = redis::Client::open(server.url())?;
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(client.get_multiplexed_async_connection().await?);
    }
    for number in 0..KEYS {
        let mut command = Cmd::new();
        command.arg("SET").arg(&super::key(number));
        command.arg(vec![b'v'; VALUE_BYTES]);
        let _: Value = command.query_async(&mut opened[0]).await?;
    }
    Ok(opened)
}

/// Loads per second of so many tasks that call one after the other, spread over the connections.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn loads(runtime: &Runtime, pool: &[MultiplexedConnection], tasks: usize, calls: usize) -> f64 {
    let each = calls / tasks;
    let began = Instant::now();
    runtime.block_on(async {
        let run = |task: usize| {
            let mut connection = pool[task % pool.len()].clone();
            tokio::spawn(async move {
                for number in task * each..(task + 1) * each {
                    let mut command = Cmd::new();
                    command.arg("GET").arg(&super::key(number % KEYS));
                    let found: redis::RedisResult<Value> =
                        command.query_async(&mut connection).await;
                    assert!(matches!(found, Ok(Value::BulkString(_))), "a load failed");
                }
            })
        };
        let running: Vec<_> = (0..tasks).map(run).collect();
        for task in running {
            task.await.expect("no load fails");
        }
    });
    (each * tasks) as f64 / began.elapsed().as_secs_f64()
}
