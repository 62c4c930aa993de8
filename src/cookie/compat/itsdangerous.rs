//! itsdangerous: values signed with or without a time, and objects as URL-safe signed text.
//!
//! As in Python, secrets are listed from the oldest to the newest: the newest signs and is tried
//! first.

mod serializer;
mod signer;
mod timed;

pub use serializer::{UrlSafeSerializer, UrlSafeTimedSerializer};
pub use signer::Signer;
pub use timed::{Signed, TimestampSigner};
