//! One file per session: the contract, who may read and replace files, thresholds, processes, faults.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod attack;
mod contract;
mod damage;
mod disk;
mod durable;
mod killed;
mod listing;
mod pace;
mod processes;
#[path = "../servers/row.rs"]
mod row;
mod settings;
mod threshold;
#[path = "../servers/untested.rs"]
mod untested;
#[path = "../logs/verbs.rs"]
mod verbs;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sessile::ManualClock;
use sessile::store::{FileStore, FileStoreBuilder};

/// Waits for a store that works on the calling thread, as this one does without a runtime.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("without a runtime the work is done in the first poll"),
    }
}

/// A store's directory that goes with it, and a clock.
struct Folder {
    folder: tempfile::TempDir,
    clock: ManualClock,
}

impl Folder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: ManualClock::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    fn builder(&self) -> FileStoreBuilder {
        FileStore::builder(self.path())
            .clock(self.clock.clone())
            .durable(false)
    }

    fn store(&self) -> FileStore {
        self.builder().open().unwrap()
    }
}

/// All files below a directory, except the ledger, in order.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false if entry.file_name() != "ledger" => found.push(entry.path()),
            false => {}
        }
    }
    found.sort();
    found
}

/// The files of records.
fn records(path: &Path) -> Vec<PathBuf> {
    let is_record = |file: &PathBuf| file.extension().is_some_and(|suffix| suffix == "session");
    files(path).into_iter().filter(is_record).collect()
}

/// How many records there are at one moment: under the lock that whoever creates or removes one takes.
fn counted(path: &Path) -> usize {
    let locked = std::fs::File::open(path).unwrap();
    locked.lock().unwrap();
    records(path).len()
}
