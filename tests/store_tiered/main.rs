//! The embedded cache in front of a durable store.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod cancel;
mod contract;
mod failures;
mod flights;
mod freshness;
mod histories;
mod kit;
mod news;
mod races;
#[path = "../servers/row.rs"]
mod row;
mod speed;
#[path = "../logs/verbs.rs"]
mod verbs;
