//! What is left of an entry is what the calendar says.

use std::time::Duration;

use sessile::{Terms, TimeToLive};

use super::{SECOND, bytes_of, cache_at};

pub(super) fn left(seconds: u64) -> Option<TimeToLive> {
    Some(TimeToLive::Left(Duration::from_secs(seconds)))
}

#[test]
fn deadlines_survive_a_restart_on_another_clock() {
    let (old, clock) = cache_at(100);
    old.insert("short", "v", 10 * SECOND).unwrap();
    old.insert("long", "v", 1000 * SECOND).unwrap();
    old.insert("forever", "v", Terms::forever()).unwrap();
    clock.advance(5 * SECOND);
    let bytes = bytes_of(&old);

    let (soon, _) = cache_at(105);
    let restored = soon.restore(&bytes[..]).unwrap();
    assert_eq!((restored.entries, restored.expired), (3, 0));
    assert_eq!(soon.time_to_live("short"), left(5));
    assert_eq!(soon.time_to_live("long"), left(995));
    assert_eq!(soon.time_to_live("forever"), Some(TimeToLive::Forever));

    let (later, clock) = cache_at(110);
    let restored = later.restore(&bytes[..]).unwrap();
    assert_eq!((restored.entries, restored.expired), (2, 1));
    assert!(!later.contains("short"));
    assert_eq!(later.time_to_live("long"), left(990));
    clock.advance(990 * SECOND - Duration::from_millis(1));
    assert!(later.contains("long"));
    clock.advance(Duration::from_millis(1));
    assert!(!later.contains("long"));
    assert!(later.contains("forever"));

    // A calendar that was set back does not lengthen anything.
    let (before, _) = cache_at(7);
    before.restore(&bytes[..]).unwrap();
    assert_eq!(before.time_to_live("short"), left(5));
}

#[test]
fn idle_timeout_and_maximum_age_survive() {
    let (old, clock) = cache_at(50_000);
    let terms = Terms::ttl(500 * SECOND)
        .idle(60 * SECOND)
        .max_age(200 * SECOND);
    old.insert("id", "v", terms).unwrap();
    clock.advance(30 * SECOND);
    let bytes = bytes_of(&old);

    let (new, clock) = cache_at(50_050);
    assert_eq!(new.restore(&bytes[..]).unwrap().entries, 1);
    // 50 seconds after its last use, restoring is none.
    assert_eq!(new.time_to_live("id"), left(10));
    assert!(new.get("id").is_some());
    assert_eq!(new.time_to_live("id"), left(60));
    assert!(new.touch("id", 5000 * SECOND));
    for _ in 0..2 {
        clock.advance(59 * SECOND);
        assert!(new.get("id").is_some());
    }
    // 168 of 200 seconds old: the absolute end is nearer than the idle timeout.
    assert_eq!(new.time_to_live("id"), left(32));
    clock.advance(32 * SECOND);
    assert!(new.get("id").is_none());

    let (late, _) = cache_at(50_060);
    assert_eq!(late.restore(&bytes[..]).unwrap().expired, 1);
}

#[test]
fn a_time_to_live_under_a_shorter_idle_timeout_survives() {
    let (old, _) = cache_at(0);
    let terms = Terms::ttl(100 * SECOND).idle(60 * SECOND);
    old.insert("id", "v", terms).unwrap();
    let (new, clock) = cache_at(50);
    new.restore(&bytes_of(&old)[..]).unwrap();
    assert!(new.get("id").is_some());
    assert_eq!(new.time_to_live("id"), left(50));
    clock.advance(50 * SECOND);
    assert!(new.get("id").is_none());
}
