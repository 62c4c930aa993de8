//! Statements of security that are about how often: ids, unknown ids, mutated cookies and nonces, by the
//! million. The ordinary run does a hundredth of the first two (smaller counts of the others are beside
//! what they test); `--ignored` does all of it.

#[path = "http/client.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of the flow, which use more of it"
)]
mod client;

use axum::Router;
use axum::routing::get;
use client::{App, app};
use sessile::Terms;
use sessile::cookie::{CookieConfig, Keyring, Protection, SecureCookieStore};
use sessile::id::{IdFormat, SessionId};
use sessile::session::Session;

/// What the ordinary run leaves out.
const SHARE: usize = 100;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).expect("32 bits")
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end
    }
}

/// The text with one character changed, one left out, one put in, or two swapped; never itself.
fn mutated(text: &str, numbers: &mut Numbers) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~=";
    loop {
        let mut bytes = text.as_bytes().to_vec();
        let at = numbers.below(bytes.len());
        let letter = LETTERS[numbers.below(LETTERS.len())];
        match numbers.below(8) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, letter),
            2 => {
                let other = numbers.below(bytes.len());
                bytes.swap(at, other);
            }
            3 => bytes.truncate(at),
            _ => bytes[at] = letter,
        }
        let mutated = String::from_utf8(bytes).expect("ASCII");
        if mutated != text {
            return mutated;
        }
    }
}

/// Sorts, and demands that no two are the same.
fn assert_distinct<T: Ord>(mut all: Vec<T>, what: &str) {
    all.sort_unstable();
    let same = all.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert_eq!(same, 0, "{what} of {}", all.len());
}

fn ids(count: usize) {
    use base64::Engine as _;
    let decode = |text: &str| {
        let mut bits = [0_u8; 32];
        let engine = &base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let written = engine.decode_slice(text, &mut bits);
        assert_eq!(written.expect("base64url"), 32);
        bits
    };
    let mut ones = [0_u32; 256];
    // Half of an id: two that agree in it would be as wrong as two that are the same.
    let mut halves = Vec::with_capacity(count);
    for _ in 0..count {
        let id = SessionId::random(IdFormat::Base64).expect("randomness");
        let bits = decode(id.expose());
        for (at, ones) in ones.iter_mut().enumerate() {
            *ones += u32::from(bits[at / 8] >> (at % 8) & 1);
        }
        let half = bits.first_chunk().expect("32 bytes");
        halves.push(u128::from_le_bytes(*half));
    }
    assert_distinct(halves, "ids");
    // Five standard deviations of a fair coin: one of 256 bits is beyond it once in 7,000 runs.
    let count = f64::from(u32::try_from(count).expect("few enough"));
    let (mean, deviation) = (count / 2.0, count.sqrt() / 2.0);
    for (bit, &ones) in ones.iter().enumerate() {
        let off = (f64::from(ones) - mean).abs() / deviation;
        assert!(off < 5.0, "bit {bit} is set {ones} times of {count}");
    }
}

#[test]
fn s1_ids_do_not_repeat_and_no_bit_is_biased() {
    ids(10_000_000 / SHARE);
}

#[test]
#[ignore = "ten million ids, 160 MB: .ci/run ordeals"]
fn s1_ten_million_ids_do_not_repeat_and_no_bit_is_biased() {
    ids(10_000_000);
}

async fn strangers(count: usize) {
    async fn read(session: Session) -> String {
        format!("{:?}", session.contains("name"))
    }
    let App { client, cache } = app(Router::new().route("/", get(read)), |core| core);
    for _ in 0..count {
        let id = SessionId::random(IdFormat::Base64).expect("randomness");
        let line = format!("__Host-id={}", id.expose());
        let answer = client.get_with("/", &[&line]).await;
        assert_eq!(answer.body, "false");
    }
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[tokio::test]
async fn s4_unknown_ids_make_no_record() {
    strangers(1_000_000 / SHARE).await;
}

#[tokio::test]
#[ignore = "a million requests: .ci/run ordeals"]
async fn s4_a_million_unknown_ids_make_no_record() {
    strangers(1_000_000).await;
}

fn mutations(count: usize) {
    let ring = Keyring::random().expect("randomness");
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let hour = Terms::ttl(std::time::Duration::from_secs(3600));
    for protection in [Protection::Signed, Protection::Sealed] {
        let store = SecureCookieStore::new(ring.clone(), &CookieConfig::default(), protection);
        let text = store.encode(b"a record", &hour, 1_000_000).expect("short");
        assert!(store.decode(&text, 1_000_000).is_some());
        for _ in 0..count / 2 {
            let mutated = mutated(&text, &mut numbers);
            assert!(store.decode(&mutated, 1_000_000).is_none(), "{mutated}");
        }
    }
}

#[test]
#[ignore = "a million mutated cookies: .ci/run ordeals"]
fn s9_of_a_million_mutated_cookies_none_is_decoded() {
    mutations(1_000_000);
}

/// 192 random bits: of 10^8 seals under one key, two share a nonce with a probability of 2^-139. What
/// is counted is that they are drawn anew each time, not that randomness is random.
fn nonces(count: usize) {
    let ring = Keyring::random().expect("randomness");
    let nonces = (0..count).map(|_| {
        let sealed = ring
            .seal("purpose", "name", b"the same")
            .expect("randomness");
        // Behind the form, in base64: 24 bytes are 32 characters.
        let nonce = sealed.as_bytes()[1..].first_chunk::<32>();
        *nonce.expect("a nonce, a payload and a tag")
    });
    assert_distinct(nonces.collect(), "nonces");
}

#[test]
#[ignore = "a million seals: .ci/run ordeals"]
fn s13_of_a_million_seals_no_two_share_a_nonce() {
    nonces(1_000_000);
}
