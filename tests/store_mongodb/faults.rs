//! Connections that are cut, servers that step down, stall or die, and futures that are dropped.

use std::time::{Duration, Instant};

use sessile::store::{Created, MongoStore, Replaced, SessionStore};
use sessile::{Error, ErrorKind};

use crate::double::{Double, Fault};
use crate::kit::{self, SESSIONS};
use crate::servers::answered;
use crate::verbs::hear::Log;

/// What may go wrong on the way without the caller noticing. The last ones outlast the driver's own
/// repetition, so that the store's is tried, too.
const PASSING: [&[Fault]; 7] = [
    &[Fault::CutBefore],
    &[Fault::CutAfter],
    &[Fault::Refuse(10107)],
    &[Fault::Refuse(11600)],
    &[Fault::Garbage],
    &[Fault::CutAfter, Fault::CutBefore, Fault::CutBefore],
    &[
        Fault::Refuse(189),
        Fault::Refuse(189),
        Fault::CutBefore,
        Fault::CutBefore,
    ],
];

#[tokio::test]
async fn a_write_whose_answer_is_lost_arrives_once_and_is_recognized() {
    for faults in PASSING {
        // Each on a server of its own: the driver remembers for a while that one failed.
        let double = Double::start().await;
        let patience = kit::patience().attempts(5);
        let store = kit::on(&double).patience(patience).connect().await.unwrap();
        let terms = kit::terms();
        double.fail(faults.iter().copied());
        let Created::Done(first) = store.create(b"k", "one".into(), terms).await.unwrap() else {
            panic!("its own first attempt was in the way of a create after {faults:?}");
        };
        assert!(double.is_calm(), "not all of {faults:?} happened");
        double.fail(faults.iter().copied());
        let replaced = store
            .replace(b"k", "two".into(), terms, Some(first))
            .await
            .unwrap();
        let Replaced::Done(second) = replaced else {
            panic!("its own first attempt was in the way: {replaced:?} after {faults:?}");
        };
        double.fail(faults.iter().copied());
        let found = store.load(b"k").await.unwrap().unwrap();
        assert_eq!((found.version, &found.value[..]), (second, &b"two"[..]));
        double.fail(faults.iter().copied());
        assert!(store.touch(b"k", Duration::from_secs(900)).await.unwrap());
        assert_eq!(double.documents(SESSIONS).len(), 1);
        // A removal is recognized as long as the driver's own repetition does not fail, too.
        double.fail(faults.first().copied());
        let removed = store.remove(b"k").await.unwrap();
        assert!(removed || faults[0] == Fault::Garbage, "{faults:?}");
        assert!(double.documents(SESSIONS).is_empty());
    }
}

/// Each is named, with what to do; and neither takes anything away nor leaves anything behind.
#[tokio::test]
async fn what_does_not_pass_is_named() {
    use ErrorKind::{Full, InvalidConfig, Timeout, TooLarge, Unavailable};

    let double = Double::start().await;
    let patience = kit::patience().attempts(2);
    let store = kit::on(&double).patience(patience).connect().await.unwrap();
    let (key, terms) = (b"canary-key", kit::terms());
    store.put(key, "kept".into(), terms).await.unwrap();
    store.put(b"gone", "v".into(), terms).await.unwrap();
    assert!(store.remove(b"gone").await.unwrap());
    for (code, kind, advice) in [
        (13, InvalidConfig, "the right to do this; check"),
        (18, InvalidConfig, "the password or the right"),
        (50, Timeout, "see whether it is overloaded"),
        (10334, TooLarge, "put less into it"),
        (14031, Full, "its disk is full; give it more"),
        (123, Unavailable, "see what it logs"),
        (10107, Unavailable, "has a primary"),
    ] {
        // More than all attempts of all verbs.
        double.fail([Fault::Refuse(code); 100]);
        let value = || "canary-value".into();
        let failed = [
            store.put(key, value(), terms).await.map(drop),
            store.create(b"canary-new", value(), terms).await.map(drop),
            store.replace(key, value(), terms, None).await.map(drop),
            store.touch(key, Duration::from_secs(9)).await.map(drop),
            store.remove(key).await.map(drop),
        ];
        for failed in failed {
            is_named(&failed.unwrap_err(), kind, advice);
        }
        double.fail([]);
        assert_eq!(store.load(key).await.unwrap().unwrap().value, "kept");
        assert!(!store.exists(b"canary-new").await.unwrap());
        assert!(!store.exists(b"gone").await.unwrap());
        assert_eq!(double.documents(SESSIONS).len(), 1);
    }
    // This one is there, and may be lost with the server that has it.
    double.fail([Fault::Unconfirmed; 8]);
    let written = store.put(key, "canary-value".into(), terms).await;
    let advice = "see whether the replica set is whole";
    is_named(&written.unwrap_err(), Timeout, advice);
    double.fail([]);
    store.put(key, "kept".into(), terms).await.unwrap();
}

fn is_named(error: &Error, kind: ErrorKind, advice: &str) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(advice), "{error}");
    // The double puts the key into each of its messages, as MongoDB may.
    let text = format!("{error} {error:?} {:?}", std::error::Error::source(error));
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_server_that_stalls_is_a_timeout_and_then_works_again() {
    let double = Double::start().await;
    let patient = kit::on(&double).connect().await.unwrap();
    patient.put(b"k", "v".into(), kit::terms()).await.unwrap();
    // Enough that the driver, which opens connections in the same time, does not take the server for dead.
    let patience = kit::patience().timeout(Duration::from_secs(1)).attempts(2);
    let store = answered(async || kit::on(&double).patience(patience).connect().await).await;
    double.fail([Fault::Slow(Duration::from_secs(600)); 4]);
    let start = Instant::now();
    assert_eq!(
        store.load(b"k").await.unwrap_err().kind(),
        ErrorKind::Timeout
    );
    let written = store.put(b"other", "w".into(), kit::terms()).await;
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "four attempts of a second"
    );
    // An attempt that did not get as far as the server has left its fault behind.
    double.fail([]);
    let found = answered(async || store.load(b"k").await).await;
    assert_eq!(found.unwrap().value, "v");
}

