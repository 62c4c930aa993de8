//! The workloads, one kind per file.

mod churn;
mod growth;
mod insert;
mod look_aside;
mod traffic;

pub use churn::Churn;
pub use growth::{GrowthGet, GrowthInsert};
pub use insert::Insert;
pub use look_aside::LookAside;
pub use traffic::{Read, Traffic};

use bytes::Bytes;

/// Bytes in the value of a session.
pub const VALUE: usize = 200;

/// A value as a server would bring it: bytes that it has just encoded.
#[inline]
#[must_use]
pub fn value(length: usize) -> Bytes {
    Bytes::from(vec![0x5e; length])
}

/// The first and last eight bytes of a value as one number: what a client at
/// least looks at.
#[inline]
#[must_use]
pub fn ends(value: &[u8]) -> u64 {
    match (value.first_chunk(), value.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last),
        _ => value.len() as u64,
    }
}
