//! Disks that are full or read-only, and processes that may open no more files: an error of the right
//! kind, the old record as it was, nothing left behind; and all works again when the trouble ends.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sessile::store::{FileStore, SessionStore, Terms};
use sessile::{ErrorKind, Replaced};

use super::untested::not_tested;
use super::{Folder, files, now};

/// A small file system in memory, gone with the test.
struct Small(tempfile::TempDir);

impl Small {
    /// Mounts one, or says loudly that it cannot and what is not tested then.
    fn mount(options: &str, untested: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            failed => {
                not_tested(untested, &format!("no tmpfs can be mounted: {failed:?}"));
                None
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("sessions")
    }

    fn remount(&self, options: &str) {
        let remounted = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.0.path())
            .status();
        assert!(remounted.unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn store_in(path: &Path) -> FileStore {
    FileStore::builder(path).open().unwrap()
}

#[test]
fn a_full_disk_loses_nothing_and_leaves_nothing() {
    let Some(small) = Small::mount("size=1m,mode=0700", "a full disk") else {
        return;
    };
    let store = store_in(&small.path());
    now(store.put(b"old", "old".into(), Terms::forever())).unwrap();
    let large = vec![7; 200_000];
    let mut kept = 0_u32;
    let error = loop {
        match now(store.put(&kept.to_le_bytes(), large.clone().into(), Terms::forever())) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(kept >= 2);
    let saved = now(store.replace(b"old", large.clone().into(), Terms::forever(), None));
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(now(store.load(b"old")).unwrap().unwrap().value, "old");
    let left = files(&small.path()).len();
    assert_eq!(left, usize::try_from(kept + 1).unwrap(), "no draft is left");
    for n in 0..kept {
        let found = now(store.load(&n.to_le_bytes())).unwrap().unwrap();
        assert_eq!(found.value, large);
    }
    // Touches and removals need no room; after a removal there is some.
    assert!(now(store.touch(b"old", Duration::from_secs(60))).unwrap());
    assert!(now(store.remove(&0_u32.to_le_bytes())).unwrap());
    let saved = now(store.replace(b"old", large.into(), Terms::forever(), None)).unwrap();
    assert!(matches!(saved, Replaced::Done(_)));
}

#[test]
fn a_read_only_disk_is_read() {
    let Some(small) = Small::mount("size=4m,mode=0700", "a read-only disk") else {
        return;
    };
    let store = store_in(&small.path());
    let second = Duration::from_secs(1);
    now(store.put(b"k", "v".into(), Terms::ttl(3600 * second))).unwrap();
    now(store.put(b"ended", "v".into(), Terms::ttl(Duration::from_millis(1)))).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    small.remount("ro");
    assert_eq!(now(store.load(b"k")).unwrap().unwrap().value, "v");
    assert!(now(store.load(b"ended")).unwrap().is_none());
    let failures = [
        now(store.put(b"k", "w".into(), Terms::forever())).unwrap_err(),
        now(store.replace(b"k", "w".into(), Terms::forever(), None)).unwrap_err(),
        now(store.create(b"new", "w".into(), Terms::forever())).unwrap_err(),
        now(store.touch(b"k", second)).unwrap_err(),
        now(store.remove(b"k")).unwrap_err(),
    ];
    for error in failures {
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("read-only"), "{error}");
    }
    small.remount("rw");
    assert!(now(store.remove(b"k")).unwrap());
}

#[test]
fn a_file_that_may_not_grow_and_files_that_may_not_be_opened_are_errors() {
    const LIMITED: &str = "SESSILE_TEST_FILE_LIMITED";
    let test = "disk::a_file_that_may_not_grow_and_files_that_may_not_be_opened_are_errors";
    if std::env::var_os(LIMITED).is_none() {
        // Limits are the whole process's. A file that would grow beyond them is a signal, unless it
        // is ignored. Its output goes through pipes: the limit holds for a log it would inherit too.
        let shell =
            "trap '' XFSZ; ulimit -f 64; ulimit -n 40; exec \"$0\" --exact \"$1\" --nocapture";
        let limited = Command::new("bash")
            .args(["-c", shell])
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env(LIMITED, "1")
            .output()
            .unwrap();
        assert!(limited.status.success(), "{limited:?}");
        return;
    }
    let folder = Folder::new();
    let store = folder.store();
    now(store.put(b"k", "v".into(), Terms::forever())).unwrap();
    let large = vec![0; 200_000];
    let error = now(store.put(b"k", large.into(), Terms::forever())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("larger"), "{error}");
    assert_eq!(files(&folder.path()).len(), 1, "no draft is left");
    let mut open = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        open.push(file);
    }
    let failures = [
        now(store.load(b"k")).unwrap_err(),
        now(store.put(b"k", "w".into(), Terms::forever())).unwrap_err(),
        now(store.purge_expired(10)).unwrap_err(),
    ];
    // One descriptor after the other is freed: somewhere in the middle of a write they run out.
    while open.pop().is_some() && now(store.put(b"k", "w".into(), Terms::forever())).is_err() {
        if open.len() < 30
            && let Ok(found) = now(store.load(b"k"))
        {
            assert!(["v", "w"].contains(&std::str::from_utf8(&found.unwrap().value).unwrap()));
        }
    }
    for error in failures {
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("too many files"), "{error}");
    }
    assert_eq!(now(store.load(b"k")).unwrap().unwrap().value, "w");
    assert_eq!(files(&folder.path()).len(), 1, "no draft is left");
}
