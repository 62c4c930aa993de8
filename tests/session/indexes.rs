//! What every owner index owes, asked of the one in memory and of the one in a store.

use std::sync::Arc;

use sessile::id::{IdFormat, KeyMaker, SessionId, StoreKey};
use sessile::session::{Admitted, LocalIndex, OwnerEntry, OwnerIndex, StoreIndex};
use sessile::{Cache, CacheStore, ErrorKind, ManualClock, SessionStore, Terms};

use crate::kit::{DAY, MINUTE, block_on};
use crate::slow::Slow;

const NOW: u64 = 1_800_000_000_000;

fn key() -> StoreKey {
    let id = SessionId::random(IdFormat::Base64).unwrap();
    KeyMaker::digest("id", None).key(&id)
}

fn entry() -> OwnerEntry {
    OwnerEntry {
        key: key(),
        created_ms: NOW,
        seen_ms: NOW,
        is_stored: false,
    }
}

fn embedded(clock: &ManualClock) -> CacheStore {
    let builder = Cache::builder().unlimited_entries().clock(clock.clone());
    CacheStore::new(Arc::new(builder.build().unwrap()))
}

fn list(index: &impl OwnerIndex, owner: &str) -> Vec<OwnerEntry> {
    let mut list = block_on(index.list(owner)).unwrap();
    list.sort_by_key(|entry| entry.key.as_ref().to_vec());
    list
}

/// What the trait says, in the order it says it.
fn keeps_the_contract(index: &impl OwnerIndex) {
    let admit = |entry, instead_of: Option<&StoreKey>, max| {
        block_on(index.admit("ada", entry, instead_of, max)).unwrap()
    };
    let (first, second, third) = (entry(), entry(), entry());
    assert!(list(index, "ada").is_empty());
    assert_eq!(admit(first.clone(), None, Some(2)), Admitted::Done);
    assert_eq!(admit(second.clone(), None, Some(2)), Admitted::Done);
    assert_eq!(list(index, "ada").len(), 2);
    // At the limit: nobody new, but who is listed stays, and one may take the place of another.
    assert_eq!(admit(third.clone(), None, Some(2)), Admitted::Full);
    assert_eq!(list(index, "ada").len(), 2);
    assert_eq!(admit(first.clone(), None, Some(2)), Admitted::Done);
    assert_eq!(
        admit(third.clone(), Some(&first.key), Some(2)),
        Admitted::Done
    );
    assert_eq!(list(index, "ada").len(), 3, "whom it replaces stays listed");
    assert!(list(index, "bob").is_empty());

    // A session's record is stored.
    let is_stored = |key: &StoreKey| {
        let list = list(index, "ada");
        list.iter()
            .find(|entry| entry.key == *key)
            .map(|it| it.is_stored)
    };
    assert_eq!(is_stored(&first.key), Some(false));
    for _ in 0..2 {
        assert!(block_on(index.settle("ada", &first.key)).unwrap());
        assert_eq!(is_stored(&first.key), Some(true));
    }
    assert!(!block_on(index.settle("ada", &key())).unwrap());
    assert!(!block_on(index.settle("bob", &first.key)).unwrap());

    // A use moves its time, never back, and does not unsettle it.
    let seen = |seen_ms| OwnerEntry {
        seen_ms,
        ..OwnerEntry {
            is_stored: true,
            ..first.clone()
        }
    };
    for (at, expected) in [
        (NOW + 600_000, NOW + 600_000),
        (NOW + 300_000, NOW + 600_000),
    ] {
        block_on(index.seen("ada", seen(at))).unwrap();
        let list = list(index, "ada");
        let known = list.iter().find(|entry| entry.key == first.key).unwrap();
        assert_eq!((known.seen_ms, known.created_ms), (expected, NOW));
    }
    let unsettled = OwnerEntry {
        seen_ms: NOW + 900_000,
        ..first.clone()
    };
    block_on(index.seen("ada", unsettled)).unwrap();
    assert_eq!(is_stored(&first.key), Some(true));

    // Off the list.
    assert!(block_on(index.remove("ada", &first.key)).unwrap());
    assert!(!block_on(index.remove("ada", &first.key)).unwrap());
    assert!(!block_on(index.remove("bob", &second.key)).unwrap());
    assert_eq!(list(index, "ada").len(), 2);
    // A session in use comes back on it.
    block_on(index.seen("ada", seen(NOW + 700_000))).unwrap();
    assert_eq!(list(index, "ada").len(), 3);
    for entry in list(index, "ada") {
        assert!(block_on(index.remove("ada", &entry.key)).unwrap());
    }
    assert!(list(index, "ada").is_empty());
    assert_eq!(admit(third.clone(), None, Some(1)), Admitted::Done);
    assert_eq!(list(index, "ada").len(), 1);

    let shown = format!("{:?}", block_on(index.list("ada")).unwrap());
    assert!(!shown.contains("ada") && shown.contains("StoreKey(…)"));
}

