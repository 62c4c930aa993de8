//! Never more records than allowed: the expired leave first, then whoever was longest unused.

use std::time::Duration;

use sessile::store::{Created, FileStore, SessionStore, Terms};
use sessile::{ErrorKind, Replaced};

use super::{Folder, counted, now, records};

const SECOND: Duration = Duration::from_secs(1);

fn put(store: &FileStore, key: &str, terms: Terms) {
    now(store.put(key.as_bytes(), "v".into(), terms)).unwrap();
}

fn living(store: &FileStore, keys: &[&str]) -> String {
    let lives = |key: &&&str| now(store.exists(key.as_bytes())).unwrap();
    keys.iter().filter(lives).copied().collect()
}

#[test]
fn exactly_the_threshold_is_kept() {
    let folder = Folder::new();
    let store = folder.builder().threshold(7).open().unwrap();
    for n in 0..50_u32 {
        let created = now(store.create(&n.to_le_bytes(), "v".into(), Terms::forever())).unwrap();
        assert!(matches!(created, Created::Done(_)));
        let expected = usize::try_from(n + 1).unwrap().min(7);
        assert_eq!(records(&folder.path()).len(), expected, "after {n}");
    }
    for n in 43..50_u32 {
        assert!(now(store.exists(&n.to_le_bytes())).unwrap(), "{n}");
    }
}

#[test]
fn the_expired_leave_first_then_the_longest_unused_and_forever_is_no_first() {
    let folder = Folder::new();
    let store = folder.builder().threshold(4).open().unwrap();
    let keys = ["a", "b", "c", "d", "e", "f", "g"];
    put(&store, "a", Terms::forever());
    folder.clock.advance(SECOND);
    put(&store, "b", Terms::ttl(100 * SECOND));
    put(&store, "c", Terms::ttl(3 * SECOND));
    put(&store, "d", Terms::ttl(50 * SECOND));
    folder.clock.advance(3 * SECOND);
    // Ended, though used last but one.
    put(&store, "e", Terms::ttl(10 * SECOND));
    assert_eq!(living(&store, &keys), "abde");
    // Nobody ended: a lives for ever and was used longest ago, unless it is touched.
    assert!(now(store.touch(b"a", 100 * SECOND)).unwrap());
    put(&store, "f", Terms::forever());
    assert_eq!(living(&store, &keys), "adef");
    // A replace is use as well.
    let saved = now(store.replace(b"d", "w".into(), Terms::forever(), None)).unwrap();
    assert!(matches!(saved, Replaced::Done(_)));
    put(&store, "g", Terms::forever());
    assert_eq!(living(&store, &keys), "adfg");
}

#[test]
fn a_life_that_a_touch_shortened_ends_before_others_are_evicted() {
    let folder = Folder::new();
    let store = folder.builder().threshold(3).open().unwrap();
    let keys = ["a", "b", "c", "d"];
    for key in &keys[..3] {
        put(&store, key, Terms::forever());
        folder.clock.advance(SECOND);
    }
    assert!(now(store.touch(b"c", 2 * SECOND)).unwrap());
    folder.clock.advance(2 * SECOND);
    put(&store, "d", Terms::forever());
    assert_eq!(living(&store, &keys), "abd");
}

#[test]
fn an_overwrite_evicts_nobody() {
    let folder = Folder::new();
    let store = folder.builder().threshold(3).open().unwrap();
    for key in ["a", "b", "c"] {
        put(&store, key, Terms::forever());
    }
    for _ in 0..5 {
        put(&store, "b", Terms::forever());
        let saved = now(store.replace(b"a", "w".into(), Terms::forever(), None)).unwrap();
        assert!(matches!(saved, Replaced::Done(_)));
        let taken = now(store.create(b"c", "w".into(), Terms::forever())).unwrap();
        assert_eq!(taken, Created::Taken);
    }
    assert_eq!(living(&store, &["a", "b", "c"]), "abc");
}

#[test]
fn a_threshold_of_one_keeps_the_record_being_written() {
    let folder = Folder::new();
    let store = folder.builder().threshold(1).open().unwrap();
    for key in ["a", "b", "c", "b", "b"] {
        put(&store, key, Terms::forever());
        assert_eq!(living(&store, &["a", "b", "c"]), key);
    }
}

