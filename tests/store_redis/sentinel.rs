//! A master that dies, and the store that finds the next one.

use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Invalidation, SessionStore};

use crate::kit::{self, MINUTE, created, text};
use crate::servers::Watched;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_the_new_master_is_found() {
    let Some(mut servers) = Watched::start("failover by Sentinel") else {
        return;
    };
    let store = kit::on(&servers.url()).connect().await.unwrap();
    let mut news = store.invalidations().await.unwrap();
    assert_eq!(news.next().await, Some(Invalidation::All));
    created(&store, "k", "v").await;
    servers.master.ask(&["wait", "1", "5000"]);
    servers.master.program().kill();
    // Whoever keeps copies is told at once that it may miss something.
    assert_eq!(news.next().await, Some(Invalidation::All));
    servers.wait_for_failover();
    let mut put = store.put(b"after", "v".into(), MINUTE).await;
    for _ in 0..50 {
        match &put {
            Ok(_) => break,
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
                "{error}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        put = store.put(b"after", "v".into(), MINUTE).await;
    }
    put.unwrap();
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
    // What was listened to at the old master is listened to at the new one.
    let other = kit::on(&servers.replica.url());
    assert_eq!(news.next().await, Some(Invalidation::All));
    drop(other);
    assert!(
        servers
            .replica
            .ask(&["client", "list"])
            .contains("flags=tB")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_sentinel_is_passed_over() {
    let Some(servers) = Watched::start("silent sentinels") else {
        return;
    };
    servers.freeze_sentinel(0);
    let store = kit::on(&servers.url()).connect().await.unwrap();
    created(&store, "k", "v").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_no_sentinel_knows_is_said() {
    let Some(servers) = Watched::start("unknown services") else {
        return;
    };
    let url = servers.url().replace("/sessions/", "/canary/");
    let error = kit::on(&url)
        .patience(kit::once())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!kit::shown(&error).contains("canary"));
}
