//! How cookies are sent. Names beginning with `wz`, `fl`, `dj`, `x` re-create scenarios of the systems
//! whose features we carry; `s` is the checklist of session layers, `sec` the one of security.
#![cfg(feature = "cookie")]

use std::time::Duration;

use sessile::cookie::{
    COOKIE_BYTES_MAX, CookieBuilder, CookieConfig, MAX_AGE_MAX, SameSite, octal_decode,
    percent_decode, percent_encode,
};
use sessile::{ErrorKind, Fault};

/// 2011-06-24T00:09:05Z
const NOW_MS: u64 = 1_308_874_145_000;

fn named(name: &str) -> CookieBuilder {
    CookieConfig::builder().name(name)
}

fn header(builder: CookieBuilder, value: &str) -> String {
    let config = builder.build().expect("a sound configuration");
    let cookie = config.set(value, NOW_MS).expect("a sound value");
    cookie.into_string()
}

#[track_caller]
fn refused(builder: CookieBuilder, words: &[&str]) {
    let error = builder.build().expect_err("this configuration is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.kind().fault(), Fault::Configuration);
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}

#[test]
fn wz01_all_attributes_stand_in_the_header_once() {
    let all = named("foo")
        .domain("example.org")
        .path("/a b")
        .same_site(SameSite::Strict)
        .partitioned(true)
        .max_age(Duration::from_secs(360));
    assert_eq!(
        header(all, "bar"),
        "foo=bar; Max-Age=360; Expires=Fri, 24 Jun 2011 00:15:05 GMT; Domain=example.org; \
         Path=/a b; Secure; HttpOnly; SameSite=Strict; Partitioned"
    );
    // What would need quotes is refused instead: browsers give quotes back as part of the value.
    for value in ["a b", "a;b", "a,b", "a\"b", "a\\b", "ä"] {
        let error = named("foo")
            .build()
            .expect("sound")
            .set(value, NOW_MS)
            .expect_err("no cookie octets");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn wz02_a_path_can_be_left_out() {
    let text = header(named("foo").no_path(), "bar");
    assert!(!text.contains("Path"), "{text}");
}

#[test]
fn wz03_unicode_goes_through_an_encoding_and_comes_back() {
    let text = "föö; \"bär\", \\ 100 % 日本";
    let value = percent_encode(text);
    assert!(header(named("foo"), &value).starts_with("foo=f%C3%B6%C3%B6%3B%20%22b"));
    assert_eq!(percent_decode(&value).as_deref(), Some(text));
    // What Python's libraries wrote with octal escapes is read.
    let theirs = r#"f\303\266\303\266\073 \"b\303\244r\"\054 \\"#;
    assert_eq!(octal_decode(theirs).as_deref(), Some(r#"föö; "bär", \"#));
    for broken in [r"\", r"\30", r"\400", r"\8", r"\303"] {
        assert_eq!(octal_decode(broken), None, "{broken}");
    }
    for broken in ["%", "%4", "%4G", "%G4", "%C3"] {
        assert_eq!(percent_decode(broken), None, "{broken}");
    }
}

#[test]
fn wz04_international_domains_are_expected_in_punycode() {
    let text = header(named("foo").domain(".xn--bcher-kva.example:5000"), "bar");
    assert!(text.contains("; Domain=xn--bcher-kva.example;"), "{text}");
    refused(
        named("foo").domain("bücher.example"),
        &["punycode", "xn--", "b\\u{fc}cher"],
    );
}

#[test]
fn wz05_a_cookie_at_the_limit_is_sent_and_one_above_is_a_typed_error() {
    for (limit, builder) in [
        (COOKIE_BYTES_MAX, named("foo")),
        (512, named("foo").max_bytes(512)),
    ] {
        let config = builder.build().expect("a sound configuration");
        let fits = "v".repeat(limit - 3);
        let cookie = config.set(&fits, NOW_MS).expect("it fits");
        assert_eq!(cookie.value().len(), limit - 3);
        let error = config
            .set(&format!("{fits}v"), NOW_MS)
            .expect_err("one too many");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(error.kind().fault(), Fault::Caller);
        assert!(error.to_string().contains(&limit.to_string()), "{error}");
    }
}

#[test]
fn wz06_same_site_is_read_in_any_case_and_written_in_one() {
    for (text, written) in [
        ("strict", "Strict"),
        ("lax", "Lax"),
        ("NONE", "None"),
        ("None", "None"),
    ] {
        let same_site: SameSite = text.parse().expect("a known word");
        let text = header(named("foo").same_site(same_site), "bar");
        assert!(text.ends_with(&format!("; SameSite={written}")), "{text}");
    }
    let text = header(named("foo").same_site(None), "bar");
    assert!(!text.contains("SameSite"), "{text}");
}

#[test]
fn wz07_an_unknown_same_site_is_refused() {
    for word in ["invalid", "", "lax ", "none\r\nSet-Cookie: a=b"] {
        let error = word.parse::<SameSite>().expect_err("no such word");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn wz08_partitioned_cookies_are_secure() {
    let text = header(named("foo").partitioned(true), "bar");
    assert!(
        text.contains("; Secure;") && text.ends_with("; Partitioned"),
        "{text}"
    );
}

#[test]
fn wz09_partitioned_with_secure_switched_off_is_refused_never_sent_insecure() {
    refused(
        named("foo").partitioned(true).secure(false),
        &["Partitioned asks for Secure"],
    );
}

#[test]
fn fl04_every_setting_is_sent_and_repeated_by_the_deletion() {
    let config = named("session")
        .domain(".example.com")
        .http_only(false)
        .same_site(SameSite::Lax)
        .partitioned(true)
        .build()
        .expect("a sound configuration");
    let set = config.set("v", NOW_MS).expect("a sound value");
    let attributes = "; Domain=example.com; Path=/; Secure; SameSite=Lax; Partitioned";
    assert_eq!(set.attributes(), attributes);
    assert_eq!(
        config.remove().expose(),
        format!("session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{attributes}")
    );
    assert!(config.remove().is_removal() && !set.is_removal());
}

#[test]
fn fl05_same_site_invalid_omitted_strict_lax() {
    wz06_same_site_is_read_in_any_case_and_written_in_one();
    wz07_an_unknown_same_site_is_refused();
}

#[test]
fn fl27_a_small_limit_is_told_and_no_limit_is_no_choice() {
    let config = named("session").max_bytes(100).build().expect("sound");
    let error = config
        .set(&"v".repeat(300), NOW_MS)
        .expect_err("it is too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("307 bytes, 100 are allowed"));
    refused(named("session").max_bytes(0), &["max_bytes is 0"]);
    refused(named("session").max_bytes(4097), &["max_bytes is 4097"]);
}

#[test]
fn dj73_http_only_stands_in_the_header() {
    assert!(header(named("sessionid"), "v").contains("; HttpOnly"));
}

#[test]
fn dj74_strict_same_site_stands_in_the_header() {
    let text = header(named("sessionid").same_site(SameSite::Strict), "v");
    assert!(text.contains("; SameSite=Strict"), "{text}");
}

#[test]
fn dj75_http_only_can_be_switched_off() {
    let text = header(named("sessionid").http_only(false), "v");
    assert!(!text.contains("HttpOnly"), "{text}");
}

#[test]
fn s19_sec16_the_default_is_secure_and_bound_to_the_host() {
    let cookie = CookieConfig::default().set("v", NOW_MS).expect("sound");
    assert_eq!(
        cookie.expose(),
        "__Host-id=v; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
    let name = |builder: CookieBuilder| builder.build().expect("sound").name().to_owned();
    let builder = CookieConfig::builder;
    assert_eq!(name(builder().domain("example.com")), "__Secure-id");
    assert_eq!(name(builder().path("/app")), "__Secure-id");
    assert_eq!(name(builder().secure(false)), "id");
}

#[test]
fn s20_same_site_none_needs_secure() {
    let none = || named("foo").same_site(SameSite::None);
    refused(none().secure(false), &["SameSite=None asks for Secure"]);
    assert!(header(none(), "v").contains("; Secure; HttpOnly; SameSite=None"));
}

#[test]
fn s21_prefix_rules_hold_in_any_case() {
    for name in [
        "__Host-a",
        "__host-a",
        "__HOST-A",
        "__Host-Http-a",
        "__hOST-hTTP-a",
    ] {
        refused(named(name).secure(false), &["prefix asks for Secure"]);
        refused(named(name).path("/a"), &["prefix asks for Path=/"]);
        refused(named(name).no_path(), &["prefix asks for Path=/"]);
        refused(named(name).domain("example.com"), &["asks for no Domain"]);
        header(named(name), "v");
    }
    for name in ["__Secure-a", "__secure-a", "__Http-a", "__HTTP-a"] {
        refused(named(name).secure(false), &["prefix asks for Secure"]);
        header(named(name).path("/a").domain("example.com"), "v");
    }
    for name in ["__Http-a", "__http-a", "__Host-Http-a", "__HOST-HTTP-a"] {
        refused(named(name).http_only(false), &["asks for HttpOnly"]);
    }
    // Other names are free, also those that only look alike.
    for name in ["_Host-a", "__Hosta", "a__Host-", "__Http"] {
        header(named(name).secure(false).domain("example.com"), "v");
    }
}

#[test]
fn s22_sec18_sizes_are_limited_by_typed_errors() {
    wz05_a_cookie_at_the_limit_is_sent_and_one_above_is_a_typed_error();
    let longest = format!("/{}", "p".repeat(1023));
    header(named("foo").path(longest.clone()), "v");
    refused(named("foo").path(longest + "p"), &["more than 1024 bytes"]);
    let label = "a".repeat(63);
    let long = [&*label; 4].join(".");
    refused(named("foo").domain(long), &["more than 253 bytes"]);
    refused(named(&"f".repeat(4097)), &["4097 bytes"]);
}

#[test]
fn s23_no_cookie_is_nameless_and_no_attribute_stands_twice() {
    refused(named(""), &["it is empty"]);
    let all = named("foo")
        .domain("example.org")
        .max_age(Duration::from_secs(1))
        .partitioned(true);
    let text = header(all, "bar");
    let mut attributes: Vec<_> = text
        .split("; ")
        .map(|attribute| attribute.split('=').next())
        .collect();
    let count = attributes.len();
    attributes.sort_unstable();
    attributes.dedup();
    assert_eq!(attributes.len(), count, "{text}");
}

#[test]
fn s24_values_are_cookie_octets_only() {
    let config = named("foo").build().expect("sound");
    for byte in 0..=255_u8 {
        let value = String::from_utf8_lossy(&[b'a', byte]).into_owned();
        let is_octet = byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        let set = config.set(&value, NOW_MS);
        assert_eq!(set.is_ok(), is_octet, "{byte}");
        if let Err(error) = set {
            assert!(error.to_string().contains("byte 1"), "{error}");
        }
    }
    assert_eq!(config.set("", NOW_MS).expect("an empty value").value(), "");
}

#[test]
fn s25_sec18_lifetimes_are_whole_seconds_up_to_400_days() {
    let day = Duration::from_secs(86_400);
    refused(named("foo").max_age(Duration::ZERO), &["max_age is 0ns"]);
    refused(named("foo").max_age(401 * day), &["400 days"]);
    refused(named("foo").max_age(Duration::MAX), &["400 days"]);
    header(named("foo").max_age(MAX_AGE_MAX), "v");

    let config = named("foo").build().expect("sound");
    let lifetime = |max_age, now_ms| {
        let cookie = config.set_for("v", Some(max_age), now_ms).expect("sound");
        let attributes = cookie.attributes().to_owned();
        let end = attributes.find("; Path").expect("it has a path");
        attributes[..end].to_owned()
    };
    assert_eq!(
        lifetime(Duration::from_millis(1), 0),
        "; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT"
    );
    assert_eq!(
        lifetime(Duration::from_millis(1500), 0),
        "; Max-Age=2; Expires=Thu, 01 Jan 1970 00:00:02 GMT"
    );
    // Longer ones come from sessions and are cut to what browsers do; no clock overflows.
    assert_eq!(
        lifetime(Duration::MAX, u64::MAX),
        "; Max-Age=34560000; Expires=Fri, 31 Dec 9999 23:59:59 GMT"
    );
    assert_eq!(
        lifetime(Duration::ZERO, NOW_MS),
        "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    );
    let until_closed = config.set_for("v", None, NOW_MS).expect("sound");
    assert!(!until_closed.expose().contains("Max-Age"));
}

#[test]
fn s26_x10_removal_repeats_whatever_setting_sends() {
    for builder in [
        CookieConfig::builder(),
        named("__Secure-a").domain("example.com").path("/a"),
        named("a").secure(false).http_only(false).same_site(None),
        named("a").partitioned(true).no_path(),
    ] {
        let config = builder.build().expect("sound");
        let set = config.set("v", NOW_MS).expect("sound");
        let removal = config.remove();
        assert_eq!(removal.name(), set.name());
        assert_eq!(removal.value(), "");
        assert!(
            removal.attributes().ends_with(set.attributes()),
            "{removal:?}"
        );
    }
    let removal = CookieConfig::default().remove();
    assert!(removal.expose().contains("; Path=/; Secure"));
}

#[test]
fn s29_partitioned_implies_secure() {
    wz08_partitioned_cookies_are_secure();
    wz09_partitioned_with_secure_switched_off_is_refused_never_sent_insecure();
}

#[test]
fn x11_a_host_cookie_with_a_domain_is_refused_at_build() {
    refused(
        named("__Host-session").domain("example.com"),
        &["__Host-session", "no Domain"],
    );
}

#[test]
fn x05_a_lifetime_of_zero_is_refused_at_build() {
    refused(CookieConfig::builder().max_age(Duration::ZERO), &["1 s"]);
}

#[test]
fn sec17_nothing_that_ends_a_header_gets_into_one() {
    for bad in ["a\r\nb", "a\nb", "a\0b", "a;b", "a,b", "a\x7fb", "ab\u{e9}"] {
        refused(named(bad), &["name a cookie"]);
        refused(named("foo").path(format!("/{bad}")), &["its path", "byte"]);
        refused(named("foo").domain(bad), &["its domain"]);
    }
    for bad in ["a b", "a=b", "a\"b", "a(b", "a/b", "a@b", "a{b"] {
        refused(named(bad), &["byte 1"]);
    }
    refused(named("foo").path("no/slash"), &["begin with `/`"]);
    refused(named("foo").path("/a "), &["ends with a space"]);
    for bad in ["", ".", "a..b", "a.", "-a.b", "a-.b", "a b", "[::1]", "a:b"] {
        refused(named("foo").domain(bad), &["its domain"]);
    }
    // An error shows what it must, on one line and not at any length.
    let error = named(&"x\n".repeat(5000)).build().expect_err("no token");
    assert!(error.to_string().len() < 400 && !error.to_string().contains('\n'));
}

#[test]
fn domains_are_sent_as_old_configurations_meant_them() {
    for (written, sent) in [
        ("Example.COM", "example.com"),
        (".example.com", "example.com"),
        ("localhost:5000", "localhost"),
        ("127.0.0.1:80", "127.0.0.1"),
    ] {
        let config = named("foo").domain(written).build().expect("sound");
        assert_eq!(config.domain(), Some(sent));
    }
}

#[test]
fn debug_shows_no_value() {
    let config = named("foo").build().expect("sound");
    let cookie = config.set("a-secret-value", NOW_MS).expect("sound");
    assert_eq!(
        format!("{cookie:?}"),
        "SetCookie(foo=…; Path=/; Secure; HttpOnly; SameSite=Lax)"
    );
    assert_eq!(
        format!("{config:?}"),
        "CookieConfig(foo=…; Path=/; Secure; HttpOnly; SameSite=Lax)"
    );
    let error = config.set("a-secret value", NOW_MS).expect_err("a space");
    assert!(!format!("{error} {error:?}").contains("a-secret"));
}

#[test]
fn a_changed_copy_keeps_the_rest() {
    let config = named("foo")
        .domain("example.com")
        .max_age(Duration::from_secs(60))
        .max_bytes(99)
        .build()
        .expect("sound");
    let same = config.to_builder().build().expect("sound");
    assert_eq!(same, config);
    let other = config.to_builder().path("/a").no_domain().build();
    let other = other.expect("sound");
    assert_eq!((other.path(), other.domain()), (Some("/a"), None));
    assert_eq!(other.max_age(), config.max_age());
}
