//! Time: read before the lock is taken, and still never seen to go back.

use std::time::Duration;

use sessile::{Cache, Clock, Terms, TimeToLive};

use crate::planted::found;
use crate::{MS, ModelClock, both, explore, unlimited};

/// A read that another one overtakes, five milliseconds later.
fn late_idle_read(read: fn(&Cache, &ModelClock)) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = unlimited();
        cache
            .insert("id", "v", Terms::forever().idle(10 * MS))
            .expect("no limits");
        let late = clock.clone();
        both(
            &cache,
            move |cache| read(cache, &late),
            move |cache| {
                clock.advance(5 * MS);
                assert!(cache.get("id").is_some());
            },
        );
        assert_eq!(
            cache.time_to_live("id"),
            Some(TimeToLive::Left(10 * MS)),
            "the deadline went back"
        );
        cache.check_invariants();
    }
}

#[test]
fn a_late_reader_does_not_shorten_an_idle_timeout() {
    let model = late_idle_read(|cache, _| drop(cache.get("id")));
    explore("late idle read", 3, model);
}

#[test]
fn a_deadline_of_a_time_read_long_ago_is_found_out() {
    let model = late_idle_read(|cache, clock| {
        let deadline = clock.now_ms() + 10;
        let value = cache.get("id").expect("it has five milliseconds left");
        let left = Duration::from_millis(deadline - clock.now_ms());
        cache
            .insert("id", value, Terms::forever().idle(left))
            .expect("no limits");
    });
    found("stale time", "the deadline went back", model);
}

/// A question for the time left, while the clock is set back.
fn clock_step(left: fn(&Cache, &ModelClock) -> Option<TimeToLive>) -> impl Fn() + Sync + Send {
    move || {
        let (cache, clock) = unlimited();
        let second = Duration::from_secs(1);
        cache.insert("id", "v", 9 * second).expect("no limits");
        clock.advance(5 * second);
        assert_eq!(cache.time_to_live("id"), Some(TimeToLive::Left(4 * second)));
        let asked = clock.clone();
        let (left, ()) = both(
            &cache,
            move |cache| left(cache, &asked),
            move |cache| {
                clock.rewind(10 * second);
                assert!(cache.contains("id"));
            },
        );
        assert_eq!(
            left,
            Some(TimeToLive::Left(4 * second)),
            "time was given back"
        );
        cache.check_invariants();
    }
}

#[test]
fn a_step_back_of_the_clock_revives_nothing() {
    let model = clock_step(|cache, _| cache.time_to_live("id"));
    explore("clock step", 3, model);
}

#[test]
fn a_lifetime_by_the_bare_clock_is_found_out() {
    let model = clock_step(|_, clock| {
        let left = 109_000_u64.checked_sub(clock.now_ms())?;
        Some(TimeToLive::Left(Duration::from_millis(left)))
    });
    found("bare clock", "time was given back", model);
}
