//! Bugs put in on purpose: a detector that was never seen to go red proves nothing.
//!
//! Each model stands beside its twin: the same body, in which one verb is done wrong. Here is what
//! judges the twins, and one for a protocol that has no verb.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};

/// Whether loom finds an interleaving in which `model` fails, and what the failure says.
fn failure(model: impl Fn() + Sync + Send + 'static) -> Option<(String, usize)> {
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let counts = std::sync::Arc::clone(&count);
    let explored = catch_unwind(AssertUnwindSafe(|| {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        builder.max_branches = 10_000;
        builder.check(move || {
            counts.fetch_add(1, Ordering::Relaxed);
            crate::roomy(&model);
        });
    }));
    let said = text(&*explored.err()?);
    Some((said, count.load(Ordering::Relaxed)))
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(said), _) => said.clone(),
        (None, Some(said)) => (*said).to_owned(),
        (None, None) => "nothing".to_owned(),
    }
}

/// Demands that `model`, which holds `bug`, fails, and for the reason that `words` name: a model
/// that fails otherwise proves as little as one that passes.
pub(crate) fn found(bug: &str, words: &str, model: impl Fn() + Sync + Send + 'static) {
    let Some((said, count)) = failure(model) else {
        panic!("the planted bug was not found: {bug}");
    };
    assert!(
        said.contains(words),
        "found for another reason, {bug}: {said}"
    );
    println!("planted bug found in interleaving {count}: {bug}");
}

#[test]
fn a_meter_made_of_a_load_and_a_store_is_found_out() {
    found(
        "meter made of a load and a store",
        "given out twice",
        || {
            let used = Arc::new(AtomicU64::new(1));
            let take = |used: &AtomicU64| {
                let now = used.load(Ordering::Relaxed);
                let free = now < 2;
                if free {
                    used.store(now + 1, Ordering::Relaxed);
                }
                free
            };
            let other = Arc::clone(&used);
            let thread = loom::thread::spawn(move || take(&other));
            let mine = take(&used);
            let theirs = thread.join().expect("no assertion in there");
            assert!(!(mine && theirs), "the last place was given out twice");
        },
    );
}

#[test]
fn a_lock_awaited_from_under_another_is_found_out() {
    found("visit under the own lock", "deadlock", || {
        // Guards and handles of loom's must not be dropped while a deadlock unwinds: that would end the process.
        let shards = std::sync::Arc::new([(), ()].map(loom::sync::Mutex::new));
        let visit = |shards: &[loom::sync::Mutex<()>; 2], own: usize| {
            let own_lock = ManuallyDrop::new(shards[own].lock());
            drop(shards[1 - own].lock());
            drop(ManuallyDrop::into_inner(own_lock));
        };
        let other = std::sync::Arc::clone(&shards);
        let thread = loom::thread::spawn(move || visit(&other, 0));
        visit(&shards, 1);
        thread.join().expect("no assertion in there");
    });
}

#[test]
fn a_sound_model_is_not_called_a_planted_bug() {
    assert_eq!(
        failure(|| {
            let (cache, _) = crate::unlimited();
            crate::both(
                &cache,
                |cache| cache.contains("a"),
                |cache| cache.contains("b"),
            );
        }),
        None
    );
}
