//! `Set-Cookie` texts: one string per cookie, made with one allocation.

use std::fmt::{self, Write as _};
use std::time::{Duration, UNIX_EPOCH};

use httpdate::HttpDate;

use super::attributes::{CookieConfig, MAX_AGE_MAX};
use super::check;
use crate::error::{Error, ErrorKind, Result};

/// What a lifetime adds besides its digits: two names, and a date of 29 bytes.
const LIFETIME_BYTES: usize = "; Max-Age=; Expires=".len() + 29;
/// Both ways to say "gone", for browsers that know one only.
const GONE: &str = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
/// 9999-12-31T23:59:59Z: a date has four digits for the year.
const LAST_SECOND: u64 = 253_402_300_799;

/// The value of one `Set-Cookie` header. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    text: String,
    name_bytes: usize,
    value_bytes: usize,
}

impl SetCookie {
    /// The header's value. It holds what the cookie protects: not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The header's value, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// The cookie's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[..self.name_bytes]
    }

    /// The cookie's value, empty for a removal.
    #[must_use]
    pub fn value(&self) -> &str {
        let start = self.name_bytes + 1;
        &self.text[start..start + self.value_bytes]
    }

    /// The attributes as sent, beginning with `; ` unless there are none.
    #[must_use]
    pub fn attributes(&self) -> &str {
        &self.text[self.name_bytes + 1 + self.value_bytes..]
    }

    /// Says whether the browser shall forget the cookie.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.attributes().starts_with(GONE)
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookie({}=…{})", self.name(), self.attributes())
    }
}

impl AsRef<[u8]> for SetCookie {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl CookieConfig {
    /// Returns the header that sets the cookie to `value` for the configured lifetime.
    ///
    /// `now_ms` is the wall time in milliseconds since the Unix epoch
    /// ([`Clock::wall_ms`](crate::Clock::wall_ms)); both `Max-Age` and `Expires` are sent. One
    /// allocation.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if `value` holds anything but cookie octets,
    /// [`ErrorKind::TooLarge`] if name and value exceed [`CookieConfig::max_bytes`]. Nothing is cut.
    pub fn set(&self, value: &str, now_ms: u64) -> Result<SetCookie> {
        self.set_as(self.name(), value, self.max_age(), now_ms)
    }

    /// Returns the header that sets the cookie to `value` for `max_age`, or until the browser closes
    /// with `None`, whatever is configured.
    ///
    /// Rounded up to whole seconds; longer than [`MAX_AGE_MAX`] is cut to it, as browsers do; zero
    /// says that the cookie is gone at once.
    ///
    /// # Errors
    ///
    /// As [`CookieConfig::set`].
    pub fn set_for(
        &self,
        value: &str,
        max_age: Option<Duration>,
        now_ms: u64,
    ) -> Result<SetCookie> {
        self.set_as(self.name(), value, max_age, now_ms)
    }

    /// Returns the header that makes the browser forget the cookie: an empty value, a time in the
    /// past, and every attribute repeated, since the browser looks for the same domain and path and
    /// drops what breaks the prefix rules. One allocation.
    #[must_use]
    pub fn remove(&self) -> SetCookie {
        self.remove_as(self.name())
    }

    /// [`CookieConfig::set_for`] under another name, which the caller has checked.
    pub(super) fn set_as(
        &self,
        name: &str,
        value: &str,
        max_age: Option<Duration>,
        now_ms: u64,
    ) -> Result<SetCookie> {
        check::value(name, value)?;
        let bytes = name.len() + value.len();
        if bytes > self.max_bytes() {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "set cookie `{name}`: name and value have {bytes} bytes, {} are allowed; \
                     keep the data on the server",
                    self.max_bytes()
                ),
            ));
        }
        let max_age = max_age.map(|max_age| max_age.min(MAX_AGE_MAX));
        let seconds = max_age.map(|it| it.as_secs() + u64::from(it.subsec_nanos() > 0));
        let lifetime_bytes = seconds.map_or(0, |seconds| match seconds.checked_ilog10() {
            None => GONE.len(),
            // At most eight digits.
            Some(tens) => LIFETIME_BYTES + 1 + tens as usize,
        });
        let mut cookie = self.begin(name, value, lifetime_bytes);
        match seconds {
            None => {}
            Some(0) => cookie.text += GONE,
            Some(seconds) => {
                let end = (now_ms / 1000).saturating_add(seconds).min(LAST_SECOND);
                let date = HttpDate::from(UNIX_EPOCH + Duration::from_secs(end));
                write!(cookie.text, "; Max-Age={seconds}; Expires={date}")
                    .expect("a string takes everything");
            }
        }
        cookie.text += &self.tail;
        Ok(cookie)
    }

    /// [`CookieConfig::remove`] under another name, which the caller has checked.
    pub(super) fn remove_as(&self, name: &str) -> SetCookie {
        let mut cookie = self.begin(name, "", GONE.len());
        cookie.text += GONE;
        cookie.text += &self.tail;
        cookie
    }

    fn begin(&self, name: &str, value: &str, lifetime_bytes: usize) -> SetCookie {
        let bytes = name.len() + 1 + value.len() + lifetime_bytes + self.tail.len();
        let mut text = String::with_capacity(bytes);
        text += name;
        text.push('=');
        text += value;
        SetCookie {
            text,
            name_bytes: name.len(),
            value_bytes: value.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allocation_holds_every_cookie() {
        let longest = CookieConfig::default()
            .set_for("v", Some(Duration::MAX), u64::MAX)
            .expect("a plain value");
        let shortest = CookieConfig::default().set("v", 0).expect("a plain value");
        let hour = CookieConfig::default()
            .set_for("v", Some(Duration::from_secs(3600)), 0)
            .expect("a plain value");
        let removal = CookieConfig::default().remove();
        for cookie in [longest, shortest, hour, removal] {
            assert_eq!(cookie.text.len(), cookie.text.capacity());
        }
    }
}
