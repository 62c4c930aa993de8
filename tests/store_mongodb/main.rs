//! The MongoDB store against a double of the server's: no real MongoDB was at hand.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod bare;
mod contract;
mod double;
mod faults;
mod forms;
mod kit;
mod listing;
mod polodb;
mod python;
mod round_trips;
#[path = "../servers/mod.rs"]
mod servers;
#[path = "../logs/verbs.rs"]
mod verbs;
