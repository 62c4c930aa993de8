//! Ids that are renewed in the middle of a session, and the time for which the old ones lead on.

use std::sync::Arc;
use std::time::Duration;

use sessile::codec::{FieldsBuilder, Format, Header, Layout, Record};
use sessile::id::{KeyMaker, SessionId};
use sessile::session::{Committed, Expiry, OnConflict, Session, Sessions, SessionsBuilder};
use sessile::{Cache, CacheStore, ErrorKind, ManualClock, SessionStore, Terms};

use crate::kit::{DAY, Kit, MINUTE, block_on};

pub(crate) const AFTER: Duration = Duration::from_secs(20 * 60);
pub(crate) const OVERLAP: Duration = Duration::from_secs(10);
const MS: Duration = Duration::from_millis(1);

pub(crate) fn renewing() -> Kit {
    Kit::with(|it| it.renew_ids_after(AFTER))
}

pub(crate) fn increment(session: &Session) {
    let more = |count: Option<u64>| Some(count.unwrap_or(0) + 1);
    session.modify("n", more).unwrap();
}

pub(crate) fn count(session: &Session) -> Option<u64> {
    session.get("n").unwrap()
}

pub(crate) fn has_record(kit: &Kit, id: &SessionId) -> bool {
    let key = kit.sessions.key(id);
    block_on(kit.sessions.store().exists(key.as_ref())).unwrap()
}

/// A session whose id is due.
pub(crate) fn due(kit: &Kit) -> SessionId {
    let session = kit.sessions.fresh();
    session.bind_owner("ada").unwrap();
    increment(&session);
    kit.commit(&session);
    kit.clock.advance(AFTER);
    session.id().unwrap()
}

/// The same after a request that renewed it: the old id, and the one that this request was left with.
fn renewed(kit: &Kit) -> (SessionId, Session) {
    let old = due(kit);
    let session = kit.again(&old);
    assert_eq!(kit.commit(&session), Committed::Rotated);
    assert_ne!(session.id(), Some(old));
    (old, session)
}

#[test]
fn s13_an_id_is_renewed_when_its_time_has_come_and_not_before() {
    let kit = renewing();
    let (session, first) = kit.stored("a", "b");
    let created = session.created();
    let mut id = first;
    for _ in 0..3 {
        kit.clock.advance(AFTER - MS);
        let early = kit.again(&id);
        early.insert("early", &1).unwrap();
        assert_eq!(kit.commit(&early), Committed::Saved);
        assert_eq!(early.id(), Some(id), "writing makes an id no younger");
        kit.clock.advance(MS);
        // Who only reads renews as well.
        let reader = kit.again(&id);
        assert_eq!(kit.commit(&reader), Committed::Rotated);
        let new = reader.id().unwrap();
        assert_ne!(new, id);
        assert!(reader.is_id_lasting());
        assert_eq!(kit.commit(&reader), Committed::Nothing, "once");
        id = new;
    }
    let session = kit.again(&id);
    assert_eq!(session.created(), created);
    assert_eq!(session.get::<String>("a").unwrap().unwrap(), "b");
    // The absolute end is where it was.
    assert_eq!(
        session.expiry_date(),
        created.unwrap() + 3 * AFTER + 14 * DAY
    );
}

#[test]
fn s13_by_default_and_by_explicit_saves_no_id_is_renewed() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    for _ in 0..8 {
        kit.clock.advance(10 * DAY);
        let session = kit.again(&id);
        session.insert("x", &1).unwrap();
        assert_eq!(kit.commit(&session), Committed::Saved);
    }
    let kit = renewing();
    let old = due(&kit);
    let session = kit.again(&old);
    increment(&session);
    // Whoever saves in between may have no response that tells the client.
    assert_eq!(block_on(session.save()).unwrap(), Committed::Saved);
    assert_eq!(session.id(), Some(old));
    assert_eq!(kit.commit(&session), Committed::Rotated);
}

#[test]
fn s13_sessions_with_an_end_of_their_own_are_renewed_and_live_no_longer() {
    let kit = renewing();
    let (session, id) = kit.stored("a", "b");
    let end = session.created().unwrap() + 2 * AFTER;
    session.set_expiry(Expiry::At(end)).unwrap();
    kit.commit(&session);
    kit.clock.advance(AFTER);
    let session = kit.again(&id);
    assert_eq!(kit.commit(&session), Committed::Rotated);
    let new = session.id().unwrap();
    kit.clock.advance(AFTER - MS);
    assert_eq!(kit.again(&new).expiry_date(), end);
    kit.clock.advance(MS);
    assert!(kit.load(&new).is_none());
}

