//! Settings that make no sense are refused when the store is opened.

use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{FileStore, SessionStore, Terms};

use super::{Folder, now};

#[test]
fn absurd_settings_are_refused() {
    let folder = Folder::new();
    let at = || folder.builder();
    for builder in [
        at().threshold(0),
        at().mode(0o666),
        at().mode(0o400),
        at().mode(0o4600),
        at().mode(0o700),
        at().lock_timeout(Duration::ZERO),
        at().lock_timeout(Duration::MAX),
    ] {
        let shown = format!("{builder:?}");
        let error = builder.open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{shown}");
    }
}

#[test]
fn opening_makes_what_is_missing_of_the_path() {
    let folder = Folder::new();
    let deep = folder.path().join("a").join("b");
    let store = FileStore::builder(&deep).open().unwrap();
    now(store.put(b"k", "v".into(), Terms::forever())).unwrap();
    let again = FileStore::builder(&deep).unlimited().open().unwrap();
    assert_eq!(now(again.load(b"k")).unwrap().unwrap().value, "v");
}

#[test]
fn deadlines_versions_and_touches_survive_the_process() {
    let folder = Folder::new();
    let minute = Duration::from_secs(60);
    let (short, long, version);
    {
        let store = folder.builder().durable(true).open().unwrap();
        short = now(store.put(b"short", "s".into(), Terms::ttl(minute))).unwrap();
        long = now(store.put(b"long", "l".into(), Terms::ttl(minute))).unwrap();
        version = now(store.put(b"forever", "f".into(), Terms::forever())).unwrap();
        assert!(now(store.touch(b"long", 3 * minute)).unwrap());
    }
    folder.clock.advance(minute);
    let store = folder.store();
    assert!(now(store.load(b"short")).unwrap().is_none());
    assert_ne!(short, long);
    assert_eq!(now(store.load(b"long")).unwrap().unwrap().version, long);
    assert_eq!(
        now(store.load(b"forever")).unwrap().unwrap().version,
        version
    );
    folder.clock.advance(2 * minute);
    assert!(now(store.load(b"long")).unwrap().is_none());
}

#[test]
fn an_emptied_directory_is_filled_again() {
    let folder = Folder::new();
    let store = folder.builder().threshold(2).open().unwrap();
    for key in [b"a", b"b"] {
        now(store.put(key, "v".into(), Terms::forever())).unwrap();
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).unwrap(),
            false => std::fs::remove_file(path).unwrap(),
        }
    }
    assert!(now(store.load(b"a")).unwrap().is_none());
    assert!(!now(store.remove(b"a")).unwrap());
    for key in [b"a", b"b", b"c"] {
        now(store.put(key, "v".into(), Terms::forever())).unwrap();
    }
    let left = [b"a", b"b", b"c"].map(|key| now(store.exists(key)).unwrap());
    assert_eq!(left, [false, true, true]);
}
