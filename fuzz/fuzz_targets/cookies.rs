//! Any bytes as `Cookie` headers: pairs that are in there, the same ones by every way, never a panic;
//! and any text as a cookie: refused, or a header that parses back to exactly this cookie.
#![no_main]

mod planted;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile::cookie::{
    CookieConfig, HEADER_BYTES_MAX, Jar, PAIRS_MAX, candidates, cookies, octal_decode,
    percent_decode, percent_encode,
};

/// The pairs that were found, and perhaps others.
fn pairs<'a>(lines: &'a [&'a [u8]]) -> Vec<(&'a str, &'a str)> {
    let and = |name, value| {
        move |mut pairs: Vec<_>| {
            pairs.push((name, value));
            pairs
        }
    };
    let pairs = cookies(lines).collect();
    let pairs = bent("a cookie has a name", pairs, and("", "value"));
    let pairs = bent("no separator is part of a name", pairs, and("a=b", ""));
    let pairs = bent("no separator is part of a value", pairs, and("a", "b;c"));
    let pairs = bent(
        "no control character comes through",
        pairs,
        and("a", "\u{1}"),
    );
    bent("pairs are bounded in number", pairs, |_| {
        vec![("a", "b"); PAIRS_MAX + 1]
    })
}

fn read(bytes: &[u8]) {
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let pairs = pairs(&lines);
    for (name, value) in &pairs {
        assert!(!name.is_empty(), "a cookie has a name");
        let is_one = !name.contains([';', '=']);
        assert!(is_one, "no separator is part of a name");
        assert!(!value.contains(';'), "no separator is part of a value");
        let mut chars = name.chars().chain(value.chars());
        let is_clean = !chars.any(|char| char.is_ascii_control());
        assert!(is_clean, "no control character comes through");
        let _ = (octal_decode(value), percent_decode(value));
    }
    assert!(pairs.len() <= PAIRS_MAX, "pairs are bounded in number");
    if let Some(&(name, _)) = pairs.last() {
        let values: Vec<_> = candidates(&lines, name).collect();
        let values = bent("candidates are the pairs of their name", values, |_| vec![]);
        let filtered = pairs.iter().filter(|(other, _)| *other == name);
        assert!(
            values.into_iter().eq(filtered.map(|(_, value)| *value)),
            "candidates are the pairs of their name"
        );
        let jar = Jar::new(Arc::default(), &lines, 0);
        if bytes.len() < HEADER_BYTES_MAX {
            let sent = bent("a jar has the same pairs", jar.sent().collect(), |_| vec![]);
            assert_eq!(sent, pairs, "a jar has the same pairs");
            let was_sent = bent("a jar knows its names", jar.was_sent(name), |was| !was);
            assert!(was_sent, "a jar knows its names");
        }
    }
}

fn write(text: &str) {
    let encoded = bent("percents settle", percent_encode(text), |text| text + "x");
    let decoded = percent_decode(&encoded);
    assert_eq!(decoded.as_deref(), Some(text), "percents settle");
    let (name, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (path, value) = rest.split_once('\n').unwrap_or((rest, ""));
    let Ok(config) = CookieConfig::builder().name(name).path(path).build() else {
        return;
    };
    let removed = config.remove().attributes().to_owned();
    let removed = bent("a removal has its attributes", removed, |text| text + "x");
    assert!(
        removed.ends_with(&format!("; Path={path}; Secure; HttpOnly; SameSite=Lax")),
        "a removal has its attributes"
    );
    if let Ok(cookie) = config.set(value, 0) {
        let line = format!("{}={}", cookie.name(), cookie.value());
        let line = bent("a cookie parses back", line, |line| line + "x");
        let parsed: Vec<_> = cookies([line.as_str()]).collect();
        assert_eq!(parsed, [(name, value)], "a cookie parses back");
        let header = cookie.expose().to_owned();
        let header = bent("a header begins with its pair", header, |h| format!("x{h}"));
        let header = bent("a header has four attributes", header, |h| {
            h + "; Max-Age=0"
        });
        let header = bent("a header is one line", header, |h| h + "\r");
        let mut attributes = header.split("; ");
        let first = attributes.next();
        assert_eq!(first, Some(&*line), "a header begins with its pair");
        assert_eq!(attributes.count(), 4, "a header has four attributes");
        let is_line = !header.contains(['\r', '\n', '\0']);
        assert!(is_line, "a header is one line");
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        write(text);
    }
});
