//! Several processes on one directory: no increment is lost, one create wins, the threshold holds.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use sessile::store::{Created, FileStore, SessionStore, Terms};
use sessile::{ErrorKind, Replaced};

use super::{Folder, counted, now, records};

/// Tells a process started by these tests what to do, and where.
const TASK: &str = "SESSILE_TEST_FILE_TASK";
const PLACE: &str = "SESSILE_TEST_FILE_PLACE";
const NUMBER: &str = "SESSILE_TEST_FILE_NUMBER";

const PROCESSES: u32 = 4;
const COUNTERS: u32 = 3;
const INCREMENTS: u32 = 60;
const THRESHOLD: usize = 12;

/// A process that is ended at the latest when it is dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(test: &str, task: &str, place: &Path) -> Vec<Worker> {
    let start = |number: u32| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(TASK, task)
            .env(PLACE, place)
            .env(NUMBER, number.to_string())
            .spawn()
    };
    (0..PROCESSES)
        .map(|number| Worker(start(number).unwrap()))
        .collect()
}

fn all_succeed(workers: &mut [Worker]) {
    for worker in workers {
        assert!(worker.0.wait().unwrap().success());
    }
}

/// This process's number and store, if it was started for `task`.
fn started_for(task: &str) -> Option<(u32, FileStore)> {
    if std::env::var(TASK).ok()? != task {
        return None;
    }
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    let place = std::env::var_os(PLACE).unwrap();
    let builder = FileStore::builder(place)
        .durable(false)
        .lock_timeout(Duration::from_secs(60));
    let builder = match task {
        "count" | "race" => builder.unlimited(),
        _ => builder.threshold(THRESHOLD),
    };
    Some((number, builder.open().unwrap()))
}

fn number_in(value: &[u8]) -> u64 {
    u64::from_le_bytes(value.try_into().unwrap())
}

/// Adds one by compare and swap, as often as it takes.
fn increment(store: &FileStore, key: &[u8]) {
    loop {
        let Some(found) = now(store.load(key)).unwrap() else {
            let one = 1_u64.to_le_bytes().to_vec();
            match now(store.create(key, one.into(), Terms::forever())).unwrap() {
                Created::Done(_) => return,
                Created::Taken => continue,
            }
        };
        let more = (number_in(&found.value) + 1).to_le_bytes().to_vec();
        let expected = Some(found.version);
        match now(store.replace(key, more.into(), Terms::forever(), expected)).unwrap() {
            Replaced::Done(_) => return,
            Replaced::Conflict(_) => {}
            Replaced::Gone => panic!("nobody removes a counter"),
        }
    }
}

#[test]
fn no_increment_is_lost() {
    if let Some((_, store)) = started_for("count") {
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..INCREMENTS {
                        for counter in 0..COUNTERS {
                            increment(&store, &counter.to_le_bytes());
                        }
                    }
                });
            }
        });
        return;
    }
    let folder = Folder::new();
    let store = folder.builder().unlimited().open().unwrap();
    let mut workers = start("processes::no_increment_is_lost", "count", &folder.path());
    all_succeed(&mut workers);
    for counter in 0..COUNTERS {
        let found = now(store.load(&counter.to_le_bytes())).unwrap().unwrap();
        assert_eq!(
            number_in(&found.value),
            u64::from(PROCESSES * 2 * INCREMENTS)
        );
    }
    assert_eq!(super::files(&folder.path()).len(), 3, "no draft is left");
}

#[test]
fn of_many_creates_one_wins() {
    const KEYS: u32 = 100;
    if let Some((number, store)) = started_for("race") {
        let barrier = std::sync::Barrier::new(3);
        let race = || {
            let mut won = 0_u64;
            for key in 0..KEYS {
                barrier.wait();
                let created = now(store.create(&key.to_le_bytes(), "v".into(), Terms::forever()));
                won += u64::from(matches!(created.unwrap(), Created::Done(_)));
            }
            won
        };
        let won: u64 = std::thread::scope(|threads| {
            let racers = [(); 3].map(|()| threads.spawn(race));
            racers.map(|racer| racer.join().unwrap()).iter().sum()
        });
        let tally = Path::new(&std::env::var(PLACE).unwrap()).join(format!("won {number}"));
        std::fs::write(tally, won.to_le_bytes()).unwrap();
        return;
    }
    let folder = Folder::new();
    drop(folder.store());
    all_succeed(&mut start(
        "processes::of_many_creates_one_wins",
        "race",
        &folder.path(),
    ));
    let won: u64 = (0..PROCESSES)
        .map(|number| std::fs::read(folder.path().join(format!("won {number}"))).unwrap())
        .map(|tally| number_in(&tally))
        .sum();
    assert_eq!(won, u64::from(KEYS));
}

#[test]
fn the_threshold_holds_among_processes() {
    if let Some((number, store)) = started_for("create") {
        for n in 0..80_u32 {
            let key = format!("{} {n}", number % 2);
            let created = now(store.create(key.as_bytes(), "v".into(), Terms::forever()));
            assert!(created.is_ok(), "{created:?}");
            let there = counted(Path::new(&std::env::var(PLACE).unwrap()));
            assert!(there <= THRESHOLD, "{there} files");
        }
        return;
    }
    let folder = Folder::new();
    drop(folder.builder().threshold(THRESHOLD).open().unwrap());
    let test = "processes::the_threshold_holds_among_processes";
    all_succeed(&mut start(test, "create", &folder.path()));
    assert_eq!(records(&folder.path()).len(), THRESHOLD);
}

#[test]
fn a_writer_that_is_stopped_in_its_lock_holds_others_up_for_a_bounded_time() {
    let folder = Folder::new();
    let store = folder
        .builder()
        .lock_timeout(Duration::from_millis(50))
        .open()
        .unwrap();
    now(store.put(b"k", "v".into(), Terms::forever())).unwrap();
    let stopped = std::fs::File::open(folder.path()).unwrap();
    stopped.lock().unwrap();
    let create = now(store.create(b"new", "v".into(), Terms::forever()));
    assert_eq!(create.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(
        now(store.remove(b"k")).unwrap_err().kind(),
        ErrorKind::Timeout
    );
    // Reads take no lock, and changes of a record not this one.
    assert!(now(store.exists(b"k")).unwrap());
    let saved = now(store.replace(b"k", "w".into(), Terms::forever(), None)).unwrap();
    assert!(matches!(saved, Replaced::Done(_)));
    // For all: a process that a neighbour is starting just now may hold what was open here.
    stopped.unlock().unwrap();
    assert!(now(store.remove(b"k")).unwrap());
    assert_eq!(super::files(&folder.path()).len(), 0, "no draft is left");
}
