//! Cookies: parsed, built, signed, encrypted, and kept together per request.
//!
//! | to | see |
//! |---|---|
//! | read `Cookie` headers | [`cookies`], [`candidates`] |
//! | say how a cookie is sent | [`CookieConfig`] |
//! | read and change the cookies of a request | [`Jar`], [`JarSettings`] |
//! | sign and encrypt | [`Keyring`] |
//! | keep a whole session in its cookie | [`SecureCookieStore`] |
//!
//! Times are wall times in milliseconds since the Unix epoch and always an argument.

mod attributes;
mod check;
#[cfg(feature = "compat")]
pub mod compat;
mod jar;
mod keyring;
mod parse;
mod secret;
mod secure;
mod set_cookie;
mod settings;
mod signed;
mod text;

pub use attributes::{CookieBuilder, CookieConfig, MAX_AGE_MAX, SameSite};
pub use check::{ATTRIBUTE_BYTES_MAX, COOKIE_BYTES_MAX};
pub use jar::{CHANGES_MAX, Jar};
pub use keyring::{KEY_BYTES_MIN, KEYS_MAX, Keyring, Opened, SKEW_MAX};
pub use parse::{Candidates, Cookies, HEADER_BYTES_MAX, PAIRS_MAX, candidates, cookies};
pub use secure::{SecureCookieStore, SecureRecord};
pub use set_cookie::SetCookie;
pub use settings::{JarSettings, Protection};
pub use signed::SignedCookie;
pub use text::{octal_decode, percent_decode, percent_encode};
