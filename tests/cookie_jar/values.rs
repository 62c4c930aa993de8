//! Plain, signed and private values: set, read, removed, with the attributes of their names.

use std::sync::Arc;

use sessile::cookie::{CookieConfig, SetCookie};

use crate::browser::{Browser, NOW_MS, settings, swap, text};

#[test]
fn tp03_tp54_attributes_are_defaults_overridden_by_name_and_by_response() {
    let defaults = CookieConfig::builder()
        .http_only(false)
        .build()
        .expect("sound");
    let theme = defaults
        .to_builder()
        .name("theme")
        .path("/a")
        .build()
        .expect("sound");
    let mut browser = Browser::new(settings().defaults(defaults).cookie(theme));
    let headers = browser.visit(|jar| {
        for name in ["plain", "theme", "lang"] {
            jar.set(name, "v").expect("sound");
        }
        let lang = jar.config("lang").to_builder().name("lang").path("/b");
        jar.configure(lang.build().expect("sound")).expect("room");
        jar.set("lang", "w").expect("sound");
        assert_eq!(jar.config("lang").path(), Some("/b"));
    });
    let sent: Vec<_> = headers.iter().map(SetCookie::expose).collect();
    assert_eq!(
        sent,
        [
            "plain=v; Path=/; Secure; SameSite=Lax",
            "theme=v; Path=/a; Secure; SameSite=Lax",
            "lang=w; Path=/b; Secure; SameSite=Lax",
        ]
    );
}

#[test]
fn tp05_tp34_deleting_one_of_two_cookies_leaves_the_other() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| {
        jar.set("foo", "bar").expect("sound");
        jar.set("baz", "ding").expect("sound");
    });
    browser.visit(|jar| jar.remove("foo").expect("sound"));
    browser.visit(|jar| {
        assert_eq!((jar.get("foo"), jar.get("baz")), (None, Some("ding")));
    });
}

#[test]
fn tp12_what_was_set_and_unset_is_never_sent() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| jar.set("kept", "v").expect("sound"));
    let headers = browser.visit(|jar| {
        jar.set("foo", "bar").expect("sound");
        assert!(jar.unset("foo"));
        assert!(!jar.unset("foo"));
        jar.remove("kept").expect("sound");
        assert!(jar.unset("kept"));
        swap(jar, "map", "v");
        assert!(jar.unset("map"));
    });
    assert!(headers.is_empty());
    assert_eq!(browser.jar().get("kept"), Some("v"));
}

#[test]
fn tp33_a_plain_cookie_is_set_and_read_and_seen_at_once() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| {
        assert_eq!(jar.get("foo"), None);
        jar.set("foo", "bar").expect("sound");
        assert_eq!(jar.get("foo"), Some("bar"));
    });
    browser.visit(|jar| {
        assert_eq!(jar.get("foo"), Some("bar"));
        assert_eq!(jar.sent().collect::<Vec<_>>(), [("foo", "bar")]);
        jar.remove("foo").expect("sound");
        assert_eq!(jar.get("foo"), None);
    });
}

#[test]
fn private_maps_and_values_tell_nothing() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| {
        let cookie = jar.private("foo").expect("a key");
        cookie.insert("canary", "canary").expect("a text");
        jar.set_private("bar", "canary; \u{e9}").expect("any text");
        assert_eq!(
            jar.get_private("bar").expect("a key").as_deref(),
            Some("canary; \u{e9}")
        );
    });
    for value in browser.cookies.values() {
        assert!(!value.contains("Y2FuYXJ5") && !value.contains("canary"));
    }
    browser.visit(|jar| {
        assert_eq!(
            text(jar.private("foo").expect("a key"), "canary").as_deref(),
            Some("canary")
        );
        assert_eq!(
            jar.get_private("bar").expect("a key").as_deref(),
            Some("canary; \u{e9}")
        );
        // A sealed value is never taken for a signed one, nor the other way round.
        assert_eq!(jar.get_signed("bar").expect("a key"), None);
        assert!(jar.read_signed("foo").expect("a key").is_empty());
    });
}

#[test]
fn sg60_sg67_sg68_sec11_signed_values_are_read_if_genuine_and_in_their_place() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| {
        assert_eq!(jar.get_signed("user").expect("a key"), None);
        jar.set_signed("user", "hello; \u{e9}").expect("any text");
        assert_eq!(
            jar.get_signed("user").expect("a key").as_deref(),
            Some("hello; \u{e9}")
        );
    });
    browser.visit(|jar| {
        assert_eq!(
            jar.get_signed("user").expect("a key").as_deref(),
            Some("hello; \u{e9}")
        );
        jar.remove("user").expect("sound");
        assert_eq!(jar.get_signed("user").expect("a key"), None);
        jar.unset("user");
    });
    let value = browser.cookies["user"].clone();
    browser.cookies.insert("admin".into(), value.clone());
    assert_eq!(browser.jar().get_signed("admin").expect("a key"), None);
    browser.cookies.insert("user".into(), value + "A");
    assert_eq!(browser.jar().get_signed("user").expect("a key"), None);
    // Another application with the same key has another purpose.
    browser.visit(|jar| jar.set_signed("user", "v").expect("any text"));
    browser.settings = Arc::new(settings().purpose("another application"));
    assert_eq!(browser.jar().get_signed("user").expect("a key"), None);
}

#[test]
fn dj79_dj80_removal_repeats_domain_and_path() {
    let config = CookieConfig::builder()
        .name("sessionid")
        .domain(".example.local")
        .path("/example/");
    let mut browser = Browser::new(settings().cookie(config.build().expect("sound")));
    browser.cookies.insert("sessionid".into(), "abc".into());
    let headers = browser.visit(|jar| jar.remove("sessionid").expect("sound"));
    assert_eq!(
        headers[0].expose(),
        "sessionid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.local; \
         Path=/example/; Secure; HttpOnly; SameSite=Lax"
    );
}

#[test]
fn dj81_x09_no_removal_is_sent_to_a_browser_without_the_cookie() {
    let mut browser = Browser::new(settings());
    let headers = browser.visit(|jar| {
        jar.remove("sessionid").expect("sound");
        jar.set("theme", "dark").expect("sound");
        jar.remove("theme").expect("sound");
    });
    assert!(headers.is_empty(), "{headers:?}");
}

#[test]
fn s23_one_header_a_name_and_the_last_word_wins() {
    let mut browser = Browser::new(settings());
    browser.cookies.insert("foo".into(), "sent".into());
    let headers = browser.visit(|jar| {
        jar.set("foo", "1").expect("sound");
        swap(jar, "foo", "2");
        jar.remove("foo").expect("sound");
        jar.set_private("foo", "3").expect("sound");
        jar.set("other", "o").expect("sound");
        jar.register(CookieConfig::default().set("id", NOW_MS).expect("sound"))
            .expect("room");
        jar.set("foo", "4").expect("sound");
        jar.register(CookieConfig::default().remove())
            .expect("room");
    });
    let sent: Vec<_> = headers
        .iter()
        .map(|cookie| (cookie.name(), cookie.value()))
        .collect();
    assert_eq!(sent, [("foo", "4"), ("other", "o"), ("__Host-id", "")]);
}
