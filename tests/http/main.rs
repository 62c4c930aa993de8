//! Requests through the layers, each test named after the seed's scenario where it has one.

mod client;
mod cookie_sessions;
mod flask;
mod flow;
mod rules;
