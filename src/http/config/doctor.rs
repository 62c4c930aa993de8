//! Which choices are insecure, in plain words.

use std::fmt;
use std::time::Duration;

use super::address::is_exposed;
use super::secret::Secret;
use super::settings::{KeyForm, Settings, SignerForm};
use super::store::{CacheSettings, CookieForm, StoreSettings};
use crate::cookie::SameSite;
use crate::id::IdFormat;

const DAY: Duration = Duration::from_secs(86_400);
/// Browsers cut longer lives to this (RFC 6265bis).
const COOKIE_LIFE_MAX: Duration = Duration::from_secs(400 * 86_400);
/// A session that nobody used for so long is one that somebody forgot.
const IDLE_WATCH: Duration = Duration::from_secs(31 * 86_400);
const SECRET_WATCH: usize = 32;
const FALLBACKS_WATCH: usize = 3;

/// Names an insecure choice and says what it costs; its `Display` is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The key by which it was chosen, in Flask's spelling.
    pub key: &'static str,
    /// What the choice allows to happen, and what to do, without any secret.
    pub advice: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.advice)
    }
}

impl Settings {
    /// Lists every insecure choice; nothing for the defaults of [`Config::new`](super::Config).
    ///
    /// Looks at what holds, wherever it came from: the Flask and Django defaults have findings.
    #[must_use]
    pub fn doctor(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |is_so: bool, key: &'static str, advice: &'static str| {
            if is_so {
                found.push(Finding { key, advice });
            }
        };
        self.cookie_findings(&mut add);
        self.lifetime_findings(&mut add);
        self.identity_findings(&mut add);
        store_findings(&self.store, &mut add);
        found
    }

    fn cookie_findings(&self, add: &mut impl FnMut(bool, &'static str, &'static str)) {
        let cookie = &self.cookie;
        add(
            !cookie.secure,
            "SESSION_COOKIE_SECURE",
            "is false: the cookie goes over plain http, where anybody on the way can copy it; set \
             it to true",
        );
        add(
            !cookie.http_only,
            "SESSION_COOKIE_HTTPONLY",
            "is false: any script that gets into a page can read the cookie; set it to true",
        );
        add(
            cookie.same_site.is_none(),
            "SESSION_COOKIE_SAMESITE",
            "is left out: each browser decides by itself what other sites may send; set it to Lax",
        );
        add(
            cookie.same_site == Some(SameSite::None),
            "SESSION_COOKIE_SAMESITE",
            "is None: other sites' requests carry the session; protect every form against forgery, \
             or set it to Lax",
        );
        add(
            cookie.domain.is_some(),
            "SESSION_COOKIE_DOMAIN",
            "is set: every host below the domain gets the cookie and can replace it; leave it out",
        );
    }

    fn lifetime_findings(&self, add: &mut impl FnMut(bool, &'static str, &'static str)) {
        let lives = &self.lifetimes;
        add(
            lives.absolute.is_none(),
            "SESSION_ABSOLUTE_TIMEOUT",
            "is none: a stolen session that is used now and then never ends; state a limit",
        );
        add(
            lives.idle > IDLE_WATCH,
            "SESSION_IDLE_TIMEOUT",
            "is more than 31 days: a forgotten login stays open for as long; state less",
        );
        add(
            lives.permanent > COOKIE_LIFE_MAX,
            "PERMANENT_SESSION_LIFETIME",
            "is more than 400 days, where browsers cut it; state less",
        );
        add(
            lives.absolute.is_some_and(|absolute| absolute > 366 * DAY),
            "SESSION_ABSOLUTE_TIMEOUT",
            "is more than a year: a stolen session lasts as long; state less",
        );
        add(
            self.saving.save_on_error,
            "SESSION_SAVE_ON_ERROR",
            "is true: what a request had changed before it failed is kept half done; set it to \
             false",
        );
    }