#[test]
fn both_indexes_keep_it() {
    let clock = ManualClock::new();
    keeps_the_contract(&LocalIndex::new());
    keeps_the_contract(&StoreIndex::new(embedded(&clock)));
    keeps_the_contract(&StoreIndex::new(Slow::new(embedded(&clock))));
    keeps_the_contract(&StoreIndex::new(embedded(&clock).erase()).secret(b"s"));
}

#[test]
fn an_index_waits_if_its_store_does() {
    let clock = ManualClock::new();
    assert!(StoreIndex::new(embedded(&clock)).is_immediate());
    assert!(!StoreIndex::new(Slow::new(embedded(&clock))).is_immediate());
}

#[test]
fn s07_the_store_does_not_show_the_owner() {
    let clock = ManualClock::new();
    let store = embedded(&clock);
    let owner = "ada@example.org";
    let mut keys = Vec::new();
    let index = || StoreIndex::new(store.clone());
    for index in [
        index(),
        index().namespace("admin"),
        index().secret(b"s"),
        index().namespace("ids").secret(b""),
        index().namespace("id").secret(b"s").keep_for(DAY),
    ] {
        let _ = block_on(index.admit(owner, entry(), None, None)).unwrap();
        let entries: Vec<_> = store.cache().iter().collect();
        for entry in &entries {
            let text = String::from_utf8(entry.key.to_vec()).unwrap();
            assert!(text.starts_with("owner:") && text.len() == 36, "{text}");
            for part in [owner, "ada", "example"] {
                assert!(!text.contains(part));
                let value = String::from_utf8_lossy(&entry.value).into_owned();
                assert!(!value.contains(part));
            }
        }
        keys = entries.into_iter().map(|entry| entry.key).collect();
        assert!(!format!("{index:?}").contains(owner));
    }
    // The last one is the third one again.
    assert_eq!(keys.len(), 4);
}

#[test]
fn a_list_ends_with_the_last_of_its_sessions() {
    let clock = ManualClock::new();
    let store = embedded(&clock);
    let index = StoreIndex::new(store.clone()).keep_for(14 * DAY);
    let session = entry();
    let _ = block_on(index.admit("ada", session.clone(), None, None)).unwrap();
    for day in 1..30 {
        clock.advance(DAY);
        let seen_ms = NOW + day * 86_400_000;
        block_on(index.seen(
            "ada",
            OwnerEntry {
                seen_ms,
                ..session.clone()
            },
        ))
        .unwrap();
    }
    clock.advance(14 * DAY - MINUTE);
    assert_eq!(list(&index, "ada").len(), 1);
    clock.advance(MINUTE);
    assert!(list(&index, "ada").is_empty());
    assert!(store.cache().iter().next().is_none());
    // An empty list is not kept either.
    let _ = block_on(index.admit("ada", session.clone(), None, None)).unwrap();
    block_on(index.remove("ada", &session.key)).unwrap();
    clock.advance(MINUTE);
    assert!(store.cache().iter().next().is_none());
}

