//! When sessions end, when their records are prolonged, and when there is none.

use std::time::Duration;

use sessile::ErrorKind;
use sessile::codec::Limits;
use sessile::id::{IdFormat, KeyMaker, SessionId};
use sessile::session::{Committed, EmptyPolicy, Expiry, Session};

use crate::kit::{DAY, Kit, MINUTE, block_on};

fn hour() -> Kit {
    Kit::with(|it| it.idle(60 * MINUTE).absolute(Some(DAY)))
}

#[test]
fn s11_an_idle_session_ends_on_time_and_use_prolongs_it() {
    let kit = hour();
    let (_, id) = kit.stored("a", "b");
    for _ in 0..5 {
        kit.clock.advance(50 * MINUTE);
        let session = kit.again(&id);
        assert_eq!(kit.commit(&session), Committed::Renewed);
    }
    kit.clock.advance(60 * MINUTE - Duration::from_millis(1));
    assert!(kit.load(&id).is_some());
    kit.clock.advance(Duration::from_millis(1));
    assert!(kit.load(&id).is_none());
}

#[test]
fn s12_the_absolute_end_is_moved_by_nothing() {
    let kit = hour();
    let (session, _) = kit.stored("a", "b");
    let mut session = session;
    let mut passed = Duration::ZERO;
    while passed + 30 * MINUTE < DAY {
        kit.clock.advance(30 * MINUTE);
        passed += 30 * MINUTE;
        session = kit.again(&session.id().unwrap());
        match passed.as_secs() / 1800 % 3 {
            0 => session.cycle_id(),
            1 => session.insert("a", "c").unwrap(),
            _ => {}
        }
        kit.commit(&session);
        assert!(session.expiry_age() <= DAY - passed);
    }
    let id = session.id().unwrap();
    kit.clock.advance(30 * MINUTE - Duration::from_millis(1));
    assert!(kit.load(&id).is_some());
    kit.clock.advance(Duration::from_millis(1));
    assert!(kit.load(&id).is_none());
}

#[test]
fn a_wall_clock_that_was_set_back_grants_no_more_than_the_whole() {
    let kit = hour();
    kit.clock.advance(100 * DAY);
    let session = kit.sessions.fresh();
    session.insert("a", "b").unwrap();
    session.set_expiry(Expiry::Idle(50 * DAY)).unwrap();
    kit.commit(&session);
    kit.clock.rewind(50 * DAY);
    assert!(session.expiry_age() <= DAY);
}

#[test]
fn renewal_costs_one_touch_per_twentieth_of_the_idle_timeout() {
    let kit = hour();
    let (_, id) = kit.stored("a", "b");
    let mut renewed = 0;
    for _ in 0..60 {
        kit.clock.advance(Duration::from_secs(59));
        for _ in 0..10 {
            let session = kit.again(&id);
            session.get::<String>("a").unwrap();
            renewed += u32::from(kit.commit(&session) == Committed::Renewed);
        }
    }
    // 59 minutes in steps of 3, seen every 59 seconds.
    assert!((14..=20).contains(&renewed), "{renewed}");
    let before = kit.sessions.store().cache().stats();
    kit.commit(&kit.again(&id));
    let after = kit.sessions.store().cache().stats();
    let writes = |stats: sessile::Stats| stats.inserts + stats.updates;
    assert_eq!(writes(before), writes(after), "nothing was written");
}

#[test]
fn s40_touching_writes_no_data() {
    let kit = hour();
    let (_, id) = kit.stored("a", "old");
    kit.clock.advance(30 * MINUTE);
    let (reader, writer) = (kit.again(&id), kit.again(&id));
    writer.insert("a", "new").unwrap();
    kit.commit(&writer);
    assert_eq!(kit.commit(&reader), Committed::Renewed);
    let found = kit.again(&id).get::<String>("a").unwrap();
    assert_eq!(found.unwrap(), "new");
}

