//! Time: read before the lock is taken, and still never seen to go back.

use std::time::Duration;

use sessile::{Terms, TimeToLive};

use crate::{MS, both, explore, unlimited};

#[test]
fn a_late_reader_does_not_shorten_an_idle_timeout() {
    explore("late idle read", 3, || {
        let (cache, clock) = unlimited();
        cache
            .insert("id", "v", Terms::forever().idle(10 * MS))
            .expect("no limits");
        both(
            &cache,
            |cache| cache.get("id"),
            move |cache| {
                clock.advance(5 * MS);
                assert!(cache.get("id").is_some());
            },
        );
        assert_eq!(cache.time_to_live("id"), Some(TimeToLive::Left(10 * MS)));
        cache.check_invariants();
    });
}

#[test]
fn a_step_back_of_the_clock_revives_nothing() {
    explore("clock step", 3, || {
        let (cache, clock) = unlimited();
        let second = Duration::from_secs(1);
        cache.insert("id", "v", 9 * second).expect("no limits");
        clock.advance(5 * second);
        assert_eq!(cache.time_to_live("id"), Some(TimeToLive::Left(4 * second)));
        let (left, ()) = both(
            &cache,
            |cache| cache.time_to_live("id"),
            move |cache| {
                clock.rewind(10 * second);
                assert!(cache.contains("id"));
            },
        );
        assert_eq!(left, Some(TimeToLive::Left(4 * second)));
        cache.check_invariants();
    });
}
