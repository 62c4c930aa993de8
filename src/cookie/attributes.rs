//! How a cookie is sent: its name and attributes, secure by default and checked once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::check::{self, Asked, COOKIE_BYTES_MAX};
use crate::error::{Error, ErrorKind, Result};

/// The longest lifetime a browser keeps to: 400 days (RFC 6265bis, 5.5).
pub const MAX_AGE_MAX: Duration = Duration::from_secs(400 * 86_400);

/// Whether a browser sends the cookie with requests that another site started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only when the user follows a link or types an address.
    Lax,
    /// Always; asks for `Secure`.
    None,
}

impl SameSite {
    /// The attribute's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl FromStr for SameSite {
    type Err = Error;

    /// Reads the value in any case.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for any other word.
    fn from_str(text: &str) -> Result<Self> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|same_site| same_site.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                Error::config(format!(
                    "build a cookie: SameSite `{}` is none of Strict, Lax and None",
                    check::shown(text)
                ))
            })
    }
}

/// The name and the attributes of a cookie, checked when built.
///
/// The default is what a session cookie should be: `__Host-id`, `Secure`, `HttpOnly`,
/// `SameSite=Lax`, `Path=/`, no domain, kept until the browser closes. A clone copies a few short
/// strings.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use sessile::cookie::{CookieConfig, SameSite};
///
/// let config = CookieConfig::builder()
///     .name("cart")
///     .same_site(SameSite::Strict)
///     .max_age(Duration::from_secs(3600))
///     .build()?;
/// let cookie = config.set("3-apples", 1_000)?;
/// assert_eq!(
///     cookie.expose(),
///     "cart=3-apples; Max-Age=3600; Expires=Thu, 01 Jan 1970 01:00:01 GMT; \
///      Path=/; Secure; HttpOnly; SameSite=Strict",
/// );
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CookieConfig {
    name: String,
    domain: Option<String>,
    path: Option<String>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    max_age: Option<Duration>,
    max_bytes: usize,
    /// The attributes but for the lifetime, as they are sent with setting and removal alike.
    pub(super) tail: String,
}

impl CookieConfig {
    /// Starts from the secure defaults.
    pub fn builder() -> CookieBuilder {
        CookieBuilder {
            name: None,
            domain: None,
            path: Some("/".to_owned()),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: false,
            max_age: None,
            max_bytes: COOKIE_BYTES_MAX,
        }
    }

    /// Starts from this configuration, to change some of it.
    pub fn to_builder(&self) -> CookieBuilder {
        CookieBuilder {
            name: Some(self.name.clone()),
            domain: self.domain.clone(),
            path: self.path.clone(),
            secure: self.secure,
            http_only: self.http_only,
            same_site: self.same_site,
            partitioned: self.partitioned,
            max_age: self.max_age,
            max_bytes: self.max_bytes,
        }
    }

    /// The name, prefix included.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The domain as sent, or `None` if only the host that set the cookie gets it back.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The path, or `None` if the browser derives one from the request.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Says whether the cookie travels over encrypted connections only.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Says whether the page's scripts cannot read the cookie.
    #[must_use]
    pub const fn is_http_only(&self) -> bool {
        self.http_only
    }

    /// The `SameSite` attribute, or `None` if it is left out.
    #[must_use]
    pub const fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// Says whether the cookie is kept apart for each site that embeds this one.
    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        self.partitioned
    }

    /// The lifetime in the browser, or `None` until it closes.
    #[must_use]
    pub const fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Bytes that name and value may have together.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Checks that these attributes may be sent with another name.
    pub(super) fn check_name(&self, name: &str) -> Result<()> {
        check::name(ErrorKind::InvalidInput, name)?;
        check::prefix(ErrorKind::InvalidInput, name, self.asked())
    }

    fn asked(&self) -> Asked {
        Asked {
            secure: self.secure,
            http_only: self.http_only,
            is_root_path: self.path.as_deref() == Some("/"),
            has_domain: self.domain.is_some(),
        }
    }
}

impl Default for CookieConfig {
    fn default() -> Self {
        Self::builder()
            .build()
            .expect("the defaults contradict nothing")
    }
}

impl fmt::Debug for CookieConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieConfig({}=…", self.name)?;
        if let Some(max_age) = self.max_age {
            write!(f, "; Max-Age={}", max_age.as_secs())?;
        }
        write!(f, "{})", self.tail)
    }
}

/// Builds a [`CookieConfig`]; [`CookieConfig::builder`] makes one.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct CookieBuilder {
    name: Option<String>,
    domain: Option<String>,
    path: Option<String>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    max_age: Option<Duration>,
    max_bytes: usize,
}