#[test]
fn s13_the_old_id_leads_to_the_session_for_the_overlap_and_no_longer() {
    let kit = Kit::with(|it| it.renew_ids_after(AFTER).renewal_overlap(3 * OVERLAP));
    let (old, session) = renewed(&kit);
    let new = session.id().unwrap();
    kit.clock.advance(3 * OVERLAP - MS);
    let late = kit.again(&old);
    assert_eq!(count(&late), Some(1));
    // It learns of no new id, renews nothing, and must not prolong the client's cookie.
    assert_eq!(late.id(), Some(old));
    assert!(!late.is_id_lasting());
    assert_eq!(kit.commit(&late), Committed::Nothing);
    increment(&late);
    assert_eq!(kit.commit(&late), Committed::Saved);
    assert_eq!((late.id(), count(&kit.again(&new))), (Some(old), Some(2)));
    kit.clock.advance(MS);
    assert!(kit.load(&old).is_none());
    assert!(!has_record(&kit, &old));
    // What was under way for longer fails, and takes nothing along.
    assert_eq!(count(&kit.again(&new)), Some(2));
}

#[test]
fn s13_what_requests_under_way_change_survives() {
    let kit = renewing();
    let old = due(&kit);
    let [renews, writes, reads, late] = [0; 4].map(|_| kit.again(&old));
    increment(&renews);
    renews.insert("renews", &1).unwrap();
    assert_eq!(kit.commit(&renews), Committed::Rotated);
    increment(&writes);
    writes.insert("writes", &1).unwrap();
    assert_eq!(kit.commit(&writes), Committed::Saved);
    let follower = kit.again(&old);
    increment(&follower);
    follower.remove("writes");
    assert_eq!(kit.commit(&follower), Committed::Saved);
    assert_eq!(kit.commit(&reads), Committed::Nothing);
    for session in [&writes, &reads, &follower] {
        assert_eq!(session.id(), Some(old));
        assert!(!session.is_id_lasting());
    }
    let now = kit.again(&renews.id().unwrap());
    assert_eq!(count(&now), Some(4));
    assert!(now.contains("renews") && !now.contains("writes"));
    // Too late.
    kit.clock.advance(OVERLAP);
    increment(&late);
    let error = block_on(kit.sessions.commit(&late)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert_eq!(count(&kit.again(&renews.id().unwrap())), Some(4));
}

#[test]
fn s13_of_several_that_renew_one_does_and_one_record_lives() {
    let kit = renewing();
    let old = due(&kit);
    let sessions = [0; 8].map(|_| kit.again(&old));
    for (at, session) in sessions.iter().enumerate() {
        if at % 2 == 1 {
            increment(session);
        }
        let done = match at {
            0 => Committed::Rotated,
            _ if at % 2 == 1 => Committed::Saved,
            _ => Committed::Nothing,
        };
        assert_eq!(kit.commit(session), done, "{at}");
    }
    // The record and the claim.
    assert_eq!(kit.records(), 2);
    let new = sessions[0].id().unwrap();
    assert!(sessions[1..].iter().all(|it| it.id() == Some(old)));
    assert_eq!(count(&kit.again(&new)), Some(5));
    kit.clock.advance(OVERLAP);
    assert!(has_record(&kit, &new) && !has_record(&kit, &old));
}

#[test]
fn s13_a_renewal_that_another_write_came_before_waits_for_the_next_request() {
    for on_conflict in [OnConflict::Merge, OnConflict::Fail] {
        let kit = Kit::with(|it| it.renew_ids_after(AFTER).on_conflict(on_conflict));
        let old = due(&kit);
        let (reads, writes) = (kit.again(&old), kit.again(&old));
        increment(&writes);
        block_on(writes.save()).unwrap();
        assert_eq!(
            kit.commit(&reads),
            Committed::Nothing,
            "a reader never fails"
        );
        assert_eq!((kit.records(), count(&reads)), (1, Some(2)));
        let next = kit.again(&old);
        assert_eq!(kit.commit(&next), Committed::Rotated);
        assert_eq!(count(&kit.again(&next.id().unwrap())), Some(2));
    }
}

#[test]
fn s13_who_prolongs_the_old_record_does_not_prolong_the_overlap() {
    let kit = renewing();
    let old = due(&kit);
    let idle = kit.again(&old);
    kit.clock.advance(DAY);
    let new = kit.again(&old);
    assert_eq!(kit.commit(&new), Committed::Rotated);
    // Loaded before the renewal, touched after it.
    assert_eq!(block_on(idle.save()).unwrap(), Committed::Nothing);
    assert!(!idle.is_id_lasting());
    kit.clock.advance(OVERLAP - MS);
    assert!(kit.load(&old).is_some());
    kit.clock.advance(MS);
    assert!(kit.load(&old).is_none() && !has_record(&kit, &old));
    // A node that renews nothing does not look what it prolonged; the claim knows its end.
    let (old, session) = renewed(&kit);
    let key = kit.sessions.key(&old);
    assert!(block_on(kit.sessions.store().touch(key.as_ref(), DAY)).unwrap());
    kit.clock.advance(OVERLAP - MS);
    assert!(kit.load(&old).is_some());
    kit.clock.advance(MS);
    assert!(kit.load(&old).is_none() && has_record(&kit, &old));
    assert!(kit.load(&session.id().unwrap()).is_some());
}

#[test]
fn s13_without_room_the_id_stays_and_the_request_succeeds() {
    let clock = ManualClock::new();
    let cache = Cache::builder().max_entries(10).protected_entries(1);
    let cache = cache.clock(clock.clone()).build().unwrap();
    let builder = Sessions::builder(CacheStore::new(Arc::new(cache))).clock(clock.clone());
    let sessions = builder.renew_ids_after(AFTER).build().unwrap();
    let kit = Kit { clock, sessions };
    let id = due(&kit);
    let reads = kit.again(&id);
    assert_eq!(kit.commit(&reads), Committed::Nothing);
    let writes = kit.again(&id);
    increment(&writes);
    assert_eq!(kit.commit(&writes), Committed::Saved);
    assert_eq!(count(&kit.again(&id)), Some(2));
    assert_eq!(kit.records(), 1);
    // The write has made the id no younger: it waits for room.
    assert!(!kit.again(&id).is_id_lasting());
}

#[test]
fn s13_claims_hold_no_id_and_every_node_reads_them() {
    let kit = renewing();
    let store = || kit.sessions.store().clone();
    let node = |set: fn(SessionsBuilder<CacheStore>) -> SessionsBuilder<CacheStore>| {
        let builder = Sessions::builder(store()).clock(kit.clock.clone());
        set(builder).build().unwrap()
    };
    let (old, session) = renewed(&kit);
    let new = session.id().unwrap();
    let claim = block_on(store().load(kit.sessions.key(&old).as_ref()));
    let claim = claim.unwrap().unwrap().value;
    let text = String::from_utf8_lossy(&claim);
    assert!(!text.contains(new.expose()) && !text.contains(old.expose()));
    assert!(claim.len() < 120, "{} bytes", claim.len());
    // Nodes that write another format, or renew nothing themselves.
    for other in [node(|it| it), node(|it| it.format(Format::Json))] {
        let follower = block_on(other.load(&old)).unwrap().unwrap();
        assert!(!follower.is_id_lasting());
        increment(&follower);
        block_on(other.commit(&follower)).unwrap();
    }
    assert_eq!(count(&kit.again(&new)), Some(3));
    // Records of nodes that renew nothing are as old as their sessions.
    let plain = node(|it| it);
    let session = plain.fresh();
    increment(&session);
    block_on(plain.commit(&session)).unwrap();
    session.cycle_id();
    block_on(plain.commit(&session)).unwrap();
    kit.clock.advance(AFTER);
    let due = kit.again(&session.id().unwrap());
    assert_eq!(kit.commit(&due), Committed::Rotated);
}

#[test]
fn s13_keys_that_are_plain_are_led_to_as_well() {
    let kit = Kit::with(|it| {
        it.renew_ids_after(AFTER)
            .keys(KeyMaker::plain("session:").unwrap())
    });
    let (old, session) = renewed(&kit);
    assert_eq!(count(&kit.again(&old)), Some(1));
    assert_eq!(count(&kit.again(&session.id().unwrap())), Some(1));
}

#[test]
fn s13_a_claim_leads_no_further_than_one_step() {
    let kit = renewing();
    let (_, id) = kit.stored("a", "b");
    let key = kit.sessions.key(&id);
    let header = Header {
        moved: true,
        end_ms: Some(u64::MAX - 1),
        ..Header::default()
    };
    let itself = Format::MessagePack.encode(&base64(key.as_ref())).unwrap();
    for value in [&itself[..], b"\xC1", b""] {
        let bytes = Record::begin(&header, Layout::Native, Format::MessagePack);
        let mut fields = FieldsBuilder::new(Layout::Native, Format::MessagePack, 1, bytes);
        fields.push("_sessile.key", value);
        let put = kit.sessions.store();
        let put = put.put(key.as_ref(), fields.finish().0, Terms::ttl(MINUTE));
        block_on(put).unwrap();
        assert!(kit.load(&id).is_none());
    }
}

/// As claims write keys: base64 for URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes(bits);
        for digit in 0..=three.len() {
            let at = bits >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[usize::try_from(at).unwrap()]));
        }
    }
    text
}

