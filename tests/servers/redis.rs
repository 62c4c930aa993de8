//! Redis: one server, a master and a replica watched by sentinels, and a cluster of three.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Program, find, free_port, need, shifted, wait_for_port, wait_until};

/// What a server prints once it takes connections.
const IS_READY: &str = "Ready to accept connections";

/// A running Redis server.
pub struct Redis {
    program: Program,
    port: u16,
    cli: PathBuf,
}

impl Redis {
    /// Starts one that keeps nothing on disk unless `options` say otherwise; `None`, loudly, if it is
    /// not installed.
    pub fn start(what: &str, options: &[&str]) -> Option<Self> {
        let [server, cli] = need(what, ["redis-server", "redis-cli"])?;
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        Some(Self::of(Program::new(server), cli, || options.clone()))
    }

    /// As [`start`](Self::start), with a clock that is off by so much, such as `+1h`.
    pub fn start_at(what: &str, shift: &str) -> Option<Self> {
        let [server, cli] = need(what, ["redis-server", "redis-cli"])?;
        let program = Program::new(server).with(shifted(what, shift)?);
        Some(Self::of(program, cli, Vec::new))
    }

    /// Runs it; `options` are asked for again when a port was taken.
    fn of(mut program: Program, cli: PathBuf, options: impl Fn() -> Vec<String>) -> Self {
        let on = |port: u16| {
            let port = port.to_string();
            let fixed = ["--port", &port, "--bind", "127.0.0.1", "--save", ""];
            let fixed = fixed.map(str::to_owned);
            fixed.into_iter().chain(options()).collect()
        };
        let port = program.start_on_a_free_port(on, |it| it.times_printed(IS_READY) > 0);
        Self { program, port, cli }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Starts it again, with its data as far as it kept them.
    pub fn restart(&mut self) {
        let starts = self.program.times_printed(IS_READY);
        self.program
            .restart_until(|it| it.times_printed(IS_READY) > starts);
    }

    /// Asks the server; the answer as text.
    pub fn ask(&self, words: &[&str]) -> String {
        ask(&self.cli, self.port, words)
    }
}

fn ask(cli: &PathBuf, port: u16, words: &[&str]) -> String {
    let output = Command::new(cli)
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args(words)
        .output()
        .expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A master and a replica, watched by three sentinels that fail over within seconds.
pub struct Watched {
    pub master: Redis,
    pub replica: Redis,
    sentinels: Vec<Program>,
    ports: Vec<u16>,
    cli: PathBuf,
}

impl Watched {
    pub fn start(what: &str) -> Option<Self> {
        let master = Redis::start(what, &[])?;
        let port = master.port.to_string();
        let replica = Redis::start(what, &["--replicaof", "127.0.0.1", &port])?;
        wait_until("the replica", || {
            replica
                .ask(&["info", "replication"])
                .contains("master_link_status:up")
        });
        let server = find("redis-server")?;
        let mut watched = Self {
            cli: master.cli.clone(),
            master,
            replica,
            sentinels: Vec::new(),
            ports: Vec::new(),
        };
        for _ in 0..3 {
            let port = free_port();
            let mut sentinel = Program::new(server.clone());
            let settings = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor sessions 127.0.0.1 {} 2\n\
                 sentinel down-after-milliseconds sessions 500\n\
                 sentinel failover-timeout sessions 3000\n",
                watched.master.port
            );
            std::fs::write(sentinel.folder().join("sentinel.conf"), settings)
                .expect("its folder can be written");
            sentinel.start(["sentinel.conf", "--sentinel"]);
            wait_for_port("sentinel", port);
            watched.sentinels.push(sentinel);
            watched.ports.push(port);
        }
        let sees = |sign: &str| {
            watched
                .ports
                .iter()
                .all(|&port| ask(&watched.cli, port, &["info", "sentinel"]).contains(sign))
        };
        wait_until("the sentinels", || sees("slaves=1,sentinels=3"));
        Some(watched)
    }

    pub fn url(&self) -> String {
        let hosts: Vec<_> = self
            .ports
            .iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        format!("redis+sentinel://{}/sessions/0", hosts.join(","))
    }

    /// Stops a sentinel in its tracks.
    pub fn freeze_sentinel(&self, number: usize) {
        self.sentinels[number].freeze(true);
    }

    /// Waits until the replica is the master.
    pub fn wait_for_failover(&self) {
        wait_until("the new master", || {
            self.replica.ask(&["role"]).starts_with("master")
        });
    }
}

/// Tells nodes something until it is so: they forget whom they did not come to know within their timeout, and
/// what others say of slots may cross what they were told.
fn again_until(what: &str, tell: impl Fn(), is_so: impl Fn() -> bool) {
    tell();
    let mut told = Instant::now();
    wait_until(what, || {
        if told.elapsed() > Duration::from_secs(10) {
            tell();
            told = Instant::now();
        }
        is_so()
    });
}

/// Three masters that share the slots evenly.
pub struct RedisCluster {
    pub nodes: Vec<Redis>,
}

impl RedisCluster {
    pub fn start(what: &str) -> Option<Self> {
        const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        let mut nodes: Vec<Redis> = Vec::new();
        let mut buses = Vec::new();
        for (first, last) in SLOTS {
            let (node, bus) = Self::node(what)?;
            node.ask(&["cluster", "addslotsrange", first, last]);
            buses.push(bus);
            nodes.push(node);
        }
        let meet = || {
            for (node, bus) in nodes.iter().zip(&buses) {
                for other in &nodes {
                    other.ask(&["cluster", "meet", "127.0.0.1", &node.port.to_string(), bus]);
                }
            }
        };
        let is_whole = || {
            nodes.iter().all(|node| {
                let info = node.ask(&["cluster", "info"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        };
        again_until("the cluster", meet, is_whole);
        Some(Self { nodes })
    }

    fn node(what: &str) -> Option<(Redis, String)> {
        let [server, cli] = need(what, ["redis-server", "redis-cli"])?;
        let bus = Cell::new(0);
        let options = || {
            bus.set(free_port());
            let bus = bus.get().to_string();
            let timeout = ["--cluster-node-timeout", "2000"];
            let options = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            options
                .into_iter()
                .chain(timeout)
                .map(str::to_owned)
                .collect()
        };
        let node = Redis::of(Program::new(server), cli, options);
        Some((node, bus.get().to_string()))
    }

    /// Adds a node and gives it the slot of `key`, of which no records may be there.
    pub fn join(&mut self, what: &str, key: &str) {
        let (node, bus) = Self::node(what).expect("it is installed");
        let slot = node.ask(&["cluster", "keyslot", key]);
        let port = node.port.to_string();
        self.nodes.push(node);
        let meet = || {
            self.nodes[0].ask(&["cluster", "meet", "127.0.0.1", &port, &bus]);
        };
        let knows = |node: &Redis| {
            node.ask(&["cluster", "info"])
                .contains("cluster_known_nodes:4")
        };
        again_until("the new node", meet, || self.nodes.iter().all(knows));
        let id = self.id(3);
        let give = || {
            // What the old owner had said before is still on its way to some: the later epoch wins.
            self.nodes[3].ask(&["cluster", "bumpepoch"]);
            for node in self.nodes.iter().rev() {
                node.ask(&["cluster", "setslot", &slot, "node", &id]);
            }
        };
        let is_given = |node: &Redis| {
            let nodes = node.ask(&["cluster", "nodes"]);
            let mut owned = nodes.lines().filter(|line| line.starts_with(&id));
            owned.any(|line| line.split(' ').next_back() == Some(&slot))
        };
        again_until("the new owner", give, || self.nodes.iter().all(is_given));
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The node that has a key's slot, and the slot.
    pub fn owner(&self, key: &str) -> (usize, String) {
        let slot = self.nodes[0].ask(&["cluster", "keyslot", key]);
        let number: usize = slot.parse().expect("a slot");
        (number / 5461, slot)
    }

    pub fn id(&self, node: usize) -> String {
        self.nodes[node].ask(&["cluster", "myid"])
    }
}