#[test]
fn without_sliding_only_writing_prolongs() {
    let kit = Kit::with(|it| it.idle(60 * MINUTE).sliding(false));
    let (_, id) = kit.stored("a", "b");
    kit.clock.advance(40 * MINUTE);
    let session = kit.again(&id);
    assert_eq!(kit.commit(&session), Committed::Nothing);
    session.insert("a", "c").unwrap();
    kit.commit(&session);
    kit.clock.advance(40 * MINUTE);
    kit.commit(&kit.again(&id));
    kit.clock.advance(20 * MINUTE);
    assert!(kit.load(&id).is_none());
}

#[test]
fn a_sessions_own_expiry_survives_its_requests() {
    let kit = hour();
    let (session, id) = kit.stored("a", "b");
    session.set_expiry(Expiry::Idle(2 * MINUTE)).unwrap();
    kit.commit(&session);
    kit.clock.advance(MINUTE);
    let session = kit.again(&id);
    assert_eq!(session.expiry(), Expiry::Idle(2 * MINUTE));
    session.insert("a", "c").unwrap();
    kit.commit(&session);
    kit.clock.advance(2 * MINUTE);
    assert!(kit.load(&id).is_none());
}

#[test]
fn a_fixed_end_is_not_moved_by_use() {
    let kit = hour();
    let (session, id) = kit.stored("a", "b");
    let end = session.expiry_date() - 30 * MINUTE;
    session.set_expiry(Expiry::At(end)).unwrap();
    kit.commit(&session);
    kit.clock.advance(29 * MINUTE);
    let session = kit.again(&id);
    assert_eq!(kit.commit(&session), Committed::Nothing);
    kit.clock.advance(MINUTE);
    assert!(kit.load(&id).is_none());
}

#[test]
fn an_untouched_session_that_ended_meanwhile_is_found_to_be_gone() {
    let kit = hour();
    let (_, id) = kit.stored("a", "b");
    kit.clock.advance(30 * MINUTE);
    let session = kit.again(&id);
    block_on(kit.sessions.revoke(&id)).unwrap();
    assert_eq!(kit.commit(&session), Committed::Removed);
    assert_eq!((session.id(), session.len()), (None, 0));
}

#[test]
fn x05_lifetimes_of_zero_are_refused() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    assert!(session.set_expiry(Expiry::Idle(Duration::ZERO)).is_err());
    let store = || kit.sessions.store().clone();
    for builder in [
        sessile::Sessions::builder(store()).idle(Duration::ZERO),
        sessile::Sessions::builder(store()).absolute(Some(Duration::ZERO)),
        sessile::Sessions::builder(store()).owner_limit(0, Default::default()),
        sessile::Sessions::builder(store()).limits(Limits {
            bytes: 0,
            ..Limits::default()
        }),
    ] {
        let error = builder.build().expect_err("an absurd setting");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
}

#[test]
fn s08_s09_s10_rotation_kills_the_old_id_at_once_and_sign_out_the_record() {
    let kit = Kit::new();
    let (session, old) = kit.stored("cart", "3");
    session.bind_owner("ada").unwrap();
    session.cycle_id();
    kit.commit(&session);
    assert!(kit.load(&old).is_none());
    let signed_in = kit.again(&session.id().unwrap());
    assert_eq!(signed_in.owner().as_deref(), Some("ada"));
    assert!(signed_in.contains("cart"));
    signed_in.destroy();
    kit.commit(&signed_in);
    assert_eq!(kit.records(), 0);
}

#[test]
fn s17_x23_x12_no_record_without_content_whatever_is_opened() {
    for policy in [EmptyPolicy::Delete, EmptyPolicy::Keep] {
        let kit = Kit::with(|it| it.on_empty(policy));
        for _ in 0..1_000 {
            let id = SessionId::random(IdFormat::Base64).unwrap();
            let lazy = kit.sessions.open(Some(&id));
            let session = block_on(lazy.session()).unwrap();
            session.clear();
            session.set_modified();
            session.set_permanent(true);
            session.cycle_id();
            session.destroy();
            block_on(lazy.commit()).unwrap();
            assert_eq!(session.id(), None);
        }
        assert_eq!(kit.records(), 0);
    }
}