#[test]
fn s13_settings_that_cannot_be_are_refused() {
    type Set = fn(SessionsBuilder<CacheStore>) -> SessionsBuilder<CacheStore>;
    let refused: [(Set, &str); 7] = [
        (|it| it.renew_ids_after(Duration::ZERO), "shorter than"),
        (|it| it.renew_ids_after(OVERLAP), "shorter than"),
        (
            |it| it.renew_ids_after(AFTER).renewal_overlap(Duration::ZERO),
            "1 ms to 1 minute",
        ),
        (
            |it| it.renew_ids_after(AFTER).renewal_overlap(MINUTE + MS),
            "1 ms to 1 minute",
        ),
        (|it| it.renewal_overlap(OVERLAP), "without renewal"),
        (|it| it.renew_ids_after(90 * DAY), "never"),
        (
            |it| it.renew_ids_after(AFTER).layout(Layout::Bare),
            "bare records",
        ),
    ];
    let kit = Kit::new();
    for (set, words) in refused {
        let builder = Sessions::builder(kit.sessions.store().clone());
        let error = set(builder).build().expect_err("an absurd setting");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(words), "{error}");
    }
    Kit::with(|it| it.renew_ids_after(MINUTE + MS).renewal_overlap(MINUTE));
    Kit::with(|it| it.renew_ids_after(None).layout(Layout::Bare));
}
