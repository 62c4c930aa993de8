//! Lifetimes as Redis counts them.

use std::time::Duration;

use crate::time::millis;

/// Lifetimes beyond this, some 140,000 years, are cut to it, so that no sum overflows.
const LIFETIME_MAX_MS: u64 = 1 << 52;

/// A record lives until its end, Redis up to and including the millisecond of it.
pub(super) fn lifetime_ms(time_to_live: Duration) -> u64 {
    millis(time_to_live)
        .saturating_sub(1)
        .clamp(1, LIFETIME_MAX_MS)
}
