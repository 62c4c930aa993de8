//! Sessions that end or sign in while an old id still leads to them, and what their owners see.

use sessile::session::{Committed, Expiry, OwnerIndex, Session};

use crate::kit::{Kit, block_on};
use crate::renewal::{OVERLAP, count, due, has_record, increment, renewing};

#[test]
fn s13_a_session_that_ends_ends_for_the_old_id_at_once() {
    type End = fn(&Kit, [Session; 3]);
    // Who was under way before, who came with the old id, and who has the new one.
    let ends: [End; 8] = [
        |kit, [before, ..]| sign_out(kit, &before),
        |kit, [_, follows, _]| sign_out(kit, &follows),
        |kit, [_, _, new]| sign_out(kit, &new),
        |kit, [before, ..]| {
            before
                .set_expiry(Expiry::At(std::time::UNIX_EPOCH))
                .unwrap();
            assert_eq!(kit.commit(&before), Committed::Removed);
        },
        |kit, [_, follows, _]| {
            follows.clear();
            follows.unbind_owner();
            assert_eq!(kit.commit(&follows), Committed::Removed);
        },
        |kit, [_, follows, _]| {
            let id = follows.id().unwrap();
            assert!(block_on(kit.sessions.revoke(&id)).unwrap());
        },
        |kit, [_, follows, _]| {
            let handle = kit.sessions.handle(&follows).unwrap();
            assert!(block_on(kit.sessions.end("ada", &handle)).unwrap());
        },
        |kit, _| assert_eq!(block_on(kit.sessions.end_all("ada", None)).unwrap(), 1),
    ];
    for (at, end) in ends.into_iter().enumerate() {
        let kit = renewing();
        let old = due(&kit);
        let before = kit.again(&old);
        let new = kit.again(&old);
        kit.commit(&new);
        let id = new.id().unwrap();
        end(&kit, [before, kit.again(&old), new]);
        assert!(kit.load(&old).is_none() && kit.load(&id).is_none(), "{at}");
        assert!(!has_record(&kit, &id), "{at}");
        assert!(block_on(kit.sessions.list("ada", None)).unwrap().is_empty());
        kit.clock.advance(OVERLAP);
        assert!(!has_record(&kit, &old), "{at}");
    }
}

fn sign_out(kit: &Kit, session: &Session) {
    session.destroy();
    assert_eq!(kit.commit(session), Committed::Removed);
    assert_eq!(session.id(), None);
}

#[test]
fn s13_a_login_in_the_overlap_kills_all_ids_before_it() {
    for who in 0..3 {
        let kit = renewing();
        let old = due(&kit);
        let before = kit.again(&old);
        let new = kit.again(&old);
        kit.commit(&new);
        let middle = new.id().unwrap();
        let signs_in = match who {
            0 => before,
            1 => kit.again(&old),
            _ => new,
        };
        increment(&signs_in);
        signs_in.cycle_id();
        assert_eq!(kit.commit(&signs_in), Committed::Rotated);
        let last = signs_in.id().unwrap();
        assert!(last != old && last != middle && signs_in.is_id_lasting());
        assert!(kit.load(&old).is_none() && kit.load(&middle).is_none());
        assert_eq!(count(&kit.again(&last)), Some(2));
        let listed = block_on(kit.sessions.list("ada", Some(&signs_in))).unwrap();
        assert!(listed.len() == 1 && listed[0].is_current);
    }
}

#[test]
fn s13_owners_see_one_session_and_keep_the_one_they_ask_from() {
    let kit = renewing();
    let old = due(&kit);
    let reads = kit.again(&old);
    let new = kit.again(&old);
    kit.commit(&new);
    let index = kit.sessions.index();
    assert_eq!(block_on(index.list("ada")).unwrap().len(), 1);
    // Under way since before, with nothing to write: it notes its use.
    block_on(reads.save()).unwrap();
    let follower = kit.again(&old);
    kit.commit(&follower);
    for asks in [&new, &follower] {
        let listed = block_on(kit.sessions.list("ada", Some(asks))).unwrap();
        assert_eq!(listed.len(), 1);
        assert!(listed[0].is_current);
        assert_eq!(kit.sessions.handle(asks), Some(listed[0].handle));
        assert_eq!(
            block_on(kit.sessions.end_all("ada", Some(asks))).unwrap(),
            0
        );
    }
    assert!(kit.load(&old).is_some() && kit.load(&new.id().unwrap()).is_some());
}

#[test]
fn s13_a_reader_whose_session_was_ended_meanwhile_reads_on() {
    let kit = renewing();
    let old = due(&kit);
    let reads = kit.again(&old);
    block_on(kit.sessions.revoke(&old)).unwrap();
    assert_eq!(kit.commit(&reads), Committed::Removed);
    assert_eq!((kit.records(), reads.id()), (0, None));
}
