//! Session identifiers for a trace that only has numbers.

/// The alphabet of base64url, RFC 4648 section 5.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A session identifier of 22 characters, as a session layer would issue it:
/// 128 mixed bits in base64url without padding.
///
/// It is derived from the key number of a trace, so each replay of a trace uses
/// the same keys. It is no secret, and not fit to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId([u8; Self::LEN]);

impl SessionId {
    /// The length of an identifier in bytes.
    pub const LEN: usize = 22;

    /// Derives the identifier of the key number `key_id`.
    ///
    /// Different numbers give different identifiers: the first half of the bits
    /// is a bijection of the number.
    #[must_use]
    pub fn from_key_id(key_id: u64) -> Self {
        let high = mix(key_id);
        let low = mix(high ^ 0x6A09_E667_F3BC_C908);
        let bits = (u128::from(high) << 64) | u128::from(low);
        // 22 characters hold 132 bits; the last one carries two bits of the mix.
        Self(std::array::from_fn(|place| {
            let six = if place < Self::LEN - 1 {
                bits >> (122 - 6 * place)
            } else {
                bits << 4
            };
            ALPHABET[(six & 0x3F) as usize]
        }))
    }

    /// Returns the identifier as the bytes of its 22 characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The finaliser of SplitMix64: a bijection which spreads each bit over all.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_distinct_and_of_the_alphabet() {
        let ids: HashSet<_> = (0..50_000).map(SessionId::from_key_id).collect();
        assert_eq!(ids.len(), 50_000);
        for id in &ids {
            assert!(id.as_bytes().iter().all(|byte| ALPHABET.contains(byte)));
        }
    }

    #[test]
    fn ids_are_the_base64url_of_the_bits() {
        // The last character carries two bits, so it is one of four.
        for key_id in [0, 1, 77, u64::from(u32::MAX), u64::MAX] {
            let id = SessionId::from_key_id(key_id);
            assert!(b"AQgw".contains(&id.as_bytes()[21]), "{id:?}");
            assert_eq!(id, SessionId::from_key_id(key_id));
        }
    }
}
