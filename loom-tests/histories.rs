//! Per-key linearizability: random schedules of three threads, every history checked; and races of
//! sessions, with what must hold after each.
//!
//! `RUSTFLAGS="--cfg sessile_shuttle" cargo test -p sessile-loom-tests --release -- --nocapture` with
//! a target directory of its own. `SESSILE_HISTORIES` says how many (default 20,000).
#![cfg(sessile_shuttle)]

#[path = "histories/model.rs"]
mod model;
#[path = "histories/script.rs"]
mod script;
#[path = "histories/sessions.rs"]
mod sessions;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use script::{Plant, Setting};
use sessile::session::WhenReached;
use sessions::{Maker, Race};
use shuttle::Runner;
use shuttle::scheduler::RandomScheduler;

fn histories() -> usize {
    let stated = std::env::var("SESSILE_HISTORIES").ok();
    stated.map_or(20_000, |text| {
        text.parse().expect("SESSILE_HISTORIES is a number")
    })
}

/// Runs random schedules of the cache as it is; returns how many were checked.
fn check<const EVICTS: bool>(count: usize, setting: Setting) -> usize {
    let checked = Arc::new(AtomicUsize::new(0));
    check_counted::<EVICTS>(count, setting, Plant::Sound, &checked);
    checked.load(Ordering::Relaxed)
}

/// Runs random schedules until one fails, and counts those that did not.
fn check_counted<const EVICTS: bool>(
    count: usize,
    setting: Setting,
    plant: Plant,
    checked: &Arc<AtomicUsize>,
) {
    let mut config = shuttle::Config::new();
    // A slab's first chunk is built on the stack.
    config.stack_size = 256 * 1024;
    let counts = Arc::clone(checked);
    let runner = Runner::new(RandomScheduler::new(count), config);
    runner.run(move || {
        let history = script::record(setting, plant);
        assert!(model::is_linearizable::<EVICTS>(&history), "{history:#?}");
        counts.fetch_add(1, Ordering::Relaxed);
    });
}

#[test]
fn every_verb_is_linearizable_while_entries_end() {
    for shards in [1, 2] {
        let setting = Setting {
            shards,
            limit: None,
        };
        let checked = check::<false>(histories() / 2, setting);
        println!("{checked} histories with {shards} shards, none against the model");
    }
}

#[test]
fn every_verb_is_linearizable_while_entries_are_evicted() {
    for shards in [1, 2] {
        let setting = Setting {
            shards,
            limit: Some(1),
        };
        let checked = check::<true>(histories() / 4, setting);
        println!("{checked} histories with one place, {shards} shards, none against the model");
    }
    // As many places as keys: nothing may ever give way, whoever comes and goes.
    let setting = Setting {
        shards: 2,
        limit: Some(usize::from(script::KEYS)),
    };
    let checked = check::<false>(histories() / 2, setting);
    println!("{checked} histories with a place for each key, none against the model");
}

/// Demands that a history against the model turns up within 200,000; the rarest takes some thousand.
fn find<const EVICTS: bool>(setting: Setting, plant: Plant) {
    let tried = Arc::new(AtomicUsize::new(0));
    let found = catch_unwind(AssertUnwindSafe(|| {
        check_counted::<EVICTS>(200_000, setting, plant, &tried)
    }));
    let said = found.expect_err(&format!("{plant:?} was not found"));
    // The history is what was found; any other failure would prove nothing.
    let said = said.downcast_ref::<String>().map_or("", String::as_str);
    assert!(said.contains("Recorded {"), "{plant:?}: {said}");
    let sound = tried.load(Ordering::Relaxed);
    println!("{plant:?} was found after {sound} histories, evicting: {EVICTS}");
}

#[test]
fn planted_bugs_are_found() {
    let setting = Setting {
        shards: 1,
        limit: None,
    };
    for plant in [
        Plant::SwapsInTwoSteps,
        Plant::TakesInTwoSteps,
        Plant::TouchesInTwoSteps,
        Plant::EndsLate,
        Plant::EndsEarly,
        Plant::SweepsInTwoSteps,
    ] {
        find::<false>(setting, plant);
    }
}

#[test]
fn planted_bugs_are_found_among_evictions() {
    let setting = Setting {
        shards: 1,
        limit: Some(1),
    };
    // `EndsEarly` and `SweepsInTwoSteps` are not among them: there, anything may be missing.
    for plant in [
        Plant::SwapsInTwoSteps,
        Plant::TakesInTwoSteps,
        Plant::TouchesInTwoSteps,
        Plant::EndsLate,
        Plant::BringsBackTheEvicted,
        Plant::LosesOverwrites,
    ] {
        find::<true>(setting, plant);
    }
}

const RACES: [Race; 8] = [
    Race::CommitsAgainstDestroy,
    Race::Rotations,
    Race::Additions,
    Race::OwnerLimit(WhenReached::Refuse),
    Race::OwnerLimit(WhenReached::EndOldest),
    Race::EndAll,
    Race::Renewals,
    Race::RenewalsAgainstEndAll,
];

/// Runs random schedules of a race until one ends badly, and counts those that did not.
fn race(count: usize, race: Race, maker: Maker, ended_well: &Arc<AtomicUsize>) {
    let mut config = shuttle::Config::new();
    config.stack_size = 1024 * 1024;
    let ended_well = Arc::clone(ended_well);
    let runner = Runner::new(RandomScheduler::new(count), config);
    runner.run(move || {
        let ended = sessions::run(race, maker);
        assert!(ended.is_ok(), "{race:?} ended badly: {ended:?}");
        ended_well.fetch_add(1, Ordering::Relaxed);
    });
}

#[test]
fn s25_s27_s28_s30_no_race_of_sessions_ends_badly() {
    for kind in RACES {
        let ended_well = Arc::default();
        race(histories() / 10, kind, Maker::Ours, &ended_well);
        let ended_well = ended_well.load(Ordering::Relaxed);
        println!("{ended_well} races, none ended badly: {kind:?}");
    }
}

#[test]
fn planted_races_are_found() {
    for kind in RACES {
        let ended_well = Arc::default();
        let run = AssertUnwindSafe(|| race(20_000, kind, Maker::Planted, &ended_well));
        let said = catch_unwind(run).expect_err(&format!("{kind:?} was not found"));
        let said = said.downcast_ref::<String>().map_or("", String::as_str);
        assert!(said.contains("ended badly"), "{kind:?}: {said}");
        let ended_well = ended_well.load(Ordering::Relaxed);
        println!("planted {kind:?} was found after {ended_well} races");
    }
}
