//! Hostile keys and values, foreign and damaged records, and what is too large.

use bytes::Bytes;
use sessile::ErrorKind;
use sessile::store::{Created, MemcachedStore, SessionStore};

use crate::kit::{self, Raw};
use crate::servers::Memcached;
use crate::verbs::hear::Log;

/// Keys that would end a line, begin another command or ask for silence.
const KEYS: [&[u8]; 12] = [
    b"a b",
    b"a\r\nflush_all\r\n",
    b"a\nset x 0 0 1\r\nx",
    b"\r\n",
    b"\0",
    b"k noreply",
    b"k q",
    b"k b v",
    b" ",
    b"\x7f",
    b"\xff\xfe",
    &[b'k'; 60_000],
];

#[tokio::test]
async fn s33_hostile_keys_and_values_do_not_break_step() {
    let Some(server) = Memcached::start("hostile keys in memcached", &[]) else {
        return;
    };
    // One connection: what loses step is noticed by whoever comes next.
    let store = kit::on(&server).connections_max(1).connect().await.unwrap();
    let witness: Bytes = "witness".into();
    store
        .put(b"witness", witness.clone(), kit::terms())
        .await
        .unwrap();
    for key in KEYS {
        for value in [key, b"END\r\n", b"\r\nEN\r\n", b""] {
            let value = Bytes::copy_from_slice(value);
            store.put(key, value.clone(), kit::terms()).await.unwrap();
            assert_eq!(store.load(key).await.unwrap().unwrap().value, value);
            assert!(
                store
                    .touch(key, std::time::Duration::from_secs(60))
                    .await
                    .unwrap()
            );
            assert!(store.remove(key).await.unwrap());
            assert!(!store.exists(key).await.unwrap());
        }
        assert_eq!(
            store.load(b"witness").await.unwrap().unwrap().value,
            witness
        );
    }
    let mut raw = Raw::to(&server);
    assert_eq!(raw.stat("cmd_flush"), 0);
    // The listener, the one that saw it come up, the store's and this one.
    assert!(raw.stat("total_connections") <= 4);
    let names = raw.names();
    assert_eq!(names.len(), 1, "nothing but the witness is left");
    assert!(names[0].starts_with("sessile:k"));
}

#[tokio::test]
async fn what_is_no_record_of_ours_is_absent_and_may_be_overwritten() {
    let Some(server) = Memcached::start("foreign records in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let mut raw = Raw::to(&server);
    store.put(b"k", "value".into(), kit::terms()).await.unwrap();
    let name = raw.names().remove(0);
    let whole = raw.get(&name).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut longer = whole.clone();
    longer.push(b'x');
    for damaged in [
        &b""[..],
        b"foreign",
        &whole[..whole.len() - 1],
        &flipped,
        &longer,
        &[0xff; 99],
    ] {
        raw.set(&name, damaged);
        assert!(store.load(b"k").await.unwrap().is_none());
        assert!(!store.exists(b"k").await.unwrap());
        assert!(
            !store
                .touch(b"k", std::time::Duration::from_secs(60))
                .await
                .unwrap()
        );
        assert!(!store.remove(b"k").await.unwrap());
        raw.set(&name, damaged);
        let created = store
            .create(b"k", "new".into(), kit::terms())
            .await
            .unwrap();
        assert!(matches!(created, Created::Done(_)));
        assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "new");
    }
    // The same bytes, but marked by their writer as something else (pickled, packed).
    let request = [
        format!("ms {name} {} F1\r\n", whole.len()).as_bytes(),
        &whole,
        b"\r\n",
    ]
    .concat();
    assert_eq!(raw.ask(&request), "HD");
    assert!(store.load(b"k").await.unwrap().is_none());
    // And marked as stale.
    raw.set(&name, &whole);
    assert!(store.exists(b"k").await.unwrap());
    assert_eq!(raw.ask(format!("md {name} I T60\r\n").as_bytes()), "HD");
    assert!(store.load(b"k").await.unwrap().is_none());
}

