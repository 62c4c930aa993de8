//! `django.core.signing.Signer` and `TimestampSigner`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::base62;
use crate::cookie::compat::mac::{Keys, check_separator, rsplit};
use crate::cookie::compat::{Derivation, Digest, Refused};
use crate::error::{Error, Result};

/// How far in the future a text may have been signed unless set.
const SKEW: Duration = Duration::from_secs(60);

/// Signs texts as `django.core.signing.Signer` does: SHA-256 and `:` unless told otherwise.
///
/// ```
/// use sessile::cookie::compat::django::Signer;
///
/// let signer = Signer::new(["SECRET_KEY", "a fallback"], "my salt")?;
/// let signed = signer.sign("hello");
/// assert_eq!(signer.unsign(&signed)?, "hello");
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Signer {
    keys: Keys,
    separator: String,
}

impl Signer {
    /// Takes the keys, the one that signs first, and the salt. Django's default salt for signers is
    /// `django.core.signing.Signer` or `django.core.signing.TimestampSigner`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` without keys or with an empty one.
    pub fn new(
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        salt: impl AsRef<[u8]>,
    ) -> Result<Self> {
        Ok(Self {
            keys: Keys::new(
                keys,
                salt.as_ref(),
                Digest::Sha256,
                Derivation::DjangoConcat,
            )?,
            separator: ":".to_owned(),
        })
    }

    /// Sets the hash function: SHA-256. Before Django 3.1 it was SHA-1.
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.keys.set_digest(digest);
        self
    }

    /// Sets the hash function by Django's name for it: `sha1`, `sha256` or `sha512`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` for any other.
    pub fn algorithm(self, name: &str) -> Result<Self> {
        let digest = match name {
            "sha1" => Digest::Sha1,
            "sha256" => Digest::Sha256,
            "sha512" => Digest::Sha512,
            _ => {
                return Err(Error::config(format!(
                    "set algorithm {name:?}: it is unknown here; sha1, sha256 and sha512 are not"
                )));
            }
        };
        Ok(self.digest(digest))
    }

    /// Sets what stands between text and signature: `:`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if it is empty or consists of characters of base64.
    pub fn separator(mut self, separator: &str) -> Result<Self> {
        check_separator(separator)?;
        self.separator = separator.to_owned();
        Ok(self)
    }

    /// The same keys under another salt.
    #[must_use]
    pub fn with_salt(&self, salt: impl AsRef<[u8]>) -> Self {
        Self {
            keys: self.keys.with_salt(salt.as_ref()),
            separator: self.separator.clone(),
        }
    }

    /// The text with the first key's signature.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.keys.signature(text.as_bytes());
        format!("{text}{}{signature}", self.separator)
    }

    /// The text, if one of the keys signed it. The signature is compared in constant time.
    ///
    /// # Errors
    ///
    /// [`Refused::Malformed`] without a separator, [`Refused::Forged`] otherwise.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, Refused> {
        let (text, signature) = self.split(signed)?;
        if self.keys.made(signature.as_bytes(), text.as_bytes()) {
            Ok(text)
        } else {
            Err(Refused::Forged)
        }
    }

    fn split<'a>(&self, signed: &'a str) -> Result<(&'a str, &'a str), Refused> {
        let (text, _) =
            rsplit(signed.as_bytes(), self.separator.as_bytes()).ok_or(Refused::Malformed)?;
        // Cut around a separator, which is text, in a text.
        Ok((
            &signed[..text.len()],
            &signed[text.len() + self.separator.len()..],
        ))
    }
}

/// Signs texts together with the time, as `django.core.signing.TimestampSigner` does.
#[derive(Debug, Clone)]
pub struct TimestampSigner {
    signer: Signer,
    skew: Option<Duration>,
}

impl TimestampSigner {
    /// Adds times to what `signer` signs.
    #[must_use]
    pub const fn new(signer: Signer) -> Self {
        Self {
            signer,
            skew: Some(SKEW),
        }
    }

    /// Sets how far in the future a text may have been signed: 60 seconds. `None` takes any, as
    /// Django does.
    #[must_use]
    pub fn skew(self, skew: Option<Duration>) -> Self {
        Self { skew, ..self }
    }

    /// The same keys under another salt.
    #[must_use]
    pub fn with_salt(&self, salt: impl AsRef<[u8]>) -> Self {
        Self {
            signer: self.signer.with_salt(salt),
            skew: self.skew,
        }
    }

    /// The text with the time `now` and the first key's signature.
    #[must_use]
    pub fn sign(&self, text: &str, now: SystemTime) -> String {
        let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let timestamp = base62::encode(i64::try_from(now_s).unwrap_or(i64::MAX));
        let separator = &self.signer.separator;
        self.signer.sign(&format!("{text}{separator}{timestamp}"))
    }

    /// The text, if one of the keys signed it and it is not too old.
    ///
    /// Django compares ages with fractions: what was signed within the second before
    /// `now - max_age` may already have expired, up to a second earlier than by
    /// [`itsdangerous`](super::super::itsdangerous). Without `max_age` neither age nor future matters.
    ///
    /// # Errors
    ///
    /// As [`Signer::unsign`]; [`Refused::Malformed`] for what was signed without a time,
    /// [`Refused::Expired`] and [`Refused::Future`].
    pub fn unsign<'a>(
        &self,
        signed: &'a str,
        now: SystemTime,
        max_age: Option<Duration>,
    ) -> Result<&'a str, Refused> {
        let signed = self.signer.unsign(signed)?;
        let (text, timestamp) = self.signer.split(signed)?;
        let signed_s = base62::decode(timestamp.as_bytes()).ok_or(Refused::Malformed)?;
        let signed_at = match u64::try_from(signed_s) {
            Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after)),
            Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(signed_s.unsigned_abs())),
        };
        let signed_at = signed_at.ok_or(Refused::Malformed)?;
        if let Some(max_age) = max_age {
            match (now.duration_since(signed_at), self.skew) {
                (Ok(age), _) if age > max_age => return Err(Refused::Expired { signed_at }),
                (Err(ahead), Some(skew)) if ahead.duration() > skew => {
                    return Err(Refused::Future { signed_at });
                }
                _ => {}
            }
        }
        Ok(text)
    }
}
