//! Any bytes as signed and sealed values: nothing but what the ring wrote verifies, never a panic.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sessile::Terms;
use sessile::cookie::{CookieConfig, Jar, JarSettings, Keyring, Protection, SecureCookieStore};

static RING: LazyLock<Keyring> = LazyLock::new(|| Keyring::random().expect("randomness"));
static SETTINGS: LazyLock<Arc<JarSettings>> =
    LazyLock::new(|| Arc::new(JarSettings::new().keyring(RING.clone())));

const NOW_MS: u64 = 1_000_000;

fn foreign(text: &str) {
    assert!(RING.verify("p", "n", text).is_none());
    assert!(RING.open("p", "n", text).is_none());
    assert!(RING.verify_timed("p", "n", text, None, NOW_MS).is_none());
    assert!(RING.open_timed("p", "n", text, None, NOW_MS).is_none());
    let line = format!("n={text}");
    let mut jar = Jar::new(SETTINGS.clone(), [line.as_str()], NOW_MS);
    assert!(jar.signed("n").expect("there is a key").is_empty());
    assert!(jar.finish().expect("nothing to send").is_empty());
}

fn own(payload: &[u8]) {
    let signed = RING.sign("p", "n", payload);
    assert_eq!(
        RING.verify("p", "n", &signed).expect("its own").payload,
        payload
    );
    let sealed = RING.seal("p", "n", payload).expect("randomness");
    assert_eq!(
        RING.open("p", "n", &sealed).expect("its own").payload,
        payload
    );
    let hour = Terms::ttl(Duration::from_secs(3600));
    for protection in [Protection::Signed, Protection::Sealed] {
        let config = CookieConfig::default();
        let store = SecureCookieStore::new(RING.clone(), &config, protection);
        match store.encode(payload, &hour, NOW_MS) {
            Ok(text) => {
                assert!(config.set(&text, NOW_MS).is_ok());
                assert_eq!(
                    store.decode(&text, NOW_MS).expect("its own").record,
                    payload
                );
            }
            Err(_) => assert!(payload.len() > store.max_record_bytes()),
        }
    }
    // A genuine text that is no map is no panic and no map.
    if let Ok(text) = str::from_utf8(payload) {
        let mut jar = Jar::new(SETTINGS.clone(), [""; 0], NOW_MS);
        if jar.set_signed("n", text).is_ok() {
            let line = format!("n={}", jar.finish().expect("sent")[0].value());
            let mut jar = Jar::new(SETTINGS.clone(), [line.as_str()], NOW_MS);
            let map = jar.signed("n").expect("there is a key");
            for name in map.keys().map(str::to_owned).collect::<Vec<_>>() {
                let _ = map.get::<Vec<Vec<u32>>>(&name);
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        foreign(text);
    }
    own(bytes);
    // One bit changed in a genuine text; the first byte says where.
    let text = RING.sign_timed("p", "n", bytes, NOW_MS).into_bytes();
    let at = bytes.first().map_or(0, |byte| usize::from(*byte)) % text.len();
    let mut changed = text;
    changed[at] ^= 1;
    if let Ok(changed) = str::from_utf8(&changed) {
        foreign(changed);
    }
});
