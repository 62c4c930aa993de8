//! Two nodes over one back: what one changes, the other hears of.

use sessile::store::Invalidations;
use sessile::{SessionStore, Terms};

use crate::kit::{Back, Kit, MINUTE, Step, Task, block_on};

/// Two nodes.
fn nodes() -> (Kit, Kit) {
    let here = Kit::new();
    let there = Kit::on(here.clock.clone(), here.back.clone(), |it| it);
    (here, there)
}

fn calls_of_a_load(kit: &Kit, key: &[u8]) -> usize {
    kit.back.calls();
    kit.load(key);
    kit.back.calls()
}

#[test]
fn without_news_the_other_node_is_late_by_as_long_as_copies_are_fresh() {
    let (here, there) = nodes();
    here.put(b"k", "v");
    assert!(there.load(b"k").is_some());
    block_on(here.store.remove(b"k")).unwrap();
    assert!(here.load(b"k").is_none());
    assert!(there.load(b"k").is_some());
    there.clock.advance(MINUTE);
    assert!(there.load(b"k").is_none());
    // Who asks whether it lives is told the truth at once.
    here.put(b"k", "v");
    assert!(there.load(b"k").is_some());
    block_on(here.store.remove(b"k")).unwrap();
    assert!(!block_on(there.store.exists(b"k")).unwrap());
    assert!(there.load(b"k").is_none());
}

#[test]
fn s05_with_news_a_session_that_ended_here_is_over_there() {
    let (here, there) = nodes();
    let (sender, news) = Invalidations::channel(8);
    let mut listening = Task::waiting(there.store.listen(news));
    here.put(b"k", "v");
    here.put(b"other", "v");
    assert!(there.load(b"k").is_some() && there.load(b"other").is_some());
    block_on(here.store.remove(b"k")).unwrap();
    sender.key("k".into());
    assert!(listening.run().is_none());
    assert!(there.load(b"k").is_none());
    // Nobody else's copy went.
    assert_eq!(calls_of_a_load(&there, b"other"), 0);
}

#[test]
fn news_overtakes_an_answer_that_is_under_way() {
    let (here, there) = nodes();
    let (sender, news) = Invalidations::channel(8);
    let mut listening = Task::waiting(there.store.listen(news));
    here.put(b"k", "v");
    there.back.next(&[Step::HoldAnswer]);
    let mut load = Task::waiting(there.store.load(b"k"));
    block_on(here.store.remove(b"k")).unwrap();
    sender.key("k".into());
    assert!(listening.run().is_none());
    there.back.release(0);
    // It began before the removal; but it leaves no copy.
    assert!(load.run().unwrap().unwrap().is_some());
    assert!(there.load(b"k").is_none());
}

#[test]
fn news_of_another_write_overtakes_the_answer_to_ones_own() {
    let (here, there) = nodes();
    let (sender, news) = Invalidations::channel(8);
    let mut listening = Task::waiting(there.store.listen(news));
    there.back.next(&[Step::HoldAnswer]);
    let terms = Terms::ttl(MINUTE);
    let mut write = Task::waiting(there.store.put(b"k", "theirs".into(), terms));
    here.put(b"k", "ours");
    sender.key("k".into());
    assert!(listening.run().is_none());
    there.back.release(0);
    write.run().unwrap().unwrap();
    assert_eq!(there.text(b"k").as_deref(), Some("ours"));
}

#[test]
fn when_news_may_be_missing_no_copy_is_believed() {
    let (here, there) = nodes();
    let (sender, news) = Invalidations::channel(2);
    let mut listening = Task::waiting(there.store.listen(news));
    for (number, key) in [b"a", b"b", b"c"].into_iter().enumerate() {
        here.put(key, "v");
        assert_eq!(calls_of_a_load(&there, key), 1);
        assert_eq!(calls_of_a_load(&there, key), 0, "{number}");
    }
    sender.all();
    assert!(listening.run().is_none());
    assert_eq!(calls_of_a_load(&there, b"a"), 1);
    assert_eq!(calls_of_a_load(&there, b"a"), 0);
    // More than the subscription holds counts as everything.
    for _ in 0..5 {
        sender.key("unknown".into());
    }
    assert!(listening.run().is_none());
    for key in [b"a", b"b", b"c"] {
        assert_eq!(calls_of_a_load(&there, key), 1);
        assert_eq!(calls_of_a_load(&there, key), 0);
    }
}

