//! The back decides; the front never shows what the back has left behind.

use std::time::Duration;

use sessile::{Created, Replaced, SessionStore, Terms};

use crate::kit::{Kit, MINUTE, Step, Task, block_on};

const TERMS: Terms = Terms::ttl(MINUTE);

#[test]
fn s27_a_slow_load_does_not_bring_back_what_was_removed() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "old");
    kit.back.next(&[Step::HoldAnswer]);
    let mut slow = Task::waiting(kit.store.load(b"k"));
    assert!(block_on(kit.store.remove(b"k")).unwrap());
    // Neither while the load has its answer in hand ...
    assert_eq!(kit.text(b"k"), None);
    kit.back.release(0);
    // ... which is right for itself: it began before the removal ...
    assert!(slow.run().unwrap().unwrap().is_some());
    // ... nor afterwards.
    assert_eq!(kit.text(b"k"), None);
    assert!(kit.store.front().cache().is_empty());
}

#[test]
fn nor_what_was_replaced_touched_away_or_put_over() {
    for verb in 0..4 {
        let kit = Kit::new();
        kit.elsewhere(b"k", "old");
        kit.back.next(&[Step::HoldAnswer]);
        let mut slow = Task::waiting(kit.store.load(b"k"));
        let expected = match verb {
            0 => {
                let replaced = block_on(kit.store.replace(b"k", "new".into(), TERMS, None));
                assert!(matches!(replaced, Ok(Replaced::Done(_))));
                Some("new")
            }
            1 => {
                block_on(kit.store.put(b"k", "new".into(), TERMS)).unwrap();
                Some("new")
            }
            2 => {
                assert!(block_on(kit.store.touch(b"k", Duration::ZERO)).unwrap());
                None
            }
            _ => {
                block_on(kit.store.remove(b"k")).unwrap();
                let created = block_on(kit.store.create(b"k", "new".into(), TERMS));
                assert!(matches!(created, Ok(Created::Done(_))));
                Some("new")
            }
        };
        kit.back.release(0);
        slow.run().unwrap().unwrap();
        assert_eq!(kit.text(b"k").as_deref(), expected, "verb {verb}");
    }
}

#[test]
fn writes_whose_answers_cross_leave_no_copy() {
    for first in [true, false] {
        let kit = Kit::new();
        kit.back.next(&[Step::HoldAnswer, Step::HoldAnswer]);
        let mut a = Task::waiting(kit.store.put(b"k", "a".into(), TERMS));
        let mut b = Task::waiting(kit.store.put(b"k", "b".into(), TERMS));
        // The back took `a` first, whichever answer comes first.
        let order = if first { [0, 1] } else { [1, 0] };
        for number in order {
            kit.back.release(number);
            let done = if number == 0 { a.run() } else { b.run() };
            done.unwrap().unwrap();
        }
        assert_eq!(kit.store.under_way(), 0);
        kit.back.calls();
        assert_eq!(kit.text(b"k").as_deref(), Some("b"));
        assert_eq!(kit.back.calls(), 1, "a copy of one of them was left");
    }
}

#[test]
fn a_write_that_was_alone_leaves_its_copy() {
    let kit = Kit::new();
    let version = kit.put(b"k", "v");
    kit.back.calls();
    let loaded = kit.load(b"k").unwrap();
    assert_eq!((loaded.version, &loaded.value[..]), (version, &b"v"[..]));
    let Ok(Replaced::Done(next)) =
        block_on(kit.store.replace(b"k", "w".into(), TERMS, Some(version)))
    else {
        panic!("the front's version is the back's");
    };
    assert_eq!(kit.load(b"k").unwrap().version, next);
    assert_eq!(kit.back.calls(), 1);
}

#[test]
fn a_load_begun_in_a_write_leaves_no_copy() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "old");
    kit.back.next(&[Step::HoldCall, Step::HoldAnswer]);
    let mut write = Task::waiting(kit.store.put(b"k", "new".into(), TERMS));
    let mut load = Task::waiting(kit.store.load(b"k"));
    kit.back.release(0);
    write.run().unwrap().unwrap();
    kit.back.release(1);
    assert_eq!(load.run().unwrap().unwrap().unwrap().value, "old");
    assert_eq!(kit.text(b"k").as_deref(), Some("new"));
}

#[test]
fn what_the_back_refuses_is_loaded_anew() {
    let kit = Kit::new();
    let seen = kit.put(b"k", "mine");
    let theirs = kit.elsewhere(b"k", "theirs");
    // A copy is still served: nobody told.
    assert_eq!(kit.text(b"k").as_deref(), Some("mine"));
    let replaced = block_on(kit.store.replace(b"k", "late".into(), TERMS, Some(seen)));
    assert_eq!(replaced.unwrap(), Replaced::Conflict(theirs));
    // Whoever lost looks at what is there before trying again: it must be what he lost to.
    assert_eq!(kit.load(b"k").unwrap().version, theirs);

    block_on(kit.back.inner.remove(b"k")).unwrap();
    assert_eq!(kit.text(b"k").as_deref(), Some("theirs"));
    let replaced = block_on(kit.store.replace(b"k", "late".into(), TERMS, None));
    assert_eq!(replaced.unwrap(), Replaced::Gone);
    assert_eq!(kit.text(b"k"), None);

    kit.elsewhere(b"k", "again");
    let created = block_on(kit.store.create(b"k", "second".into(), TERMS));
    assert_eq!(created.unwrap(), Created::Taken);
    assert_eq!(kit.text(b"k").as_deref(), Some("again"));

    block_on(kit.back.inner.remove(b"k")).unwrap();
    assert!(!block_on(kit.store.exists(b"k")).unwrap());
    assert_eq!(kit.text(b"k"), None);

    kit.put(b"k", "once more");
    block_on(kit.back.inner.remove(b"k")).unwrap();
    assert!(!block_on(kit.store.touch(b"k", MINUTE)).unwrap());
    assert_eq!(kit.text(b"k"), None);
}

#[test]
fn impossible_keys_and_refused_writes_do_not_reach_the_back() {
    let kit = Kit::new();
    kit.put(b"k", "v");
    kit.back.calls();
    assert!(kit.load(b"").is_none());
    assert!(kit.load(&[0; 70_000]).is_none());
    assert!(block_on(kit.store.put(b"", "v".into(), TERMS)).is_err());
    let zero = Terms::ttl(Duration::ZERO);
    assert!(block_on(kit.store.put(b"k", "w".into(), zero)).is_err());
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
    assert_eq!(kit.back.calls(), 0);
}
