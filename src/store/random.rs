//! Randomness of the operating system, for versions and for pauses.

use std::time::Duration;

#[cfg(feature = "__remote")]
use crate::cache::Version;
use crate::error::{Error, ErrorKind, Result};

/// Draws a version that no other write has: 62 bits of the operating system's randomness, so that it
/// fits every store's integers.
#[cfg(feature = "__remote")]
pub(crate) fn draw_version() -> Result<Version> {
    Ok(Version::from_u64((draw()? >> 2) | 1))
}

/// Draws a time from zero to `most`.
pub(crate) fn up_to(most: Duration) -> Result<Duration> {
    let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
    Ok(Duration::from_micros(draw()? % (most + 1)))
}

fn draw() -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Io, "draw random bytes from the operating system").with_source(error)
    })?;
    Ok(u64::from_le_bytes(bytes))
}
