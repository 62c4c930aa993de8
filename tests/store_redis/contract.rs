//! The conformance suite on every form and on every kind of server.

use std::time::Duration;

use sessile::store::contract::{self, Level, Report, Subject};
use sessile::store::{RedisStore, SessionStore, Survey};

use crate::kit;
use crate::servers::{Redis, RedisCluster, Watched, row};
use crate::verbs;

pub(crate) struct Stores {
    urls: Vec<String>,
    bare: bool,
}

impl Stores {
    pub(crate) fn on(server: &Redis) -> Self {
        let (urls, bare) = (vec![server.url()], false);
        Self { urls, bare }
    }

    pub(crate) async fn run(&self) -> Report {
        contract::run(self).await
    }
}

impl Subject for Stores {
    type Store = RedisStore;

    async fn fresh(&self) -> RedisStore {
        let mut builder = RedisStore::builder()
            .prefix(kit::prefix())
            .patience(kit::patient());
        for url in &self.urls {
            builder = builder.url(url);
        }
        if self.bare {
            builder = builder.bare();
        }
        builder.connect().await.unwrap()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn level(&self) -> Level {
        let level = Level::new().tick(Duration::from_millis(150)).real_clock();
        let level = level.without_idle().without_max_age();
        match self.bare {
            true => level.versions_by_content(),
            false => level,
        }
    }
}

/// What every way of running Redis promises less; see the documentation of the store.
const WEAKENED: &str = "what a crash or failover loses is decided by the server's settings; the server's \
                        wall clock set forward ends records early";

async fn run(urls: Vec<String>, bare: bool) -> Report {
    contract::run(&Stores { urls, bare }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_keeps_the_contract() {
    let Some(server) = Redis::start("the contract on Redis", &[]) else {
        return;
    };
    let report = run(vec![server.url()], false).await;
    row(20, "Redis", "Redis 7.0.15", WEAKENED, &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_records_keep_the_contract_but_for_versions() {
    let Some(server) = Redis::start("the contract on Redis, bare", &[]) else {
        return;
    };
    let report = run(vec![server.url()], true).await;
    row(
        21,
        "Redis, shared with Flask-Session",
        "Redis 7.0.15",
        WEAKENED,
        &report,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_protocol_keeps_the_contract() {
    let Some(server) = Redis::start("the contract on Redis, RESP2", &[]) else {
        return;
    };
    let urls = vec![format!("{}?protocol=resp2", server.url())];
    run(urls, false).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_of_sentinels_keeps_the_contract() {
    let Some(servers) = Watched::start("the contract on Sentinel") else {
        return;
    };
    let report = run(vec![servers.url()], false).await;
    row(22, "Redis Sentinel", "Redis 7.0.15", WEAKENED, &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_the_contract() {
    let Some(cluster) = RedisCluster::start("the contract on Redis Cluster") else {
        return;
    };
    let report = run(cluster.urls(), false).await;
    row(23, "Redis Cluster", "Redis 7.0.15", WEAKENED, &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_records_in_a_cluster_keep_the_contract_but_for_versions() {
    let Some(cluster) = RedisCluster::start("the contract on Redis Cluster, bare") else {
        return;
    };
    run(cluster.urls(), true).await.assert_kept();
}

#[tokio::test]
async fn each_verb_runs_in_a_span_that_tells_no_secret() {
    let Some(server) = Redis::start("spans of Redis", &["--requirepass", "canary-password"]) else {
        return;
    };
    let url = server.url().replace("//", "//:canary-password@");
    let store = kit::on(&url).connect().await.unwrap();
    let also = async {
        let _ = store.page(None, 10).await.unwrap();
        store.close().await.unwrap();
    };
    verbs::check("redis", &store, &["create_many", "page", "close"], also).await;
}
