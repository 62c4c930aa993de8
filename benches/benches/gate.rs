//! The subjects of the exact gates in `.ci/gates`: heap bytes per entry and instructions per `get`.
//!
//! `gate heap` prints the heap bytes per entry beyond its id and value. `gate get N` reads N times
//! and prints nothing: run under callgrind with N and with 2N, the difference is the reads alone.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use sessile::{Cache, Terms};
use sessile_benches::heap::{self, Counting};

#[global_allocator]
static HEAP: Counting = Counting;

const HOUR: Duration = Duration::from_secs(3600);
const ID: usize = 22;
const VALUE: [u8; 200] = [7; 200];
/// How keys fall on several shards is chance and decides who has grown; on one, nothing is chance.
const HEAP_SHARDS: usize = 1;
/// Stated, since the default depends on the machine.
const READ_SHARDS: usize = 16;
const HEAP_ENTRIES: usize = 100_000;
/// Few enough that filling is a small part of what callgrind counts.
const READ_ENTRIES: usize = 10_000;

fn main() -> ExitCode {
    // Cargo's own arguments, such as `--bench`, say nothing here.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        [] | ["heap"] => heap_bytes_per_entry(),
        ["get", count] => count
            .parse()
            .map_err(|_| format!("read {count} times: not a number"))
            .and_then(read),
        _ => Err(format!(
            "no gate `{}`: `heap`, or `get` and a number of reads",
            words.join(" ")
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn ids(count: usize) -> Vec<[u8; ID]> {
    (0..count)
        .map(|n| {
            let id = format!("{n:022}").into_bytes();
            id.try_into().expect("22 digits hold any usize")
        })
        .collect()
}

fn filled(ids: &[[u8; ID]], shards: usize) -> Result<Cache, String> {
    let cache = Cache::builder()
        .unlimited_entries()
        .shards(shards)
        .build()
        .map_err(|error| error.to_string())?;
    for id in ids {
        cache
            .insert(id, VALUE.to_vec(), Terms::ttl(HOUR))
            .map_err(|error| error.to_string())?;
    }
    Ok(cache)
}

fn heap_bytes_per_entry() -> Result<(), String> {
    let ids = ids(HEAP_ENTRIES);
    heap::count(true);
    let cache = filled(&ids, HEAP_SHARDS)?;
    let live = heap::live();
    heap::count(false);
    if cache.len() != HEAP_ENTRIES {
        return Err(format!(
            "{} of {HEAP_ENTRIES} entries are held",
            cache.len()
        ));
    }
    let per_entry = live as f64 / HEAP_ENTRIES as f64;
    println!("{:.2}", per_entry - (ID + VALUE.len()) as f64);
    Ok(())
}

fn read(count: usize) -> Result<(), String> {
    let ids = ids(READ_ENTRIES);
    let cache = filled(&ids, READ_SHARDS)?;
    for id in ids.iter().cycle().take(count) {
        if black_box(cache.get(id)).is_none() {
            return Err("an entry that was inserted is not there".into());
        }
    }
    Ok(())
}
