//! However many load one key, the back is asked once.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sessile::store::{Invalidations, TieredStore};
use sessile::{Error, ErrorKind, Loaded, ManualClock, SessionStore};

use crate::kit::{Back, Kit, MINUTE, Step, Task, embedded};

fn texts(answers: Vec<Option<sessile::Result<Option<Loaded>>>>) -> Vec<String> {
    let text = |answer: Option<sessile::Result<Option<Loaded>>>| {
        let loaded = answer.expect("it was woken and is done").unwrap();
        String::from_utf8(loaded.unwrap().value.to_vec()).unwrap()
    };
    answers.into_iter().map(text).collect()
}

#[test]
fn s29_ten_loads_of_one_key_are_one_question() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "v");
    kit.back.next(&[Step::HoldAnswer]);
    let mut tasks: Vec<_> = (0..10)
        .map(|_| Task::waiting(kit.store.load(b"k")))
        .collect();
    assert_eq!(kit.store.under_way(), 1);
    kit.back.release(0);
    assert!(tasks.iter().all(Task::is_woken));
    let answers = tasks.iter_mut().map(Task::run).collect();
    assert_eq!(texts(answers), ["v"; 10]);
    assert_eq!((kit.back.calls(), kit.store.under_way()), (1, 0));
    // And the copy that it left serves the eleventh.
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
    assert_eq!(kit.back.calls(), 0);
}

#[test]
fn loads_of_other_keys_do_not_wait() {
    let kit = Kit::new();
    kit.elsewhere(b"a", "1");
    kit.elsewhere(b"b", "2");
    kit.back.next(&[Step::HoldAnswer]);
    let _waiting = Task::waiting(kit.store.load(b"a"));
    assert_eq!(kit.text(b"b").as_deref(), Some("2"));
}

#[test]
fn an_error_is_everybodys_and_nobodys_later() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "v");
    kit.back.next(&[Step::HoldFail(ErrorKind::Timeout)]);
    let mut tasks: Vec<_> = (0..3)
        .map(|_| Task::waiting(kit.store.load(b"k")))
        .collect();
    kit.back.release(0);
    for task in &mut tasks {
        let error = task.run().expect("it is done").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.to_string(), "ask a back: planted");
    }
    assert_eq!(kit.back.calls(), 1);
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
}

#[derive(Debug)]
struct Disk;

impl std::fmt::Display for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the disk is gone")
    }
}

impl std::error::Error for Disk {}

#[test]
fn a_shared_error_keeps_its_cause() {
    struct Failing(Back);
    impl SessionStore for Failing {
        async fn load(&self, _: &[u8]) -> sessile::Result<Option<Loaded>> {
            Err(Error::new(ErrorKind::Io, "read a record").with_source(Disk))
        }
        async fn create(
            &self,
            key: &[u8],
            value: bytes::Bytes,
            terms: sessile::Terms,
        ) -> sessile::Result<sessile::Created> {
            self.0.create(key, value, terms).await
        }
        async fn replace(
            &self,
            key: &[u8],
            value: bytes::Bytes,
            terms: sessile::Terms,
            expected: Option<sessile::Version>,
        ) -> sessile::Result<sessile::Replaced> {
            self.0.replace(key, value, terms, expected).await
        }
        async fn put(
            &self,
            key: &[u8],
            value: bytes::Bytes,
            terms: sessile::Terms,
        ) -> sessile::Result<sessile::Version> {
            self.0.put(key, value, terms).await
        }
        async fn touch(&self, key: &[u8], time: std::time::Duration) -> sessile::Result<bool> {
            self.0.touch(key, time).await
        }
        async fn remove(&self, key: &[u8]) -> sessile::Result<bool> {
            self.0.remove(key).await
        }
        async fn exists(&self, key: &[u8]) -> sessile::Result<bool> {
            self.0.exists(key).await
        }
        async fn purge_expired(&self, budget: usize) -> sessile::Result<sessile::Purged> {
            self.0.purge_expired(budget).await
        }
    }
    let clock = ManualClock::new();
    let back = Failing(Back::new(&clock));
    let store = TieredStore::builder(embedded(&clock), back)
        .build()
        .unwrap();
    let error = crate::kit::block_on(store.load(b"k")).unwrap_err();
    assert_eq!(error.to_string(), "read a record");
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "the disk is gone");
    assert_eq!(format!("{cause:?}"), "Some(Disk)");
    assert!(cause.source().is_none());
}

#[test]
fn a_load_in_a_write_asks_by_itself() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "old");
    kit.back.next(&[Step::HoldCall]);
    let mut removing = Task::waiting(kit.store.remove(b"k"));
    kit.back.calls();
    for _ in 0..3 {
        assert_eq!(kit.text(b"k").as_deref(), Some("old"));
    }
    assert_eq!(kit.back.calls(), 3);
    kit.back.release(0);
    assert!(removing.run().unwrap().unwrap());
    assert_eq!(kit.text(b"k"), None);
}

#[test]
fn a_load_after_a_disowning_does_not_join_an_older_one() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "old");
    let (sender, news) = Invalidations::channel(8);
    let mut listening = Task::waiting(kit.store.listen(news));
    for all in [false, true] {
        let number = usize::from(all) * 2;
        kit.elsewhere(b"k", "old");
        kit.back.next(&[Step::HoldAnswer, Step::HoldAnswer]);
        let mut older = Task::waiting(kit.store.load(b"k"));
        kit.elsewhere(b"k", "new");
        match all {
            true => sender.all(),
            false => sender.key("k".into()),
        }
        assert!(listening.run().is_none());
        let mut newer = Task::waiting(kit.store.load(b"k"));
        kit.back.release(number + 1);
        kit.back.release(number);
        assert_eq!(texts(vec![older.run(), newer.run()]), ["old", "new"]);
        assert_eq!(kit.text(b"k").as_deref(), Some("new"));
        assert_eq!(kit.store.under_way(), 0);
        sender.all();
        assert!(listening.run().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s29_many_threads_share_the_loads_of_a_key() {
    let clock = ManualClock::new();
    let back = Back::new(&clock);
    let store = TieredStore::builder(embedded(&clock), back.clone())
        .fresh_for(MINUTE)
        .build()
        .unwrap();
    let found = Arc::new(AtomicUsize::new(0));
    for round in 0..300_u32 {
        let key = format!("key {round}");
        let terms = sessile::Terms::ttl(MINUTE);
        back.inner
            .put(key.as_bytes(), "v".into(), terms)
            .await
            .unwrap();
        let mut running = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (store, key, found) = (store.clone(), key.clone(), Arc::clone(&found));
            running.spawn(async move {
                let load = store.load(key.as_bytes());
                match number {
                    // Some give up at once.
                    0 | 1 => {
                        let given_up = tokio::time::timeout(std::time::Duration::ZERO, load);
                        let _ = given_up.await;
                    }
                    _ => {
                        let loaded = load.await.unwrap();
                        found.fetch_add(usize::from(loaded.is_some()), Ordering::Relaxed);
                    }
                }
            });
        }
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
        assert_eq!(back.calls(), 1, "round {round}");
    }
    assert_eq!(found.load(Ordering::Relaxed), 300 * 6);
    assert_eq!(store.under_way(), 0);
}
