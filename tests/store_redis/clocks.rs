//! Servers whose clock is an hour off: lifetimes are told as durations, so that nothing changes.

use std::time::{Duration, SystemTime};

use sessile::store::{SessionStore, Terms, TimeToLive};

use crate::contract::Stores;
use crate::kit::{self, created, text};
use crate::servers::{Redis, wait_until};

const HOUR: Duration = Duration::from_secs(3600);

/// A server that is an hour ahead or behind, and really so.
fn off_by(shift: &str) -> Option<Redis> {
    let server = Redis::start_at("a server of Redis whose clock is off", shift)?;
    let answer = server.ask(&["time"]);
    let theirs: u64 = answer.lines().next().unwrap().parse().unwrap();
    let ours = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let off = theirs.abs_diff(ours.unwrap().as_secs());
    assert!((3540..=3660).contains(&off), "off by {off} s");
    Some(server)
}

async fn keeps_times(server: &Redis) {
    let store = kit::on(&server.url()).connect().await.unwrap();
    created(&store, "k", "v").await;
    for given in [HOUR / 60, HOUR, 400 * 24 * HOUR] {
        assert!(store.touch(b"k", given).await.unwrap());
        let found = store.load_left(b"k").await.unwrap().unwrap();
        let Some(TimeToLive::Left(left)) = found.left else {
            panic!("{found:?}");
        };
        assert!(
            left <= given && left > given - HOUR / 60,
            "{left:?} of {given:?}"
        );
    }
    let short = Terms::ttl(Duration::from_millis(50));
    store.put(b"short", "v".into(), short).await.unwrap();
    wait_until("the end of a record", || server.ask(&["dbsize"]) == "1");
    assert_eq!(text(&store, "short").await, None);
    assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_an_hour_ahead_keeps_the_contract() {
    let Some(server) = off_by("+1h") else { return };
    keeps_times(&server).await;
    Stores::on(&server).run().await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_an_hour_behind_keeps_the_contract() {
    let Some(server) = off_by("-1h") else { return };
    keeps_times(&server).await;
    Stores::on(&server).run().await.assert_kept();
}