#[test]
fn a_session_nobody_asks_for_is_not_loaded() {
    let kit = hour();
    let (_, id) = kit.stored("a", "b");
    let before = kit.sessions.store().cache().stats();
    let lazy = kit.sessions.open(Some(&id));
    assert_eq!(block_on(lazy.commit()).unwrap(), Committed::Nothing);
    assert!(lazy.loaded().is_none());
    assert_eq!(kit.sessions.store().cache().stats().hits, before.hits);
    let session = block_on(lazy.session()).unwrap();
    assert!(!session.is_accessed(), "taking the handle is no access");
    let same = block_on(lazy.session()).unwrap();
    session.insert("x", &1).unwrap();
    assert!(same.contains("x"));
}

#[test]
fn x19_a_value_that_cannot_be_kept_leaves_nothing() {
    struct Fails;
    impl serde::Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("canary-9d1e"))
        }
    }
    let limits = Limits {
        bytes: 2_000,
        depth: 4,
        entries: 3,
    };
    let kit = Kit::with(|it| it.limits(limits));
    let session = kit.sessions.fresh();
    let error = session.insert("a", &Fails).unwrap_err();
    assert!(!format!("{error:?}").contains("canary"));
    assert!(
        session
            .insert("a", &vec![vec![vec![vec![vec![0]]]]])
            .is_err()
    );
    assert!(session.insert("a", &"x".repeat(2_001)).is_err());
    assert!(session.is_empty() && !session.is_modified());
    assert_eq!(kit.commit(&session), Committed::Nothing);
    session.update([("a", 1), ("b", 2), ("c", 3)]).unwrap();
    assert!(session.insert("d", &4).is_err());
    session.insert("c", &5).unwrap();
    kit.commit(&session);
    // Each fits, and together they do not: refused at the commit, and nothing is lost.
    for name in ["a", "b"] {
        session.insert(name, &"x".repeat(1_500)).unwrap();
    }
    let error = block_on(session.save()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    session.remove("a");
    kit.commit(&session);
    assert_eq!(kit.again(&session.id().unwrap()).len(), 2);
}

#[test]
fn cookies_of_two_names_share_a_store_and_no_session() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    let admins = sessile::Sessions::builder(kit.sessions.store().clone())
        .keys(KeyMaker::digest("admin", None))
        .build()
        .unwrap();
    assert!(block_on(admins.load(&id)).unwrap().is_none());
}

#[test]
fn x21_fl06_a_session_that_cannot_be_written_says_why() {
    const WHY: &str = "write a session: it is unavailable, no secret key is set; set SECRET_KEY";
    let session = Session::unavailable(WHY);
    assert_eq!(session.get::<u8>("missing").unwrap(), None);
    assert!(!session.contains("a") && session.is_empty());
    let refused = [
        session.insert("a", &1),
        session.pop::<u8>("a").map(drop),
        session.setdefault("a", || 1).map(drop),
        session.update([("a", 1)]),
        session.update(Vec::<(String, u8)>::new()),
        session.write(&std::collections::BTreeMap::from([("a", 1)])),
        session.modify("a", |_: Option<u8>| Some(1)),
        session.set_expiry(Expiry::BrowserSession),
        session.bind_owner("ada"),
        session.set_test_cookie(),
        session.flashes().push("a", &1),
        session
            .messages()
            .add(sessile::session::Level::INFO, "a")
            .map(drop),
    ];
    for result in refused {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), &*error.to_string()),
            (ErrorKind::Unavailable, WHY)
        );
    }
    session.clear();
    session.destroy();
    session.cycle_id();
    assert!(!session.remove("a") && !session.is_modified());
    assert_eq!(block_on(session.save()).unwrap(), Committed::Nothing);
}
