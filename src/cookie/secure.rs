//! A whole session in one cookie: nothing on the server, the end of its life inside the proof.

use std::fmt;

use bytes::Bytes;

use super::attributes::CookieConfig;
use super::keyring::{Keyring, SKEW_MAX};
use super::settings::Protection;
use crate::cache::Terms;
use crate::error::{Error, ErrorKind, Result};
use crate::time::millis;

const PURPOSE: &str = "sessile.session";
const FORMAT: u8 = 1;
/// A wall time in milliseconds, good until the year 10889.
const TIME_BYTES: usize = 6;
const HEADER_BYTES: usize = 1 + 2 * TIME_BYTES;

/// Keeps session records in the cookie itself.
///
/// Each text carries when it was made and when it ends, both proven, so that a browser that keeps it
/// longer, or somebody who copied it, gains nothing after its end. Before that end it can be played
/// back: a text handed out once is good until it expires, also after a logout or a later change, and
/// *there is no way to revoke one* but to drop the key, which ends all sessions. Keep lifetimes
/// short, or keep sessions in a store.
///
/// What does not verify, is expired, or comes from the future is no session; a sealed store never
/// reads a merely signed text, nor the other way round.
///
/// ```
/// use std::time::Duration;
/// use sessile::Terms;
/// use sessile::cookie::{CookieConfig, Keyring, Protection, SecureCookieStore};
///
/// let ring = Keyring::new(b"an example key of 32 bytes, not!")?;
/// let store = SecureCookieStore::new(ring, &CookieConfig::default(), Protection::Sealed);
/// let hour = Terms::ttl(Duration::from_secs(3600));
/// let text = store.encode(b"a record", &hour, 1_000)?;
/// let decoded = store.decode(&text, 2_000).expect("it is genuine and alive");
/// assert_eq!(decoded.record, b"a record"[..]);
/// assert_eq!(store.decode(&text, 3_601_000), None);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SecureCookieStore {
    keyring: Keyring,
    protection: Protection,
    name: String,
    max_bytes: usize,
}

/// A record that came in a cookie. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecureRecord {
    /// The record as it was encoded.
    pub record: Bytes,
    /// When it was encoded, in milliseconds since the Unix epoch.
    pub issued_ms: u64,
    /// From when on it is refused, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// Says whether a fallback key matched: encode it anew before that key is dropped.
    pub is_fallback: bool,
}

impl fmt::Debug for SecureRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureRecord")
            .field("record", &format_args!("… ({} bytes)", self.record.len()))
            .field("issued_ms", &self.issued_ms)
            .field("expires_ms", &self.expires_ms)
            .field("is_fallback", &self.is_fallback)
            .finish()
    }
}

impl SecureCookieStore {
    /// Makes a store for the cookie of `config`: texts are bound to its name and fit its size.
    #[must_use]
    pub fn new(keyring: Keyring, config: &CookieConfig, protection: Protection) -> Self {
        Self {
            keyring,
            protection,
            name: config.name().to_owned(),
            max_bytes: config.max_bytes(),
        }
    }

    /// Bytes that a record may have to fit the cookie.
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.max_record_bytes_as(&self.name)
    }

    fn max_record_bytes_as(&self, name: &str) -> usize {
        // A form, and either a nonce and a tag or a point and a signature.
        let (inside, outside) = match self.protection {
            Protection::Signed => (HEADER_BYTES, 1 + 44),
            Protection::Sealed => (HEADER_BYTES + 24 + 16, 1),
        };
        let chars = self.max_bytes.saturating_sub(name.len() + outside);
        (chars * 3 / 4).saturating_sub(inside)
    }

    /// Returns the cookie's value for `record`, good from `now_ms`, the wall time, until the
    /// earliest end that `terms` name, all counted from now: give what is left of a maximum age.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the terms name no end or a lifetime of zero: nobody could ever
    /// end such a session. [`ErrorKind::TooLarge`] if the record has more than
    /// [`SecureCookieStore::max_record_bytes`]. [`ErrorKind::Unavailable`] if it could not be sealed
    /// for lack of randomness.
    pub fn encode(&self, record: &[u8], terms: &Terms, now_ms: u64) -> Result<String> {
        self.encode_as(&self.name, record, terms, now_ms)
    }

    /// [`SecureCookieStore::encode`] for a cookie of another name.
    pub(crate) fn encode_as(
        &self,
        name: &str,
        record: &[u8],
        terms: &Terms,
        now_ms: u64,
    ) -> Result<String> {
        let lifetimes = [
            terms.time_to_live(),
            terms.idle_timeout(),
            terms.maximum_age(),
        ];
        let lifetime = lifetimes
            .into_iter()
            .flatten()
            .min()
            .filter(|lifetime| !lifetime.is_zero());
        let Some(lifetime) = lifetime else {
            return Err(Error::input(
                "keep a session in a cookie: its terms name no end, or one at once; name a time to \
                 live, an idle timeout or a maximum age above zero",
            ));
        };
        let max = self.max_record_bytes_as(name);
        if record.len() > max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "keep a session in cookie `{name}`: its record has {} bytes, {max} fit; put less \
                     into it or use a store",
                    record.len(),
                ),
            ));
        }
        let expires_ms = now_ms.saturating_add(millis(lifetime).max(1));
        let mut payload = Vec::with_capacity(HEADER_BYTES + record.len());
        payload.push(FORMAT);
        payload.extend_from_slice(&time(now_ms));
        payload.extend_from_slice(&time(expires_ms));
        payload.extend_from_slice(record);
        match self.protection {
            Protection::Signed => Ok(self.keyring.sign(PURPOSE, name, &payload)),
            Protection::Sealed => self.keyring.seal(PURPOSE, name, &payload),
        }
    }

    /// Returns the record of a cookie's value if it is genuine and alive at `now_ms`, the wall time.
    ///
    /// One made on a machine whose clock runs more than [`SKEW_MAX`] ahead is refused.
    #[must_use]
    pub fn decode(&self, text: &str, now_ms: u64) -> Option<SecureRecord> {
        self.decode_as(&self.name, text, now_ms)
    }

    /// [`SecureCookieStore::decode`] for a cookie of another name.
    pub(crate) fn decode_as(&self, name: &str, text: &str, now_ms: u64) -> Option<SecureRecord> {
        let opened = match self.protection {
            Protection::Signed => self.keyring.verify(PURPOSE, name, text)?,
            Protection::Sealed => self.keyring.open(PURPOSE, name, text)?,
        };
        let payload = Bytes::from(opened.payload);
        let (header, _) = payload.split_first_chunk::<HEADER_BYTES>()?;
        let [FORMAT, times @ ..] = header else {
            return None;
        };
        let (issued, expires) = times.split_at(TIME_BYTES);
        let read = |time: &[u8]| time.iter().fold(0, |ms, byte| (ms << 8) | u64::from(*byte));
        let (issued_ms, expires_ms) = (read(issued), read(expires));
        let is_future = issued_ms > now_ms.saturating_add(millis(SKEW_MAX));
        if is_future || now_ms >= expires_ms {
            return None;
        }
        Some(SecureRecord {
            record: payload.slice(HEADER_BYTES..),
            issued_ms,
            expires_ms,
            is_fallback: opened.is_fallback,
        })
    }
}

fn time(ms: u64) -> [u8; TIME_BYTES] {
    let [_, _, time @ ..] = ms.min((1 << 48) - 1).to_be_bytes();
    time
}
