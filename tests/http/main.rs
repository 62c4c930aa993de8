//! Requests through the layers, each test named after the seed's scenario where it has one.

mod client;
mod config;
mod cookie_sessions;
mod flask;
mod flow;
#[cfg(feature = "compat")]
mod ids;
mod jar;
mod renewal;
mod rules;