impl CookieBuilder {
    /// Names the cookie, prefix included.
    ///
    /// Default: `id`, under the strongest prefix the attributes allow: `__Host-` if secure with path
    /// `/` and no domain, else `__Secure-` if secure, else none.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sends the cookie to all hosts of `domain`. Default: to the host that set it only.
    ///
    /// A leading dot and a port are taken off. Punycode is expected where letters are not ASCII.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sends the cookie to no other host than the one that set it.
    pub fn no_domain(mut self) -> Self {
        self.domain = None;
        self
    }

    /// Sends the cookie to addresses below `path`. Default: `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Leaves the path out: the browser takes the folder of the request that set the cookie.
    pub fn no_path(mut self) -> Self {
        self.path = None;
        self
    }

    /// Sends the cookie over encrypted connections only. Default: true.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Hides the cookie from the page's scripts. Default: true.
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Sets `SameSite`, or leaves it out with `None`. Default: [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Keeps the cookie apart for each site that embeds this one; asks for `Secure`.
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Keeps the cookie that long, or until the browser closes with `None`, the default.
    ///
    /// Whole seconds are sent, rounded up. From 1 s to [`MAX_AGE_MAX`].
    pub fn max_age(mut self, max_age: impl Into<Option<Duration>>) -> Self {
        self.max_age = max_age.into();
        self
    }

    /// Refuses cookies whose name and value are longer together. Default: [`COOKIE_BYTES_MAX`],
    /// which is also the most.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Checks everything and makes the configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if a name, domain or path could not be sent, if the name's
    /// prefix asks for what the attributes lack, if `SameSite=None` or `Partitioned` stands without
    /// `Secure`, or if a number is out of its range.
    pub fn build(self) -> Result<CookieConfig> {
        let domain = self.domain.as_deref().map(check::domain).transpose()?;
        if let Some(path) = &self.path {
            check::path(path)?;
        }
        let asked = Asked {
            secure: self.secure,
            http_only: self.http_only,
            is_root_path: self.path.as_deref() == Some("/"),
            has_domain: domain.is_some(),
        };
        let name = self.name.unwrap_or_else(|| {
            let prefix = match asked {
                Asked { secure: false, .. } => "",
                Asked {
                    is_root_path: true,
                    has_domain: false,
                    ..
                } => "__Host-",
                _ => "__Secure-",
            };
            format!("{prefix}id")
        });
        check::name(ErrorKind::InvalidConfig, &name)?;
        check::prefix(ErrorKind::InvalidConfig, &name, asked)?;
        let insecure = match (self.same_site, self.partitioned) {
            _ if self.secure => None,
            (Some(SameSite::None), _) => Some("SameSite=None"),
            (_, true) => Some("Partitioned"),
            _ => None,
        };
        if let Some(attribute) = insecure {
            return Err(Error::config(format!(
                "build cookie `{name}`: {attribute} asks for Secure; browsers drop it otherwise"
            )));
        }
        if let Some(max_age) = self.max_age
            && !(Duration::from_secs(1)..=MAX_AGE_MAX).contains(&max_age)
        {
            return Err(Error::config(format!(
                "build cookie `{name}`: its max_age is {max_age:?}, from 1 s to 400 days is allowed \
                 (browsers cut longer ones); leave it out to end with the browser"
            )));
        }
        if !(1..=COOKIE_BYTES_MAX).contains(&self.max_bytes) {
            return Err(Error::config(format!(
                "build cookie `{name}`: max_bytes is {}, from 1 to {COOKIE_BYTES_MAX} is allowed",
                self.max_bytes
            )));
        }
        let mut config = CookieConfig {
            name,
            domain,
            path: self.path,
            secure: self.secure,
            http_only: self.http_only,
            same_site: self.same_site,
            partitioned: self.partitioned,
            max_age: self.max_age,
            max_bytes: self.max_bytes,
            tail: String::new(),
        };
        config.tail = config.tail();
        Ok(config)
    }
}

impl CookieConfig {
    fn tail(&self) -> String {
        let mut tail = String::new();
        let valued = [
            ("; Domain=", self.domain.as_deref()),
            ("; Path=", self.path.as_deref()),
        ];
        for (attribute, value) in valued {
            if let Some(value) = value {
                tail += attribute;
                tail += value;
            }
        }
        if self.secure {
            tail += "; Secure";
        }
        if self.http_only {
            tail += "; HttpOnly";
        }
        if let Some(same_site) = self.same_site {
            tail += "; SameSite=";
            tail += same_site.as_str();
        }
        if self.partitioned {
            tail += "; Partitioned";
        }
        tail
    }
}
