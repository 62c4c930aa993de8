//! A writer killed at any moment leaves the old snapshot or the new one, never a torn one.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use sessile::{Cache, Terms};

use super::{Folder, cache};

/// Names the file that a process started by these tests writes until it is killed.
const VICTIM: &str = "SESSILE_TEST_KILLED_WRITER";
/// The last generation of entries that was written before it began.
const BEFORE: &str = "SESSILE_TEST_KILLED_WRITER_BEFORE";
/// Whether it makes the mistake of writing into the file itself.
const IN_PLACE: &str = "SESSILE_TEST_KILLED_WRITER_IN_PLACE";

const ENTRIES: u32 = 300;

/// How many writers are killed: ten, or `SESSILE_KILLS`.
fn kills() -> u32 {
    let stated = std::env::var("SESSILE_KILLS").ok();
    stated.map_or(10, |text| text.parse().expect("SESSILE_KILLS is a number"))
}

/// Fills a cache with one generation of entries after the other and says which one is in the file.
fn write_until_killed(path: &Path) -> ! {
    let before: u32 = std::env::var(BEFORE).unwrap().parse().unwrap();
    let in_place = std::env::var_os(IN_PLACE).is_some();
    let cache = cache();
    for generation in before + 1.. {
        let value = generation.to_le_bytes().repeat(750);
        for number in 0..ENTRIES {
            let key = number.to_le_bytes();
            cache.insert(&key, value.clone(), Terms::forever()).unwrap();
        }
        if in_place {
            cache.snapshot(File::create(path).unwrap()).unwrap();
        } else {
            cache.snapshot_to_file(path).unwrap();
        }
        // Past the test harness, which would keep it; fails as soon as nobody listens any more.
        let line = format!("written {generation}\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
    unreachable!("four thousand million generations");
}

/// A process that is killed at the latest when it is dropped.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a writer, kills it some time after its first snapshot, and returns the last generation
/// that it knew to be in the file.
fn kill_one(path: &Path, before: u32, in_place: bool, after: Duration) -> u32 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "killed::a_killed_writer_leaves_the_old_snapshot_or_the_new_one",
        ])
        .env(VICTIM, path)
        .env(BEFORE, before.to_string())
        .stdout(Stdio::piped());
    if in_place {
        command.env(IN_PLACE, "1");
    }
    let mut victim = Victim(command.spawn().unwrap());
    let lines = BufReader::new(victim.0.stdout.take().unwrap()).lines();
    let mut told = lines.filter_map(|line| line.ok()?.strip_prefix("written ")?.parse().ok());
    let first: u32 = told.next().expect("one snapshot is written");
    // Real time: what is interrupted is another process.
    std::thread::sleep(after);
    victim.0.kill().unwrap();
    told.last().unwrap_or(first)
}

/// The generation in the file, or what is wrong with it.
fn generation(path: &Path) -> Result<u32, String> {
    let cache: Cache = cache();
    let restored = cache.restore_from_file(path);
    let restored = restored.map_err(|error| error.to_string())?;
    if restored.entries != u64::from(ENTRIES) {
        return Err(format!("{restored:?}"));
    }
    let mut values = cache.iter().map(|entry| entry.value);
    let first = values.next().ok_or("nothing")?;
    if values.any(|value| value != first) {
        return Err("two generations in one file".to_owned());
    }
    Ok(u32::from_le_bytes(first[..4].try_into().unwrap()))
}

/// Spread over the time that a snapshot takes, a few milliseconds.
fn moment(turn: u32) -> Duration {
    Duration::from_micros(u64::from(turn) * 1_370 % 8_000)
}

#[test]
fn a_killed_writer_leaves_the_old_snapshot_or_the_new_one() {
    if let Some(path) = std::env::var_os(VICTIM) {
        write_until_killed(Path::new(&path));
    }
    let folder = Folder::new();
    let path = folder.0.join("cache");
    let mut before = 0;
    for turn in 0..kills() {
        let told = kill_one(&path, before, false, moment(turn));
        let found = generation(&path).unwrap();
        // What it was told is in the file stays there; the next one may be, if it was renamed.
        assert!(found == told || found == told + 1, "{told}, then {found}");
        before = found;
    }
    // One file each, too young to be removed by the next.
    let left = folder.names();
    let left: Vec<_> = left.iter().filter(|name| *name != "cache").collect();
    let interrupted = left.len();
    println!(
        "{interrupted} of {} writers were killed while they wrote",
        kills()
    );
    assert!(interrupted > 0);
    for name in left {
        let file = File::options().write(true).open(folder.0.join(name));
        let long_ago = SystemTime::now() - Duration::from_secs(600);
        file.unwrap().set_modified(long_ago).unwrap();
    }
    for _ in 0..=interrupted / 16 {
        cache().snapshot_to_file(&path).unwrap();
    }
    assert_eq!(folder.names(), ["cache"]);
}

#[test]
fn a_writer_that_writes_into_the_file_itself_is_found_torn() {
    let folder = Folder::new();
    let path = folder.0.join("cache");
    let is_torn = |turn| {
        kill_one(&path, 0, true, moment(turn));
        generation(&path).is_err()
    };
    let turn = (0..100).position(is_torn);
    println!("torn in turn {}", turn.expect("one of a hundred is torn"));
}
