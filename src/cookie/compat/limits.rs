//! How much of a foreign payload is worked on.

use crate::error::{Error, ErrorKind, Result};

/// Deeper than this no limit can be set: reading and writing recurse.
const DEPTH_MAX: usize = 256;
/// What unpacks to less is no bomb, at whatever ratio.
const RATIO_FREE_BYTES: usize = 64 << 10;

/// Bounds what a signed text or a record may cost.
///
/// ```
/// use sessile::cookie::compat::Limits;
/// let mut limits = Limits::default();
/// limits.bytes = 16 << 10;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the text as it came, and of the payload once unpacked: 1 MiB.
    pub bytes: usize,
    /// How many times longer than packed an unpacked payload may be: 100. Counts from 64 KiB on.
    pub ratio: usize,
    /// Containers within containers: 64. More than 256 counts as 256.
    pub depth: usize,
    /// Values in one payload, those within containers included: 65,536.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            ratio: 100,
            depth: 64,
            values: 1 << 16,
        }
    }
}

impl Limits {
    pub(super) fn depth(&self) -> usize {
        self.depth.min(DEPTH_MAX)
    }

    /// How long the unpacked form of `packed` bytes may be.
    pub(super) fn unpacked_bytes(&self, packed: usize) -> usize {
        let by_ratio = packed.saturating_mul(self.ratio).max(RATIO_FREE_BYTES);
        self.bytes.min(by_ratio)
    }

    /// Fails when `bytes` to be written would not be read again.
    pub(super) fn check_written(&self, bytes: usize) -> Result<()> {
        if bytes <= self.bytes {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "write session: {bytes} bytes, and the limit is {}; store less or raise the limit",
                self.bytes
            ),
        ))
    }
}
