//! Settings of a core.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::backend::{Backend, Purge, Stored};
use super::core::{Core, Inner, Refresh, WhenGone};
use super::id_text::IdText;
use super::interface::Interface;
use crate::cookie::CookieConfig;
use crate::error::{Error, Result};
use crate::session::OwnerIndex;
use crate::store::SessionStore;

/// Builds a [`Core`]; [`Core::builder`] makes one.
#[must_use = "a builder does nothing until `build`"]
pub struct CoreBuilder<B, I = ()> {
    inner: Inner<B, I>,
    cache_control: Option<String>,
}

impl<B: Backend> CoreBuilder<B> {
    pub(super) fn new(backend: B) -> Self {
        Self {
            inner: Inner {
                backend,
                cookie: CookieConfig::default(),
                interface: (),
                refresh: Refresh::default(),
                when_gone: WhenGone::default(),
                save_every: false,
                save_on_error: false,
                cookie_age: None,
                cache_control: None,
            },
            cache_control: Some("no-store".to_owned()),
        }
    }
}

impl<S: SessionStore, X: OwnerIndex, I: Interface> CoreBuilder<Stored<S, X>, I> {
    /// Writes ids into the cookie this way. Default: [`PlainId`](super::PlainId), as they are.
    pub fn id_text(mut self, id_text: impl IdText) -> Self {
        self.inner.backend.id_text = Box::new(id_text);
        self
    }

    /// Has one commit in so many also purge expired records, for stores that have no expiry of their
    /// own and no task that does it. Default: none does. Each looks at up to 1,000 records.
    pub fn purge_every(mut self, commits: NonZeroU64) -> Self {
        self.inner.backend.purge = Some(Purge::every(commits));
        self
    }
}

impl<B: Backend, I: Interface> CoreBuilder<B, I> {
    /// Sends ids in this cookie. Default: [`CookieConfig::default`].
    ///
    /// Its own `max_age` is not used: how long the browser keeps the cookie follows the session, or
    /// [`CoreBuilder::cookie_age`].
    pub fn cookie(mut self, cookie: CookieConfig) -> Self {
        self.inner.cookie = cookie;
        self
    }

    /// Lets `interface` take over decisions. Default: `()`, which takes none.
    pub fn interface<J: Interface>(self, interface: J) -> CoreBuilder<B, J> {
        let Inner {
            backend,
            cookie,
            interface: _,
            refresh,
            when_gone,
            save_every,
            save_on_error,
            cookie_age,
            cache_control,
        } = self.inner;
        CoreBuilder {
            inner: Inner {
                backend,
                cookie,
                interface,
                refresh,
                when_gone,
                save_every,
                save_on_error,
                cookie_age,
                cache_control,
            },
            cache_control: self.cache_control,
        }
    }

    /// Says when a cookie is sent again. Default: [`Refresh::WhenRenewed`].
    pub fn refresh(mut self, refresh: Refresh) -> Self {
        self.inner.refresh = refresh;
        self
    }

    /// Says what becomes of a request whose session ended while it ran. Default:
    /// [`WhenGone::Interrupt`].
    pub fn when_gone(mut self, when_gone: WhenGone) -> Self {
        self.inner.when_gone = when_gone;
        self
    }

    /// Saves the session with every request that carries one, changed or not. Default: no. Opens
    /// every request's session; what leads to no session makes none.
    pub fn save_every_request(mut self, save: bool) -> Self {
        self.inner.save_every = save;
        self
    }

    /// Has browsers keep the cookies of permanent sessions that say nothing of their end that long.
    /// Default: `None`, as long as the session lives.
    pub fn cookie_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.inner.cookie_age = age.into();
        self
    }

    /// Saves sessions of requests that ended with a status of 500 or more, too. Default: no, as in
    /// Django: a request that failed half-way should leave nothing half-done.
    pub fn save_on_error(mut self, save: bool) -> Self {
        self.inner.save_on_error = save;
        self
    }

    /// Sends this `Cache-Control` with a cookie, unless the application sets one. Default: `no-store`;
    /// `None` sends none.
    pub fn cache_control<'v>(mut self, value: impl Into<Option<&'v str>>) -> Self {
        self.cache_control = value.into().map(str::to_owned);
        self
    }

    /// Builds it.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the `Cache-Control` is no header value.
    pub fn build(mut self) -> Result<Core<B, I>> {
        let cache_control = self.cache_control.map(|text| {
            HeaderValue::from_str(&text)
                .map_err(|_| Error::config("build sessions: the Cache-Control is no header value"))
        });
        self.inner.cache_control = cache_control.transpose()?;
        Ok(Core(Arc::new(self.inner)))
    }
}

impl<B, I> fmt::Debug for CoreBuilder<B, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoreBuilder")
            .field("cookie", &self.inner.cookie)
            .field("refresh", &self.inner.refresh)
            .finish_non_exhaustive()
    }
}
