//! `sessile serve` and the administration on every store with its real server (MongoDB: its double): by
//! hand, and with a browser.

#[path = "../serve/chrome.rs"]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "the other test uses the rest"
)]
mod chrome;
#[path = "../serve/server.rs"]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "the other test uses the rest"
)]
mod server;
#[path = "../../../tests/servers/mod.rs"]
mod servers;

mod mongo;
mod moving;
mod shared;
mod visit;

use mongo::MongoDb;
use server::Server;
use servers::{MariaDb, Memcached, Postgres, Redis, RedisCluster, Watched};

/// Where the sessions are: what the environment says of it, and what has to live meanwhile.
struct Row {
    name: &'static str,
    environment: Vec<(&'static str, String)>,
    _server: Box<dyn std::any::Any>,
}

fn row(
    name: &'static str,
    environment: &[(&'static str, &str)],
    server: impl std::any::Any,
) -> Option<Row> {
    let environment = environment
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    Some(Row {
        name,
        environment,
        _server: Box::new(server),
    })
}

impl Row {
    fn serve(&self) -> Server {
        let environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        Server::start_in(&environment, &[])
    }
}

const KEY: &str = "a key of the tests alone, 32 bytes";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn cache() -> Option<Row> {
    row("cache", &[("SESSION_TYPE", "cache")], ())
}

fn filesystem() -> Option<Row> {
    let folder = folder();
    let dir = folder.path().join("sessions").display().to_string();
    let environment = [("SESSION_TYPE", "filesystem"), ("SESSION_FILE_DIR", &*dir)];
    row("filesystem", &environment, folder)
}

fn redis() -> Option<Row> {
    let server = Redis::start("serve on Redis", &[])?;
    let url = server.url();
    row(
        "redis",
        &[("SESSION_TYPE", "redis"), ("SESSION_REDIS", &url)],
        server,
    )
}

fn redis_cluster() -> Option<Row> {
    let server = RedisCluster::start("serve on a Redis Cluster")?;
    let urls = server.urls().join(",");
    row(
        "redis cluster",
        &[("SESSION_TYPE", "redis"), ("SESSION_REDIS", &urls)],
        server,
    )
}

fn redis_sentinel() -> Option<Row> {
    let server = Watched::start("serve on Redis with Sentinel")?;
    let url = server.url();
    row(
        "redis sentinel",
        &[("SESSION_TYPE", "redis"), ("SESSION_REDIS", &url)],
        server,
    )
}

fn memcached() -> Option<Row> {
    let server = Memcached::start("serve on memcached", &[])?;
    let address = server.address();
    let environment = [
        ("SESSION_TYPE", "memcached"),
        ("SESSION_MEMCACHED", &*address),
    ];
    row("memcached", &environment, server)
}

fn sqlite() -> Option<Row> {
    let folder = folder();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    row("sqlite", &database(&url), folder)
}

fn postgres() -> Option<Row> {
    let server = Postgres::start()?;
    let url = server.url();
    row("postgres", &database(&url), server)
}

fn mariadb() -> Option<Row> {
    let server = MariaDb::start(&[])?;
    let url = server.url();
    row("mariadb", &database(&url), server)
}

fn mongodb() -> Option<Row> {
    let server = MongoDb::start();
    let address = server.address().to_owned();
    let environment = [
        ("SESSION_TYPE", "mongodb"),
        ("SESSION_MONGODB", &*address),
        ("SESSION_STORE_PREPARE", "true"),
    ];
    row("mongodb", &environment, server)
}

fn database(url: &str) -> [(&'static str, &str); 3] {
    [
        ("SESSION_TYPE", "sql"),
        ("SESSION_SQLALCHEMY", url),
        ("SESSION_STORE_PREPARE", "true"),
    ]
}

fn tiered() -> Option<Row> {
    let folder = folder();
    let dir = folder.path().join("sessions").display().to_string();
    let environment = [
        ("SESSION_TYPE", "tiered"),
        ("SESSION_TIERED_BACK", "filesystem"),
        ("SESSION_FILE_DIR", &*dir),
    ];
    row("tiered", &environment, folder)
}

fn tiered_redis() -> Option<Row> {
    let server = Redis::start("serve on a cache before Redis", &[])?;
    let url = server.url();
    let environment = [
        ("SESSION_TYPE", "tiered"),
        ("SESSION_TIERED_BACK", "redis"),
        ("SESSION_REDIS", &*url),
    ];
    row("tiered redis", &environment, server)
}

fn secure_cookie() -> Option<Row> {
    row(
        "securecookie",
        &[("SESSION_TYPE", "securecookie"), ("SECRET_KEY", KEY)],
        (),
    )
}

fn null() -> Option<Row> {
    row("null", &[("SESSION_TYPE", "null")], ())
}

/// Every store that keeps sessions on the server.
const KEEPERS: [fn() -> Option<Row>; 12] = [
    cache,
    filesystem,
    redis,
    redis_cluster,
    redis_sentinel,
    memcached,
    sqlite,
    postgres,
    mariadb,
    mongodb,
    tiered,
    tiered_redis,
];
