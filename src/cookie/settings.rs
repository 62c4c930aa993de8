//! What the jars of an application have in common: attributes, keys, lifetimes.

use std::fmt;
use std::time::Duration;

use super::attributes::CookieConfig;
use super::check::shown;
use super::keyring::Keyring;
use crate::error::{Error, Result};

/// How the content of a cookie is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Everybody can read it, nobody can change it.
    Signed,
    /// Nobody can read or change it.
    Sealed,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed => "signed",
            Self::Sealed => "private",
        })
    }
}

/// What every [`Jar`](super::Jar) of an application is made with; shared behind an `Arc`.
///
/// ```
/// use sessile::cookie::{CookieConfig, JarSettings, Keyring};
///
/// let ring = Keyring::new(b"an example key of 32 bytes, not!")?;
/// let readable = CookieConfig::builder().name("theme").http_only(false).build()?;
/// let settings = JarSettings::new().keyring(ring).cookie(readable);
/// assert!(!settings.config("theme").is_http_only());
/// assert!(settings.config("any other").is_http_only());
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct JarSettings {
    defaults: CookieConfig,
    cookies: Vec<CookieConfig>,
    keyring: Option<Keyring>,
    pub(super) purpose: String,
    pub(super) content_ttl: Option<Duration>,
}

impl JarSettings {
    /// Starts with the attributes of [`CookieConfig::default`] and without keys: plain cookies work,
    /// signed ones tell what is missing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            defaults: CookieConfig::default(),
            cookies: Vec::new(),
            keyring: None,
            purpose: "sessile.jar".to_owned(),
            content_ttl: None,
        }
    }

    /// Uses the attributes of `config` for every cookie without attributes of its own; its name is
    /// of no account.
    #[must_use]
    pub fn defaults(mut self, config: CookieConfig) -> Self {
        self.defaults = config;
        self
    }

    /// Uses `config` for the cookie of its name. The last one given for a name counts.
    #[must_use]
    pub fn cookie(mut self, config: CookieConfig) -> Self {
        self.cookies.retain(|other| other.name() != config.name());
        self.cookies.push(config);
        self
    }

    /// Signs and seals with `keyring`.
    #[must_use]
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// Binds signed and private cookies to `purpose`, so that another application with the same keys
    /// does not take them for its own. Default: `sessile.jar`.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// Believes the content of signed and private cookies for `ttl` after they were written, however
    /// long the browser keeps them. Default: forever.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) below one second.
    pub fn content_ttl(mut self, ttl: Duration) -> Result<Self> {
        if ttl < Duration::from_secs(1) {
            return Err(Error::config(format!(
                "set up a jar: its content_ttl is {ttl:?}, at least 1 s is needed; leave it out \
                 for no limit"
            )));
        }
        self.content_ttl = Some(ttl);
        Ok(self)
    }

    /// The attributes that a cookie called `name` gets.
    #[must_use]
    pub fn config(&self, name: &str) -> &CookieConfig {
        self.cookies
            .iter()
            .find(|config| config.name() == name)
            .unwrap_or(&self.defaults)
    }

    pub(super) fn ring(&self, name: &str) -> Result<&Keyring> {
        self.keyring.as_ref().ok_or_else(|| {
            Error::config(format!(
                "use signed or private cookie `{}`: the jar has no key; give its settings a \
                 keyring",
                shown(name)
            ))
        })
    }
}

impl Default for JarSettings {
    fn default() -> Self {
        Self::new()
    }
}
