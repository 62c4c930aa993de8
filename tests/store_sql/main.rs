//! The store in a database: on SQLite, and on PostgreSQL and MariaDB servers where they are installed.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

#[path = "../servers/mod.rs"]
mod servers;

mod clock;
mod connecting;
mod contract;
mod disk;
mod faults;
mod forms;
mod pooler;
mod python;
mod read_only;
mod round_trips;
mod sqlite;
mod tls;
#[path = "../logs/verbs.rs"]
mod verbs;
