//! Signed and sealed values: one key writes, any of a few reads, and nothing is decoded unproven.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use zeroize::{Zeroize as _, Zeroizing};

use super::secret::{MAC_BYTES, Scope, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::time::millis;

/// Bytes that a key must have at least; 32 random ones are recommended.
pub const KEY_BYTES_MIN: usize = 16;
/// Keys that a ring holds at most, the primary included: each is tried on a forged value.
pub const KEYS_MAX: usize = 16;
/// How far the clock of another machine may run ahead before its values are refused.
pub const SKEW_MAX: Duration = Duration::from_secs(60);

/// A signature in base64url.
const SIGNATURE_CHARS: usize = 43;
/// Seconds since 1970, 40 bits.
const TIME_BYTES: usize = 5;

/// The first character of a text says how to read it, and is covered by the proof.
const SIGNED: u8 = b'1';
const SIGNED_TIMED: u8 = b'2';
const SEALED: u8 = b'3';
const SEALED_TIMED: u8 = b'4';

/// Signs and seals values for cookies: one primary key, and fallbacks that still read.
///
/// - *Signed* values can be read by everybody who holds the cookie and changed by nobody: HMAC-SHA256
///   over the text, 43 base64url characters of it, checked in constant time before anything is
///   decoded. Deterministic, so equal values are equal texts.
/// - *Sealed* values can be neither read nor changed: XChaCha20-Poly1305 under a key of its own with
///   a random 192-bit nonce. What does not open is nothing; it is never tried as anything weaker.
///
/// Each text is bound to a *purpose* (what the application uses it for) and a *name* (the cookie's),
/// so that one moved to another place does not verify. The timed forms carry the second they were
/// made and are refused outside `0..=max_age`, with [`SKEW_MAX`] allowed for clocks that disagree.
///
/// To change keys, make the new one primary and the old one a fallback until the last value it
/// signed has run out. Fallbacks never sign; [`Opened::is_fallback`] tells whom to write anew.
///
/// Clones share the keys, which are derived from the given ones, never shown, and overwritten when
/// the last clone is dropped. Signing costs one or two short allocations, verifying one and a code for each key
/// that is tried.
///
/// ```
/// use sessile::cookie::Keyring;
///
/// let old = b"0123456789abcdef0123456789abcdef";
/// let new = b"fedcba9876543210fedcba9876543210";
/// let text = Keyring::new(old)?.sign("cart", "basket", b"3 apples");
///
/// let ring = Keyring::new(new)?.fallback(old)?;
/// let opened = ring.verify("cart", "basket", &text).expect("the old key still reads");
/// assert_eq!(opened.payload, b"3 apples");
/// assert!(opened.is_fallback);
/// assert_eq!(ring.verify("cart", "another name", &text), None);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    /// The primary first.
    keys: Vec<Arc<Secret>>,
}

/// What a genuine text held. `Debug` shows no payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The value as it was given to be signed or sealed.
    pub payload: Vec<u8>,
    /// Says whether a fallback key matched: write the value anew before that key is dropped.
    pub is_fallback: bool,
    /// When a timed text was made, in seconds since the Unix epoch; 0 for others.
    pub made_s: u64,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("payload", &format_args!("… ({} bytes)", self.payload.len()))
            .field("is_fallback", &self.is_fallback)
            .field("made_s", &self.made_s)
            .finish()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring(… {} fallbacks)", self.keys.len() - 1)
    }
}

impl Keyring {
    /// Makes a ring whose `primary` key signs, seals and reads.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the key has fewer than
    /// [`KEY_BYTES_MIN`] bytes.
    pub fn new(primary: impl AsRef<[u8]>) -> Result<Self> {
        let keys = vec![secret(primary.as_ref(), "primary")?];
        Ok(Self { keys })
    }

