//! Any bytes as signed and sealed values: nothing but what the ring wrote verifies, never a panic.
#![no_main]

mod planted;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile::cookie::{CookieConfig, Jar, JarSettings, Keyring, Protection, SecureCookieStore};
use sessile::{Error, ErrorKind, Terms};

static RING: LazyLock<Keyring> = LazyLock::new(|| Keyring::random().expect("randomness"));
static SETTINGS: LazyLock<Arc<JarSettings>> =
    LazyLock::new(|| Arc::new(JarSettings::new().keyring(RING.clone())));

const NOW_MS: u64 = 1_000_000;

fn foreign(text: &str) {
    let signed = bent("a foreign signature", text.to_owned(), |_| {
        RING.sign("p", "n", b"own")
    });
    let opened = RING.verify("p", "n", &signed);
    assert!(opened.is_none(), "a foreign signature");
    let sealed = bent("a foreign seal", text.to_owned(), |_| {
        RING.seal("p", "n", b"own").expect("randomness")
    });
    let opened = RING.open("p", "n", &sealed);
    assert!(opened.is_none(), "a foreign seal");
    let signed = bent("a foreign timed signature", text.to_owned(), |_| {
        RING.sign_timed("p", "n", b"own", NOW_MS)
    });
    let opened = RING.verify_timed("p", "n", &signed, None, NOW_MS);
    assert!(opened.is_none(), "a foreign timed signature");
    let sealed = bent("a foreign timed seal", text.to_owned(), |_| {
        let sealed = RING.seal_timed("p", "n", b"own", NOW_MS);
        sealed.expect("randomness")
    });
    let opened = RING.open_timed("p", "n", &sealed, None, NOW_MS);
    assert!(opened.is_none(), "a foreign timed seal");
    let line = bent("a foreign map", format!("n={text}"), |_| {
        let mut jar = Jar::new(SETTINGS.clone(), [""; 0], NOW_MS);
        jar.set_signed("n", "{\"a\":1}").expect("there is a key");
        format!("n={}", jar.finish().expect("sent")[0].value())
    });
    let mut jar = Jar::new(SETTINGS.clone(), [line.as_str()], NOW_MS);
    let map = jar.signed("n").expect("there is a key");
    assert!(map.is_empty(), "a foreign map");
    bent("nothing was changed and is sent", (), |()| {
        jar.set("other", "value").expect("a cookie");
    });
    let sent = jar.finish().expect("nothing to send");
    assert!(sent.is_empty(), "nothing was changed and is sent");
}

fn own(payload: &[u8]) {
    let signed = RING.sign("p", "n", payload);
    let signed = bent("what was signed comes back", signed, |_| {
        RING.sign("p", "n", b"other")
    });
    let opened = RING.verify("p", "n", &signed).expect("its own");
    assert_eq!(opened.payload, payload, "what was signed comes back");
    let sealed = RING.seal("p", "n", payload).expect("randomness");
    let sealed = bent("what was sealed comes back", sealed, |_| {
        RING.seal("p", "n", b"other").expect("randomness")
    });
    let opened = RING.open("p", "n", &sealed).expect("its own");
    assert_eq!(opened.payload, payload, "what was sealed comes back");
    let hour = Terms::ttl(Duration::from_secs(3600));
    for protection in [Protection::Signed, Protection::Sealed] {
        let config = CookieConfig::default();
        let store = SecureCookieStore::new(RING.clone(), &config, protection);
        let encoded = store.encode(payload, &hour, NOW_MS);
        let encoded = bent("a record that fits is encoded", encoded, |_| {
            Err(Error::new(ErrorKind::TooLarge, "planted"))
        });
        let encoded = bent("a record comes back", encoded, |_| {
            store.encode(b"other", &hour, NOW_MS)
        });
        let encoded = bent("what was encoded fits a cookie", encoded, |encoded| {
            encoded.map(|text| text + ";")
        });
        match encoded {
            Ok(text) => {
                let is_fit = config.set(&text, NOW_MS).is_ok();
                assert!(is_fit, "what was encoded fits a cookie");
                let decoded = store.decode(&text, NOW_MS).expect("its own");
                assert_eq!(decoded.record, payload, "a record comes back");
            }
            Err(_) => {
                let is_large = payload.len() > store.max_record_bytes();
                assert!(is_large, "a record that fits is encoded");
            }
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
