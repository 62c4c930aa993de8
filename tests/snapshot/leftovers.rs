//! What killed writers leave behind is removed by later ones, and nothing else is.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Folder, SECOND, cache};

/// The name of a temporary file, with a number as long as the real ones.
fn temporary(name: &str, number: u32) -> String {
    format!(".{name}.{number:032x}.tmp")
}

/// A file last written so long ago.
fn file(folder: &Folder, name: &str, age: Duration) -> PathBuf {
    let path = folder.0.join(name);
    let file = File::create(&path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
    path
}

fn write(folder: &Folder) {
    cache().snapshot_to_file(folder.0.join("cache")).unwrap();
}

#[test]
fn a_later_writer_removes_what_a_killed_one_left() {
    let folder = Folder::new();
    file(&folder, &temporary("cache", 1), 70 * SECOND);
    file(&folder, &temporary("cache", 2), 1000 * 3600 * SECOND);
    write(&folder);
    assert_eq!(folder.names(), ["cache"]);
}

#[test]
fn a_writer_that_fails_has_removed_them_too() {
    let folder = Folder::new();
    file(&folder, &temporary("cache", 1), 70 * SECOND);
    fs::create_dir_all(folder.0.join("cache").join("inside")).unwrap();
    let error = cache()
        .snapshot_to_file(folder.0.join("cache"))
        .unwrap_err();
    assert_eq!(error.kind(), sessile::ErrorKind::Io);
    assert_eq!(folder.names(), ["cache"]);
}

#[test]
fn a_young_one_stays_for_its_writer_may_live() {
    let folder = Folder::new();
    let name = temporary("cache", 1);
    let path = file(&folder, &name, 30 * SECOND);
    write(&folder);
    assert!(path.exists());
    // A clock that was set back says nothing about age.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + 3600 * SECOND)
        .unwrap();
    write(&folder);
    assert!(path.exists());
}

#[test]
fn one_whose_writer_lives_stays_however_old_it_is() {
    let folder = Folder::new();
    let path = file(&folder, &temporary("cache", 1), 1000 * SECOND);
    let writer = File::options().write(true).open(&path).unwrap();
    writer.try_lock().unwrap();
    write(&folder);
    assert!(path.exists());
    // Not merely dropped: a process that another test is starting just now holds what was open here, and
    // the lock with it, until it has become a program of its own.
    writer.unlock().unwrap();
    write(&folder);
    assert!(!path.exists());
}

#[test]
fn what_others_made_is_not_touched() {
    let folder = Folder::new();
    let number = format!("{:032x}", 7);
    let mut names = vec![
        "cache".to_owned(),
        temporary("cache2", 1),
        temporary("cach", 1),
        temporary("Cache", 1),
        temporary("cache.old", 1),
        temporary("", 1),
        format!("cache.{number}.tmp"),
        format!("..cache.{number}.tmp"),
        format!(".cache{number}.tmp"),
        format!(".cache.{number}"),
        format!(".cache.{number}.tmp.bak"),
        format!(".cache.{number}.TMP"),
        format!(".cache.0{number}.tmp"),
        format!(".cache.{}.tmp", &number[1..]),
        format!(".cache.{}A.tmp", &number[1..]),
        format!(".cache.{}g.tmp", &number[1..]),
        ".cache.tmp".to_owned(),
        ".cache..tmp".to_owned(),
    ];
    for name in &names[1..] {
        file(&folder, name, 1000 * SECOND);
    }
    // Of the right name, but no files.
    let inside = folder.0.join(temporary("cache", 1));
    fs::create_dir(&inside).unwrap();
    names.push(temporary("cache", 1));
    #[cfg(unix)]
    {
        let target = folder.0.join("target");
        file(&folder, "target", 1000 * SECOND);
        names.push("target".to_owned());
        std::os::unix::fs::symlink(&target, folder.0.join(temporary("cache", 2))).unwrap();
        names.push(temporary("cache", 2));
    }
    write(&folder);
    let mut left = folder.names();
    left.sort();
    names.sort();
    assert_eq!(left, names);
}

#[test]
fn one_writer_removes_sixteen_and_the_next_one_goes_on() {
    let folder = Folder::new();
    for number in 0..40 {
        file(&folder, &temporary("cache", number), 70 * SECOND);
    }
    let mut left = Vec::new();
    for _ in 0..4 {
        write(&folder);
        left.push(folder.names().len() - 1);
    }
    assert_eq!(left, [24, 8, 0, 0]);
}
