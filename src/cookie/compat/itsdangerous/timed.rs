//! `TimestampSigner`: a value, when it was signed, and a signature over both.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Signer;
use crate::cookie::compat::Refused;
use crate::cookie::compat::mac::rsplit;
use crate::error::Result;

/// The last second of the year 9999: Python has no later date.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Signs values together with the time, as `itsdangerous.TimestampSigner` does.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use sessile::cookie::compat::itsdangerous::{Signer, TimestampSigner};
///
/// let signer = TimestampSigner::new(Signer::new(["secret"], "salt")?);
/// let now = SystemTime::now();
/// let signed = signer.sign("value", now);
/// let minute = Duration::from_secs(60);
/// assert_eq!(signer.unsign(&signed, now, Some(minute)).unwrap().value, b"value");
/// assert!(signer.unsign(&signed, now + 2 * minute, Some(minute)).is_err());
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TimestampSigner {
    signer: Signer,
    skew_s: u64,
}

/// A genuine value and when it was signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The value.
    pub value: &'a [u8],
    /// When it was signed, to the second.
    pub signed_at: SystemTime,
}

impl std::fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signed")
            .field("signed_at", &self.signed_at)
            .finish_non_exhaustive()
    }
}

impl TimestampSigner {
    /// Adds times to what `signer` signs.
    #[must_use]
    pub const fn new(signer: Signer) -> Self {
        Self { signer, skew_s: 0 }
    }

    /// Sets how far in the future a value may have been signed, for machines whose clocks differ:
    /// 0, as in Python. Fractions of a second are dropped.
    #[must_use]
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew_s = skew.as_secs();
        self
    }

    /// The value with the time `now` and the newest key's signature.
    #[must_use]
    pub fn sign(&self, value: impl AsRef<[u8]>, now: SystemTime) -> Vec<u8> {
        let bytes = unix_s(now).to_be_bytes();
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let timestamp = URL_SAFE_NO_PAD.encode(&bytes[leading..]);
        let separator = self.signer.separator_bytes();
        self.signer
            .sign([value.as_ref(), separator, timestamp.as_bytes()].concat())
    }

    /// The value and its time, if one of the keys signed it and it is not too old.
    ///
    /// Ages are whole seconds as in Python, valid from 0 to `max_age` inclusive. Without `max_age`
    /// neither age nor future matters.
    ///
    /// # Errors
    ///
    /// As [`Signer::unsign`]; [`Refused::Malformed`] for what was signed without a time,
    /// [`Refused::Expired`] and [`Refused::Future`].
    pub fn unsign<'a, T: AsRef<[u8]> + ?Sized>(
        &self,
        signed: &'a T,
        now: SystemTime,
        max_age: Option<Duration>,
    ) -> Result<Signed<'a>, Refused> {
        let signed = self.signer.unsign(signed)?;
        let (value, timestamp) =
            rsplit(signed, self.signer.separator_bytes()).ok_or(Refused::Malformed)?;
        let signed_s = seconds(timestamp).ok_or(Refused::Malformed)?;
        let signed_at = UNIX_EPOCH + Duration::from_secs(signed_s);
        if let Some(max_age) = max_age {
            let now_s = unix_s(now);
            if signed_s > now_s.saturating_add(self.skew_s) {
                return Err(Refused::Future { signed_at });
            }
            if now_s.saturating_sub(signed_s) > max_age.as_secs() {
                return Err(Refused::Expired { signed_at });
            }
        }
        Ok(Signed { value, signed_at })
    }
}

/// Up to eight bytes, the highest first.
fn seconds(timestamp: &[u8]) -> Option<u64> {
    // Eleven characters hold eight bytes.
    if timestamp.len() > 11 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(timestamp).ok()?;
    let seconds = bytes
        .iter()
        .fold(0, |seconds: u64, &byte| seconds << 8 | u64::from(byte));
    (seconds <= SECONDS_MAX).then_some(seconds)
}

/// Whole seconds since the Unix epoch; before it, none.
pub(in super::super) fn unix_s(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
        .min(SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sg33_integers_go_to_bytes_and_back() {
        for (text, number) in [
            ("", Some(0)),
            ("wA", Some(192)),
            ("TgPVoQ", Some(1_308_874_145)),
        ] {
            assert_eq!(seconds(text.as_bytes()), number, "{text}");
        }
        // 2^64 - 1 is a number, but no date of Python's.
        assert_eq!(seconds(b"__________8"), None);
        assert_eq!(seconds(b"AAAAAAAAAAAAA"), None);
        assert_eq!(seconds(b"TgPVo!"), None);
    }
}
