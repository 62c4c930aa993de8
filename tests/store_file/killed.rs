//! A writer killed at any moment leaves the old record or the new one, and all that it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sessile::store::{FileStore, SessionStore, Terms};

use super::{Folder, files, now, records};

/// Names the directory that a process started by this test writes to until it is killed.
const VICTIM: &str = "SESSILE_TEST_FILE_KILLED";
const KEYS: u8 = 5;

/// How many writers are killed: ten, or `SESSILE_KILLS`.
fn kills() -> u64 {
    let stated = std::env::var("SESSILE_KILLS").ok();
    stated.map_or(10, |text| text.parse().expect("SESSILE_KILLS is a number"))
}

/// A value that cannot be a mixture of two: one number all over, several pages long.
fn value_of(generation: u64) -> Vec<u8> {
    generation.to_le_bytes().repeat(2_000)
}

fn generation_of(value: &[u8]) -> u64 {
    let generation = u64::from_le_bytes(value[..8].try_into().unwrap());
    assert_eq!(value, value_of(generation), "a mixture");
    generation
}

fn write_until_killed(place: &Path) -> ! {
    let store = FileStore::builder(place).open().unwrap();
    let long = Terms::ttl(Duration::from_secs(100_000));
    for round in 0_u64.. {
        let key = (round % u64::from(KEYS)).to_le_bytes();
        let generation = match now(store.load(&key)).unwrap() {
            Some(found) => generation_of(&found.value) + 1,
            None => 1,
        };
        let value = value_of(generation);
        match round % 3 {
            0 => drop(now(store.put(&key, value.into(), long)).unwrap()),
            1 => {
                let _ = now(store.remove(&key)).unwrap();
                let _ = now(store.create(&key, value.into(), long)).unwrap();
            }
            _ => {
                let terms = Terms::forever();
                let _ = now(store.replace(&key, value.into(), terms, None)).unwrap();
                let _ = now(store.touch(&key, Duration::from_secs(50_000))).unwrap();
            }
        }
        // Past the test harness, which would keep it.
        let line = format!("written {} {generation}\n", key[0]);
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
    unreachable!("more rounds than a number counts");
}

/// A process that is killed at the latest when it is dropped.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_killed_writer_leaves_the_old_record_or_the_new_one_and_all_it_acknowledged() {
    if let Some(place) = std::env::var_os(VICTIM) {
        write_until_killed(Path::new(&place));
    }
    let folder = Folder::new();
    let mut known = [0_u64; KEYS as usize];
    for kill in 0..kills() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let test =
            "killed::a_killed_writer_leaves_the_old_record_or_the_new_one_and_all_it_acknowledged";
        command
            .args(["--exact", test])
            .env(VICTIM, folder.path())
            .stdout(Stdio::piped());
        let mut victim = Victim(command.spawn().unwrap());
        let lines = BufReader::new(victim.0.stdout.take().unwrap()).lines();
        let mut told = lines.filter_map(|line| {
            let line = line.ok()?;
            let (key, generation) = line.strip_prefix("written ")?.split_once(' ')?;
            Some((key.parse::<usize>().ok()?, generation.parse::<u64>().ok()?))
        });
        let mut hear = |(key, generation): (usize, u64)| known[key] = generation;
        hear(told.next().expect("one record is written"));
        // Real time: what is interrupted is another process.
        std::thread::sleep(Duration::from_millis(5 + kill * 13 % 60));
        victim.0.kill().unwrap();
        told.by_ref().for_each(&mut hear);
        drop(victim);
        let store = FileStore::builder(folder.path()).open().unwrap();
        for (key, acknowledged) in (0_u64..).zip(&mut known) {
            let found = now(store.load(&key.to_le_bytes())).unwrap();
            let Some(found) = found else {
                // Killed between a removal and the creation after it, or never written.
                *acknowledged = 0;
                continue;
            };
            let generation = generation_of(&found.value);
            assert!(
                generation >= *acknowledged,
                "{generation} after {acknowledged}"
            );
            *acknowledged = generation;
        }
        let left = files(&folder.path()).len() - records(&folder.path()).len();
        assert!(
            left as u64 <= kill + 1,
            "more than one draft per killed writer"
        );
    }
}
