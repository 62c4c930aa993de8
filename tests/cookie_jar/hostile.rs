//! What is forged, missing, doubled, too large or too much.

use std::sync::Arc;
use std::time::Duration;

use sessile::cookie::{CHANGES_MAX, CookieConfig, Jar, JarSettings, Keyring, SignedCookie};
use sessile::{ErrorKind, Result};

use crate::browser::{Browser, NOW_MS, OTHER, settings, swap, text};

#[test]
fn tp02_without_a_key_the_error_says_so() {
    let mut jar = Browser::new(JarSettings::new()).jar();
    jar.set("plain", "works").expect("no key is needed");
    let errors: [Result<()>; 6] = [
        jar.signed("foo").map(drop),
        jar.private("foo").map(drop),
        jar.get_signed("foo").map(drop),
        jar.set_private("foo", "v"),
        jar.read_signed("foo").map(drop),
        jar.put_signed("foo", SignedCookie::new()),
    ];
    for error in errors {
        let error = error.expect_err("there is no key");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("keyring"), "{error}");
    }
}

#[test]
fn tp50_sc01_valid_forged_and_absent_cookies_say_what_they_are() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "foo", "bar")));
    let genuine = browser.cookies["foo"].clone();
    let cookie = browser.jar().read_signed("foo").expect("a key");
    assert!(!cookie.is_new() && !cookie.is_modified());
    assert_eq!(text(&cookie, "foo").as_deref(), Some("bar"));
    for forged in ["", "forged", &genuine[..20], &genuine.replacen('.', "-", 1)] {
        browser.cookies.insert("foo".into(), forged.to_owned());
        let cookie = browser.jar().read_signed("foo").expect("a key");
        assert!(!cookie.is_new() && !cookie.is_modified() && cookie.is_empty());
    }
    assert!(browser.jar().read_signed("absent").expect("a key").is_new());
    // The wrong key reads nothing.
    browser.cookies.insert("foo".into(), genuine);
    let other = JarSettings::new().keyring(Keyring::new(OTHER).expect("long"));
    browser.settings = Arc::new(other);
    let cookie = browser.jar().read_signed("foo").expect("a key");
    assert!(!cookie.is_new() && !cookie.is_modified() && cookie.is_empty());
}

#[test]
fn sg69_content_is_believed_for_its_time_only() {
    let ttl = Duration::from_secs(10);
    let mut browser = Browser::new(settings().content_ttl(ttl).expect("above a second"));
    browser.visit(|jar| {
        swap(jar, "foo", "bar");
        jar.set_signed("s", "v").expect("any text");
        jar.set_private("p", "v").expect("any text");
    });
    for (seconds, is_alive) in [(10, true), (11, false)] {
        browser.now_ms = NOW_MS + seconds * 1000;
        let jar = browser.jar();
        assert_eq!(jar.read_signed("foo").expect("a key").is_empty(), !is_alive);
        assert_eq!(jar.get_signed("s").expect("a key").is_some(), is_alive);
        assert_eq!(jar.get_private("p").expect("a key").is_some(), is_alive);
    }
    let error = settings()
        .content_ttl(Duration::ZERO)
        .expect_err("no lifetime");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[test]
fn x13_garbage_is_neither_believed_nor_written_back_nor_removed_untouched() {
    let mut browser = Browser::new(settings());
    browser.cookies.insert("session".into(), "garbage".into());
    let headers = browser.visit(|jar| {
        assert!(jar.signed("session").expect("a key").is_empty());
    });
    assert!(headers.is_empty());
    let headers = browser.visit(|jar| jar.signed("session").expect("a key").clear());
    assert!(headers.len() == 1 && headers[0].is_removal());
    // x01: genuine, but no map.
    browser.visit(|jar| jar.set_signed("session", "[1,2").expect("any text"));
    let headers = browser.visit(|jar| {
        assert!(jar.signed("session").expect("a key").is_empty());
    });
    assert!(headers.is_empty());
}

#[test]
fn s27_of_several_cookies_of_a_name_the_first_genuine_one_counts() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| {
        swap(jar, "foo", "bar");
        jar.set_signed("s", "v").expect("any text");
    });
    let (foo, s) = (&browser.cookies["foo"], &browser.cookies["s"]);
    for line in [
        format!("foo={foo}; foo=planted; s={s}; s=planted"),
        format!("foo=planted; foo={foo}; s=planted; s=; s={s}"),
    ] {
        let mut jar = Jar::new(browser.settings.clone(), [line.as_str()], NOW_MS);
        assert_eq!(
            text(jar.signed("foo").expect("a key"), "foo").as_deref(),
            Some("bar")
        );
        assert_eq!(jar.get_signed("s").expect("a key").as_deref(), Some("v"));
    }
}

