//! Maps in one cookie: made, read, changed, removed, written anew.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessile::cookie::{CookieConfig, JarSettings, Keyring, SignedCookie};
use sessile::{ErrorKind, Result};

use crate::browser::{Browser, KEY, NOW_MS, OTHER, settings, swap, text};

#[test]
fn tp01_tp04_tp13_tp17_tp35_a_signed_map_comes_back_with_the_next_request() {
    let mut browser = Browser::new(settings());
    let headers = browser.visit(|jar| {
        let session = jar.signed("session").expect("there is a key");
        assert!(session.is_empty() && session.is_new());
        session.insert("foo", "bar").expect("a text");
    });
    assert_eq!(headers.len(), 1);
    assert!(
        headers[0]
            .attributes()
            .ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
    let headers = browser.visit(|jar| {
        let session = jar.signed("session").expect("there is a key");
        assert_eq!(text(session, "foo").as_deref(), Some("bar"));
        assert!(!session.is_new() && !session.is_modified());
    });
    assert!(headers.is_empty(), "s30: nothing changed");
}

#[test]
fn tp06_sc03_the_content_is_json() {
    let ring = Keyring::new(KEY).expect("a long key");
    let mut browser = Browser::new(settings().purpose("app"));
    browser.visit(|jar| {
        let cookie = jar.signed("foo").expect("there is a key");
        cookie.insert("list", &[1, 2, 3]).expect("JSON");
        cookie.insert("most", &u64::MAX).expect("JSON");
        cookie.insert("least", &i64::MIN).expect("JSON");
    });
    let opened = ring.verify_timed("app", "foo", &browser.cookies["foo"], None, NOW_MS);
    assert_eq!(
        opened.expect("genuine").payload,
        br#"{"least":-9223372036854775808,"list":[1,2,3],"most":18446744073709551615}"#
    );
    browser.visit(|jar| {
        let cookie = jar.signed("foo").expect("there is a key");
        assert_eq!(cookie.get("most").expect("a number"), Some(u64::MAX));
        assert_eq!(cookie.get("least").expect("a number"), Some(i64::MIN));
        let error = cookie.get::<u8>("most").expect_err("it is larger");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!error.to_string().contains("1844"), "{error}");
    });
}

#[test]
fn tp07_a_map_put_in_the_place_of_another_is_what_comes_back() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "session", "old")));
    browser.visit(|jar| {
        let mut other = SignedCookie::new();
        other.insert("baz", "new").expect("a text");
        jar.put_signed("session", other).expect("there is a key");
    });
    browser.visit(|jar| {
        let session = jar.signed("session").expect("there is a key");
        assert_eq!(text(session, "foo"), None);
        assert_eq!(text(session, "baz").as_deref(), Some("new"));
    });
}

#[test]
fn tp11_set_read_delete_read_set_again() {
    let mut browser = Browser::new(settings());
    for round in ["first", "second"] {
        browser.visit(|jar| assert_eq!(swap(jar, "foo", round), None));
        browser.visit(|jar| {
            let cookie = jar.signed("foo").expect("there is a key");
            assert_eq!(text(cookie, "foo").as_deref(), Some(round));
        });
        let headers = browser.visit(|jar| jar.remove("foo").expect("sound"));
        assert!(headers.len() == 1 && headers[0].is_removal());
    }
}

#[test]
fn tp36_a_map_that_is_not_loaded_is_always_new() {
    let mut browser = Browser::new(settings());
    for _ in 0..2 {
        browser.visit(|jar| {
            jar.put_signed("foo", SignedCookie::new()).expect("a key");
            assert_eq!(swap(jar, "foo", "bar"), None);
            assert!(jar.signed("foo").expect("a key").is_new());
        });
    }
}

#[test]
fn tp37_tp53_a_map_made_apart_is_new_unmodified_and_can_be_put() {
    #[derive(Serialize)]
    struct Cart {
        apples: u32,
    }
    let made = SignedCookie::of(&Cart { apples: 3 }).expect("a struct");
    assert!(made.is_new() && !made.is_modified());
    let mut browser = Browser::new(settings());
    browser.visit(|jar| jar.put_signed("cart", made).expect("a key"));
    browser.visit(|jar| {
        let cart = jar.read_signed("cart").expect("a key");
        assert_eq!(cart.get::<u32>("apples").expect("a number"), Some(3));
    });
}

#[test]
fn tp38_what_is_no_map_makes_no_map_cookie() {
    let error = SignedCookie::of("foo").expect_err("a text");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("no struct and no map"),
        "{error}"
    );
    assert!(SignedCookie::of(&[1, 2]).is_err());
}

#[test]
fn tp46_a_jar_that_nobody_used_sends_nothing() {
    let mut browser = Browser::new(JarSettings::new());
    assert!(browser.visit(|_| ()).is_empty());
}

