//! What Django's tests of its session base class ask.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use sessile::codec::{FieldsBuilder, Format, Header, Layout, Record, Value};
use sessile::id::{IdFormat, SessionId};
use sessile::session::{Committed, EmptyPolicy, Expiry, Session};
use sessile::{Clock, ErrorKind, SessionStore, Terms};

use crate::kit::{DAY, Kit, MINUTE, block_on};

/// A stored session {x: 1}, loaded by a new request: its flags are down.
fn reloaded(kit: &Kit) -> Session {
    let session = kit.sessions.fresh();
    session.insert("x", &1).unwrap();
    kit.commit(&session);
    let session = kit.again(&session.id().unwrap());
    assert_eq!(flags(&session), (false, false));
    session
}

/// (accessed, modified)
fn flags(session: &Session) -> (bool, bool) {
    (session.is_accessed(), session.is_modified())
}

#[test]
fn dj01_a_new_session_is_neither_modified_nor_accessed() {
    let kit = Kit::new();
    assert_eq!(flags(&kit.sessions.fresh()), (false, false));
    assert!(kit.sessions.fresh().is_new());
}

#[test]
fn dj02_an_unknown_name_has_no_value() {
    let session = Kit::new().sessions.fresh();
    assert_eq!(session.get::<String>("cat").unwrap(), None);
}

#[test]
fn dj03_a_stored_value_is_popped() {
    let session = Kit::new().sessions.fresh();
    session.insert("cat", "dog").unwrap();
    assert!(session.is_modified());
    assert_eq!(session.pop::<String>("cat").unwrap().unwrap(), "dog");
}

#[test]
fn dj04_pop_of_an_existing_value_accesses_and_modifies() {
    let session = reloaded(&Kit::new());
    assert_eq!(session.pop::<u8>("x").unwrap(), Some(1));
    assert_eq!(flags(&session), (true, true));
    assert_eq!(session.get::<u8>("x").unwrap(), None);
}

#[test]
fn dj05_dj06_dj07_pop_of_nothing_accesses_and_does_not_modify() {
    let session = reloaded(&Kit::new());
    // A default is `unwrap_or`, a missing value is `None`: there is no error to tell them apart.
    assert_eq!(session.pop::<u8>("nothing").unwrap().unwrap_or(7), 7);
    assert_eq!(flags(&session), (true, false));
}

#[test]
fn dj08_setdefault_sets_once() {
    let session = reloaded(&Kit::new());
    let set = |text: &'static str| session.setdefault("foo", || text.to_owned());
    assert_eq!(set("bar").unwrap(), "bar");
    assert_eq!(set("baz").unwrap(), "bar");
    assert_eq!(flags(&session), (true, true));

    let session = reloaded(&Kit::new());
    assert_eq!(session.setdefault("x", || 9).unwrap(), 1);
    assert_eq!(flags(&session), (true, false));
}

#[test]
fn dj09_update_sets_all() {
    let session = reloaded(&Kit::new());
    session.update([("k", 1), ("l", 2)]).unwrap();
    assert_eq!(flags(&session), (true, true));
    assert_eq!(session.get::<u8>("k").unwrap(), Some(1));
}

#[test]
fn dj10_contains_accesses_only() {
    let session = reloaded(&Kit::new());
    assert!(session.contains("x") && !session.contains("y"));
    assert_eq!(flags(&session), (true, false));
}

#[test]
fn dj11_values_access_only() {
    let fresh = Kit::new().sessions.fresh();
    assert!(fresh.values().unwrap().is_empty());
    assert_eq!(flags(&fresh), (true, false));
    let session = reloaded(&Kit::new());
    assert_eq!(session.values().unwrap(), [Value::Unsigned(1)]);
    assert_eq!(flags(&session), (true, false));
}

#[test]
fn dj12_keys_access_only() {
    let session = reloaded(&Kit::new());
    assert_eq!(session.keys(), ["x"]);
    assert_eq!(flags(&session), (true, false));
}

#[test]
fn dj13_items_access_only() {
    let session = reloaded(&Kit::new());
    let items = session.items().unwrap();
    assert_eq!(items, [("x".to_owned(), Value::Unsigned(1))]);
    assert_eq!(flags(&session), (true, false));
}

#[test]
fn dj14_clear_empties_and_keeps_the_id() {
    let session = reloaded(&Kit::new());
    let id = session.id();
    session.clear();
    assert!(session.items().unwrap().is_empty());
    assert_eq!(flags(&session), (true, true));
    assert_eq!(session.id(), id);
}

#[test]
fn dj15_an_emptied_session_is_kept_where_the_policy_says_so() {
    let kit = Kit::with(|it| it.on_empty(EmptyPolicy::Keep));
    let (session, id) = kit.stored("foo", "bar");
    session.clear();
    assert_eq!(kit.commit(&session), Committed::Saved);
    assert!(kit.again(&id).is_empty());

    let kit = Kit::new();
    let (session, id) = kit.stored("foo", "bar");
    session.remove("foo");
    assert_eq!(kit.commit(&session), Committed::Removed);
    assert!(kit.load(&id).is_none() && session.id().is_none());
}

