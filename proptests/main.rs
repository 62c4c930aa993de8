//! Random operations against naive models; every run ends with a recount of the cache.
//!
//! `PROPTEST_CASES` says how many cases each property gets (default 256). Failures are written to
//! `regressions/` and replayed first from then on.

mod exact;
mod limits;
mod model;
mod ops;
mod snapshot;
mod subject;
mod wheel;

use proptest::test_runner::{Config, FileFailurePersistence};

/// The configuration of every property.
fn config() -> Config {
    Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "regressions/proptests.txt",
        ))),
        ..Config::default()
    }
}

/// For planted bugs: nothing is written down, and a few cases must do.
fn config_of_plants() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}
