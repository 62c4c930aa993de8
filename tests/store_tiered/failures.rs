//! A back that is away: what is refused, and what copies may stand in for.

use std::time::Duration;

use sessile::store::{TieredStore, WhenBackFails};
use sessile::{ErrorKind, ManualClock, SessionStore, Terms};

use crate::kit::{Back, Kit, MINUTE, MS, SECOND, Step, block_on, embedded};

const AWAY: Step = Step::Fail(ErrorKind::Unavailable);

fn serving(up_to: Duration) -> Kit {
    Kit::with(|it| it.when_back_fails(WhenBackFails::ServeFront { up_to }))
}

fn kind(kit: &Kit, key: &[u8]) -> Option<ErrorKind> {
    let answer = block_on(kit.store.load(key));
    answer.err().map(|error| error.kind())
}

#[test]
fn s37_by_default_loads_fail_and_say_so() {
    let kit = Kit::new();
    kit.put(b"k", "v");
    kit.back.always(AWAY);
    // What is fresh needs no back.
    assert!(kit.load(b"k").is_some());
    // A user who is not known to be a visitor is not taken for one.
    assert_eq!(kind(&kit, b"other"), Some(ErrorKind::Unavailable));
    kit.clock.advance(MINUTE);
    assert_eq!(kind(&kit, b"k"), Some(ErrorKind::Unavailable));
    kit.back.always(Step::Now);
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
}

#[test]
fn writes_fail_whatever_was_chosen() {
    for kit in [Kit::new(), serving(MINUTE)] {
        kit.put(b"k", "v");
        kit.back.always(AWAY);
        let terms = Terms::ttl(MINUTE);
        assert!(block_on(kit.store.create(b"n", "v".into(), terms)).is_err());
        assert!(block_on(kit.store.put(b"n", "v".into(), terms)).is_err());
        assert!(block_on(kit.store.replace(b"k", "w".into(), terms, None)).is_err());
        assert!(block_on(kit.store.touch(b"k", MINUTE)).is_err());
        assert!(block_on(kit.store.remove(b"k")).is_err());
        assert!(block_on(kit.store.purge_expired(1)).is_err());
        // What became of the record is unknown: it is not served.
        assert_eq!(kind(&kit, b"k"), Some(ErrorKind::Unavailable));
    }
}

#[test]
fn copies_stand_in_as_long_as_was_said() {
    let kit = serving(10 * SECOND);
    kit.put(b"k", "v");
    kit.elsewhere(b"loaded", "v");
    kit.load(b"loaded");
    kit.back.always(AWAY);
    kit.clock.advance(MINUTE + 10 * SECOND - MS);
    for key in [b"k".as_slice(), b"loaded"] {
        assert_eq!(kit.text(key).as_deref(), Some("v"));
        assert!(block_on(kit.store.exists(key)).unwrap());
    }
    assert_eq!(kind(&kit, b"other"), Some(ErrorKind::Unavailable));
    assert!(block_on(kit.store.exists(b"other")).is_err());
    kit.clock.advance(MS);
    assert_eq!(kind(&kit, b"k"), Some(ErrorKind::Unavailable));
    assert!(block_on(kit.store.exists(b"k")).is_err());
}

#[test]
fn never_past_the_end_of_their_records() {
    let kit = serving(10 * MINUTE);
    let terms = Terms::ttl(2 * MINUTE);
    block_on(kit.store.put(b"k", "v".into(), terms)).unwrap();
    kit.back.always(AWAY);
    kit.clock.advance(2 * MINUTE - MS);
    assert_eq!(kit.text(b"k").as_deref(), Some("v"));
    kit.clock.advance(MS);
    assert_eq!(kind(&kit, b"k"), Some(ErrorKind::Unavailable));
}

#[test]
fn a_back_that_answers_is_believed() {
    let kit = serving(10 * MINUTE);
    kit.put(b"k", "v");
    kit.clock.advance(MINUTE);
    block_on(kit.back.inner.remove(b"k")).unwrap();
    assert_eq!(kit.text(b"k"), None);
    // The copy is gone with that.
    kit.back.always(AWAY);
    assert_eq!(kind(&kit, b"k"), Some(ErrorKind::Unavailable));
}

#[test]
fn only_faults_of_the_back_are_stood_in_for() {
    let kit = serving(10 * MINUTE);
    kit.put(b"k", "v");
    kit.clock.advance(MINUTE);
    for (failure, stood_in) in [
        (ErrorKind::Unavailable, true),
        (ErrorKind::Timeout, true),
        (ErrorKind::Io, true),
        (ErrorKind::Corrupt, false),
        (ErrorKind::InvalidInput, false),
    ] {
        kit.clock.advance(SECOND);
        kit.back.next(&[Step::Fail(failure)]);
        assert_eq!(kind(&kit, b"k").is_none(), stood_in, "{failure:?}");
        kit.put(b"k", "v");
        kit.clock.advance(MINUTE);
    }
}

#[test]
fn a_back_that_failed_is_left_alone_for_a_second() {
    let kit = serving(10 * MINUTE);
    kit.put(b"k", "v");
    kit.clock.advance(MINUTE);
    kit.back.always(AWAY);
    kit.back.calls();
    for _ in 0..50 {
        assert!(kit.load(b"k").is_some());
    }
    assert_eq!(kit.back.calls(), 1);
    kit.clock.advance(SECOND - MS);
    assert!(kit.load(b"k").is_some());
    // Loads that cannot do without ask all the same.
    assert!(kind(&kit, b"other").is_some());
    assert_eq!(kit.back.calls(), 1);
    kit.clock.advance(SECOND);
    kit.back.always(Step::Now);
    kit.elsewhere(b"k", "new");
    assert_eq!(kit.text(b"k").as_deref(), Some("new"));
}

#[test]
fn absurd_settings_are_refused() {
    let clock = ManualClock::new();
    let builder = || TieredStore::builder(embedded(&clock), Back::new(&clock));
    let serve = |up_to| WhenBackFails::ServeFront { up_to };
    let refused = [
        builder().fresh_for(Duration::MAX).build().err(),
        builder()
            .when_back_fails(serve(Duration::ZERO))
            .build()
            .err(),
        builder()
            .when_back_fails(serve(Duration::MAX))
            .build()
            .err(),
    ];
    for error in refused {
        assert_eq!(error.unwrap().kind(), ErrorKind::InvalidConfig);
    }
    let store = builder().fresh_for(Duration::ZERO).build().unwrap();
    assert_eq!(format!("{store:?}"), "TieredStore { .. }");
}