#[test]
fn create_takes_the_place_of_an_expired_record_and_reads_clear_it_away() {
    let folder = Folder::new();
    let store = folder.store();
    put(&store, "a", Terms::ttl(SECOND));
    put(&store, "b", Terms::ttl(SECOND));
    folder.clock.advance(SECOND);
    let created = now(store.create(b"a", "new".into(), Terms::forever())).unwrap();
    assert!(matches!(created, Created::Done(_)));
    assert_eq!(records(&folder.path()).len(), 2);
    assert!(now(store.load(b"b")).unwrap().is_none());
    assert_eq!(records(&folder.path()).len(), 1);
}

#[test]
fn a_lower_threshold_takes_effect_when_the_store_is_opened() {
    let folder = Folder::new();
    let store = folder.builder().unlimited().open().unwrap();
    let keys = ["a", "b", "c", "d", "e"];
    for key in keys {
        put(
            &store,
            key,
            if key == "d" {
                Terms::ttl(SECOND)
            } else {
                Terms::forever()
            },
        );
        folder.clock.advance(Duration::from_millis(10));
    }
    folder.clock.advance(SECOND);
    let store = folder.builder().threshold(2).open().unwrap();
    assert_eq!(records(&folder.path()).len(), 2);
    assert_eq!(living(&store, &keys), "ce");
}

#[test]
fn several_stores_of_one_directory_keep_one_threshold() {
    let folder = Folder::new();
    let stores: Vec<FileStore> = (0..3)
        .map(|_| folder.builder().threshold(10).open().unwrap())
        .collect();
    for n in 0..300_u32 {
        let store = &stores[usize::try_from(n % 3).unwrap()];
        let _ = now(store.create(&n.to_le_bytes(), "v".into(), Terms::forever())).unwrap();
        assert!(records(&folder.path()).len() <= 10, "after {n}");
        // What another removes makes room again, for all.
        if n % 7 == 0 {
            let other = &stores[usize::try_from((n + 1) % 3).unwrap()];
            assert!(now(other.remove(&n.to_le_bytes())).unwrap());
        }
    }
    // What one removes is room for the other, which then evicts nobody.
    let (one, other) = (&stores[0], &stores[1]);
    for key in ["u", "v", "w", "x", "y", "z", "0", "1", "2", "3"] {
        put(one, key, Terms::forever());
    }
    assert!(now(other.remove(b"w")).unwrap());
    put(one, "4", Terms::forever());
    let keys = ["u", "v", "w", "x", "y", "z", "0", "1", "2", "3", "4"];
    assert_eq!(living(other, &keys), "uvxyz01234");
    // Touched by one, spared by the other.
    while now(one.purge_expired(1000)).unwrap().more {}
    folder.clock.advance(SECOND);
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        put(one, key, Terms::forever());
        folder.clock.advance(SECOND);
    }
    assert!(now(other.touch(b"a", 1000 * SECOND)).unwrap());
    put(one, "k", Terms::forever());
    assert_eq!(living(one, &["a", "b", "c"]), "ac");
    assert_eq!(records(&folder.path()).len(), 10);
}

#[test]
fn threads_never_pass_the_threshold() {
    let folder = Folder::new();
    let store = folder.builder().threshold(20).open().unwrap();
    std::thread::scope(|threads| {
        for thread in 0..4_u32 {
            let store = &store;
            threads.spawn(move || {
                for n in 0..150_u32 {
                    let key = (thread * 1000 + n).to_le_bytes();
                    put_or_refused(store, &key);
                    if n % 5 == 0 {
                        now(store.remove(&key)).unwrap();
                    }
                }
            });
        }
        for _ in 0..50 {
            assert!(counted(&folder.path()) <= 20);
        }
    });
    assert!(records(&folder.path()).len() <= 20);
}

fn put_or_refused(store: &FileStore, key: &[u8]) {
    match now(store.create(key, "v".into(), Terms::forever())) {
        Ok(created) => assert!(matches!(created, Created::Done(_))),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout, "{error}"),
    }
}
