//! What is on the disk before a snapshot is said to be written: told by the system calls, in their order.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use sessile::Terms;

use super::untested::not_tested;
use super::{Folder, cache};

/// Names the folder that a process started by this test works in.
const TRACED: &str = "SESSILE_TEST_SNAPSHOT_TRACED";
/// Whether it makes the mistake of syncing nothing.
const FORGETFUL: &str = "SESSILE_TEST_SNAPSHOT_TRACED_FORGETFUL";
const TEST: &str = "durable::a_snapshot_and_its_name_are_synced_before_it_is_said_to_be_written";

/// The calls on files that write, name and sync, in their order: what is done, and to what.
fn calls(forgetful: bool) -> Option<Vec<String>> {
    let folder = Folder::new();
    let trace = folder.0.join("trace");
    let work = folder.0.join("work");
    fs::create_dir(&work).unwrap();
    // As the trace names it.
    let work = work.canonicalize().unwrap();
    let mut command = Command::new("strace");
    command
        // With the paths of descriptors. Not every machine has a plain rename.
        .args(["-f", "-y", "-s", "200", "-e"])
        .arg("trace=write,pwrite64,fsync,fdatasync,?rename,renameat,renameat2")
        .arg("-o")
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(TRACED, &work);
    if forgetful {
        command.env(FORGETFUL, "1");
    }
    match command.output() {
        Ok(output) if output.status.success() => {}
        failed => {
            not_tested("what a snapshot syncs when", &format!("strace: {failed:?}"));
            return None;
        }
    }
    let trace = fs::read_to_string(trace).unwrap();
    let calls = trace.lines().filter_map(|line| call(line, &work));
    Some(calls.collect())
}

/// What a line of the trace says that was done to the folder or to a file in it, or which step was told.
fn call(line: &str, work: &Path) -> Option<String> {
    let (name, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
    if name == "write"
        && let Some((_, step)) = rest.split_once("step ")
    {
        return Some(format!("[{}]", step.split('\\').next()?));
    }
    let (_, rest) = rest.split_once(work.to_str()?)?;
    let what = match rest {
        rest if rest.starts_with('>') => "folder",
        rest if rest.starts_with("/.cache.") => "new",
        _ => "old",
    };
    let name = match name {
        "renameat" | "renameat2" => "rename",
        name => name,
    };
    Some(format!("{name} {what}"))
}

fn work(place: &Path, forgetful: bool) {
    // In one piece, unlike what is formatted into an unbuffered stream.
    let step = |what: &str| {
        let line = format!("step {what}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    let path = place.join("cache");
    let cache = cache();
    cache.insert("id", "v", Terms::forever()).unwrap();
    let write = || {
        if forgetful {
            let new = place.join(".cache.new");
            cache.snapshot(fs::File::create(&new).unwrap()).unwrap();
            fs::rename(new, &path).unwrap();
        } else {
            cache.snapshot_to_file(&path).unwrap();
        }
    };
    step("first");
    write();
    step("again");
    write();
    step("end");
}

/// The calls between two steps, with writes one after the other as one.
fn between<'c>(calls: &'c [String], from: &str, to: &str) -> Vec<&'c str> {
    let at = |step: &str| calls.iter().position(|call| call == &format!("[{step}]"));
    let calls = &calls[at(from).unwrap() + 1..at(to).unwrap()];
    let mut calls: Vec<_> = calls.iter().map(String::as_str).collect();
    calls.dedup_by(|a, b| a == b && *a == "write new");
    calls
}

#[test]
fn a_snapshot_and_its_name_are_synced_before_it_is_said_to_be_written() {
    if let Some(place) = std::env::var_os(TRACED) {
        return work(Path::new(&place), std::env::var_os(FORGETFUL).is_some());
    }
    let (Some(synced), Some(not)) = (calls(false), calls(true)) else {
        return;
    };
    let whole = ["write new", "fsync new", "rename new", "fsync folder"];
    for (from, to) in [("first", "again"), ("again", "end")] {
        assert_eq!(between(&synced, from, to), whole);
        // Who forgets to sync is found.
        assert_eq!(between(&not, from, to), ["write new", "rename new"]);
    }
}
