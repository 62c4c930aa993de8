//! Servers whose clock is an hour off: they are told durations, and dates with an hour to spare.

use std::time::{Duration, SystemTime};

use sessile::store::{SessionStore, Terms};

use crate::contract::Real;
use crate::kit::{self, Raw};
use crate::servers::{Memcached, wait_until};

const DAY: Duration = Duration::from_secs(86_400);

/// A server that is an hour ahead or behind, and really so.
fn off_by(shift: &str) -> Option<Memcached> {
    let server = Memcached::start_at("a memcached whose clock is off", shift)?;
    let theirs = Raw::to(&server).stat("time");
    let ours = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let off = theirs.abs_diff(ours.unwrap().as_secs());
    assert!((3540..=3660).contains(&off), "off by {off} s");
    Some(server)
}

/// The server forgets nothing before its end, and what has ended some hours later at most.
async fn keeps_times(server: &Memcached) {
    let mut raw = Raw::to(server);
    for (is_bare, name) in [(false, "sessile:kaw"), (true, "k")] {
        let settings = kit::on(server);
        let settings = if is_bare { settings.bare() } else { settings };
        let store = settings.connect().await.unwrap();
        for days in [1, 29, 31, 365] {
            let seconds = i64::from(days) * 86_400;
            for is_touch in [false, true] {
                let given = days * DAY;
                match is_touch {
                    true => assert!(store.touch(b"k", given).await.unwrap()),
                    false => drop(
                        store
                            .put(b"k", "v".into(), Terms::ttl(given))
                            .await
                            .unwrap(),
                    ),
                }
                let line = raw.ask(format!("mg {name} t\r\n").as_bytes());
                let left: i64 = line.strip_prefix("HD t").unwrap().parse().unwrap();
                // An hour to spare, and an hour that the server is behind; a minute for a busy machine.
                let range = seconds - 60..=seconds + 2 * 3600 + 60;
                assert!(
                    range.contains(&left),
                    "{days} days became {left} s, bare: {is_bare}"
                );
                assert!(store.exists(b"k").await.unwrap());
            }
        }
        let short = Terms::ttl(Duration::from_millis(50));
        store.put(b"k", "v".into(), short).await.unwrap();
        let request = format!("mg {name}\r\n");
        wait_until("the end of a record", || {
            raw.ask(request.as_bytes()) == "EN"
        });
        assert!(store.load(b"k").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_server_an_hour_ahead_keeps_the_contract() {
    let Some(server) = off_by("+1h") else { return };
    keeps_times(&server).await;
    Real::on(server).run().await.assert_kept();
}

#[tokio::test]
async fn a_server_an_hour_behind_keeps_the_contract() {
    let Some(server) = off_by("-1h") else { return };
    keeps_times(&server).await;
    Real::on(server).run().await.assert_kept();
}
