//! Writing and reading: files replaced whole, failures, no lock held meanwhile.

use std::fs;
use std::io::{self, Read, Write};

use sessile::{Cache, ErrorKind, Terms};

use super::{Folder, cache};

/// Uses the cache whenever it is asked for bytes or given some.
struct Busy<'a, T>(&'a Cache, T);

impl<T> Busy<'_, T> {
    fn use_cache(&self) {
        self.0.insert("busy", "v", Terms::forever()).unwrap();
        assert!(self.0.get("busy").is_some());
        assert!(!self.0.is_empty());
    }
}

impl<T: Write> Write for Busy<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.use_cache();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.use_cache();
        self.1.flush()
    }
}

impl<T: Read> Read for Busy<'_, T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.use_cache();
        self.1.read(into)
    }
}

#[test]
fn no_lock_is_held_during_input_and_output() {
    let cache = Cache::builder()
        .unlimited_entries()
        .shards(1)
        .build()
        .unwrap();
    for number in 0..5000_u32 {
        let key = number.to_le_bytes();
        cache.insert(&key, vec![7; 500], Terms::forever()).unwrap();
    }
    let mut bytes = Vec::new();
    let snapshot = cache.snapshot(Busy(&cache, &mut bytes)).unwrap();
    assert!(snapshot.entries >= 5000);
    cache.clear();
    cache.restore(Busy(&cache, &bytes[..])).unwrap();
    assert_eq!(cache.len(), 5001);
}

/// Fails after so many writes.
struct Failing(usize);

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            0 => Err(io::Error::other("injected")),
            _ => {
                self.0 -= 1;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write(&[]).map(drop)
    }
}

#[test]
fn a_failing_writer_is_an_error_with_its_cause() {
    let cache = cache();
    for number in 0..10_u8 {
        cache
            .insert(&[number], vec![7; 100_000], Terms::forever())
            .unwrap();
    }
    let mut writes = 0;
    while let Err(error) = cache.snapshot(Failing(writes)) {
        assert_eq!(error.kind(), ErrorKind::Io);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "injected");
        writes += 1;
    }
    // Header, four blocks, end, flush.
    assert_eq!(writes, 7);
}

#[test]
fn files_are_replaced_whole_and_belong_to_their_owner() {
    let folder = Folder::new();
    let path = folder.0.join("cache.snapshot");
    let cache = cache();
    cache.insert("id", "first", Terms::forever()).unwrap();
    fs::write(&path, b"something else").unwrap();
    cache.snapshot_to_file(&path).unwrap();
    cache.insert("id", "second", Terms::forever()).unwrap();
    let written = cache.snapshot_to_file(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), written.bytes);
    assert_eq!(folder.names(), ["cache.snapshot"]);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
    cache.clear();
    // Nothing to find is nothing wrong, and the file is there once more afterwards.
    assert_eq!(cache.restore_from_file(&path).unwrap().entries, 1);
    assert_eq!(cache.get("id").unwrap(), "second");
}

#[test]
fn impossible_paths_are_errors_and_leave_nothing() {
    let folder = Folder::new();
    let cache = cache();
    let missing = folder.0.join("missing").join("cache");
    assert_eq!(
        cache.snapshot_to_file(&missing).unwrap_err().kind(),
        ErrorKind::Io
    );
    assert_eq!(
        cache.restore_from_file(&missing).unwrap_err().kind(),
        ErrorKind::Io
    );
    // A folder cannot be replaced by a file.
    let occupied = folder.0.join("occupied");
    fs::create_dir_all(occupied.join("inside")).unwrap();
    assert_eq!(
        cache.snapshot_to_file(&occupied).unwrap_err().kind(),
        ErrorKind::Io
    );
    let kind = cache.restore_from_file(&occupied).unwrap_err().kind();
    assert_eq!(kind, ErrorKind::InvalidInput);
    let kind = cache
        .snapshot_to_file(folder.0.join(".."))
        .unwrap_err()
        .kind();
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert_eq!(folder.names(), ["occupied"]);
}
