//! Damaged and left files: absent, told once, set aside, removed after a while; foreign content too.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use sessile::store::{Created, SessionStore, Terms};

use crate::verbs::hear::logged;

use super::{Folder, files, now, records};

fn age(path: &Path, by: Duration) {
    let file = File::options().read(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

#[test]
fn damaged_records_are_absent_told_once_and_set_aside() {
    let damages: [fn(&Path); 6] = [
        |file| fs::write(file, "").unwrap(),
        |file| fs::write(file, "1735689600 some other program's").unwrap(),
        |file| {
            let length = fs::metadata(file).unwrap().len();
            File::options()
                .write(true)
                .open(file)
                .unwrap()
                .set_len(length - 1)
                .unwrap();
        },
        |file| {
            let mut bytes = fs::read(file).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(file, bytes).unwrap();
        },
        |file| {
            let mut bytes = fs::read(file).unwrap();
            bytes.resize(80 << 20, 0);
            fs::write(file, bytes).unwrap();
        },
        |file| {
            // Whole, but of another key.
            let other = records(file.parent().unwrap().parent().unwrap());
            let other = other.iter().find(|other| *other != file).unwrap();
            fs::copy(other, file).unwrap();
        },
    ];
    for damage in damages {
        let folder = Folder::new();
        let store = folder.store();
        now(store.put(b"secret-key", "secret-value".into(), Terms::forever())).unwrap();
        let file = records(&folder.path()).remove(0);
        now(store.put(b"other", "other".into(), Terms::forever())).unwrap();
        damage(&file);
        let log = logged(|| {
            for _ in 0..3 {
                assert!(now(store.load(b"secret-key")).unwrap().is_none());
                assert!(!now(store.exists(b"secret-key")).unwrap());
                assert!(!now(store.touch(b"secret-key", Duration::from_secs(5))).unwrap());
            }
            assert!(!now(store.remove(b"secret-key")).unwrap());
        });
        assert_eq!(log.matches("WARN").count(), 1, "{log}");
        assert!(!log.contains("secret"), "{log}");
        assert!(
            !log.contains(file.file_stem().unwrap().to_str().unwrap()),
            "{log}"
        );
        assert!(file.with_extension("damaged").exists());
        let created = now(store.create(b"secret-key", "new".into(), Terms::forever())).unwrap();
        assert!(matches!(created, Created::Done(_)));
        assert_eq!(now(store.load(b"other")).unwrap().unwrap().value, "other");
    }
}

#[test]
fn a_record_of_a_later_version_is_absent_and_left_alone() {
    let folder = Folder::new();
    let store = folder.store();
    now(store.put(b"k", "v".into(), Terms::forever())).unwrap();
    let file = records(&folder.path()).remove(0);
    let mut later = fs::read(&file).unwrap();
    later[7] = 2;
    fs::write(&file, &later).unwrap();
    assert!(now(store.load(b"k")).unwrap().is_none());
    assert!(!now(store.purge_expired(10)).unwrap().more);
    assert_eq!(fs::read(&file).unwrap(), later);
}

#[test]
fn a_sweep_survives_damage_and_removes_it_after_a_day() {
    let folder = Folder::new();
    let store = folder.store();
    let second = Duration::from_secs(1);
    for n in 0..40_u32 {
        let terms = if n % 2 == 0 {
            Terms::ttl(second)
        } else {
            Terms::forever()
        };
        now(store.put(&n.to_le_bytes(), "v".into(), terms)).unwrap();
    }
    let all = records(&folder.path());
    for file in &all[..5] {
        fs::write(file, b"\xff\xfe broken").unwrap();
    }
    folder.clock.advance(second);
    let mut removed = 0;
    loop {
        let purged = now(store.purge_expired(3)).unwrap();
        assert!(purged.removed <= 3);
        removed += purged.removed;
        if !purged.more {
            break;
        }
    }
    let damaged: Vec<_> = all[..5]
        .iter()
        .map(|file| file.with_extension("damaged"))
        .collect();
    assert!(damaged.iter().all(|file| file.exists()));
    assert_eq!(removed + records(&folder.path()).len() + 5, 40);
    age(&damaged[0], Duration::from_secs(25 * 3600));
    age(&damaged[1], Duration::from_secs(23 * 3600));
    assert!(!now(store.purge_expired(100)).unwrap().more);
    assert!(!damaged[0].exists() && damaged[1].exists());
}

#[test]
fn a_sweep_gets_past_what_it_cannot_clear_away() {
    let folder = Folder::new();
    let store = folder.store();
    for n in 0..20_u32 {
        let terms = Terms::ttl(Duration::from_secs(1));
        now(store.put(&n.to_le_bytes(), "v".into(), terms)).unwrap();
    }
    let stuck = records(&folder.path()).remove(0);
    fs::write(&stuck, "damaged").unwrap();
    fs::create_dir(stuck.with_extension("damaged")).unwrap();
    folder.clock.advance(Duration::from_secs(1));
    let sweep = || now(store.purge_expired(100));
    assert!(sweep().is_err());
    assert_eq!(sweep().unwrap().removed, 19);
    assert_eq!(records(&folder.path()), [stuck]);
}

#[test]
fn drafts_of_killed_writers_are_removed_and_those_of_living_ones_are_not() {
    let folder = Folder::new();
    let store = folder.store();
    let bucket = folder.path().join("5a");
    fs::create_dir_all(&bucket).unwrap();
    let draft = |n: u32| bucket.join(format!("{n:032x}.writing"));
    for n in 0..4 {
        fs::write(draft(n), "half of a rec").unwrap();
    }
    // 0 is old, 1 is old and locked, 2 is young, 3 is no name of ours.
    let foreign = bucket.join("thesis.writing");
    fs::rename(draft(3), &foreign).unwrap();
    for file in [draft(0), draft(1), foreign.clone()] {
        age(&file, Duration::from_secs(3600));
    }
    let held = File::open(draft(1)).unwrap();
    held.lock().unwrap();
    assert!(!now(store.purge_expired(100)).unwrap().more);
    let left = [draft(0), draft(1), draft(2), foreign].map(|file| file.exists());
    assert_eq!(left, [false, true, true, true]);
    // For all: a process that a neighbour is starting just now may hold what was open here.
    held.unlock().unwrap();
    assert!(!now(store.purge_expired(100)).unwrap().more);
    assert!(!draft(1).exists());
}

#[test]
fn a_store_that_is_never_purged_does_not_grow_without_end() {
    let folder = Folder::new();
    let store = folder.builder().unlimited().open().unwrap();
    for n in 0..3_000_u32 {
        let terms = Terms::ttl(Duration::from_millis(100));
        let _ = now(store.create(&n.to_le_bytes(), "v".into(), terms)).unwrap();
        folder.clock.advance(Duration::from_millis(1));
    }
    let left = files(&folder.path()).len();
    assert!(left < 1_000, "{left} files for 100 living records");
}
