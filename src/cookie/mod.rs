//! Cookies: parsed, built, signed, encrypted, and kept together per request.

mod keyring;
mod secret;

pub use keyring::{KEY_BYTES_MIN, KEYS_MAX, Keyring, Opened, SKEW_MAX};