    fn identity_findings(&self, add: &mut impl FnMut(bool, &'static str, &'static str)) {
        let is_cookie = matches!(self.store, StoreSettings::SecureCookie { .. });
        add(
            self.id == IdFormat::Uuid && !is_cookie,
            "SESSION_ID_FORM",
            "is uuid: 122 random bits, where 128 are asked for; use base64 once Python is gone",
        );
        add(
            matches!(self.keys, KeyForm::Plain { .. }) && !is_cookie,
            "SESSION_KEY_FORM",
            "is plain: who can read the store can take over every session in it; use digest once \
             Python is gone",
        );
        let python = |form: SignerForm| form != SignerForm::Native;
        add(
            self.signer
                .as_ref()
                .is_some_and(|signer| python(signer.form)),
            "SESSION_USE_SIGNER",
            "signs with SHA-1 as Python does, without the cookie's name; use our own form once \
             Python is gone",
        );
        let weak = |secret: &Secret| secret.expose().len() < SECRET_WATCH;
        add(
            self.secrets.primary.as_ref().is_some_and(weak),
            "SECRET_KEY",
            "has fewer than 32 bytes: enough if they are random, guessable if they are words; \
             make one with `openssl rand -hex 32`",
        );
        let django = |secret: &Secret| secret.expose().starts_with(b"django-insecure-");
        add(
            self.secrets.primary.as_ref().is_some_and(django),
            "SECRET_KEY",
            "was made by `startproject` and has been in a source file since; make one with \
             `openssl rand -hex 32`",
        );
        add(
            self.secrets.fallbacks.len() > FALLBACKS_WATCH,
            "SECRET_KEY_FALLBACKS",
            "lists more than three keys: each of them can still forge sessions; drop the old ones",
        );
    }
}

fn store_findings(store: &StoreSettings, add: &mut impl FnMut(bool, &'static str, &'static str)) {
    const EXPOSED: &str = "leads to another machine without encryption: everybody on the way \
                           reads sessions and password; use TLS";
    match store {
        StoreSettings::Cache(cache) => cache_findings(*cache, add),
        StoreSettings::FileSystem {
            threshold, mode, ..
        } => {
            add(
                mode & 0o077 != 0,
                "SESSION_FILE_MODE",
                "lets other users of the machine at the files; use 0o600",
            );
            add(
                threshold.is_none(),
                "SESSION_FILE_THRESHOLD",
                "is 0: visitors can fill the disk; state how many files are kept",
            );
        }
        StoreSettings::Redis { urls } => {
            add(urls.iter().any(is_exposed), "SESSION_REDIS", EXPOSED);
        }
        StoreSettings::Memcached { urls, .. } => {
            add(
                urls.iter().any(is_exposed),
                "SESSION_MEMCACHED",
                "leads to another machine, and memcached neither encrypts nor asks who is there; \
                 keep it on this one, or in a network of its own",
            );
        }
        StoreSettings::Sql { url, .. } => add(is_exposed(url), "SESSION_SQLALCHEMY", EXPOSED),
        StoreSettings::MongoDb { url, .. } => add(is_exposed(url), "SESSION_MONGODB", EXPOSED),
        StoreSettings::SecureCookie { form } => {
            add(
                true,
                "SESSION_TYPE",
                "is securecookie: a copied cookie works until it expires, logging out does not end \
                 it; keep logins in a store",
            );
            add(
                *form != CookieForm::Encrypted,
                "SESSION_TYPE",
                "is Python's signed cookie: its owner can read all that is in it; keep nothing \
                 confidential there",
            );
        }
        StoreSettings::Tiered { front, back, .. } => {
            cache_findings(*front, add);
            store_findings(back, add);
        }
        StoreSettings::Null | StoreSettings::Other { .. } => {}
    }
}

fn cache_findings(cache: CacheSettings, add: &mut impl FnMut(bool, &'static str, &'static str)) {
    add(
        cache.max_entries.is_none() && cache.max_bytes.is_none(),
        "SESSION_MAX_ENTRIES",
        "is unlimited, and SESSION_MAX_BYTES too: visitors can fill the memory; limit one of them",
    );
}