#[test]
fn tp47_asking_twice_gives_the_same_map() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| {
        for name in ["session", "custom"] {
            assert!(jar.signed(name).expect("a key").is_new());
            assert_eq!(swap(jar, name, "bar"), None);
            assert_eq!(swap(jar, name, "baz").as_deref(), Some("bar"));
        }
    });
    // x22: of the other kind under the same name there is none, in words.
    let mut jar = browser.jar();
    jar.signed("session").expect("a key");
    let error = jar.private("session").expect_err("it is a signed one");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn tp48_a_lifetime_is_sent_both_ways() {
    let kept = CookieConfig::builder()
        .name("session")
        .max_age(Duration::from_secs(60));
    let mut browser = Browser::new(settings().cookie(kept.build().expect("sound")));
    let headers = browser.visit(|jar| drop(swap(jar, "session", "bar")));
    let attributes = headers[0].attributes();
    assert!(
        attributes.starts_with("; Max-Age=60; Expires=Fri, 24 Jun 2011 00:10:05 GMT;"),
        "{attributes}"
    );
}

#[test]
fn tp49_tp51_after_a_removal_the_map_is_another_and_empty() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "session", "bar")));
    let before = browser.cookies.clone();
    let headers = browser.visit(|jar| {
        jar.signed("session").expect("a key");
        jar.remove("session").expect("sound");
        let session = jar.signed("session").expect("a key");
        assert!(session.is_empty() && session.is_new());
    });
    assert!(headers.len() == 1 && headers[0].is_removal(), "{headers:?}");
    browser.cookies = before;
    let headers = browser.visit(|jar| {
        jar.remove("session").expect("sound");
        assert_eq!(swap(jar, "session", "new"), None);
    });
    assert!(
        headers.len() == 1 && !headers[0].is_removal(),
        "one header a name"
    );
}

#[test]
fn tp52_reading_never_tracks() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "foo", "bar")));
    browser.cookies.insert("bad".into(), "forged".into());
    let headers = browser.visit(|jar| {
        for name in ["foo", "bad", "absent"] {
            let mut cookie = jar.read_signed(name).expect("a key");
            cookie.insert("foo", "changed").expect("a text");
            cookie.set_forced(true);
        }
    });
    assert!(headers.is_empty());
}

#[test]
fn sc01_flags_follow_the_changes() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Nested {
        list: Vec<u32>,
    }
    let mut cookie = SignedCookie::default();
    assert!(!cookie.remove("absent") && !cookie.is_modified());
    assert_eq!(cookie.pop::<u32>("absent").expect("none"), None);
    assert!(!cookie.is_modified());
    cookie
        .set_default("n", &Nested { list: vec![1] })
        .expect("JSON");
    assert!(cookie.is_modified());
    cookie.set_modified(false);
    cookie
        .set_default("n", &Nested { list: vec![] })
        .expect("JSON");
    assert!(!cookie.is_modified(), "there was one");
    // x15: a change inside a value goes through `modify`.
    let change = |nested: Option<Nested>| {
        let mut nested = nested?;
        nested.list.push(2);
        Some(nested)
    };
    cookie.modify("n", change).expect("JSON");
    assert!(cookie.is_modified());
    let nested = cookie.pop::<Nested>("n").expect("a Nested");
    assert_eq!(nested, Some(Nested { list: vec![1, 2] }));
    cookie.insert("a", &1).expect("JSON");
    cookie.modify::<u32>("a", |_| None).expect("JSON");
    assert!(cookie.is_empty() && !cookie.contains("a"));
    cookie.insert("b", &1).expect("JSON");
    assert_eq!(
        (cookie.len(), cookie.keys().collect::<Vec<_>>()),
        (1, vec!["b"])
    );
    cookie.set_modified(false);
    cookie.clear();
    assert!(cookie.is_modified() && cookie.is_empty());
}

#[test]
fn sc02_a_map_emptied_is_removed_if_the_browser_had_it() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "foo", "bar")));
    let headers = browser.visit(|jar| {
        assert!(jar.signed("foo").expect("a key").remove("foo"));
    });
    assert!(headers.len() == 1 && headers[0].is_removal());
    let headers = browser.visit(|jar| jar.signed("foo").expect("a key").clear());
    assert!(headers.is_empty(), "x09: there was none");
}

#[test]
fn force_writes_an_unchanged_map_and_never_an_empty_one() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "foo", "bar")));
    browser.now_ms += 5000;
    let headers = browser.visit(|jar| jar.signed("foo").expect("a key").set_forced(true));
    assert_eq!(headers.len(), 1);
    let headers = browser.visit(|jar| jar.signed("none").expect("a key").set_forced(true));
    assert!(headers.is_empty());
}

#[test]
fn fl07_what_an_old_key_signed_is_written_anew_by_the_new_one() {
    let mut browser = Browser::new(settings());
    browser.visit(|jar| drop(swap(jar, "foo", "bar")));
    let ring = |ring: Result<Keyring>| JarSettings::new().keyring(ring.expect("long keys"));
    let rotated = Keyring::new(OTHER).and_then(|ring| ring.fallback(KEY));
    browser.settings = Arc::new(ring(rotated));
    let headers = browser.visit(|jar| drop(jar.read_signed("foo")));
    assert!(headers.is_empty(), "reading is not tracking");
    let headers = browser.visit(|jar| {
        assert!(!jar.signed("foo").expect("a key").is_modified());
    });
    assert_eq!(headers.len(), 1);
    browser.settings = Arc::new(ring(Keyring::new(OTHER)));
    let cookie = browser.jar().read_signed("foo").expect("a key");
    assert_eq!(text(&cookie, "foo").as_deref(), Some("bar"));
}
