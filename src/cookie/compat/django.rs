//! Django: `signing`, sessions in cookies and in stores, and signed cookies.
//!
//! As in Python, the first key signs and the fallbacks verify (`SECRET_KEY`, then
//! `SECRET_KEY_FALLBACKS` in order).

mod base62;
mod cookie;
mod files;
mod object;
mod records;
mod session;
mod signer;

pub use cookie::SignedCookie;
pub use files::DjangoFiles;
pub use object::ObjectSigner;
pub use records::DjangoRecords;
pub use session::{CookieSession, StoredSession};
pub use signer::{Signer, TimestampSigner};