#[tokio::test]
async fn nobody_listens() {
    let mut double = Double::start().await;
    let address = double.address();
    double.kill().await;
    let patience = kit::patience()
        .timeout(Duration::from_millis(400))
        .attempts(2);
    let settings = MongoStore::builder().address(address).patience(patience);
    assert_eq!(
        settings.connect().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_server_killed_in_mid_traffic_loses_nothing_and_brings_nothing_back() {
    let mut double = Double::start().await;
    let patience = kit::patience().timeout(Duration::from_millis(800));
    let store = kit::on(&double).patience(patience).connect().await.unwrap();
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let done = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let writers: Vec<_> = (0..4_u32)
        .map(|writer| {
            let (store, is_over) = (store.clone(), std::sync::Arc::clone(&is_over));
            let done = std::sync::Arc::clone(&done);
            tokio::spawn(async move {
                let (mut kept, mut ended) = (Vec::new(), Vec::new());
                for number in 0_u32.. {
                    if is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    let key = [writer.to_le_bytes(), number.to_le_bytes()].concat();
                    let created = store.create(&key, "v".into(), kit::terms()).await;
                    if number % 2 == 0 && created.is_ok() {
                        kept.push(key);
                    } else if store.remove(&key).await.is_ok() && created.is_ok() {
                        ended.push(key);
                    }
                    let count = u32::from(created.is_ok());
                    done.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
                    if let Err(error) = created {
                        let kinds = [ErrorKind::Unavailable, ErrorKind::Timeout];
                        assert!(kinds.contains(&error.kind()), "{error:?}");
                    }
                }
                (kept, ended)
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        double.kill().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        double.restart().await;
    }
    // However slow the machine, there is traffic.
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        if done.load(std::sync::atomic::Ordering::Relaxed) > 20 {
            break;
        }
    }
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut count = 0;
    for writer in writers {
        let (kept, ended) = writer.await.unwrap();
        for key in &kept {
            assert!(
                store.exists(key).await.unwrap(),
                "an acknowledged session is lost"
            );
        }
        for key in &ended {
            assert!(
                !store.exists(key).await.unwrap(),
                "a signed-out session came back"
            );
        }
        count += kept.len() + ended.len();
    }
    assert!(count > 10, "{count} sessions are no traffic");
}

#[tokio::test]
async fn what_is_dropped_while_it_waits_leaves_no_answer_behind() {
    let double = Double::start().await;
    let address = double.address() + "/?maxPoolSize=1";
    let settings = MongoStore::builder()
        .address(address)
        .patience(kit::patience());
    let store = settings.connect().await.unwrap();
    store
        .put(b"one", "first".into(), kit::terms())
        .await
        .unwrap();
    store
        .put(b"two", "second".into(), kit::terms())
        .await
        .unwrap();
    for times in 0..12 {
        // The answer is on its way when the future is dropped, sooner or later.
        double.fail([Fault::Slow(Duration::from_millis(5))]);
        let soon = Duration::from_millis(times);
        let _ = tokio::time::timeout(soon, store.load(b"one")).await;
        double.fail([]);
        assert_eq!(store.load(b"two").await.unwrap().unwrap().value, "second");
        double.fail([Fault::Slow(Duration::from_millis(5))]);
        let put = store.put(b"third", "third".into(), kit::terms());
        let _ = tokio::time::timeout(soon, put).await;
        double.fail([]);
        assert_eq!(store.load(b"one").await.unwrap().unwrap().value, "first");
    }
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let double = Double::start().await;
    let store = kit::on(&double).connect().await.unwrap();
    let clone = store.clone();
    store.close().await.unwrap();
    for store in [store, clone] {
        assert_eq!(
            store.load(b"k").await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
}

#[tokio::test]
async fn logs_name_no_key_and_no_value() {
    let log = Log::default();
    let _guard = log.hear(tracing::Level::TRACE);
    let double = Double::start().await;
    let store = kit::on(&double).bare().connect().await.unwrap();
    let foreign = mongodb::bson::doc! { "_id": 1, "id": "canary-key", "val": "canary-value" };
    double.plant(SESSIONS, foreign);
    assert!(store.load(b"canary-key").await.unwrap().is_none());
    double.fail([Fault::Refuse(189); 8]);
    assert!(store.load(b"canary-key").await.is_err());
    let text = log.text();
    assert_eq!(
        text.matches("something else than a session").count(),
        1,
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
}

/// A server that speaks a part of the protocol may acknowledge what it left out.
#[tokio::test]
async fn an_upsert_that_stored_nothing_is_an_error() {
    let double = Double::start().await;
    let (native, bare) = (kit::on(&double), kit::on(&double).collection("bare").bare());
    for (settings, asks) in [(native, 1), (bare, 2)] {
        let store = settings.connect().await.unwrap();
        double.fail([Fault::Ignore]);
        let put = store.put(b"k", "v".into(), kit::terms()).await;
        assert_eq!(put.unwrap_err().kind(), ErrorKind::InvalidConfig);
        // A bare create asks twice: it then takes what is there for somebody's.
        double.fail(vec![Fault::Ignore; asks]);
        let created = store.create(b"k", "v".into(), kit::terms()).await;
        assert!(!matches!(created, Ok(Created::Done(_))), "{created:?}");
        assert!(store.load(b"k").await.unwrap().is_none());
    }
}
