//! Sessions against the embedded store, on a clock that moves only when told to.
//!
//! Tests whose names begin with an id (`dj04_`, `fl14_`, ...) re-create a scenario that a system
//! before this one tests; `SEEDS.md` lists them.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod ahead;
mod django;
mod indexes;
mod kit;
mod lifetimes;
mod messages;
mod nodes;
mod owners;
mod races;
mod renewal;
mod renewal_ends;
mod renewal_races;
mod slow;
