//! Whatever is asked for, a cookie that is sent parses back to exactly itself; whatever is signed or
//! sealed comes back, and comes back nowhere else.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sessile::cookie::{
    CookieBuilder, CookieConfig, Keyring, SameSite, SetCookie, candidates, cookies, percent_decode,
    percent_encode,
};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_.-]{1,20}",
        "(__Host-|__Secure-|__http-|__Host-Http-)[a-z]{0,5}",
        ".{0,6}",
    ]
}

fn builder() -> impl Strategy<Value = CookieBuilder> {
    let same_site = prop::sample::select(vec![
        None,
        Some(SameSite::Strict),
        Some(SameSite::Lax),
        Some(SameSite::None),
    ]);
    let domain = prop::option::of(prop_oneof![
        "[.]?[a-zA-Z0-9.-]{1,20}(:[0-9]{1,4})?",
        ".{0,6}"
    ]);
    let path = prop_oneof!["/[a-z/]{0,9}", "/.{0,6}", ".{0,6}"];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let max_age = prop::option::of(0..40_000_000_u64);
    (
        name(),
        domain,
        prop::option::of(path),
        flags,
        same_site,
        max_age,
    )
        .prop_map(
            |(name, domain, path, (secure, http_only, partitioned), same_site, max_age)| {
                let builder = CookieConfig::builder()
                    .name(name)
                    .secure(secure)
                    .http_only(http_only)
                    .partitioned(partitioned)
                    .same_site(same_site)
                    .max_age(max_age.map(Duration::from_secs));
                let builder = match domain {
                    Some(domain) => builder.domain(domain),
                    None => builder,
                };
                match path {
                    Some(path) => builder.path(path),
                    None => builder.no_path(),
                }
            },
        )
}

/// Splits a header as RFC 6265 tells a browser to, and compares with what was meant.
fn browser_reads(cookie: &SetCookie, config: &CookieConfig, value: &str) {
    let text = cookie.expose();
    assert!(
        text.bytes().all(|byte| (0x20..0x7F).contains(&byte)),
        "one line of ASCII"
    );
    let mut parts = text.split(';');
    let pair = parts.next().expect("the pair comes first");
    assert_eq!(pair.split_once('='), Some((config.name(), value)));
    let attribute = |part: &'_ str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    let attributes: Vec<_> = parts.map(attribute).collect();
    let all = |wanted: &str| {
        let found = attributes.iter().filter(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    let once = |is: bool| if is { vec![""] } else { vec![] };
    assert_eq!(
        all("Domain"),
        config.domain().into_iter().collect::<Vec<_>>()
    );
    assert_eq!(all("Path"), config.path().into_iter().collect::<Vec<_>>());
    assert_eq!(all("Secure"), once(config.is_secure()));
    assert_eq!(all("HttpOnly"), once(config.is_http_only()));
    assert_eq!(all("Partitioned"), once(config.is_partitioned()));
    let same_site = config.same_site().map(SameSite::as_str);
    assert_eq!(all("SameSite"), same_site.into_iter().collect::<Vec<_>>());
    assert_eq!(all("Max-Age").len(), all("Expires").len());
}

#[test]
fn a_cookie_that_is_sent_parses_back_to_exactly_itself() {
    let mut runner = TestRunner::new(crate::config());
    let value = prop_oneof!["[!#-+./0-9:<-\\[\\]-~-]{0,30}", ".{0,12}"];
    let result = runner.run(
        &(builder(), value, any::<u64>()),
        |(builder, value, now_ms)| {
            let Ok(config) = builder.build() else {
                return Ok(());
            };
            let removal = config.remove();
            assert!(removal.is_removal());
            browser_reads(&removal, &config, "");
            let Ok(cookie) = config.set(&value, now_ms) else {
                let encoded = percent_encode(&value);
                assert_eq!(percent_decode(&encoded).as_deref(), Some(&*value));
                assert!(config.set(&encoded, now_ms).is_ok());
                return Ok(());
            };
            assert!(!cookie.is_removal());
            assert!(
                removal.attributes().ends_with(cookie.attributes()) || config.max_age().is_some()
            );
            browser_reads(&cookie, &config, &value);
            // And the browser's answer is this pair, among any others.
            let line = format!("before=1; {}={}; after=2", cookie.name(), cookie.value());
            let own = cookies([line.as_str()]).filter(|(name, _)| *name == config.name());
            let expected = ["before", "after"].contains(&config.name());
            assert_eq!(own.count(), 1 + usize::from(expected));
            let mut values = candidates([line.as_str()], config.name());
            assert!(values.any(|other| other == value));
            Ok(())
        },
    );
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn what_was_protected_comes_back_in_its_place_only() {
    let mut runner = TestRunner::new(crate::config());
    let ring = Keyring::new([7; 32]).expect("a long key");
    let scope = || (".{0,6}", ".{0,6}");
    let payload = prop::collection::vec(any::<u8>(), 0..200);
    let result = runner.run(&(scope(), scope(), payload), |(here, there, payload)| {
        let signed = ring.sign(&here.0, &here.1, &payload);
        let sealed = ring.seal(&here.0, &here.1, &payload).expect("randomness");
        let read = |scope: &(String, String)| {
            let verified = ring.verify(&scope.0, &scope.1, &signed);
            let opened = ring.open(&scope.0, &scope.1, &sealed);
            [verified, opened].map(|opened| opened.map(|opened| opened.payload))
        };
        assert_eq!(read(&here), [Some(payload.clone()), Some(payload.clone())]);
        if here != there {
            assert_eq!(read(&there), [None, None]);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
