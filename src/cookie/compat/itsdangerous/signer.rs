//! `Signer`: a value, a separator, a signature.

use crate::cookie::compat::mac::{Keys, check_separator, rsplit};
use crate::cookie::compat::{Derivation, Digest, Refused};
use crate::error::Result;

/// Signs values as `itsdangerous.Signer` does.
///
/// SHA-1, `django-concat` and `.` unless told otherwise. Without a secret that anybody can guess,
/// SHA-1 is no weakness within HMAC.
///
/// ```
/// use sessile::cookie::compat::itsdangerous::Signer;
///
/// let signer = Signer::new(["old secret", "new secret"], "my salt")?;
/// let signed = signer.sign("value");
/// assert_eq!(signer.unsign(&signed).unwrap(), b"value");
/// assert!(signer.unsign("value.forged").is_err());
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Signer {
    keys: Keys,
    separator: String,
}

impl Signer {
    /// Takes secrets from the oldest to the newest, and the salt that keeps uses apart. Python's
    /// default salt is `itsdangerous.Signer` for signers and `itsdangerous` for serializers.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` without secrets or with an empty one.
    pub fn new<K>(secrets: K, salt: impl AsRef<[u8]>) -> Result<Self>
    where
        K: IntoIterator<Item: AsRef<[u8]>, IntoIter: DoubleEndedIterator>,
    {
        let newest_first = secrets.into_iter().rev();
        let (digest, derivation) = (Digest::default(), Derivation::default());
        Ok(Self {
            keys: Keys::new(newest_first, salt.as_ref(), digest, derivation)?,
            separator: ".".to_owned(),
        })
    }

    /// Sets the hash function: SHA-1.
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.keys.set_digest(digest);
        self
    }

    /// Sets how keys come from secrets: `django-concat`.
    #[must_use]
    pub fn derivation(mut self, derivation: Derivation) -> Self {
        self.keys.set_derivation(derivation);
        self
    }

    /// Sets what stands between value and signature: `.`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if it is empty or consists of characters of base64.
    pub fn separator(mut self, separator: &str) -> Result<Self> {
        check_separator(separator)?;
        self.separator = separator.to_owned();
        Ok(self)
    }

    pub(super) fn separator_bytes(&self) -> &[u8] {
        self.separator.as_bytes()
    }

    /// The value with the newest key's signature.
    #[must_use]
    pub fn sign(&self, value: impl AsRef<[u8]>) -> Vec<u8> {
        let value = value.as_ref();
        let signature = self.keys.signature(value);
        [value, self.separator_bytes(), signature.as_bytes()].concat()
    }

    /// The value, if one of the keys signed it.
    ///
    /// The signature is compared in constant time. Python takes other spellings of it, too (stray
    /// characters, loose last bits); here only the one that it writes counts.
    ///
    /// # Errors
    ///
    /// [`Refused::Malformed`] without a separator, [`Refused::Forged`] otherwise.
    pub fn unsign<'a, T: AsRef<[u8]> + ?Sized>(&self, signed: &'a T) -> Result<&'a [u8], Refused> {
        let (value, signature) =
            rsplit(signed.as_ref(), self.separator_bytes()).ok_or(Refused::Malformed)?;
        if self.keys.made(signature, value) {
            Ok(value)
        } else {
            Err(Refused::Forged)
        }
    }
}
