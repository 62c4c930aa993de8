//! Whole sessions in a cookie. Names beginning with `sg`, `x` re-create scenarios of the systems whose
//! features we carry; `sec` is the security checklist.
#![cfg(feature = "cookie")]

use std::time::Duration;

use sessile::cookie::{CookieConfig, Keyring, Protection, SecureCookieStore};
use sessile::{ErrorKind, Terms};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const OTHER: &[u8] = b"fedcba9876543210fedcba9876543210";
const NOW_MS: u64 = 1_308_874_145_000;

fn ring(primary: &[u8], fallbacks: &[&[u8]]) -> Keyring {
    fallbacks.iter().fold(
        Keyring::new(primary).expect("a long key"),
        |ring, fallback| ring.fallback(fallback).expect("a long key"),
    )
}

#[test]
fn a_sealed_value_tells_nothing_and_never_falls_back_to_less() {
    let ring = ring(KEY, &[]);
    let store =
        |protection| SecureCookieStore::new(ring.clone(), &CookieConfig::default(), protection);
    let (signed, sealed) = (store(Protection::Signed), store(Protection::Sealed));
    let hour = Terms::ttl(Duration::from_secs(3600));
    let text = sealed
        .encode(b"canary canary canary", &hour, NOW_MS)
        .expect("it fits");
    assert!(!text.contains("Y2FuYXJ5"), "base64 of the record");
    // A signed text is no sealed one, nor is plain or garbled data anything.
    let merely_signed = signed.encode(b"record", &hour, NOW_MS).expect("it fits");
    for bad in [
        &*merely_signed,
        "record",
        "cmVjb3Jk",
        "3",
        "3AAAA",
        "",
        "garbage!",
    ] {
        assert_eq!(sealed.decode(bad, NOW_MS), None);
    }
    assert_eq!(signed.decode(&text, NOW_MS), None);
    for end in 0..text.len() {
        assert_eq!(sealed.decode(&text[..end], NOW_MS), None);
    }
}

#[test]
fn x14_a_replay_after_the_end_is_refused_whatever_the_browser_keeps() {
    let ring = ring(KEY, &[]);
    for protection in [Protection::Signed, Protection::Sealed] {
        let store = SecureCookieStore::new(ring.clone(), &CookieConfig::default(), protection);
        let second = Duration::from_secs(1);
        let terms = Terms::ttl(60 * second).idle(second).max_age(3600 * second);
        let text = store.encode(b"record", &terms, NOW_MS).expect("it fits");
        let decoded = store.decode(&text, NOW_MS + 999).expect("alive");
        assert_eq!(decoded.record, b"record"[..]);
        assert_eq!(decoded.issued_ms, NOW_MS);
        assert_eq!(decoded.expires_ms, NOW_MS + 1000);
        assert_eq!(store.decode(&text, NOW_MS + 1000), None);
        assert_eq!(store.decode(&text, u64::MAX), None);
        // Nor is one that a clock from the future made.
        assert!(store.decode(&text, NOW_MS - 60_000).is_some());
        assert_eq!(store.decode(&text, NOW_MS - 60_001), None);
    }
}

#[test]
fn a_session_in_a_cookie_has_an_end_and_a_size() {
    let ring = ring(KEY, &[]);
    for protection in [Protection::Signed, Protection::Sealed] {
        let config = CookieConfig::default();
        let store = SecureCookieStore::new(ring.clone(), &config, protection);
        for terms in [Terms::forever(), Terms::ttl(Duration::ZERO)] {
            let error = store.encode(b"r", &terms, NOW_MS).expect_err("no end");
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let hour = Terms::ttl(Duration::from_secs(3600));
        let largest = vec![7; store.max_record_bytes()];
        let text = store.encode(&largest, &hour, NOW_MS).expect("it fits");
        assert!(config.set(&text, NOW_MS).is_ok());
        let room = config.max_bytes() - config.name().len() - text.len();
        assert!(room < 4, "{room} more characters would fit");
        assert_eq!(
            store.decode(&text, NOW_MS).expect("genuine").record,
            largest
        );
        let larger = [&largest[..], b"7"].concat();
        let error = store.encode(&larger, &hour, NOW_MS).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains(&larger.len().to_string()));
        // The widest lifetime is no overflow.
        let longest = Terms::ttl(Duration::MAX);
        let text = store.encode(b"r", &longest, NOW_MS).expect("it fits");
        assert!(store.decode(&text, NOW_MS * 2).is_some());
    }
}

#[test]
fn sec15_a_copied_cookie_works_until_its_end_as_documented() {
    let store =
        SecureCookieStore::new(ring(KEY, &[]), &CookieConfig::default(), Protection::Sealed);
    let hour = Terms::ttl(Duration::from_secs(3600));
    let before = store.encode(b"logged in", &hour, NOW_MS).expect("it fits");
    let _after = store.encode(b"logged out", &hour, NOW_MS).expect("it fits");
    assert!(store.decode(&before, NOW_MS + 1).is_some());
    // Dropping the key ends all of them.
    let other = SecureCookieStore::new(
        ring(OTHER, &[]),
        &CookieConfig::default(),
        Protection::Sealed,
    );
    assert_eq!(other.decode(&before, NOW_MS + 1), None);
}

#[test]
fn sg53_a_session_under_an_old_key_says_so() {
    let hour = Terms::ttl(Duration::from_secs(3600));
    let config = CookieConfig::default();
    for protection in [Protection::Signed, Protection::Sealed] {
        let old = SecureCookieStore::new(ring(KEY, &[]), &config, protection);
        let new = SecureCookieStore::new(ring(OTHER, &[KEY]), &config, protection);
        let text = old.encode(b"record", &hour, NOW_MS).expect("it fits");
        assert!(new.decode(&text, NOW_MS).expect("still read").is_fallback);
        // Another cookie's session is none of this one.
        let renamed = config
            .to_builder()
            .name("__Host-admin")
            .build()
            .expect("sound");
        let admin = SecureCookieStore::new(ring(KEY, &[]), &renamed, protection);
        assert_eq!(admin.decode(&text, NOW_MS), None);
    }
}

#[test]
fn sec9_ten_thousand_altered_cookies_reach_no_decoder() {
    // The decoder is behind the record; nothing but `None` can reach it.
    let store =
        SecureCookieStore::new(ring(KEY, &[]), &CookieConfig::default(), Protection::Signed);
    let hour = Terms::ttl(Duration::from_secs(3600));
    let text = store
        .encode(b"{\"user\":7}", &hour, NOW_MS)
        .expect("it fits");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut decoded = 0;
    for _ in 0..10_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut bytes = text.clone().into_bytes();
        let at = usize::try_from(state % bytes.len() as u64).expect("an index");
        bytes[at] ^= 1 << ((state >> 32) % 7);
        let changed = String::from_utf8(bytes).expect("still ASCII");
        decoded += usize::from(changed != text && store.decode(&changed, NOW_MS).is_some());
    }
    assert_eq!(decoded, 0);
}