#[test]
fn dj16_a_revoked_session_does_not_exist() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    assert!(block_on(kit.sessions.revoke(&id)).unwrap());
    assert!(kit.load(&id).is_none());
    assert!(!block_on(kit.sessions.revoke(&id)).unwrap());
}

#[test]
fn dj17_destroy_removes_the_record_and_the_id() {
    let kit = Kit::new();
    let (session, id) = kit.stored("foo", "bar");
    session.destroy();
    assert_eq!(session.id(), None);
    assert_eq!(flags(&session), (true, true));
    assert_eq!(kit.commit(&session), Committed::Removed);
    assert!(kit.load(&id).is_none());
    assert_eq!(kit.records(), 0);
}

#[test]
fn what_is_written_after_destroy_is_a_new_session() {
    let kit = Kit::new();
    let (session, id) = kit.stored("foo", "bar");
    session.destroy();
    session.insert("goodbye", &true).unwrap();
    assert_eq!(kit.commit(&session), Committed::Created);
    assert_ne!(session.id().unwrap(), id);
    assert_eq!(session.keys(), ["goodbye"]);
    assert_eq!(kit.records(), 1);
}

#[test]
fn dj18_rotation_keeps_the_data_under_another_id() {
    let kit = Kit::new();
    let (session, old) = kit.stored("a", "c");
    let before = session.items().unwrap();
    session.cycle_id();
    assert_eq!(kit.commit(&session), Committed::Rotated);
    let new = session.id().unwrap();
    assert_ne!(new, old);
    assert!(kit.load(&old).is_none());
    assert_eq!(kit.again(&new).items().unwrap(), before);
    assert_eq!(kit.records(), 1);
}

#[test]
fn dj19_rotation_of_a_session_nobody_looked_at_keeps_its_data() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "c");
    let session = kit.open(&id);
    session.cycle_id();
    kit.commit(&session);
    let found = kit.again(&session.id().unwrap()).get::<String>("a");
    assert_eq!(found.unwrap().unwrap(), "c");
}

#[test]
fn dj20_saving_keeps_what_is_in_memory() {
    let session = reloaded(&Kit::new());
    session.insert("y", &2).unwrap();
    block_on(session.save()).unwrap();
    assert_eq!(session.len(), 2);
    assert_eq!(session.get::<u8>("x").unwrap(), Some(1));
    assert!(!session.is_modified());
}

#[test]
fn dj21_dj36_an_unknown_id_is_not_adopted_and_makes_no_record() {
    let kit = Kit::new();
    let unknown = SessionId::random(IdFormat::Base64).unwrap();
    let session = kit.open(&unknown);
    assert_eq!(session.get::<u8>("a").unwrap(), None);
    assert_eq!(session.id(), None);
    assert_eq!(kit.commit(&session), Committed::Nothing);
    assert_eq!(kit.records(), 0);
    session.insert("a", &1).unwrap();
    kit.commit(&session);
    assert_ne!(session.id().unwrap(), unknown);
    assert!(kit.load(&unknown).is_none());
}

#[test]
fn dj22_dj23_dj24_ids_are_of_one_exact_form() {
    for text in ["", "1234567", "12345678", "1"] {
        assert_eq!(SessionId::parse(IdFormat::Django, text), None);
    }
    let id = SessionId::random(IdFormat::Django).unwrap();
    assert_eq!(SessionId::parse(IdFormat::Django, id.expose()), Some(id));
}

// DJ25, assigning a session's id: there is no such method, so that it does not compile.

#[test]
fn dj26_the_default_age_is_the_setting_also_for_browser_sessions() {
    let kit = Kit::with(|it| it.idle(DAY));
    let session = kit.sessions.fresh();
    assert_eq!(session.expiry_age(), DAY);
    session.set_expiry(Expiry::BrowserSession).unwrap();
    assert_eq!(session.expiry_age(), DAY);
}

fn wall(kit: &Kit) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(kit.clock.wall_ms())
}

#[test]
fn dj27_dj28_dj29_expiry_by_duration_and_by_date() {
    let kit = Kit::new();
    let ten = Duration::from_secs(10);
    let session = kit.sessions.fresh();
    session.set_expiry(Expiry::Idle(ten)).unwrap();
    assert_eq!(session.expiry_date(), wall(&kit) + ten);
    assert_eq!(session.expiry_age(), ten);

    session.set_expiry(Expiry::At(wall(&kit) + ten)).unwrap();
    assert_eq!(session.expiry_date(), wall(&kit) + ten);
    assert_eq!(session.expiry_age(), ten);
    kit.clock.advance(Duration::from_secs(4));
    assert_eq!(session.expiry_age(), Duration::from_secs(6));
}

#[test]
fn dj30_expiry_can_be_reset() {
    let kit = Kit::with(|it| it.idle(DAY));
    let session = reloaded(&kit);
    session.set_expiry(Expiry::Default).unwrap();
    assert!(!session.is_modified(), "it was the default before");
    session.set_expiry(Expiry::Idle(MINUTE)).unwrap();
    session.set_expiry(Expiry::Default).unwrap();
    assert_eq!(session.expiry_age(), DAY);
}

