//! What is on the disk before a write is acknowledged: told by the system calls, in their order.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sessile::store::{FileStore, SessionStore, Terms};

use super::untested::not_tested;
use super::{Folder, now};

const TRACED: &str = "SESSILE_TEST_FILE_TRACED";
const DURABLE: &str = "SESSILE_TEST_FILE_TRACED_DURABLE";
const TEST: &str = "durable::files_and_names_are_synced_before_a_write_is_acknowledged";

/// The calls that write, name, remove and sync, in their order, by their names.
fn calls(durable: bool) -> Option<Vec<String>> {
    let folder = Folder::new();
    let trace = folder.folder.path().join("trace");
    let traced = Command::new("strace")
        .args(["-f", "-s", "200", "-e"])
        .arg("trace=write,pwrite64,fsync,fdatasync,renameat,renameat2,unlinkat,mkdirat")
        .arg("-o")
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(TRACED, folder.path())
        .env(DURABLE, durable.to_string())
        .output();
    match traced {
        Ok(output) if output.status.success() => {}
        failed => {
            not_tested("what is synced when", &format!("strace: {failed:?}"));
            return None;
        }
    }
    let trace = std::fs::read_to_string(trace).unwrap();
    let call = |line: &str| {
        let call = line.split_whitespace().nth(1)?;
        let name = call.split('(').next()?;
        match name {
            // Of all that is written, the steps that the writer told.
            "write" => {
                let step = line.split("step ").nth(1)?;
                Some(format!("[{}]", step.split('\\').next()?))
            }
            "renameat2" => Some("renameat".to_owned()),
            name => Some(name.to_owned()),
        }
    };
    Some(trace.lines().filter_map(call).collect())
}

fn work(place: &Path, durable: bool) {
    // In one piece, unlike what is formatted into an unbuffered stream.
    let step = |what: &str| {
        let line = format!("step {what}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    let builder = FileStore::builder(place).unlimited().durable(durable);
    let store = builder.open().unwrap();
    let forever = Terms::forever();
    step("first");
    now(store.put(b"k", "v".into(), forever)).unwrap();
    step("replace");
    let _ = now(store.replace(b"k", "w".into(), forever, None)).unwrap();
    step("touch");
    now(store.touch(b"k", Duration::from_secs(60))).unwrap();
    step("remove");
    now(store.remove(b"k")).unwrap();
    step("end");
}

/// The calls between two steps.
fn between<'c>(calls: &'c [String], from: &str, to: &str) -> Vec<&'c str> {
    let at = |step: &str| calls.iter().position(|call| call == &format!("[{step}]"));
    let calls = &calls[at(from).unwrap() + 1..at(to).unwrap()];
    calls.iter().map(String::as_str).collect()
}

#[test]
fn files_and_names_are_synced_before_a_write_is_acknowledged() {
    if let Some(place) = std::env::var_os(TRACED) {
        return work(Path::new(&place), std::env::var(DURABLE).unwrap() == "true");
    }
    let (Some(durable), Some(not)) = (calls(true), calls(false)) else {
        return;
    };
    // The bucket, the file, the ledger's two writes, the name in the bucket.
    let first = [
        "mkdirat", "fsync", "fsync", "pwrite64", "pwrite64", "renameat", "fsync",
    ];
    assert_eq!(between(&durable, "first", "replace"), first);
    assert_eq!(
        between(&durable, "replace", "touch"),
        ["fsync", "renameat", "fsync"]
    );
    assert_eq!(
        between(&durable, "touch", "remove"),
        ["pwrite64", "fdatasync"]
    );
    let remove = ["pwrite64", "pwrite64", "unlinkat", "fsync"];
    assert_eq!(between(&durable, "remove", "end"), remove);
    assert!(!not.iter().any(|call| call.contains("sync")), "{not:?}");
}
