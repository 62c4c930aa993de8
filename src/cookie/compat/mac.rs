//! Keys derived from secrets as Python's libraries do, and signatures by them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::core_api::BlockSizeUser;
use hmac::{Mac, SimpleHmac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The hash function within signatures and key derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-1: what itsdangerous, Flask, Flask-Session and Invenio use unless told otherwise.
    #[default]
    Sha1,
    /// SHA-256: Django's.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signing key comes from secret and salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Derivation {
    /// `concat`: the hash of salt and secret.
    Concat,
    /// `django-concat`: the hash of salt, `signer` and secret. The default of itsdangerous.
    #[default]
    DjangoConcat,
    /// `hmac`: the HMAC of the salt by the secret. Flask's.
    Hmac,
    /// `none`: the secret itself; the salt then keeps nothing apart.
    None,
}

pub(super) type Secret = Zeroizing<Vec<u8>>;

/// Secrets with the keys made of them; the first signs, and they are tried in order.
#[derive(Clone)]
pub(super) struct Keys {
    secrets: Vec<Secret>,
    salt: Vec<u8>,
    digest: Digest,
    derivation: Derivation,
    derived: Vec<Secret>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("secrets", &self.secrets.len())
            .field("digest", &self.digest)
            .field("derivation", &self.derivation)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes secrets in the order of trial.
    pub(super) fn new(
        secrets: impl IntoIterator<Item = impl AsRef<[u8]>>,
        salt: &[u8],
        digest: Digest,
        derivation: Derivation,
    ) -> Result<Self> {
        let secrets: Vec<Secret> = secrets
            .into_iter()
            .map(|secret| Zeroizing::new(secret.as_ref().to_vec()))
            .collect();
        if secrets.is_empty() || secrets.iter().any(|secret| secret.is_empty()) {
            return Err(Error::config(
                "make signing keys: a secret is missing or empty; set the secret that the Python side uses",
            ));
        }
        let mut keys = Self {
            secrets,
            salt: salt.to_vec(),
            digest,
            derivation,
            derived: Vec::new(),
        };
        keys.derive();
        Ok(keys)
    }

    pub(super) fn with_salt(&self, salt: &[u8]) -> Self {
        let mut keys = self.clone();
        keys.salt = salt.to_vec();
        keys.derive();
        keys
    }

    pub(super) fn set_digest(&mut self, digest: Digest) {
        self.digest = digest;
        self.derive();
    }

    pub(super) fn set_derivation(&mut self, derivation: Derivation) {
        self.derivation = derivation;
        self.derive();
    }

    fn derive(&mut self) {
        let derive = |secret: &Secret| {
            let (digest, salt) = (self.digest, &*self.salt);
            Zeroizing::new(match self.derivation {
                Derivation::Concat => hash(digest, &[salt, secret]),
                Derivation::DjangoConcat => hash(digest, &[salt, b"signer", secret]),
                Derivation::Hmac => mac(digest, secret, salt),
                Derivation::None => secret.to_vec(),
            })
        };
        self.derived = self.secrets.iter().map(derive).collect();
    }

    /// The first key's signature, in base64url without padding.
    pub(super) fn signature(&self, value: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(mac(self.digest, &self.derived[0], value))
    }

    /// Whether one of the keys made `signature`, which is compared in constant time.
    pub(super) fn made(&self, signature: &[u8], value: &[u8]) -> bool {
        self.derived.iter().any(|key| {
            let expected = URL_SAFE_NO_PAD.encode(mac(self.digest, key, value));
            bool::from(expected.as_bytes().ct_eq(signature))
        })
    }
}

fn hash(digest: Digest, parts: &[&[u8]]) -> Vec<u8> {
    fn with<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut hasher = D::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }
    match digest {
        Digest::Sha1 => with::<Sha1>(parts),
        Digest::Sha256 => with::<Sha256>(parts),
        Digest::Sha512 => with::<Sha512>(parts),
    }
}

fn mac(digest: Digest, key: &[u8], value: &[u8]) -> Vec<u8> {
    fn with<D: sha2::Digest + BlockSizeUser>(key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut mac = SimpleHmac::<D>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(value);
        mac.finalize().into_bytes().to_vec()
    }
    match digest {
        Digest::Sha1 => with::<Sha1>(key, value),
        Digest::Sha256 => with::<Sha256>(key, value),
        Digest::Sha512 => with::<Sha512>(key, value),
    }
}

/// Splits at the last `separator`, as Python's `rsplit(separator, 1)`.
pub(super) fn rsplit<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text
        .windows(separator.len())
        .rposition(|window| window == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// Checks that `separator` cannot occur within base64, base62 or padding.
pub(super) fn check_separator(separator: &str) -> Result<()> {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=');
    if !separator.is_empty() && !separator.chars().all(is_base64) {
        return Ok(());
    }
    Err(Error::config(
        "set separator: it is empty or may occur within a signature; use a character beyond A-Z, a-z, 0-9, `-`, `_` and `=`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_separator() {
        assert_eq!(rsplit(b"a.b.c", b"."), Some((&b"a.b"[..], &b"c"[..])));
        assert_eq!(rsplit(b"..", b".."), Some((&b""[..], &b""[..])));
        assert_eq!(rsplit(b"a", b".."), None);
        assert_eq!(rsplit(b"", b"."), None);
    }

    #[test]
    fn debug_tells_no_secret() {
        let keys = Keys::new(["hush"], b"salt", Digest::Sha1, Derivation::None).unwrap();
        let told = format!("{keys:?}");
        assert!(!told.contains("hush") && !told.contains("104"), "{told}");
    }
}
