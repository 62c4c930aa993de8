//! Who may read, name and replace what is in the directory: modes, owners, links, hostile keys.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use sessile::ErrorKind;
use sessile::store::{FileStore, SessionStore, Terms};

use super::untested::not_tested;
use super::{Folder, files, now, records};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Runs one test of this binary alone, in a process of its own, with a variable set.
fn alone(test: &str, variable: &str) -> bool {
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, "1")
        .status();
    status.unwrap().success()
}

#[test]
fn modes_are_exact_whatever_the_mask() {
    const MASKED: &str = "SESSILE_TEST_FILE_MASKED";
    if std::env::var_os(MASKED).is_none() {
        // The mask is the whole process's.
        assert!(alone("attack::modes_are_exact_whatever_the_mask", MASKED));
        return;
    }
    for mask in [0o000, 0o077, 0o277] {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let folder = Folder::new();
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
        for (builder, expected) in [
            (folder.builder(), 0o600),
            (folder.builder().mode(0o640), 0o640),
        ] {
            let store = builder.open().unwrap();
            now(store.put(b"k", "v".into(), Terms::forever())).unwrap();
            let file = &records(&folder.path())[0];
            assert_eq!(mode(file), expected, "mask {mask:o}");
            assert_eq!(mode(file.parent().unwrap()), 0o700, "mask {mask:o}");
        }
        assert_eq!(mode(&folder.path()) & 0o077, 0, "mask {mask:o}");
    }
}

#[test]
fn a_directory_that_others_could_change_is_refused() {
    let refused = |path: &Path, word: &str| {
        let error = FileStore::builder(path).open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("open")).unwrap();
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o777)).unwrap();
    refused(&at("open"), "writable for others");
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o1777)).unwrap();
    refused(&at("open"), "writable for others");
    fs::create_dir(at("real")).unwrap();
    symlink(at("real"), at("link")).unwrap();
    refused(&at("link"), "link");
    symlink(at("nowhere"), at("dangling")).unwrap();
    refused(&at("dangling"), "link");
    fs::write(at("file"), "").unwrap();
    refused(&at("file"), "no directory");
    fs::create_dir(at("shared")).unwrap();
    fs::set_permissions(at("shared"), fs::Permissions::from_mode(0o777)).unwrap();
    refused(&at("shared").join("sessions"), "sticky");
    fs::set_permissions(at("shared"), fs::Permissions::from_mode(0o1777)).unwrap();
    FileStore::builder(at("shared").join("sessions"))
        .open()
        .unwrap();
    refused(Path::new(""), "no name");
    fs::create_dir(at("foreign")).unwrap();
    match chown(at("foreign"), Some(12_345), None) {
        Ok(()) => refused(&at("foreign"), "another user"),
        Err(error) => not_tested("a directory of another user", &error.to_string()),
    }
}