    /// Makes a ring with a random key that dies with the process: its values do not survive a
    /// restart and mean nothing to another process.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the operating system gives no randomness.
    pub fn random() -> Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        fill(&mut *key)?;
        Self::new(key.as_slice())
    }

    /// Adds a key that still reads, after those added before.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the key has fewer than
    /// [`KEY_BYTES_MIN`] bytes or the ring is full with [`KEYS_MAX`] keys.
    pub fn fallback(mut self, key: impl AsRef<[u8]>) -> Result<Self> {
        if self.keys.len() == KEYS_MAX {
            return Err(Error::config(format!(
                "add a fallback key: the ring has {KEYS_MAX} keys already; drop those whose values \
                 have run out"
            )));
        }
        self.keys.push(secret(key.as_ref(), "fallback")?);
        Ok(self)
    }

    /// Returns `payload` as signed text: cookie octets, 45 more than its base64url.
    #[must_use]
    pub fn sign(&self, purpose: &str, name: &str, payload: &[u8]) -> String {
        self.sign_text(Scope { purpose, name }, SIGNED, None, payload)
    }

    /// Returns the payload of a text made by [`Keyring::sign`] for this purpose and name, or `None`
    /// if it is anything else.
    #[must_use]
    pub fn verify(&self, purpose: &str, name: &str, text: &str) -> Option<Opened> {
        self.verify_text(Scope { purpose, name }, SIGNED, text)
    }

    /// Returns `payload` as signed text that tells when it was made; `now_ms` is the wall time.
    #[must_use]
    pub fn sign_timed(&self, purpose: &str, name: &str, payload: &[u8], now_ms: u64) -> String {
        self.sign_text(Scope { purpose, name }, SIGNED_TIMED, Some(now_ms), payload)
    }

    /// Returns the payload of a text made by [`Keyring::sign_timed`] for this purpose and name at
    /// most `max_age` ago, in whole seconds, or at any time before with `None`.
    ///
    /// One made in the future is refused beyond [`SKEW_MAX`]. One that is too old under the key that
    /// made it is not tried under another.
    #[must_use]
    pub fn verify_timed(
        &self,
        purpose: &str,
        name: &str,
        text: &str,
        max_age: Option<Duration>,
        now_ms: u64,
    ) -> Option<Opened> {
        let opened = self.verify_text(Scope { purpose, name }, SIGNED_TIMED, text)?;
        in_time(opened, max_age, now_ms)
    }

    /// Returns `payload` as sealed text: cookie octets, one more than the base64url of 40 more bytes.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the operating system gives no randomness:
    /// no nonce is better than a weak one.
    pub fn seal(&self, purpose: &str, name: &str, payload: &[u8]) -> Result<String> {
        self.seal_text(Scope { purpose, name }, SEALED, None, payload)
    }

    /// Returns the payload of a text made by [`Keyring::seal`] for this purpose and name, or `None`
    /// if it is anything else.
    #[must_use]
    pub fn open(&self, purpose: &str, name: &str, text: &str) -> Option<Opened> {
        self.open_text(Scope { purpose, name }, SEALED, text)
    }

    /// As [`Keyring::seal`], with the time it was made, sealed too; `now_ms` is the wall time.
    ///
    /// # Errors
    ///
    /// As [`Keyring::seal`].
    pub fn seal_timed(
        &self,
        purpose: &str,
        name: &str,
        payload: &[u8],
        now_ms: u64,
    ) -> Result<String> {
        self.seal_text(Scope { purpose, name }, SEALED_TIMED, Some(now_ms), payload)
    }

    /// As [`Keyring::open`] for a text made by [`Keyring::seal_timed`], with the limits of
    /// [`Keyring::verify_timed`].
    #[must_use]
    pub fn open_timed(
        &self,
        purpose: &str,
        name: &str,
        text: &str,
        max_age: Option<Duration>,
        now_ms: u64,
    ) -> Option<Opened> {
        let opened = self.open_text(Scope { purpose, name }, SEALED_TIMED, text)?;
        in_time(opened, max_age, now_ms)
    }

    fn primary(&self) -> &Secret {
        // Every constructor puts the primary there.
        &self.keys[0]
    }

    fn sign_text(&self, scope: Scope<'_>, form: u8, now_ms: Option<u64>, payload: &[u8]) -> String {
        let mut text = String::with_capacity(payload.len().div_ceil(3) * 4 + 64);
        text.push(char::from(form));
        match now_ms {
            None => BASE64.encode_string(payload, &mut text),
            Some(now_ms) => BASE64.encode_string([&time(now_ms)[..], payload].concat(), &mut text),
        }
        let mac = self.primary().mac(scope, text.as_bytes());
        text.push('.');
        BASE64.encode_string(mac, &mut text);
        text
    }

    fn verify_text(&self, scope: Scope<'_>, form: u8, text: &str) -> Option<Opened> {
        let text = text.as_bytes();
        if text.first() != Some(&form) {
            return None;
        }
        let (signed, signature) =
            text.split_at_checked(text.len().checked_sub(SIGNATURE_CHARS)?)?;
        let signed = signed.strip_suffix(b".")?;
        // Strict: one spelling for each signature. It is the sender's own, so nothing leaks.
        let mut mac = [0; MAC_BYTES + 1];
        if BASE64.decode_slice(signature, &mut mac) != Ok(MAC_BYTES) {
            return None;
        }
        let matches = |key: &Arc<Secret>| key.verify(scope, signed, &mac[..MAC_BYTES]);
        let matched = self.keys.iter().position(matches)?;
        let payload = BASE64.decode(&signed[1..]).ok()?;
        opened(payload, matched, form == SIGNED_TIMED)
    }

    fn seal_text(
        &self,
        scope: Scope<'_>,
        form: u8,
        now_ms: Option<u64>,
        payload: &[u8],
    ) -> Result<String> {
        let mut buffer = Zeroizing::new(Vec::with_capacity(
            Secret::NONCE_BYTES + TIME_BYTES + payload.len() + Secret::TAG_BYTES,
        ));
        buffer.resize(Secret::NONCE_BYTES, 0);
        fill(&mut buffer)?;
        if let Some(now_ms) = now_ms {
            buffer.extend_from_slice(&time(now_ms));
        }
        buffer.extend_from_slice(payload);
        self.primary().seal(scope, form, &mut buffer);
        let mut text = String::with_capacity(1 + buffer.len().div_ceil(3) * 4);
        text.push(char::from(form));
        BASE64.encode_string(&*buffer, &mut text);
        Ok(text)
    }

    fn open_text(&self, scope: Scope<'_>, form: u8, text: &str) -> Option<Opened> {
        let body = text.as_bytes().strip_prefix(&[form])?;
        let mut buffer = BASE64.decode(body).ok()?;
        let opens = |key: &Arc<Secret>| key.open(scope, form, &mut buffer);
        let matched = self.keys.iter().position(opens)?;
        opened(buffer, matched, form == SEALED_TIMED)
    }
}

