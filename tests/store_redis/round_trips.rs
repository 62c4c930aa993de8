//! What each verb costs on the wire, and a request whose session did not change.

use std::time::Duration;

use sessile::ManualClock;
use sessile::session::{Committed, Sessions};
use sessile::store::{RedisBuilder, SessionStore};

use crate::kit::{self, MINUTE, created, is_done};
use crate::servers::{Proxy, Redis, trips};

fn through(proxy: &Proxy) -> RedisBuilder {
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    kit::on(&url).patience(trips::patience())
}

#[tokio::test]
async fn each_verb_takes_one() {
    let Some(server) = Redis::start("the round trips to Redis", &[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    for bare in [false, true] {
        let mut builder = through(&proxy);
        if bare {
            builder = builder.bare();
        }
        let store = builder.connect().await.unwrap();
        trips::check(&store, || proxy.turns(), &[("purge_expired", 0)]).await;
    }
}

#[tokio::test]
async fn what_is_malformed_and_a_script_that_is_not_known_cost_one_more() {
    let Some(server) = Redis::start("second round trips to Redis", &[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let store = through(&proxy).prefix("p").connect().await.unwrap();
    for script_is in ["not known", "known"] {
        server.ask(&["set", "1:p:k", "garbage"]);
        proxy.turns();
        created(&store, "k", "v").await;
        let over_garbage = proxy.turns();
        let replaced = store.replace(b"k", "w".into(), MINUTE, None).await;
        assert!(is_done(replaced.unwrap()));
        let turns = (over_garbage, proxy.turns());
        let wanted = match script_is {
            "known" => (2, 1),
            _ => (3, 2),
        };
        assert_eq!(turns, wanted, "create and replace, script {script_is}");
    }
}

#[tokio::test]
async fn a_request_with_an_unchanged_session_is_a_load_and_at_times_a_touch() {
    let Some(server) = Redis::start("a request on Redis", &[]) else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let clock = ManualClock::new();
    let store = through(&proxy).connect().await.unwrap();
    let sessions = Sessions::builder(store)
        .clock(clock.clone())
        .idle(Duration::from_secs(3600));
    let sessions = sessions.build().unwrap();
    let session = sessions.fresh();
    session.insert("user", "7").unwrap();
    sessions.commit(&session).await.unwrap();
    let id = session.id().unwrap();

    let request = async || {
        proxy.turns();
        let lazy = sessions.open(Some(&id));
        let session = lazy.session().await.unwrap();
        assert_eq!(session.get::<String>("user").unwrap().as_deref(), Some("7"));
        let committed = lazy.commit().await.unwrap();
        (committed, proxy.turns())
    };
    assert_eq!(request().await, (Committed::Nothing, 1));
    // A twentieth of the idle timeout is three minutes: only then is its end moved.
    clock.advance(Duration::from_secs(179));
    assert_eq!(request().await, (Committed::Nothing, 1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(request().await, (Committed::Renewed, 2));
    assert_eq!(request().await, (Committed::Nothing, 1));
    // Now this process knows when it is due, and sends it with the load.
    clock.advance(Duration::from_secs(180));
    assert_eq!(request().await, (Committed::Renewed, 1));
    assert_eq!(request().await, (Committed::Nothing, 1));

    proxy.turns();
    sessions.open(Some(&id)).commit().await.unwrap();
    assert_eq!(proxy.turns(), 0, "nobody asked for the session");
}
