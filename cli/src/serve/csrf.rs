//! Tokens that prove that a form came from a page of this session.
//!
//! The session holds a secret; each page carries it under a fresh mask, so that a compressed page does
//! not tell it to somebody who can watch lengths and choose what the page repeats (BREACH). The secret
//! is replaced at login.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sessile::session::Session;
use sessile::{Error, ErrorKind, Result};
use subtle::ConstantTimeEq;

/// The name of the form field.
pub const FIELD: &str = "token";
/// The name of the secret in the session.
pub const NAME: &str = "csrf";

const BYTES: usize = 32;
type Secret = [u8; BYTES];

/// Returns the session's token under a fresh mask; makes the secret if there is none.
///
/// # Errors
/// A session that cannot be read or written, or an operating system without randomness.
pub fn token(session: &Session) -> Result<String> {
    let secret = match secret(session)? {
        Some(secret) => secret,
        None => renew(session)?,
    };
    Ok(masked(&secret, &random()?))
}

/// Replaces the session's secret: tokens in older pages are worth nothing from then on.
///
/// # Errors
/// As [`token`].
pub fn rotate(session: &Session) -> Result<()> {
    renew(session).map(drop)
}

/// Whether `sent` is a token of this session, in time that depends on its length alone.
///
/// # Errors
/// A session that cannot be read.
pub fn holds(session: &Session, sent: &str) -> Result<bool> {
    let secret = secret(session)?;
    Ok(secret
        .zip(unmasked(sent))
        .is_some_and(|(secret, sent)| secret.ct_eq(&sent).into()))
}

fn renew(session: &Session) -> Result<Secret> {
    let secret = random()?;
    session.insert(NAME, &BASE64.encode(secret))?;
    Ok(secret)
}

fn secret(session: &Session) -> Result<Option<Secret>> {
    let text = session.get::<String>(NAME)?;
    Ok(text
        .and_then(|text| BASE64.decode(text).ok())
        .and_then(|bytes| bytes.try_into().ok()))
}

fn random() -> Result<Secret> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = "make a form's token: the operating system gave no randomness";
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(bytes)
}

fn masked(secret: &Secret, mask: &Secret) -> String {
    let both: [u8; 2 * BYTES] = std::array::from_fn(|at| {
        mask[at % BYTES] ^ if at < BYTES { 0 } else { secret[at - BYTES] }
    });
    BASE64.encode(both)
}

fn unmasked(token: &str) -> Option<Secret> {
    let mut both = [0; 2 * BYTES];
    let length = BASE64.decode_slice(token, &mut both).ok()?;
    (length == both.len()).then(|| std::array::from_fn(|at| both[at] ^ both[BYTES + at]))
}

#[cfg(test)]
mod tests {
    use sessile::session::Sessions;
    use sessile::{Cache, CacheStore};

    use super::*;

    fn fresh() -> Session {
        let cache = Cache::builder().unlimited_entries().build();
        let store = CacheStore::new(cache.expect("a cache").into());
        Sessions::builder(store).build().expect("sessions").fresh()
    }

    #[test]
    fn each_page_carries_another_token_and_all_hold() {
        let session = fresh();
        let (one, two) = (token(&session).expect("one"), token(&session).expect("two"));
        assert_ne!(one, two);
        assert!(holds(&session, &one).expect("readable"));
        assert!(holds(&session, &two).expect("readable"));
        let secret: String = session.get(NAME).expect("readable").expect("made");
        assert!(!one.contains(&secret) && !two.contains(&secret));
    }

    #[test]
    fn a_token_of_another_session_or_of_before_the_login_does_not_hold() {
        let (mine, other) = (fresh(), fresh());
        let old = token(&mine).expect("a token");
        let foreign = token(&other).expect("a token");
        assert!(!holds(&mine, &foreign).expect("readable"));
        rotate(&mine).expect("a new secret");
        assert!(!holds(&mine, &old).expect("readable"));
        assert!(holds(&mine, &token(&mine).expect("a token")).expect("readable"));
    }

    #[test]
    fn nonsense_does_not_hold_and_nothing_holds_without_a_secret() {
        let session = fresh();
        let zeros = masked(&[0; BYTES], &[0; BYTES]);
        assert!(!holds(&session, &zeros).expect("readable"));
        let good = token(&session).expect("a token");
        let long = format!("{good}AAAA");
        for wrong in ["", "A", "é", &good[1..], &good[..84], &long, &zeros] {
            assert!(!holds(&session, wrong).expect("readable"), "{wrong:?}");
        }
    }

    #[test]
    fn masking_is_what_it_says() {
        let token = masked(&[0b1100; BYTES], &[0b1010; BYTES]);
        let bytes = BASE64.decode(&token).expect("base64");
        assert_eq!(bytes, [[0b1010; BYTES], [0b0110; BYTES]].concat());
        assert_eq!(unmasked(&token), Some([0b1100; BYTES]));
    }
}
