//! Random operations against naive models, every run ending with a recount of the cache; random cookies
//! against what a browser reads.
//!
//! `PROPTEST_CASES` says how many cases each property gets (default 256). Failures are written to
//! `regressions/` and replayed first from then on.

mod cookie;
mod exact;
mod limits;
mod model;
mod ops;
mod record;
mod shard;
mod snapshot;
mod subject;
mod wheel;

use std::fmt::Debug;

use proptest::test_runner::{Config, FileFailurePersistence, TestError};

/// The configuration of every property.
fn config() -> Config {
    Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "regressions/proptests.txt",
        ))),
        ..Config::default()
    }
}

/// Demands that a property which holds `bug` has failed, and for a reason that `words` name: one
/// that fails otherwise proves as little as one that passes.
fn found<T: Debug>(bug: impl Debug, words: &[&str], result: Result<(), TestError<T>>) {
    match result {
        Err(TestError::Fail(why, _)) if words.iter().any(|words| why.message().contains(words)) => {
        }
        Err(failure) => panic!("{bug:?} was found for another reason: {failure}"),
        Ok(()) => panic!("{bug:?} was not found"),
    }
}

/// For planted bugs: nothing is written down, a few cases must do, and nobody reads the smallest.
fn config_of_plants() -> Config {
    Config {
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    }
}
