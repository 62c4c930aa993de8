//! The store contract: without a runtime, and on the threads of one.

use std::time::Duration;

use sessile::store::contract::{self, Level, Subject};
use sessile::store::{FileStore, SessionStore, Survey, Terms};
use sessile::{ErrorKind, ManualClock};

use super::row::row;
use super::{Folder, now, verbs};

struct Files {
    folder: tempfile::TempDir,
    clock: ManualClock,
    threshold: bool,
}

impl Files {
    fn new(threshold: bool) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: ManualClock::new(),
            threshold,
        }
    }
}

impl Subject for Files {
    type Store = FileStore;

    async fn fresh(&self) -> FileStore {
        let place = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let builder = FileStore::builder(place)
            .clock(self.clock.clone())
            .durable(false);
        let builder = if self.threshold {
            builder.threshold(100_000)
        } else {
            builder.unlimited()
        };
        builder.open().unwrap()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn level(&self) -> Level {
        Level::new().without_idle().without_max_age()
    }
}

#[test]
fn keeps_the_contract_without_a_runtime() {
    now(contract::run(&Files::new(false))).assert_kept();
}

#[test]
fn keeps_the_contract_on_a_runtime_and_with_a_threshold() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let report = runtime.block_on(contract::run(&Files::new(true)));
    let weakened =
        "evicts by last write or touch, reads do not count; one machine and a local disk";
    row(
        12,
        "`FileStore` (`filesystem`)",
        "ext4, tmpfs",
        weakened,
        &report,
    );
}

#[test]
fn terms_that_it_cannot_keep_are_refused() {
    let folder = Folder::new();
    let store = folder.store();
    let second = Duration::from_secs(1);
    for terms in [
        Terms::forever().idle(second),
        Terms::forever().max_age(second),
    ] {
        let error = now(store.put(b"k", "v".into(), terms)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let large = vec![0; (16 << 20) + 1];
    let error = now(store.put(b"k", large.into(), Terms::forever())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(super::files(&folder.path()).is_empty());
}

#[test]
fn a_dropped_future_takes_effect_before_what_follows_or_never() {
    let folder = Folder::new();
    let store = folder.store();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        for round in 0..300_u32 {
            let late = format!("late {round}");
            {
                let mut put =
                    std::pin::pin!(store.put(b"k", late.clone().into(), Terms::forever()));
                std::future::poll_fn(|context| {
                    let _ = put.as_mut().poll(context);
                    std::task::Poll::Ready(())
                })
                .await;
            }
            store
                .put(b"k", "after".into(), Terms::forever())
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_micros(u64::from(round % 7) * 100)).await;
            let found = store.load(b"k").await.unwrap().unwrap();
            assert_eq!(found.value, "after", "round {round}");
        }
    });
}

/// Without a runtime on the calling thread, otherwise on others too, into which the spans go along.
#[test]
fn each_verb_runs_in_a_span_that_tells_no_secret() {
    let check = async || {
        let folder = Folder::new();
        let store = folder.store();
        let also = async {
            let _ = store.page(None, 10).await.unwrap();
        };
        verbs::check("filesystem", &store, &["page"], also).await
    };
    assert_eq!(now(check()), 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(check()) > 1);
}
