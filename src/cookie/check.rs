//! What names, values and attributes of a cookie may hold, and the rules of the name prefixes.

use crate::error::{Error, ErrorKind, Result};

/// Octets that name and value may have together: what every browser accepts (RFC 6265bis, 5.6).
pub const COOKIE_BYTES_MAX: usize = 4096;
/// Octets that the value of one attribute may have (RFC 6265bis, 5.6).
pub const ATTRIBUTE_BYTES_MAX: usize = 1024;

/// The octets of a cookie value: printable ASCII without space, quote, comma, semicolon, backslash.
pub(super) const fn is_cookie_octet(byte: u8) -> bool {
    (byte > 0x20)
        & (byte < 0x7F)
        & (byte != b'"')
        & (byte != b',')
        & (byte != b';')
        & (byte != b'\\')
}

/// The octets of a name: what RFC 9110 calls a token.
const fn is_token_octet(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'z' | b'|' | b'~'
        | b'0'..=b'9' | b'A'..=b'Z')
}

/// A name for an error text: escaped and short, whatever was in it.
pub(super) fn shown(name: &str) -> String {
    name.chars()
        .take(64)
        .flat_map(char::escape_default)
        .collect()
}

pub(super) fn name(kind: ErrorKind, name: &str) -> Result<()> {
    let fault = if name.is_empty() {
        "it is empty".to_owned()
    } else if let Some(at) = name.bytes().position(|byte| !is_token_octet(byte)) {
        format!("byte {at} is none of A-Z a-z 0-9 !#$%&'*+-.^_`|~")
    } else if name.len() > COOKIE_BYTES_MAX {
        format!("it has {} bytes, {COOKIE_BYTES_MAX} fit", name.len())
    } else {
        return Ok(());
    };
    let shown = shown(name);
    Err(Error::new(
        kind,
        format!("name a cookie `{shown}`: {fault}"),
    ))
}

/// Checks a value; the error tells a place, never the content.
pub(super) fn value(name: &str, value: &str) -> Result<()> {
    // All at once, without branches; the place is of interest only if there is one.
    let octets = value.bytes();
    if octets.fold(true, |all, byte| all & is_cookie_octet(byte)) {
        return Ok(());
    }
    match value.bytes().position(|byte| !is_cookie_octet(byte)) {
        None => Ok(()),
        Some(at) => Err(Error::input(format!(
            "set cookie `{name}`: byte {at} of its value is no cookie octet (printable ASCII \
             without space, quote, comma, semicolon and backslash); encode it, for example with \
             `percent_encode`"
        ))),
    }
}

pub(super) fn path(path: &str) -> Result<()> {
    let refused = |why: &str| {
        Err(Error::config(format!(
            "build a cookie: its path `{}` {why}",
            shown(path)
        )))
    };
    if !path.starts_with('/') {
        return refused("does not begin with `/`: browsers would ignore it");
    }
    if let Some(at) = path
        .bytes()
        .position(|byte| !(0x20..0x7F).contains(&byte) || matches!(byte, b';' | b','))
    {
        return refused(&format!(
            "holds a control character, `;`, `,` or non-ASCII text at byte {at}: percent-encode it"
        ));
    }
    if path.ends_with(' ') {
        return refused("ends with a space, which browsers take off: percent-encode it");
    }
    if path.len() > ATTRIBUTE_BYTES_MAX {
        return refused(&format!("has more than {ATTRIBUTE_BYTES_MAX} bytes"));
    }
    Ok(())
}

/// Returns a domain as it is sent: lower case, without the leading dot and the port that old
/// configurations carry.
pub(super) fn domain(written: &str) -> Result<String> {
    let refused = |why: &str| {
        Err(Error::config(format!(
            "build a cookie: its domain `{}` {why}",
            shown(written)
        )))
    };
    let domain = match written.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => written,
    };
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    if !domain.is_ascii() {
        return refused("is not ASCII: write its punycode form (`xn--...`), as browsers send it");
    }
    if domain.len() > 253 {
        return refused("has more than 253 bytes");
    }
    for label in domain.split('.') {
        let is_label = (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-');
        if !is_label {
            return refused("is no host name: labels of letters, digits and `-` between dots");
        }
    }
    Ok(domain.to_ascii_lowercase())
}

/// What the rules about prefixes ask of.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) is_root_path: bool,
    pub(super) has_domain: bool,
}

/// Checks the name prefixes, without regard to case as browsers do (RFC 6265bis, 4.1.3, and the
/// draft of `__Http-`): a browser drops a cookie that breaks them, without a word.
pub(super) fn prefix(kind: ErrorKind, name: &str, asked: Asked) -> Result<()> {
    let begins = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let is_host_http = begins("__Host-Http-");
    let is_http = is_host_http || begins("__Http-");
    let is_host = begins("__Host-");
    let is_prefixed = is_host || is_http || begins("__Secure-");
    let missing = if is_prefixed && !asked.secure {
        "Secure"
    } else if is_http && !asked.http_only {
        "HttpOnly"
    } else if is_host && !asked.is_root_path {
        "Path=/"
    } else if is_host && asked.has_domain {
        "no Domain"
    } else {
        return Ok(());
    };
    let shown = shown(name);
    Err(Error::new(
        kind,
        format!(
            "build cookie `{shown}`: its prefix asks for {missing}; browsers drop it otherwise"
        ),
    ))
}