#[test]
fn s22_a_map_that_grew_too_large_is_a_typed_error() {
    let mut jar = Browser::new(settings()).jar();
    let cart = jar.signed("cart").expect("a key");
    cart.insert("list", &"x".repeat(4000)).expect("JSON");
    let error = jar.finish().expect_err("a browser would drop it");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("cart") && !error.to_string().contains("xxx"));
    let error = jar
        .set_signed("s", &"x".repeat(4000))
        .expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn names_and_numbers_of_cookies_are_bounded() {
    let mut jar = Browser::new(settings()).jar();
    for name in ["", "a b", "a=b", "a\r\nb", "ä"] {
        let errors = [
            jar.set(name, "v"),
            jar.remove(name),
            jar.signed(name).map(drop),
            jar.set_private(name, "v"),
            jar.put_signed(name, SignedCookie::new()),
        ];
        for error in errors {
            assert_eq!(error.expect_err("no name").kind(), ErrorKind::InvalidInput);
        }
    }
    for number in 0..CHANGES_MAX {
        jar.set(&format!("c{number}"), "v").expect("there is room");
    }
    let error = jar.set("one-more", "v").expect_err("it is full");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    jar.set("c0", "again").expect("it is known");
    // A prefix that the defaults break is told before anything is sent.
    let insecure = CookieConfig::builder()
        .secure(false)
        .build()
        .expect("sound");
    let mut jar = Browser::new(settings().defaults(insecure)).jar();
    let error = jar.set("__Host-a", "v").expect_err("not secure");
    assert!(error.to_string().contains("asks for Secure"), "{error}");
}

#[test]
fn s28_a_jar_reads_all_header_lines_within_the_limits() {
    let lines = ["a=1; b=2", "c=3"];
    let jar = Jar::new(Arc::default(), &lines, NOW_MS);
    assert_eq!(
        jar.sent().collect::<Vec<_>>(),
        [("a", "1"), ("b", "2"), ("c", "3")]
    );
    let long = format!("a={}", "v".repeat(40_000));
    let lines = [&*long, "b=2", &*long, "c=3"];
    let jar = Jar::new(Arc::default(), lines, NOW_MS);
    assert_eq!((jar.get("b"), jar.get("c")), (Some("2"), None));
    let mut sent = jar.sent();
    assert_eq!(sent.by_ref().count(), 2);
    assert!(sent.is_cut());
}

#[test]
fn debug_shows_no_value() {
    let mut browser = Browser::new(settings());
    browser.cookies.insert("foo".into(), "canary".into());
    let mut jar = browser.jar();
    jar.set("bar", "canary").expect("sound");
    let map = jar.signed("baz").expect("a key");
    map.insert("canary", "canary").expect("a text");
    let shown = format!("{map:?}");
    let shown = format!("{shown} {jar:?} {:?} {:?}", jar.finish(), browser.settings);
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn many_forged_cookies_of_a_name_are_tried_up_to_a_limit() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "foo", "bar")));
    let genuine = browser.cookies["foo"].clone();
    for (forged, is_found) in [(63, true), (64, false)] {
        let line = format!(
            "{}foo={genuine}",
            format!("foo={genuine}A; ").repeat(forged)
        );
        let mut jar = Jar::new(browser.settings.clone(), [line.as_str()], NOW_MS);
        assert_eq!(jar.signed("foo").expect("a key").is_empty(), !is_found);
    }
}
