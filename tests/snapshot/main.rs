//! Snapshots come back whole, or not at all.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod content;
mod damage;
mod durable;
mod files;
mod killed;
mod leftovers;
mod times;
#[path = "../servers/untested.rs"]
mod untested;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sessile::{Cache, ManualClock, Terms};

const SECOND: Duration = Duration::from_secs(1);

fn cache() -> Cache {
    Cache::builder().unlimited_entries().build().unwrap()
}

/// A cache whose calendar stands `seconds` after the beginning of a manual clock's.
fn cache_at(seconds: u64) -> (Cache, ManualClock) {
    let clock = ManualClock::new();
    clock.set_ms(seconds * 1000);
    let builder = Cache::builder().unlimited_entries().clock(clock.clone());
    (builder.build().unwrap(), clock)
}

fn bytes_of(cache: &Cache) -> Vec<u8> {
    let mut bytes = Vec::new();
    let snapshot = cache.snapshot(&mut bytes).unwrap();
    assert_eq!(snapshot.bytes, bytes.len() as u64);
    bytes
}

/// A folder of the test's own, removed when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessile-snapshot-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A little of everything, in 300 bytes.
fn small() -> Vec<u8> {
    let (cache, _) = cache_at(1);
    let sessions = cache.namespace("session:").unwrap();
    let terms = Terms::ttl(600 * SECOND).idle(60 * SECOND).protected();
    cache.insert(sessions.key(b"a"), "one", terms).unwrap();
    cache.insert("b", "", Terms::forever()).unwrap();
    cache.insert("c", "three", 60 * SECOND).unwrap();
    bytes_of(&cache)
}
