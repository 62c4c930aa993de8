//! Store keys: what a store sees of a session in place of its id.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{SessionId, TEXT_BYTES_MAX};
use crate::error::{Error, Result};

/// The longest prefix of plain keys, in bytes: Django's is 32 bytes long.
const PREFIX_BYTES_MAX: usize = 52;
/// What a digest is cut to: keys of this length lie in the cache's slots, and 176 bits are more than
/// anybody can collide.
const DIGEST_BYTES: usize = 22;
const CONTEXT: &str = "sessile 2026-11 store key of a session id, version 1";

/// The key of a session's record in a store, at most 95 bytes; made by [`KeyMaker`].
///
/// A clone costs nothing worth counting. `Debug` hides it: under plain keys it contains the id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreKey(Repr);

/// Sessions carry their key about: three words, of which plain keys, which are rare, need an allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Digest([u8; DIGEST_BYTES]),
    Plain(Arc<[u8]>),
}

impl StoreKey {
    /// The key of a record that lies in no store.
    #[cfg(feature = "http")]
    pub(crate) const NOWHERE: Self = Self(Repr::Digest([0; DIGEST_BYTES]));

    /// The key that `bytes` are, as [`AsRef`] gave them; `None` if they are too long for one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // Plain keys are longer than digests: the shortest ids have 32 bytes.
        match bytes.try_into() {
            Ok(digest) => Some(Self(Repr::Digest(digest))),
            Err(_) if bytes.len() > PREFIX_BYTES_MAX + TEXT_BYTES_MAX => None,
            Err(_) => Some(Self(Repr::Plain(bytes.into()))),
        }
    }
}

impl AsRef<[u8]> for StoreKey {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Repr::Digest(digest) => digest,
            Repr::Plain(text) => text,
        }
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

/// Turns ids into store keys.
///
/// Digests are the default: whoever reads a store, its dump or its log learns no id that opens a
/// session, and two applications with different namespaces never meet in one store.
///
/// ```
/// use sessile::id::{IdFormat, KeyMaker, SessionId};
///
/// let id = SessionId::random(IdFormat::Base64)?;
/// let users = KeyMaker::digest("id", None);
/// let admins = KeyMaker::digest("admin_id", None);
/// assert_ne!(users.key(&id), admins.key(&id));
/// let shared = KeyMaker::plain("session:")?; // A Flask application reads the same store.
/// assert!(shared.key(&id).as_ref().starts_with(b"session:"));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyMaker(Form);

#[derive(Clone)]
enum Form {
    Digest(Zeroizing<[u8; 32]>),
    Plain(Box<str>),
}

impl KeyMaker {
    /// Makes keys that are keyed BLAKE3 digests of ids, cut to 22 bytes.
    ///
    /// `namespace` keeps applications and cookies apart: take the cookie's name, and a prefix where
    /// applications share a store. With a `secret`, who can write to the store but does not know it
    /// cannot compute where an id's record lies; changing it ends all sessions. Costs one compression of
    /// BLAKE3 a key.
    #[must_use]
    pub fn digest(namespace: &str, secret: Option<&[u8]>) -> Self {
        // Lengths first: no two pairs of namespace and secret read the same.
        let mut material = Zeroizing::new(Vec::new());
        for part in [namespace.as_bytes(), secret.unwrap_or_default()] {
            let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
            material.extend_from_slice(&len.to_le_bytes());
            material.extend_from_slice(part);
        }
        let key = blake3::derive_key(CONTEXT, &material);
        Self(Form::Digest(Zeroizing::new(key)))
    }

    /// Makes keys that are `prefix` and the id's text, as Flask-Session, Django and Invenio do.
    ///
    /// Only for stores that such a deployment shares: the store then holds what opens sessions.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a prefix of more than 52 bytes.
    pub fn plain(prefix: &str) -> Result<Self> {
        if prefix.len() > PREFIX_BYTES_MAX {
            return Err(Error::input(format!(
                "make store keys: the prefix has {} bytes; at most {PREFIX_BYTES_MAX} fit",
                prefix.len()
            )));
        }
        Ok(Self(Form::Plain(prefix.into())))
    }

    /// Returns the key of `id`.
    #[must_use]
    pub fn key(&self, id: &SessionId) -> StoreKey {
        match &self.0 {
            Form::Digest(key) => {
                let digest = blake3::keyed_hash(key, id.bytes());
                let mut cut = [0; DIGEST_BYTES];
                cut.copy_from_slice(&digest.as_bytes()[..DIGEST_BYTES]);
                StoreKey(Repr::Digest(cut))
            }
            Form::Plain(prefix) => {
                let text = [prefix.as_bytes(), id.bytes()].concat();
                StoreKey(Repr::Plain(text.into()))
            }
        }
    }
}

impl fmt::Debug for KeyMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Form::Digest(_) => "KeyMaker(digest)",
            Form::Plain(_) => "KeyMaker(plain)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdFormat;

    #[test]
    fn digests_depend_on_id_namespace_and_secret_and_hold_none_of_them() {
        let ids = [0, 1].map(|_| SessionId::random(IdFormat::Base64).expect("randomness"));
        let makers = [
            KeyMaker::digest("id", None),
            KeyMaker::digest("admin", None),
            KeyMaker::digest("id", Some(b"secret")),
            KeyMaker::digest("idsecret", None),
        ];
        let mut keys: Vec<StoreKey> = Vec::new();
        for maker in &makers {
            for id in &ids {
                let key = maker.key(id);
                assert_eq!(key, maker.key(id));
                assert_eq!(key.as_ref().len(), DIGEST_BYTES);
                assert!(!keys.contains(&key));
                keys.push(key);
            }
        }
    }

    #[test]
    fn plain_keys_are_what_python_writes() {
        let id = SessionId::parse(IdFormat::Uuid, "0f8fad5bd9cb469fa16570867728950e");
        let maker = KeyMaker::plain("session:").expect("short");
        let key = maker.key(&id.expect("a UUID"));
        assert_eq!(key.as_ref(), b"session:0f8fad5bd9cb469fa16570867728950e");
        assert_eq!(format!("{key:?} {maker:?}"), "StoreKey(…) KeyMaker(plain)");
        assert!(KeyMaker::plain(&"x".repeat(65)).is_err());
    }
}
