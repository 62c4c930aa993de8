//! The request flow, and the adapters that put it into a server.

pub mod config;
