//! Futures that are dropped, forgotten or panic hold up nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sessile::store::TieredStore;
use sessile::{ErrorKind, Loaded, Result, SessionStore, Terms};

use crate::kit::{Back, Kit, MINUTE, Step, Task, block_on};

type Load<'a> = Task<'a, Result<Option<Loaded>>>;

fn loads(store: &TieredStore<Back>, count: usize) -> Vec<Load<'_>> {
    (0..count)
        .map(|_| Task::waiting(store.load(b"k")))
        .collect()
}

fn is_found(task: &mut Load<'_>) -> bool {
    let answer = task.run().expect("it was woken and is done");
    answer.unwrap().is_some_and(|loaded| loaded.value == "v")
}

#[test]
fn whoever_is_dropped_whenever_the_others_get_the_answer() {
    for dropped in 0..3 {
        for after_release in [false, true] {
            let kit = Kit::new();
            kit.elsewhere(b"k", "v");
            kit.back.next(&[Step::HoldAnswer]);
            let mut tasks = loads(&kit.store, 3);
            if after_release {
                kit.back.release(0);
            }
            drop(tasks.remove(dropped));
            if !after_release {
                // Those who are left look after the load, and wait on.
                assert!(tasks.iter_mut().all(|task| task.run().is_none()));
                kit.back.release(0);
            }
            assert!(tasks.iter_mut().all(is_found), "{dropped} {after_release}");
            assert_eq!((kit.back.calls(), kit.store.under_way()), (1, 0));
            // And it left its copy.
            assert!(kit.load(b"k").is_some());
            assert_eq!(kit.back.calls(), 0);
        }
    }
}

#[test]
fn one_after_another_is_dropped_until_the_last() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "v");
    kit.back.next(&[Step::HoldAnswer]);
    let mut tasks = loads(&kit.store, 5);
    while tasks.len() > 1 {
        drop(tasks.remove(0));
        // The last waker that the back was given is nobody's: somebody has to look.
        assert!(tasks.iter().any(Task::is_woken));
        assert!(tasks.iter_mut().all(|task| task.run().is_none()));
    }
    kit.back.release(0);
    assert!(is_found(&mut tasks[0]));
}

#[test]
fn a_load_that_nobody_waits_for_is_given_up() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "old");
    kit.back.next(&[Step::HoldAnswer]);
    let tasks = loads(&kit.store, 2);
    drop(tasks);
    assert_eq!(kit.store.under_way(), 0);
    // What it had in hand would be old by now.
    kit.elsewhere(b"k", "v");
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
    assert_eq!(kit.back.calls(), 2);
}

#[test]
fn a_load_that_its_task_does_not_come_back_to_holds_up_no_other() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "v");
    kit.back.next(&[Step::HoldAnswer]);
    let mut tasks = loads(&kit.store, 2);
    kit.back.release(0);
    // The first one is woken and neither polled nor dropped.
    assert!(is_found(&mut tasks[1]));
    assert!(is_found(&mut tasks[0]));
}

#[test]
fn a_panic_of_the_back_reaches_one_and_the_others_ask_again() {
    let kit = Kit::new();
    kit.elsewhere(b"k", "v");
    // The panic comes when the back is polled for the second time.
    kit.back.next(&[Step::HoldPanic, Step::Now]);
    let mut tasks = loads(&kit.store, 3);
    kit.back.release(0);
    let caught = catch_unwind(AssertUnwindSafe(|| tasks[0].run()));
    assert!(caught.is_err());
    assert!(is_found(&mut tasks[1]) && is_found(&mut tasks[2]));
    drop(tasks);
    assert_eq!((kit.back.calls(), kit.store.under_way()), (2, 0));
    // A write that panics leaves nothing under way either.
    kit.back.next(&[Step::Panic]);
    let caught = catch_unwind(AssertUnwindSafe(|| block_on(kit.store.remove(b"k"))));
    assert!(caught.is_err());
    assert_eq!(kit.store.under_way(), 0);
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
}

#[test]
fn a_dropped_write_leaves_what_the_back_has() {
    let terms = Terms::ttl(MINUTE);
    for (step, text) in [(Step::HoldCall, "old"), (Step::HoldAnswer, "new")] {
        for verb in 0..3 {
            let kit = Kit::new();
            kit.put(b"k", "old");
            kit.back.next(&[step]);
            match verb {
                0 => drop(Task::waiting(kit.store.put(b"k", "new".into(), terms))),
                1 => drop(Task::waiting(kit.store.replace(
                    b"k",
                    "new".into(),
                    terms,
                    None,
                ))),
                _ => drop(Task::waiting(kit.store.remove(b"k"))),
            }
            assert_eq!(kit.store.under_way(), 0);
            let expected = match (verb, step) {
                (2, Step::HoldAnswer) => None,
                (2, _) => Some("old"),
                _ => Some(text),
            };
            assert_eq!(kit.text(b"k").as_deref(), expected, "{verb} {step:?}");
            assert_eq!(kit.text(b"k").as_deref(), expected, "{verb} {step:?}");
        }
    }
}

#[test]
fn a_write_without_an_answer_leaves_no_copy() {
    let terms = Terms::ttl(MINUTE);
    for (step, text) in [
        (Step::Fail(ErrorKind::Unavailable), "old"),
        (Step::FailLate(ErrorKind::Timeout), "new"),
    ] {
        let kit = Kit::new();
        kit.put(b"k", "old");
        kit.back.next(&[step]);
        let answer = block_on(kit.store.put(b"k", "new".into(), terms));
        assert!(answer.is_err());
        kit.back.calls();
        assert_eq!(kit.text(b"k").as_deref(), Some(text));
        assert_eq!(kit.back.calls(), 1);
    }
}
