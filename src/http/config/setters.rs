//! What a program says in code, above every other source.

use std::time::Duration;

use super::Config;
use super::name::Scope;
use super::problem::Source;
use super::sources::Batch;
use super::value::Value;
use crate::cookie::SameSite;

/// Setters. What weakens a default has a method that says so in its name.
impl Config {
    /// Sets a key by any of its names; of two calls for one key the later one holds.
    ///
    /// An unknown name is an error of [`Config::resolve`], as is a value of the wrong kind.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        let Value(value) = value.into();
        let mut batch = Batch::new(Source::Code);
        batch.entries(&mut self, vec![(name.to_owned(), value)], "", Scope::Own);
        self.absorb(batch);
        self
    }

    /// Signs and encrypts with this key: at least 16 bytes, better 32 random ones (`SECRET_KEY`).
    pub fn secret(self, key: &str) -> Self {
        self.set("SECRET_KEY", key)
    }

    /// Still accepts what these keys signed or encrypted before (`SECRET_KEY_FALLBACKS`).
    pub fn secret_fallbacks(self, keys: &[&str]) -> Self {
        self.set("SECRET_KEY_FALLBACKS", keys.to_vec())
    }

    /// Keeps sessions in the store of this name (`SESSION_TYPE`). Default: `cache`.
    pub fn store(self, name: &str) -> Self {
        self.set("SESSION_TYPE", name)
    }

    /// Calls the cookie so (`SESSION_COOKIE_NAME`). Default: `id`.
    ///
    /// A prefix `__Host-` or `__Secure-` is held to its promises.
    pub fn cookie_name(self, name: &str) -> Self {
        self.set("SESSION_COOKIE_NAME", name)
    }

    /// Sends the cookie for paths below this one only (`SESSION_COOKIE_PATH`). Default: `/`.
    pub fn cookie_path(self, path: &str) -> Self {
        self.set("SESSION_COOKIE_PATH", path)
    }

    /// Says which requests of other sites carry the cookie (`SESSION_COOKIE_SAMESITE`).
    /// Default: [`SameSite::Lax`].
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.set("SESSION_COOKIE_SAMESITE", same_site.as_str())
    }

    /// Keeps the cookie apart per top-level site (`SESSION_COOKIE_PARTITIONED`). Default: not.
    pub fn partitioned(self) -> Self {
        self.set("SESSION_COOKIE_PARTITIONED", true)
    }

    /// Ends a session that was not used for so long (`SESSION_IDLE_TIMEOUT`), in whole seconds.
    /// Default: the permanent lifetime.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.set("SESSION_IDLE_TIMEOUT", timeout)
    }

    /// Ends a session so long after its creation (`SESSION_ABSOLUTE_TIMEOUT`), in whole seconds.
    /// Default: 30 days.
    pub fn absolute_timeout(self, timeout: Duration) -> Self {
        self.set("SESSION_ABSOLUTE_TIMEOUT", timeout)
    }

    /// Replaces an id that was in use for so long by a new one, in the middle of the session
    /// (`SESSION_RENEWAL_TIMEOUT`), in whole seconds. Default: not, ids change at logins only.
    ///
    /// See [`SessionsBuilder::renew_ids_after`](crate::session::SessionsBuilder::renew_ids_after).
    pub fn renewal_timeout(self, timeout: Duration) -> Self {
        self.set("SESSION_RENEWAL_TIMEOUT", timeout)
    }

    /// Lets cookies of permanent sessions live so long (`PERMANENT_SESSION_LIFETIME`), in whole
    /// seconds. Default: 14 days.
    pub fn permanent_lifetime(self, lifetime: Duration) -> Self {
        self.set("PERMANENT_SESSION_LIFETIME", lifetime)
    }

    /// Says whether new sessions outlive the browser (`SESSION_PERMANENT`). Default: no.
    pub fn permanent(self, permanent: bool) -> Self {
        self.set("SESSION_PERMANENT", permanent)
    }

    /// Signs ids in the cookie (`SESSION_USE_SIGNER`). Default: not; 256 random bits need none.
    pub fn signed_ids(self) -> Self {
        self.set("SESSION_USE_SIGNER", true)
    }

    /// Lets one owner have at most so many sessions (`SESSION_MAX_PER_OWNER`). Default: any number.
    pub fn max_per_owner(self, sessions: u32) -> Self {
        self.set("SESSION_MAX_PER_OWNER", u64::from(sessions))
    }

    /// Insecure: sends the cookie over plain http too (`SESSION_COOKIE_SECURE` false).
    pub fn insecure_over_http(self) -> Self {
        self.set("SESSION_COOKIE_SECURE", false)
    }

    /// Insecure: shows the cookie to scripts (`SESSION_COOKIE_HTTPONLY` false).
    pub fn insecure_readable_by_scripts(self) -> Self {
        self.set("SESSION_COOKIE_HTTPONLY", false)
    }

    /// Insecure: leaves `SameSite` out, so that the browser decides.
    pub fn insecure_without_same_site(self) -> Self {
        self.set("SESSION_COOKIE_SAMESITE", false)
    }

    /// Insecure: sends the cookie to every host below `domain` (`SESSION_COOKIE_DOMAIN`).
    pub fn insecure_shared_with_subdomains(self, domain: &str) -> Self {
        self.set("SESSION_COOKIE_DOMAIN", domain)
    }

    /// Insecure: lets a session that is used live for ever (`SESSION_ABSOLUTE_TIMEOUT` none).
    pub fn insecure_without_absolute_timeout(self) -> Self {
        self.set("SESSION_ABSOLUTE_TIMEOUT", "none")
    }

    /// Insecure: writes ids into the store as they are (`SESSION_KEY_FORM` plain).
    pub fn insecure_plain_keys(self, prefix: &str) -> Self {
        self.set("SESSION_KEY_FORM", "plain")
            .set("SESSION_KEY_PREFIX", prefix)
    }
}
