//! Bugs put in on purpose: a detector that was never seen to go red proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};

use crate::{both, unlimited};

/// Whether loom finds an interleaving in which `model` fails.
pub(crate) fn fails(model: impl Fn() + Sync + Send + 'static) -> bool {
    let explored = catch_unwind(AssertUnwindSafe(|| {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(move || crate::roomy(&model));
    }));
    explored.is_err()
}

#[test]
fn a_compare_and_swap_made_of_a_read_and_a_write_is_found_out() {
    assert!(fails(|| {
        let minute = Duration::from_secs(60);
        let (cache, _) = unlimited();
        let seen = cache.insert("id", "v", minute).expect("no limits");
        let swap = move |cache: &sessile::Cache| {
            let (_, current) = cache.get_versioned("id").expect("nobody removes it");
            current == seen && cache.insert("id", "w", minute).is_ok()
        };
        let (a, b) = both(&cache, swap, swap);
        assert!(a != b, "both believe that they have won");
    }));
}

#[test]
fn a_meter_made_of_a_load_and_a_store_is_found_out() {
    assert!(fails(|| {
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
    }));
}