#[test]
fn who_does_not_listen_any_more_asks_each_time() {
    let (here, there) = nodes();
    here.put(b"k", "v");
    // Never listened: copies are good for their time.
    assert_eq!(calls_of_a_load(&there, b"k"), 1);
    assert_eq!(calls_of_a_load(&there, b"k"), 0);
    for dropped in [true, false] {
        let (sender, news) = Invalidations::channel(2);
        let mut listening = Task::waiting(there.store.listen(news));
        // What was copied before may have been missed.
        assert_eq!(calls_of_a_load(&there, b"k"), 1);
        assert_eq!(calls_of_a_load(&there, b"k"), 0);
        if dropped {
            drop(listening);
        } else {
            drop(sender);
            assert!(listening.run().is_some());
        }
        for _ in 0..3 {
            assert_eq!(calls_of_a_load(&there, b"k"), 1);
            there.put(b"w", "v");
            assert_eq!(calls_of_a_load(&there, b"w"), 1);
        }
    }
}

#[test]
fn who_listens_again_is_not_cut_off_by_the_end_of_before() {
    let (here, there) = nodes();
    here.put(b"k", "v");
    let (_old_sender, old_news) = Invalidations::channel(2);
    let (sender, news) = Invalidations::channel(2);
    let old = Task::waiting(there.store.listen(old_news));
    let mut listening = Task::waiting(there.store.listen(news));
    drop(old);
    assert_eq!(calls_of_a_load(&there, b"k"), 1);
    assert_eq!(calls_of_a_load(&there, b"k"), 0);
    drop(sender);
    assert!(listening.run().is_some());
    assert_eq!(calls_of_a_load(&there, b"k"), 1);
    assert_eq!(calls_of_a_load(&there, b"k"), 1);
}

#[test]
fn a_copy_that_stands_in_for_the_back_is_not_one_that_news_was_about() {
    let (here, _) = nodes();
    let there = Kit::on(here.clock.clone(), here.back.clone(), |it| {
        let up_to = MINUTE;
        it.when_back_fails(sessile::store::WhenBackFails::ServeFront { up_to })
    });
    let (sender, news) = Invalidations::channel(2);
    let mut listening = Task::waiting(there.store.listen(news));
    for key in [b"a", b"b"] {
        here.put(key, "v");
        there.load(key);
    }
    block_on(here.store.remove(b"a")).unwrap();
    sender.key("a".into());
    assert!(listening.run().is_none());
    // Now the back is away, and so is its news.
    sender.all();
    drop(sender);
    assert!(listening.run().is_some());
    here.back
        .always(Step::Fail(sessile::ErrorKind::Unavailable));
    assert!(block_on(there.store.load(b"a")).is_err());
    assert!(there.load(b"b").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s05_two_nodes_on_real_threads() {
    let clock = sessile::ManualClock::new();
    let back = Back::new(&clock);
    let here = Kit::on(clock.clone(), back.clone(), |it| it).store;
    let there = Kit::on(clock, back, |it| it).store;
    let (sender, news) = Invalidations::channel(64);
    let listening = tokio::spawn(there.listen(news));
    let terms = Terms::ttl(MINUTE);
    for number in 0..500_u32 {
        let key = number.to_le_bytes();
        here.put(&key, "v".into(), terms).await.unwrap();
        let reading = {
            let there = there.clone();
            tokio::spawn(async move {
                // Loads that race with the removal and its news.
                for _ in 0..4 {
                    there.load(&key).await.unwrap();
                }
            })
        };
        here.remove(&key).await.unwrap();
        sender.key(key.to_vec().into());
        reading.await.unwrap();
        // The news is delivered in bounded time, and then nothing brings the record back.
        let over = async {
            while there.load(&key).await.unwrap().is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), over)
            .await
            .unwrap();
    }
    drop(sender);
    listening.await.unwrap();
}