fn secret(key: &[u8], role: &str) -> Result<Arc<Secret>> {
    if key.len() < KEY_BYTES_MIN {
        return Err(Error::config(format!(
            "make a keyring: the {role} key has {} bytes, at least {KEY_BYTES_MIN} are needed; 32 \
             random ones are right",
            key.len()
        )));
    }
    Ok(Arc::new(Secret::derive(key)))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("ask the operating system for randomness: {error}; nothing was made"),
        )
    })
}

/// The second of a wall time.
fn time(now_ms: u64) -> [u8; TIME_BYTES] {
    // 40 bits of seconds last for 34,000 years; later clocks stand still.
    let seconds = (now_ms / 1000).min((1 << 40) - 1);
    let [_, _, _, time @ ..] = seconds.to_be_bytes();
    time
}

fn opened(mut payload: Vec<u8>, matched: usize, is_timed: bool) -> Option<Opened> {
    let mut made_s = 0;
    if is_timed {
        let time = payload.first_chunk::<TIME_BYTES>()?;
        made_s = time
            .iter()
            .fold(0, |seconds, byte| (seconds << 8) | u64::from(*byte));
        payload.drain(..TIME_BYTES);
    }
    Some(Opened {
        payload,
        is_fallback: matched > 0,
        made_s,
    })
}

fn in_time(mut opened: Opened, max_age: Option<Duration>, now_ms: u64) -> Option<Opened> {
    let now_s = now_ms / 1000;
    let is_future = opened.made_s > now_s.saturating_add(SKEW_MAX.as_secs());
    let age_s = now_s.saturating_sub(opened.made_s);
    let is_past = max_age.is_some_and(|max_age| age_s > millis(max_age) / 1000);
    if is_future || is_past {
        opened.payload.zeroize();
        return None;
    }
    Some(opened)
}