#[test]
fn dj31_browser_close() {
    for (permanent, by_default) in [(true, false), (false, true)] {
        let kit = Kit::with(|it| it.permanent(permanent));
        let session = kit.sessions.fresh();
        for (expiry, closes) in [
            (Expiry::Idle(MINUTE), false),
            (Expiry::BrowserSession, true),
            (Expiry::Default, by_default),
        ] {
            session.set_expiry(expiry).unwrap();
            assert_eq!(session.expires_at_browser_close(), closes);
            assert_eq!(session.is_permanent(), !closes);
        }
    }
}

#[test]
fn permanence_and_expiry_the_last_word_counts_and_survives() {
    let kit = Kit::new();
    let (session, id) = kit.stored("a", "b");
    session.set_permanent(false);
    assert!(session.expires_at_browser_close() && session.is_modified());
    kit.commit(&session);
    let session = kit.again(&id);
    assert!(!session.is_permanent());
    session.set_permanent(false);
    assert!(!session.is_modified());
    session.set_expiry(Expiry::BrowserSession).unwrap();
    session.set_permanent(true);
    assert_eq!(session.expiry(), Expiry::Default);
    assert!(session.is_permanent());
    // Metadata makes no session worth storing.
    let empty = kit.sessions.fresh();
    empty.set_permanent(true);
    assert_eq!(kit.commit(&empty), Committed::Nothing);
    assert_eq!(kit.records(), 1);
}

#[test]
fn dj32_what_is_encoded_is_decoded() {
    let kit = Kit::new();
    let all = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let session = kit.sessions.fresh();
    session.write(&all).unwrap();
    kit.commit(&session);
    let found: BTreeMap<String, i32> = kit.again(&session.id().unwrap()).read().unwrap();
    assert_eq!(found, all);
}

#[test]
fn dj33_dj34_undecodable_records_are_empty_sessions_and_never_adopted() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    let key = kit.sessions.key(&id);
    for junk in [
        &b"bad:encoded:value"[..],
        b"flooble",
        b"",
        b"\xc1\x01m\0",
        b"\x80\0",
    ] {
        let put = kit
            .sessions
            .store()
            .put(key.as_ref(), junk.into(), Terms::ttl(DAY));
        block_on(put).unwrap();
        assert!(kit.load(&id).is_none());
        let session = kit.open(&id);
        assert!(session.is_empty() && session.id().is_none());
    }
}

#[test]
fn dj35_a_session_that_ended_in_the_past_is_gone() {
    let kit = Kit::new();
    let (session, id) = kit.stored("foo", "bar");
    let past = wall(&kit) - Duration::from_secs(10);
    session.set_expiry(Expiry::At(past)).unwrap();
    assert_eq!(session.expiry_age(), Duration::ZERO);
    assert_eq!(kit.commit(&session), Committed::Removed);
    assert!(kit.load(&id).is_none());
}

#[test]
fn dj37_a_late_save_does_not_bring_a_session_back() {
    let kit = Kit::new();
    let (first, id) = kit.stored("test", "1");
    let second = kit.again(&id);
    second.destroy();
    kit.commit(&second);
    first.insert("test", "2").unwrap();
    for _ in 0..2 {
        let error = block_on(kit.sessions.commit(&first)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gone);
    }
    assert_eq!(first.id(), None);
    assert!(kit.load(&id).is_none());
    assert_eq!(kit.records(), 0);
}

#[test]
fn dj70_the_test_cookie_goes_round() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    assert!(!session.test_cookie_worked());
    session.set_test_cookie().unwrap();
    kit.commit(&session);
    let session = kit.again(&session.id().unwrap());
    assert!(session.test_cookie_worked());
    assert!(session.delete_test_cookie());
    assert!(!session.delete_test_cookie());
    assert!(!session.test_cookie_worked());
}

#[test]
fn dj71_a_session_without_anything_is_empty() {
    assert!(Kit::new().sessions.fresh().is_empty());
}

#[test]
fn a_record_that_python_left_behind_is_read_and_taken_over() {
    let kit = Kit::new();
    let (_, id) = kit.stored("a", "b");
    let bytes = Record::begin(&Header::default(), Layout::Bare, Format::Json);
    let mut fields = FieldsBuilder::new(Layout::Bare, Format::Json, 1, bytes);
    fields.push("cart", b"[1,2]");
    let key = kit.sessions.key(&id);
    let bytes = fields.finish().0;
    let put = kit
        .sessions
        .store()
        .put(key.as_ref(), bytes, Terms::ttl(DAY));
    block_on(put).unwrap();
    let session = kit.again(&id);
    assert_eq!(session.get::<Vec<u8>>("cart").unwrap().unwrap(), [1, 2]);
    session.insert("more", &true).unwrap();
    kit.commit(&session);
    let session = kit.again(&id);
    assert_eq!(session.get::<Vec<u8>>("cart").unwrap().unwrap(), [1, 2]);
    assert!(session.created().is_some());
}
