//! Any bytes as `Cookie` headers: pairs that are in there, the same ones by every way, never a panic;
//! and any text as a cookie: refused, or a header that parses back to exactly this cookie.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sessile::cookie::{
    CookieConfig, HEADER_BYTES_MAX, Jar, PAIRS_MAX, candidates, cookies, octal_decode,
    percent_decode, percent_encode,
};

fn read(bytes: &[u8]) {
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let mut count = 0;
    for (name, value) in cookies(&lines) {
        count += 1;
        assert!(!name.is_empty());
        assert!(!name.contains([';', '=']) && !value.contains(';'));
        assert!(!(name.chars().chain(value.chars())).any(|char| char.is_ascii_control()));
        let _ = (octal_decode(value), percent_decode(value));
    }
    assert!(count <= PAIRS_MAX);
    if let Some((name, _)) = cookies(&lines).last() {
        let filtered = cookies(&lines).filter(|(other, _)| *other == name);
        assert!(candidates(&lines, name).eq(filtered.map(|(_, value)| value)));
        let jar = Jar::new(Arc::default(), &lines, 0);
        if bytes.len() < HEADER_BYTES_MAX {
            assert!(jar.sent().eq(cookies(&lines)));
            assert!(jar.was_sent(name));
        }
    }
}

fn write(text: &str) {
    let encoded = percent_encode(text);
    assert_eq!(percent_decode(&encoded).as_deref(), Some(text));
    let (name, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (path, value) = rest.split_once('\n').unwrap_or((rest, ""));
    let Ok(config) = CookieConfig::builder().name(name).path(path).build() else {
        return;
    };
    assert!(
        config
            .remove()
            .attributes()
            .ends_with(&format!("; Path={path}; Secure; HttpOnly; SameSite=Lax"))
    );
    if let Ok(cookie) = config.set(value, 0) {
        let line = format!("{}={}", cookie.name(), cookie.value());
        assert_eq!(
            cookies([line.as_str()]).collect::<Vec<_>>(),
            [(name, value)]
        );
        let mut attributes = cookie.expose().split("; ");
        assert_eq!(attributes.next(), Some(line.as_str()));
        assert!(attributes.clone().count() == 4 && !cookie.expose().contains(['\r', '\n', '\0']));
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        write(text);
    }
});
