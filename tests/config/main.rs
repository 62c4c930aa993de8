//! The one configuration: what each setting means, where it comes from, and what is refused.
#![cfg(feature = "http")]

mod defaults;
mod doctor;
mod kit;
mod rules;
mod secrets;
mod sources;
mod stores;
mod values;
