//! Listing: whoever lives throughout is seen, whatever others do.

use std::collections::BTreeMap;
use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{Cursor, SessionStore, Survey, Terms};

use super::{Folder, now};

#[test]
fn whoever_lives_throughout_is_listed_with_its_key_version_and_time_left() {
    let folder = Folder::new();
    let store = folder.builder().unlimited().open().unwrap();
    let terms = Terms::ttl(Duration::from_secs(60));
    let mut expected = BTreeMap::new();
    for n in 0..300_u32 {
        let key = n.to_be_bytes();
        now(store.put(&key, key.to_vec().into(), terms)).unwrap();
    }
    now(store.put(b"ended", "v".into(), Terms::ttl(Duration::from_secs(1)))).unwrap();
    folder.clock.advance(Duration::from_secs(10));
    for limit in [1, 7, 5000] {
        let (mut seen, mut after, mut turn) = (BTreeMap::new(), None, 0_u32);
        loop {
            let page = now(store.page(after, limit)).unwrap();
            assert!(page.records.len() <= limit.min(1000));
            for record in page.records {
                assert_ne!(record.key, "ended");
                seen.insert(record.key.to_vec(), record);
            }
            // Others come, go, are replaced and touched between the pages.
            let key = (turn % 300).to_be_bytes();
            let version = now(store.put(&key, key.to_vec().into(), terms)).unwrap();
            expected.insert(key.to_vec(), version);
            now(store.touch(&((turn + 150) % 300).to_be_bytes(), Duration::from_secs(60))).unwrap();
            now(store.put(
                format!("new {turn}").as_bytes(),
                "n".into(),
                Terms::forever(),
            ))
            .unwrap();
            now(store.remove(format!("new {}", turn.wrapping_sub(3)).as_bytes())).unwrap();
            turn += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for n in 0..300_u32 {
            let record = &seen[&n.to_be_bytes()[..]];
            assert_eq!(record.value, record.key);
            let left = record.left.unwrap();
            assert!(
                [50, 60].map(Duration::from_secs).contains(&left),
                "{left:?}"
            );
        }
        for n in 0..turn {
            now(store.remove(format!("new {n}").as_bytes())).unwrap();
        }
    }
    let all = now(store.page(None, 1000)).unwrap();
    assert_eq!((all.records.len(), all.next), (300, None));
    for record in &all.records {
        if let Some(version) = expected.get(&record.key[..]) {
            assert_eq!(record.version, *version);
        }
    }
}

#[test]
fn a_foreign_cursor_is_refused_and_an_empty_store_is_one_page() {
    let folder = Folder::new();
    let store = folder.store();
    let empty = now(store.page(None, 10)).unwrap();
    assert!(empty.records.is_empty() && empty.next.is_none());
    let error = now(store.page(Some(Cursor::new("x")), 10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let end = now(store.page(Some(Cursor::new(vec![255; 32])), 10)).unwrap();
    assert!(end.next.is_none());
}
