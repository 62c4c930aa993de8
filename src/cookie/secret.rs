//! One key of a ring: what is derived from it, and the two algorithms it drives.

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::aead::generic_array::GenericArray;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use hmac::digest::FixedOutput as _;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of an HMAC-SHA256.
pub(super) const MAC_BYTES: usize = 32;

/// Where a text belongs; anywhere else it proves nothing.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) purpose: &'a str,
    pub(super) name: &'a str,
}

impl Scope<'_> {
    /// Feeds each part behind its length, so that no two scopes read alike.
    fn feed(self, mac: &mut Hmac<Sha256>) {
        for part in [self.purpose, self.name] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
    }
}

/// Two keys derived from a given one, which is not kept.
///
/// They are written where they lie until they are overwritten; that is why rings share them. The
/// schedules of both algorithms are computed for each call, because those of HMAC could not be
/// overwritten.
pub(super) struct Secret {
    signing: Key,
    sealing: Key,
}

type Key = Box<Zeroizing<[u8; MAC_BYTES]>>;

impl Secret {
    pub(super) const NONCE_BYTES: usize = 24;
    pub(super) const TAG_BYTES: usize = 16;

    pub(super) fn derive(key: &[u8]) -> Self {
        Self {
            signing: derive(hmac(key).chain_update(b"sessile cookie v1: sign")),
            sealing: derive(hmac(key).chain_update(b"sessile cookie v1: seal")),
        }
    }

    /// The code of `signed` in `scope`.
    pub(super) fn mac(&self, scope: Scope<'_>, signed: &[u8]) -> [u8; MAC_BYTES] {
        self.signed(scope, signed).finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(super) fn verify(&self, scope: Scope<'_>, signed: &[u8], mac: &[u8]) -> bool {
        self.signed(scope, signed).verify_slice(mac).is_ok()
    }

    fn signed(&self, scope: Scope<'_>, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = hmac(&self.signing[..]);
        scope.feed(&mut mac);
        mac.update(signed);
        mac
    }

    /// Encrypts what follows the nonce in `buffer` and appends the tag.
    pub(super) fn seal(&self, scope: Scope<'_>, form: u8, buffer: &mut Vec<u8>) {
        let (nonce, plain) = buffer.split_at_mut(Self::NONCE_BYTES);
        let nonce = XNonce::clone_from_slice(nonce);
        let tag = self
            .cipher(scope, form)
            .encrypt_in_place_detached(&nonce, &associated(scope, form), plain)
            .expect("a cookie is shorter than 2^38 bytes");
        buffer.extend_from_slice(&tag);
    }

    /// Leaves the plain bytes in `buffer`, or leaves it as it was if the tag does not match.
    pub(super) fn open(&self, scope: Scope<'_>, form: u8, buffer: &mut Vec<u8>) -> bool {
        let sealed_bytes = buffer.len();
        let Some(end) = sealed_bytes.checked_sub(Self::TAG_BYTES) else {
            return false;
        };
        if end < Self::NONCE_BYTES {
            return false;
        }
        let (front, tag) = buffer.split_at_mut(end);
        let (nonce, cipher_text) = front.split_at_mut(Self::NONCE_BYTES);
        let (nonce, tag) = (XNonce::from_slice(nonce), Tag::from_slice(tag));
        // The tag is compared before the first byte is decrypted.
        let is_genuine = self
            .cipher(scope, form)
            .decrypt_in_place_detached(nonce, &associated(scope, form), cipher_text, tag)
            .is_ok();
        if is_genuine {
            buffer.truncate(end);
            buffer.drain(..Self::NONCE_BYTES);
        }
        is_genuine
    }

    /// Each purpose and form has a key of its own.
    fn cipher(&self, scope: Scope<'_>, form: u8) -> XChaCha20Poly1305 {
        let mut mac = hmac(&self.sealing[..]);
        mac.update(&[form]);
        mac.update(scope.purpose.as_bytes());
        XChaCha20Poly1305::new(GenericArray::from_slice(&derive(mac)[..]))
    }
}

/// Finishes where the key will lie: no copy is left on the way.
fn derive(mac: Hmac<Sha256>) -> Key {
    let mut key = Key::default();
    mac.finalize_into(GenericArray::from_mut_slice(&mut key[..]));
    key
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// What is authenticated but not encrypted: form and scope, each part behind its length.
fn associated(scope: Scope<'_>, form: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(17 + scope.purpose.len() + scope.name.len());
    bytes.push(form);
    for part in [scope.purpose, scope.name] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
