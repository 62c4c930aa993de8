//! Response headers that several parties write: merged, never doubled, never overwritten.

use http::header::Entry;
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};

use crate::cookie::SetCookie;
use crate::error::{Error, Result};

/// Says that the response depends on the request's cookies.
///
/// Added once, whatever the case, to what others said; a `*` says it already and more, and then stands
/// alone.
pub(super) fn vary_by_cookie(headers: &mut HeaderMap) {
    if let Entry::Vacant(vary) = headers.entry(VARY) {
        vary.insert(HeaderValue::from_static("Cookie"));
        return;
    }
    let lines = headers.get_all(VARY).iter();
    let (mut cookie, mut any) = (false, false);
    let mut lists = 0;
    for line in lines {
        lists += 1;
        for token in line.as_bytes().split(|&byte| byte == b',') {
            let token = token.trim_ascii();
            cookie |= token.eq_ignore_ascii_case(b"cookie");
            any |= token == b"*";
        }
    }
    if any {
        headers.insert(VARY, HeaderValue::from_static("*"));
    } else if !cookie {
        merge(headers, lists);
    }
}

/// Joins the lists there are, and `Cookie`, into one line.
fn merge(headers: &mut HeaderMap, lists: usize) {
    let mut joined = Vec::new();
    for line in headers.get_all(VARY) {
        if !line.as_bytes().trim_ascii().is_empty() {
            joined.extend_from_slice(line.as_bytes());
            joined.extend_from_slice(b", ");
        }
    }
    joined.extend_from_slice(b"Cookie");
    match HeaderValue::from_bytes(&joined) {
        Ok(value) => drop(headers.insert(VARY, value)),
        // Lines that are valid each are valid together; were they not, a line of our own does.
        Err(_) => {
            debug_assert!(lists > 0);
            headers.append(VARY, HeaderValue::from_static("Cookie"));
        }
    }
}

/// Keeps caches from storing a response that carries somebody's session id, unless the application
/// has said what caches may do.
pub(super) fn forbid_caching(headers: &mut HeaderMap, value: &HeaderValue) {
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, value.clone());
    }
}

/// Adds a cookie, in place of one of the same name; others stay, in their order.
///
/// # Errors
/// `InvalidInput` if the text is no header value, which cookies checked at their making always are.
pub(super) fn set_cookie(headers: &mut HeaderMap, cookie: SetCookie) -> Result<()> {
    let name = cookie.name();
    let mut lines = headers.get_all(SET_COOKIE).iter();
    if lines.any(|line| is_named(line, name)) {
        let lines = headers.get_all(SET_COOKIE).iter();
        let others = lines.filter(|line| !is_named(line, name)).cloned();
        let others: Vec<HeaderValue> = others.collect();
        headers.remove(SET_COOKIE);
        for line in others {
            headers.append(SET_COOKIE, line);
        }
    }
    let mut value = HeaderValue::try_from(cookie.into_string())
        .map_err(|_| Error::input("send a cookie: its text is no header value"))?;
    value.set_sensitive(true);
    headers.append(SET_COOKIE, value);
    Ok(())
}

fn is_named(line: &HeaderValue, name: &str) -> bool {
    line.as_bytes()
        .strip_prefix(name.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::CookieConfig;

    fn vary(lines: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(VARY, HeaderValue::from_static(line));
        }
        vary_by_cookie(&mut headers);
        let lines = headers.get_all(VARY).iter();
        lines
            .map(|line| line.to_str().expect("text").to_owned())
            .collect()
    }

    #[test]
    fn fl12_vary_is_merged_once_and_in_order() {
        assert_eq!(vary(&[]), ["Cookie"]);
        assert_eq!(vary(&["cookie"]), ["cookie"]);
        assert_eq!(
            vary(&["Accept-Encoding, Accept-Language"]),
            ["Accept-Encoding, Accept-Language, Cookie"]
        );
        assert_eq!(vary(&["Accept", "Origin"]), ["Accept, Origin, Cookie"]);
        assert_eq!(vary(&["Accept, *"]), ["*"]);
        assert_eq!(vary(&[""]), ["Cookie"]);
        // Part of another name is not the name.
        assert_eq!(vary(&["X-Cookie"]), ["X-Cookie, Cookie"]);
    }

    #[test]
    fn a_cookie_replaces_its_namesake_and_leaves_the_others_in_order() {
        let mut headers = HeaderMap::new();
        for line in ["a=1", "id=old", "ids=2"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        let config = CookieConfig::builder().name("id").build().expect("valid");
        set_cookie(&mut headers, config.set("new", 0).expect("valid")).expect("valid");
        let lines: Vec<_> = headers
            .get_all(SET_COOKIE)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        assert_eq!(lines[..2], [&b"a=1"[..], b"ids=2"]);
        assert!(lines[2].starts_with(b"id=new; "));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn cache_control_of_the_application_stands() {
        let no_store = HeaderValue::from_static("no-store");
        let mut headers = HeaderMap::new();
        forbid_caching(&mut headers, &no_store);
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        forbid_caching(&mut headers, &no_store);
        assert_eq!(headers[CACHE_CONTROL], "private");
    }
}