#[tokio::test]
async fn values_are_whole_or_refused() {
    let Some(server) = Memcached::start("large values in memcached", &[]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let most = (1 << 20) - 1024;
    for key in [&b"k"[..], &[b'k'; 180], &[b'k'; 5000]] {
        let value: Bytes = vec![7; most].into();
        store.put(key, value.clone(), kit::terms()).await.unwrap();
        assert_eq!(store.load(key).await.unwrap().unwrap().value, value);
        let error = store
            .put(key, vec![7; most + 1].into(), kit::terms())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(
            store.load(key).await.unwrap().unwrap().value,
            value,
            "refused, not removed"
        );
        assert!(store.remove(key).await.unwrap());
    }
    // The server's own limit is lower than what the store was told.
    let Some(small) = Memcached::start("large values in memcached", &["-I", "512k"]) else {
        return;
    };
    let store = kit::on(&small).connect().await.unwrap();
    let error = store
        .put(b"k", vec![7; 600_000].into(), kit::terms())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(store.load(b"k").await.unwrap().is_none());
    // What others wrote may be longer than the store was told to read.
    let store = kit::on(&small)
        .bare()
        .value_max(100)
        .connect()
        .await
        .unwrap();
    Raw::to(&small).set("k", &[7; 200]);
    assert_eq!(
        store.load(b"k").await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

#[tokio::test]
async fn a_full_server_that_evicts_nothing_says_so() {
    let Some(server) = Memcached::start("a full memcached", &["-M", "-m", "2"]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    let mut outcome = Ok(());
    for number in 0..500_u32 {
        let key = number.to_le_bytes();
        let written = store.put(&key, vec![7; 200_000].into(), kit::terms());
        if let Err(error) = written.await {
            outcome = Err(error.kind());
            break;
        }
    }
    assert_eq!(outcome, Err(ErrorKind::Full));
}

#[tokio::test]
async fn a_server_that_forgets_makes_sessions_absent_and_nothing_else() {
    let Some(server) = Memcached::start("a forgetful memcached", &["-m", "2"]) else {
        return;
    };
    let store = kit::on(&server).connect().await.unwrap();
    for number in 0..100_u32 {
        store
            .put(&number.to_le_bytes(), vec![7; 200_000].into(), kit::terms())
            .await
            .unwrap();
    }
    assert!(store.load(&0_u32.to_le_bytes()).await.unwrap().is_none());
    assert!(store.load(&99_u32.to_le_bytes()).await.unwrap().is_some());
}

#[test]
fn impossible_settings_are_refused_and_secrets_are_not_shown() {
    let refused = |settings: sessile::store::MemcachedBuilder| {
        let error = settings.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    };
    let new = MemcachedStore::builder;
    refused(new().servers(""));
    refused(new().servers("a:1,,b:1"));
    refused(new().servers("a:1,a:1"));
    refused(new().servers("me:hunter2@a:1"));
    refused(new().prefix("a b"));
    refused(new().connections_max(0));
    refused(new().connections_max(1 << 20));
    refused(new().value_max(0));
    refused(new().value_max(usize::MAX));
    refused(new().credentials("", "hunter2"));
    refused(new().credentials("a b", "hunter2"));
    refused(new().credentials("me", "hunter2\r\nflush_all"));
    let settings = new()
        .credentials("me", "hunter2")
        .servers("cache.internal:1");
    let shown = format!("{settings:?}") + &format!("{:?}", settings.build().unwrap());
    assert!(
        !shown.contains("hunter2") && !shown.contains("cache.internal"),
        "{shown}"
    );
}

#[tokio::test]
async fn logs_name_no_key_and_no_value() {
    let Some(mut server) = Memcached::start("logs about memcached", &[]) else {
        return;
    };
    let log = Log::default();
    let _guard = log.hear(tracing::Level::TRACE);
    let store = kit::on(&server)
        .bare()
        .patience(kit::patience())
        .connect()
        .await
        .unwrap();
    assert_eq!(
        Raw::to(&server).ask(b"ms canary-key 12 F8\r\ncanary-value\r\n"),
        "HD"
    );
    assert!(store.load(b"canary-key").await.unwrap().is_none());
    server.kill();
    let text = format!("{:?}", store.load(b"canary-key").await.unwrap_err());
    let text = text + &log.text();
    assert_eq!(
        text.matches("something else than a session").count(),
        1,
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
}
