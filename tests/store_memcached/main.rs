//! The memcached store against real servers.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

#[path = "../servers/mod.rs"]
mod servers;

mod bare;
mod cancel;
mod clocks;
#[cfg(feature = "http")]
mod configured;
mod contract;
mod faults;
mod hostile;
mod kit;
mod lifetimes;
mod python;
mod several;
mod transcript;
#[path = "../logs/verbs.rs"]
mod verbs;
