//! Per-key linearizability: random schedules of three threads, every history checked.
//!
//! `RUSTFLAGS="--cfg sessile_shuttle" cargo test -p sessile-loom-tests --release -- --nocapture` with
//! a target directory of its own. `SESSILE_HISTORIES` says how many (default 20,000).
#![cfg(sessile_shuttle)]

#[path = "histories/model.rs"]
mod model;
#[path = "histories/script.rs"]
mod script;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use script::{Plant, Setting};
use shuttle::Runner;
use shuttle::scheduler::RandomScheduler;

fn histories() -> usize {
    let stated = std::env::var("SESSILE_HISTORIES").ok();
    stated.map_or(20_000, |text| {
        text.parse().expect("SESSILE_HISTORIES is a number")
    })
}

/// Runs random schedules until one fails; returns how many were checked.
fn check<const EVICTS: bool>(count: usize, setting: Setting, plant: Plant) -> usize {
    let mut config = shuttle::Config::new();
    // A slab's first chunk is built on the stack.
    config.stack_size = 256 * 1024;
    let checked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&checked);
    let runner = Runner::new(RandomScheduler::new(count), config);
    runner.run(move || {
        let history = script::record(setting, plant);
        assert!(model::is_linearizable::<EVICTS>(&history), "{history:#?}");
        counts.fetch_add(1, Ordering::Relaxed);
    });
    checked.load(Ordering::Relaxed)
}

#[test]
fn every_verb_is_linearizable_while_entries_end() {
    for shards in [1, 2] {
        let setting = Setting {
            shards,
            limit: None,
        };
        let checked = check::<false>(histories() / 2, setting, Plant::Sound);
        println!("{checked} histories with {shards} shards, none against the model");
    }
}

#[test]
fn every_verb_is_linearizable_while_entries_are_evicted() {
    for (shards, limit) in [(1, 1), (2, 2)] {
        let setting = Setting {
            shards,
            limit: Some(limit),
        };
        let checked = check::<true>(histories() / 2, setting, Plant::Sound);
        println!("{checked} histories at a threshold of {limit}, none against the model");
    }
}

#[test]
fn planted_bugs_are_found() {
    for plant in [
        Plant::SwapsInTwoSteps,
        Plant::TakesInTwoSteps,
        Plant::TouchesInTwoSteps,
    ] {
        let setting = Setting {
            shards: 1,
            limit: None,
        };
        let found = catch_unwind(AssertUnwindSafe(|| check::<false>(20_000, setting, plant)));
        assert!(found.is_err(), "{plant:?} was not found");
        println!("{plant:?} was found");
    }
}
