//! Session ids as a server would issue them: 22 characters of base64url, the
//! text of 128 random-looking bits, derived from a number so that every run
//! and every contender sees the same ones.

use std::hash::{Hash, Hasher};

/// Bytes in the text of a session id.
pub const LENGTH: usize = 22;

/// A session id held inline, so that peers pay for no key allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub [u8; LENGTH]);

impl Id {
    /// The id of the session with this number.
    #[must_use]
    pub fn nth(number: u64) -> Id {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let high = mix(number.wrapping_mul(2).wrapping_add(1));
        let low = mix(high ^ number);
        let mut bits = (u128::from(high) << 64) | u128::from(low);
        let mut text = [0; LENGTH];
        for character in &mut text {
            *character = DIGITS[(bits & 63) as usize];
            bits >>= 6;
        }
        Id(text)
    }

    /// The ids of the sessions with the numbers from `first` on.
    #[must_use]
    pub fn range(first: u64, count: usize) -> Vec<Id> {
        (first..).take(count).map(Id::nth).collect()
    }
}

// The derived form would hash the constant length as well: all contenders that
// hash an `Id` are spared it, because ours hashes the bytes alone too.
impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// One step of splitmix64: a bijection whose results look random.
#[must_use]
pub fn mix(number: u64) -> u64 {
    let mut word = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A small random source with a stated seed, for scripts that repeat exactly.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A source that repeats itself for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        Random(mix(seed))
    }

    /// The next 64 random-looking bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.word()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the upper half of a 128-bit product has 64 bits")
    }

    /// A number in `0.0 .. 1.0`.
    pub fn unit(&mut self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "53 bits are what the mantissa holds"
        )]
        let bits = (self.word() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }
}
