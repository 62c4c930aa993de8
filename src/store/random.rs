//! Randomness of the operating system, for versions and for pauses.

#[cfg(feature = "__remote")]
use std::cell::RefCell;
use std::time::Duration;
#[cfg(feature = "__remote")]
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "__remote")]
use crate::cache::Version;
use crate::error::{Error, ErrorKind, Result};

/// Draws a version that no other write has: 62 bits of the operating system's randomness, so that it
/// fits every store's integers.
///
/// A version is no secret. It only has to differ from all others, so the system is asked for many at
/// once, thread by thread: one at a time took 1.5 us of a write's 15 (measured, 7 us for 64).
#[cfg(feature = "__remote")]
pub(crate) fn draw_version() -> Result<Version> {
    let drawn = DRAWN.with_borrow_mut(Drawn::next)?;
    // A process that was forked, or a machine that was copied, has the same ones in stock: the time
    // of the draw tells its versions from the other's.
    Ok(mix(drawn, nanos()))
}

/// The number of a version: 62 bits, and never 0.
#[cfg(feature = "__remote")]
fn mix(drawn: u64, nanos: u64) -> Version {
    Version::from_u64((drawn.wrapping_add(nanos << 3) >> 2) | 1)
}

#[cfg(feature = "__remote")]
fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // The lower 64 bits wrap in the year 2554; a clock before 1970 tells nothing apart.
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or_default()
    })
}

#[cfg(feature = "__remote")]
thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn::NONE) };
}

/// Random numbers in stock, each of which is handed out once.
#[cfg(feature = "__remote")]
struct Drawn {
    bytes: [u8; Self::STOCK * 8],
    left: usize,
}

#[cfg(feature = "__remote")]
impl Drawn {
    const STOCK: usize = 64;
    const NONE: Self = Self {
        bytes: [0; Self::STOCK * 8],
        left: 0,
    };

    fn next(&mut self) -> Result<u64> {
        if self.left == 0 {
            fill(&mut self.bytes)?;
            self.left = Self::STOCK;
        }
        self.left -= 1;
        let (numbers, _) = self.bytes.as_chunks();
        Ok(u64::from_le_bytes(numbers[self.left]))
    }
}

/// Draws a time from zero to `most`.
pub(crate) fn up_to(most: Duration) -> Result<Duration> {
    let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(Duration::from_micros(
        u64::from_le_bytes(bytes) % (most + 1),
    ))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(ErrorKind::Io, "draw random bytes from the operating system").with_source(error)
    })
}

#[cfg(all(test, feature = "__remote"))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_threads_draw_the_same_version_and_all_fit_62_bits() {
        const EACH: usize = 1000;
        let draw = || (0..EACH).map(|_| draw_version().unwrap().to_u64());
        let seen: HashSet<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| draw().collect::<Vec<_>>()))
                .collect();
            let drawn = threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap());
            drawn.collect()
        });
        assert_eq!(seen.len(), 4 * EACH);
        assert!(seen.iter().all(|&number| number != 0 && number < 1 << 62));
    }

    #[test]
    fn a_stock_that_two_processes_share_gives_different_versions() {
        for drawn in [0, 7, u64::MAX] {
            let at = |nanos| mix(drawn, nanos);
            assert_ne!(at(1_763_712_000_000_000_000), at(1_763_712_000_000_000_001));
        }
    }
}
