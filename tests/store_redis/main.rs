//! The store in Redis against real servers.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

#[path = "../servers/mod.rs"]
mod servers;

mod clocks;
mod cluster;
mod contract;
mod faults;
mod foreign;
mod invalidations;
mod kit;
mod listing;
mod network;
mod python;
mod refusals;
mod round_trips;
mod sentinel;
mod tls;
#[path = "../logs/verbs.rs"]
mod verbs;