#[test]
fn uses_within_a_minute_cost_nothing() {
    let clock = ManualClock::new();
    let store = Slow::new(embedded(&clock));
    let index = StoreIndex::new(store.clone());
    let session = OwnerEntry {
        is_stored: true,
        ..entry()
    };
    let _ = block_on(index.admit("ada", session.clone(), None, None)).unwrap();
    let calls = || store.calls.load(std::sync::atomic::Ordering::Relaxed);
    let seen = |after_ms: u64| {
        let seen_ms = NOW + after_ms;
        block_on(index.seen(
            "ada",
            OwnerEntry {
                seen_ms,
                ..session.clone()
            },
        ))
        .unwrap();
    };
    seen(60_000);
    let before = calls();
    (0..1_000).for_each(|number| seen(60_000 + number * 59));
    assert_eq!(calls(), before);
    seen(120_000);
    assert_eq!(calls(), before + 2);
    assert_eq!(list(&index, "ada")[0].seen_ms, NOW + 120_000);
}

#[test]
fn dead_sessions_leave_a_list_that_nobody_looks_at() {
    let clock = ManualClock::new();
    let store = embedded(&clock);
    let index = StoreIndex::new(store.clone());
    let mut most = 0;
    for number in 0..2_000_u64 {
        let session = OwnerEntry {
            created_ms: NOW + number * 60_000,
            seen_ms: NOW + number * 60_000,
            is_stored: true,
            ..entry()
        };
        let admitted = block_on(index.admit("ada", session.clone(), None, None)).unwrap();
        assert_eq!(admitted, Admitted::Done);
        let key = session.key.as_ref();
        block_on(store.put(key, "v".into(), Terms::ttl(30 * MINUTE))).unwrap();
        clock.advance(MINUTE);
        most = most.max(list(&index, "ada").len());
    }
    // Thirty live at any time, and one of each two that are looked up is dead when as many are.
    assert!(most <= 4 * 30, "{most}");
}

#[test]
fn a_list_is_bounded() {
    let clock = ManualClock::new();
    let store = embedded(&clock);
    let index = StoreIndex::new(store.clone());
    for number in 0..1_001 {
        let session = OwnerEntry {
            is_stored: true,
            ..entry()
        };
        let key = session.key.as_ref();
        block_on(store.put(key, "v".into(), Terms::ttl(DAY))).unwrap();
        let admitted = block_on(index.admit("ada", session.clone(), None, None)).unwrap();
        let expected = match number {
            1_000 => Admitted::Full,
            _ => Admitted::Done,
        };
        assert_eq!(admitted, expected, "{number}");
        // A session in use is served all the same.
        block_on(index.seen("ada", session)).unwrap();
    }
    let listed = list(&index, "ada");
    assert_eq!(listed.len(), 1_000);
    // When some die there is room again.
    for entry in &listed[..500] {
        block_on(store.remove(entry.key.as_ref())).unwrap();
    }
    for _ in 0..20 {
        let admitted = block_on(index.admit("ada", entry(), None, None)).unwrap();
        assert_eq!(admitted, Admitted::Done);
    }
}

#[test]
fn a_foreign_record_in_the_place_of_a_list_is_none_and_a_newer_one_stays() {
    let clock = ManualClock::new();
    let store = embedded(&clock);
    let index = StoreIndex::new(store.clone());
    let _ = block_on(index.admit("ada", entry(), None, None)).unwrap();
    let key = store.cache().iter().next().unwrap().key;
    let terms = Terms::ttl(DAY);
    block_on(store.put(&key, "\u{0}garbage".into(), terms)).unwrap();
    assert!(list(&index, "ada").is_empty());
    let _ = block_on(index.admit("ada", entry(), None, None)).unwrap();
    assert_eq!(list(&index, "ada").len(), 1);
    block_on(store.put(&key, "\u{2}newer".into(), terms)).unwrap();
    for error in [
        block_on(index.list("ada")).err(),
        block_on(index.admit("ada", entry(), None, None)).err(),
        block_on(index.seen("ada", entry())).err(),
    ] {
        assert_eq!(error.unwrap().kind(), ErrorKind::UnsupportedVersion);
    }
    assert_eq!(
        block_on(store.load(&key)).unwrap().unwrap().value,
        "\u{2}newer"
    );
}