#[test]
fn hostile_keys_stay_inside() {
    let folder = Folder::new();
    let store = folder.store();
    let mut keys: Vec<Vec<u8>> = [
        "../../escape",
        "/etc/x",
        "..",
        ".",
        "a/b",
        "a\\b",
        "a\0b",
        "%2e%2e",
    ]
    .map(|key| key.as_bytes().to_vec())
    .into();
    keys.push("é\u{202e}/..".into());
    keys.push(vec![b'/'; 65_536]);
    keys.push(vec![0xff, 0xfe, b'/', 0]);
    // A walk through pseudo-random keys, many with separators.
    let mut state = 7_u64;
    for length in 1..100 {
        let mut key = Vec::new();
        for _ in 0..length {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            key.push(b"/.\\\0ab~"[usize::try_from(state >> 60).unwrap() % 7]);
        }
        keys.push(key);
    }
    keys.sort();
    keys.dedup();
    for key in &keys {
        now(store.put(key, key.clone().into(), Terms::forever())).unwrap();
    }
    for key in &keys {
        assert_eq!(now(store.load(key)).unwrap().unwrap().value, key);
    }
    assert_eq!(records(&folder.path()).len(), keys.len());
    let beside: Vec<_> = fs::read_dir(folder.folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    for file in files(&folder.path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let digits = name.strip_suffix(".session").unwrap();
        assert!(digits.len() == 62 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}

#[test]
fn planted_links_and_pipes_are_not_followed_nor_waited_for() {
    let folder = Folder::new();
    let store = folder.store();
    now(store.put(b"k", "mine".into(), Terms::forever())).unwrap();
    let file = records(&folder.path()).remove(0);
    let elsewhere = folder.folder.path().join("elsewhere");
    let plant = [
        &|| {
            fs::rename(&file, &elsewhere)
                .and_then(|()| symlink(&elsewhere, &file))
                .unwrap()
        },
        &|| symlink("/etc/passwd", &file).unwrap(),
        &|| fs::create_dir(&file).unwrap(),
        &|| {
            let made = std::process::Command::new("mkfifo").arg(&file).status();
            assert!(made.unwrap().success());
        },
    ] as [&dyn Fn(); 4];
    for plant in plant {
        plant();
        let planted = || fs::symlink_metadata(&file);
        assert!(planted().is_ok());
        assert!(now(store.load(b"k")).unwrap().is_none());
        assert!(planted().is_err(), "set aside");
        assert_eq!(now(store.remove(b"k")).ok(), Some(false));
        plant_gone(&file);
        now(store.put(b"k", "again".into(), Terms::forever())).unwrap();
        assert_eq!(now(store.load(b"k")).unwrap().unwrap().value, "again");
        fs::remove_file(&file).unwrap();
        if elsewhere.exists() {
            let content = fs::read(&elsewhere).unwrap();
            assert!(content.ends_with(b"mine"), "written through a link");
        }
    }
    assert!(fs::read("/etc/passwd").unwrap().starts_with(b"root"));
}

/// Removes what was set aside, so that the next plant can be.
fn plant_gone(file: &Path) {
    let aside = file.with_extension("damaged");
    let _ = fs::remove_dir(&aside);
    let _ = fs::remove_file(&aside);
}

#[test]
fn a_bucket_that_is_a_link_is_not_followed() {
    let folder = Folder::new();
    let store = folder.store();
    now(store.put(b"k", "v".into(), Terms::forever())).unwrap();
    let bucket = records(&folder.path())[0].parent().unwrap().to_owned();
    let elsewhere = folder.folder.path().join("elsewhere");
    fs::rename(&bucket, &elsewhere).unwrap();
    symlink(&elsewhere, &bucket).unwrap();
    assert_eq!(now(store.load(b"k")).unwrap_err().kind(), ErrorKind::Io);
    let written = now(store.put(b"k", "w".into(), Terms::forever()));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn nothing_shown_holds_a_key_a_value_or_a_path() {
    let folder = Folder::new();
    let store = folder.store();
    now(store.put(b"secret-key", "secret-value".into(), Terms::forever())).unwrap();
    let found = now(store.load(b"secret-key")).unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    let gone = now(store.put(b"secret-key", "secret-value".into(), Terms::forever()));
    let shown = format!("{store:?} {found:?} {:?}", gone.unwrap_err());
    assert!(!shown.contains("secret"), "{shown}");
    assert!(!shown.contains("session"), "{shown}");
}

#[test]
fn foreign_files_are_left_alone() {
    let folder = Folder::new();
    let store = folder.builder().threshold(3).open().unwrap();
    let bucket = folder.path().join("00");
    fs::create_dir_all(&bucket).unwrap();
    let foreign = [
        folder.path().join("README"),
        bucket.join("notes.txt"),
        bucket.join("short.session"),
        bucket.join("2029240f6d1128be89ddc32729463129"),
    ];
    for file in &foreign {
        fs::write(file, "not ours").unwrap();
    }
    for n in 0..20_u32 {
        now(store.put(&n.to_le_bytes(), "v".into(), Terms::forever())).unwrap();
    }
    while now(store.purge_expired(100)).unwrap().more {}
    for file in &foreign {
        assert_eq!(fs::read(file).unwrap(), b"not ours");
    }
    // And one that only ends like ours.
    assert_eq!(records(&folder.path()).len(), 3 + 1);
}
