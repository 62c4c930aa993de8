//! The session cookie's name and attributes, and the rules that hold among them.

use std::time::Duration;

use super::name::Key;
use super::parse::{self, Parsed};
use super::profile::Profile;
use super::reader::Reader;
use super::settings::CookieSettings;
use super::value::Raw;
use crate::cookie::SameSite;

const NAME_MAX: usize = 128;
const DOMAIN_MAX: usize = 253;
/// Browsers ignore longer attributes (RFC 6265bis).
const PATH_MAX: usize = 1024;

pub(super) fn settings(
    reader: &mut Reader<'_>,
    profile: &Profile,
    max_age: Option<Duration>,
) -> CookieSettings {
    let partitioned = reader
        .get(Key::CookiePartitioned, parse::truth)
        .unwrap_or(false);
    let secure = reader.get(Key::CookieSecure, parse::truth);
    let path_key = path_key(reader, profile);
    let cookie = CookieSettings {
        name: (reader.get(Key::CookieName, name)).unwrap_or_else(|| profile.cookie_name.to_owned()),
        domain: reader.get(Key::CookieDomain, domain),
        path: match path_key {
            Some(key) => reader.get(key, path),
            None => None,
        }
        .unwrap_or_else(|| "/".to_owned()),
        http_only: reader
            .get(Key::CookieHttpOnly, parse::truth)
            .unwrap_or(true),
        // As Flask does: partitioned cookies are secure unless that was denied in so many words.
        secure: secure.unwrap_or(profile.secure || partitioned),
        same_site: reader
            .get(Key::CookieSameSite, same_site)
            .unwrap_or(profile.same_site),
        partitioned,
        max_age,
    };
    check_secure(reader, &cookie);
    check_prefix(reader, &cookie, path_key.unwrap_or(Key::CookiePath));
    cookie
}

/// The key that says the path, if one does: Flask has a second one for want of the first.
fn path_key(reader: &Reader<'_>, profile: &Profile) -> Option<Key> {
    let keys = match profile.rooted {
        true => &[Key::CookiePath, Key::ApplicationRoot][..],
        false => &[Key::CookiePath][..],
    };
    keys.iter().copied().find(|key| reader.is_given(*key))
}

fn check_secure(reader: &mut Reader<'_>, cookie: &CookieSettings) {
    if cookie.secure {
        return;
    }
    let secure = reader.cite(Key::CookieSecure);
    let clash = |key: Key, reader: &Reader<'_>, what: &str| {
        format!(
            "{} is {what} while {secure} is false: browsers drop such a cookie; set \
             SESSION_COOKIE_SECURE to true",
            reader.cite(key)
        )
    };
    if cookie.same_site == Some(SameSite::None) {
        let problem = clash(Key::CookieSameSite, reader, "None");
        reader.contradict(&[Key::CookieSameSite, Key::CookieSecure], problem);
    }
    if cookie.partitioned {
        let problem = clash(Key::CookiePartitioned, reader, "true");
        reader.contradict(&[Key::CookiePartitioned, Key::CookieSecure], problem);
    }
}

/// The promises that a name's prefix makes to browsers, which compare it in any case.
fn check_prefix(reader: &mut Reader<'_>, cookie: &CookieSettings, path_key: Key) {
    let name = cookie.name.to_ascii_lowercase();
    let prefixes = [
        // Name, bound to the host, hidden from scripts.
        ("__host-http-", true, true),
        ("__host-", true, false),
        ("__secure-", false, false),
        ("__http-", false, true),
    ];
    let Some((prefix, is_host, is_http)) = prefixes
        .into_iter()
        .find(|(prefix, ..)| name.starts_with(prefix))
    else {
        return;
    };
    let named = format!("{} is {:?}", reader.cite(Key::CookieName), cookie.name);
    let mut demand = |broken: bool, key: Key, found: &str, mend: &str| {
        if broken {
            let found = format!("{} is {found}", reader.cite(key));
            reader.contradict(
                &[Key::CookieName, key],
                format!("{named} while {found}: browsers drop such a cookie; {mend}"),
            );
        }
    };
    demand(
        !cookie.secure,
        Key::CookieSecure,
        "false",
        "set SESSION_COOKIE_SECURE to true, or choose a name without prefix",
    );
    let domain = cookie.domain.as_deref().unwrap_or_default();
    demand(
        is_host && cookie.domain.is_some(),
        Key::CookieDomain,
        &format!("{domain:?}"),
        "leave the domain out, or use the prefix __Secure-",
    );
    demand(
        is_host && cookie.path != "/",
        path_key,
        &format!("{:?}", cookie.path),
        "set the path to /, or use the prefix __Secure-",
    );
    demand(
        is_http && !cookie.http_only,
        Key::CookieHttpOnly,
        "false",
        "set SESSION_COOKIE_HTTPONLY to true, or choose a name without prefix",
    );
    if name.len() == prefix.len() {
        let problem = format!("{named}, a prefix and nothing else: add a name");
        reader.contradict(&[Key::CookieName], problem);
    }
}

fn name(raw: &Raw) -> Parsed<String> {
    let text = parse::text(raw)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || text.len() > NAME_MAX || !text.bytes().all(is_token) {
        return Err(format!(
            "must be a cookie's name: at most {NAME_MAX} letters, digits and signs like - _ ."
        ));
    }
    Ok(text.to_owned())
}

fn domain(raw: &Raw) -> Parsed<String> {
    let wanted = || {
        "must be a host name without scheme and port, in ASCII (punycode for others), like \
         example.org"
            .to_owned()
    };
    // A leading dot has had no meaning since RFC 6265.
    let text = parse::text(raw)?.trim();
    let text = text.strip_prefix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > DOMAIN_MAX || !text.split('.').all(is_label) {
        return Err(wanted());
    }
    Ok(text.to_ascii_lowercase())
}

fn path(raw: &Raw) -> Parsed<String> {
    let text = parse::text(raw)?;
    let plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b';';
    if !text.starts_with('/') || text.len() > PATH_MAX || !text.bytes().all(plain) {
        return Err("must be a path that begins with /, in ASCII without semicolons".to_owned());
    }
    Ok(text.to_owned())
}

/// The text None is the attribute's value; leaving the attribute out is said by false or omit.
fn same_site(raw: &Raw) -> Parsed<Option<SameSite>> {
    let words = [
        ("Lax", Some(SameSite::Lax)),
        ("Strict", Some(SameSite::Strict)),
        ("None", Some(SameSite::None)),
        ("omit", None),
        ("false", None),
    ];
    match raw {
        Raw::Bool(false) => Ok(None),
        _ => parse::word(raw, &words),
    }
}
