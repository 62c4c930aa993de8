//! From settings to what serves requests.

use std::sync::Arc;

use super::settings::{KeyForm, Layout, RecordForm, Settings, SignerForm, SignerSettings};
use super::store::{CacheSettings, CookieForm, StoreSettings};
use crate::cache::Cache;
use crate::codec;
use crate::cookie::{CookieConfig, JarSettings, Keyring};
use crate::error::{Error, Result};
use crate::http::backend::Purge;
use crate::http::configured::{Configured, Kind};
use crate::http::{
    CookieSessions, CookieSessionsBuilder, Core, CoreBuilder, IdText, PlainId, SignedId, Stored,
};
#[cfg(feature = "compat")]
use crate::http::{FlaskSessionId, InvenioSessionId};
use crate::id::KeyMaker;
use crate::session::{AnyIndex, OwnerIndex, Sessions, SessionsBuilder, WhenReached};
use crate::store::{AnyStore, CacheStore, SessionStore};

const NULL: &str = "write a session: SESSION_TYPE is null, so there is nowhere to keep it; set \
                    SESSION_TYPE to cache, or to another store";

/// Builders. Each may be called any number of times.
impl Settings {
    /// Builds the sessions of these settings, on an embedded cache of their own, in cookies, or none;
    /// [`SessionLayer::new`](crate::http::SessionLayer::new) makes a layer of it.
    ///
    /// ```
    /// use sessile::http::SessionLayer;
    /// use sessile::http::config::Config;
    ///
    /// let settings = Config::new().toml("[session]\nidle_timeout = '30m'").resolve()?;
    /// let layer = SessionLayer::new(settings.core()?);
    /// # let _ = layer;
    /// # Ok::<(), sessile::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a store that this crate does not bring
    /// along ([`Settings::core_on`] takes yours), for [`Layout::Django`], and for what a build without
    /// the feature `compat` lacks.
    pub fn core(&self) -> Result<Core<Configured>> {
        self.builder()?.build()
    }

    /// Builds the sessions of these settings in `store`.
    ///
    /// # Errors
    /// As [`Settings::core`]; also where the settings keep sessions in cookies or nowhere.
    pub fn core_on<S: SessionStore>(&self, store: S) -> Result<Core<Stored<S>>> {
        let sessions = self.sessions_on(store)?.build()?;
        self.builder_of(sessions)?.build()
    }

    /// As [`Settings::core`], for those who add rules of their own.
    ///
    /// # Errors
    /// As [`Settings::core`].
    pub fn builder(&self) -> Result<CoreBuilder<Configured>> {
        let kind = match &self.store {
            StoreSettings::Cache(cache) => {
                let store = CacheStore::new(Arc::new(cache.build()?));
                return self.builder_on(self.in_their_form(AnyStore::from(store))?);
            }
            StoreSettings::SecureCookie { form } => {
                Kind::Cookie(Box::new(self.in_cookies(*form)?.build()?))
            }
            StoreSettings::Null => Kind::Null(NULL),
            other => {
                return Err(Error::config(format!(
                    "build sessions: the store {} has to be opened first, which takes waiting; use \
                     Settings::connect, or give the store to Settings::core_on",
                    other.name()
                )));
            }
        };
        self.flow(Core::on(Configured(kind)))
    }

    /// As [`Settings::builder`], on a store that was opened already; see
    /// [`Stores::open`](super::Stores::open).
    ///
    /// # Errors
    /// As [`Settings::core_on`].
    pub fn builder_on(&self, store: AnyStore) -> Result<CoreBuilder<Configured>> {
        let has_its_own_expiry = store.as_cache().is_some();
        let namespace = match &self.keys {
            KeyForm::Digest { namespace } => namespace,
            KeyForm::Plain { prefix } => prefix,
        };
        let index = AnyIndex::of(&store, namespace);
        let sessions = match self.record.layout {
            // The store shows Django's texts as bare JSON.
            Layout::Django => self.with_bare_json().sessions_on(store)?,
            Layout::Native | Layout::Bare => self.sessions_on(store)?,
        };
        let sessions = sessions.owner_index(index).build()?;
        let purge = self.saving.cleanup_n_requests;
        self.flow(Core::on(Configured(Kind::Stored(Box::new(Stored {
            id_text: self.id_text()?,
            sessions,
            purge: purge.filter(|_| !has_its_own_expiry).map(Purge::every),
        })))))
    }

    /// As [`Settings::core_on`] for sessions that [`Settings::sessions_on`] began, for those who change
    /// more: a clock, an owner index, rules of their own.
    ///
    /// # Errors
    /// As [`Settings::core_on`].
    pub fn builder_of<S: SessionStore, X: OwnerIndex>(
        &self,
        sessions: Sessions<S, X>,
    ) -> Result<CoreBuilder<Stored<S, X>>> {
        let mut builder = Core::builder(sessions);
        if let Some(requests) = self.saving.cleanup_n_requests {
            builder = builder.purge_every(requests);
        }
        self.flow(builder.id_text(self.id_text()?))
    }

    /// Begins the manager of sessions in `store`.
    ///
    /// Where an owner has as many sessions as allowed, the one that was longest not seen ends.
    ///
    /// # Errors
    /// As [`Settings::core_on`].
    pub fn sessions_on<S: SessionStore>(&self, store: S) -> Result<SessionsBuilder<S>> {
        if matches!(
            self.store,
            StoreSettings::SecureCookie { .. } | StoreSettings::Null
        ) {
            return Err(Error::config(format!(
                "build sessions: SESSION_TYPE is {}, which needs no store; use Settings::core, or name \
                 the store",
                self.store.name()
            )));
        }
        let (lives, saving) = (&self.lifetimes, &self.saving);
        let mut builder = Sessions::builder(store)
            .keys(self.key_maker()?)
            .id_format(self.id)
            .format(self.record.format)
            .layout(self.layout()?)
            .idle(lives.idle)
            .absolute(lives.absolute)
            .renew_ids_after(lives.renewal)
            .sliding(lives.sliding)
            .permanent(lives.starts_permanent)
            .on_empty(saving.empty)
            .on_conflict(saving.on_conflict);
        if let Some(overlap) = lives.renewal_overlap {
            builder = builder.renewal_overlap(overlap);
        }
        if let Some(max) = saving.max_per_owner {
            let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
            builder = builder.owner_limit(max, WhenReached::EndOldest);
        }
        Ok(builder)
    }

    /// Returns the session cookie.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if browsers would drop it.
    pub fn cookie_config(&self) -> Result<CookieConfig> {
        let cookie = &self.cookie;
        let mut builder = CookieConfig::builder()
            .name(cookie.name.as_str())
            .path(cookie.path.as_str())
            .secure(cookie.secure)
            .http_only(cookie.http_only)
            .same_site(cookie.same_site)
            .partitioned(cookie.partitioned);
        if let Some(domain) = &cookie.domain {
            builder = builder.domain(domain.as_str());
        }
        builder.build()
    }

    /// Returns the keys, the primary first; `None` where there are none.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for more than a ring holds.
    pub fn keyring(&self) -> Result<Option<Keyring>> {
        let Some(primary) = &self.secrets.primary else {
            return Ok(None);
        };
        let mut ring = Keyring::new(primary.expose())?;
        for secret in &self.secrets.fallbacks {
            ring = ring.fallback(secret.expose())?;
        }
        Ok(Some(ring))
    }

    /// Returns what the application's own cookies are like: the session cookie's attributes, and the
    /// same keys.
    ///
    /// # Errors
    /// As [`Settings::cookie_config`] and [`Settings::keyring`].
    pub fn jar(&self) -> Result<JarSettings> {
        let jar = JarSettings::new().defaults(self.cookie_config()?);
        Ok(match self.keyring()? {
            Some(ring) => jar.keyring(ring),
            None => jar,
        })
    }

    /// Returns how ids become keys of a store. Digests depend on the namespace and on no secret, so
    /// that a change of keys ends no session.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a prefix of more than 52 bytes.
    pub fn key_maker(&self) -> Result<KeyMaker> {
        match &self.keys {
            KeyForm::Digest { namespace } => Ok(KeyMaker::digest(namespace, None)),
            KeyForm::Plain { prefix } => KeyMaker::plain(prefix).map_err(|error| {
                Error::config("build sessions: SESSION_KEY_PREFIX is too long").with_source(error)
            }),
        }
    }

    /// What all backends have in common.
    fn flow<B: crate::http::Backend>(&self, builder: CoreBuilder<B>) -> Result<CoreBuilder<B>> {
        let lives = &self.lifetimes;
        let is_other = lives.permanent != lives.idle;
        Ok(builder
            .cookie(self.cookie_config()?)
            .refresh(self.saving.refresh)
            .cookie_age(is_other.then_some(lives.permanent))
            .save_every_request(self.saving.save_every_request)
            .save_on_error(self.saving.save_on_error))
    }

    fn layout(&self) -> Result<codec::Layout> {
        let refused = |why: &str| Err(Error::config(format!("build sessions: {why}")));
        match self.record.layout {
            Layout::Native => Ok(codec::Layout::Native),
            Layout::Bare if self.saving.max_per_owner.is_some() => refused(
                "SESSION_MAX_PER_OWNER needs records that know their owner, and bare ones do not; leave \
                 one of the two out",
            ),
            Layout::Bare if self.lifetimes.absolute.is_some() => refused(
                "SESSION_ABSOLUTE_TIMEOUT needs records that know when they began, and bare ones do \
                 not; set it to none, or SESSION_RECORD_LAYOUT to native",
            ),
            Layout::Bare if self.lifetimes.renewal.is_some() => refused(
                "SESSION_RENEWAL_TIMEOUT needs records that can say where a session went, and bare ones \
                 cannot; leave it out, or set SESSION_RECORD_LAYOUT to native",
            ),
            Layout::Bare => Ok(codec::Layout::Bare),
            Layout::Django => refused(
                "SESSION_RECORD_LAYOUT is django, for a store of its own kind; open it by \
                 Settings::connect, or put it into cookie::compat::django::DjangoRecords and set the \
                 layout to bare and the format to json",
            ),
        }
    }

    fn with_bare_json(&self) -> Self {
        let record = RecordForm {
            format: codec::Format::Json,
            layout: Layout::Bare,
        };
        Self {
            record,
            ..self.clone()
        }
    }

    /// Puts Django's texts between the store and its users, where the settings say so.
    #[cfg(feature = "compat")]
    pub(super) fn in_their_form(&self, store: AnyStore) -> Result<AnyStore> {
        use crate::cookie::compat::django::{DjangoRecords, StoredSession};

        if self.record.layout != Layout::Django {
            return Ok(store);
        }
        let (secret, fallbacks) = self.need_secrets()?;
        let texts = StoredSession::new([secret].into_iter().chain(fallbacks))?;
        let (name, front) = (store.name().to_owned(), store.cache().cloned());
        let store = AnyStore::listed(&name, DjangoRecords::new(store, texts));
        Ok(match front {
            Some(cache) => store.with_front(cache),
            None => store,
        })
    }

    #[cfg(not(feature = "compat"))]
    pub(super) fn in_their_form(&self, store: AnyStore) -> Result<AnyStore> {
        match self.record.layout {
            Layout::Django => Err(without_compat("records as Django writes them")),
            Layout::Native | Layout::Bare => Ok(store),
        }
    }

    /// How ids stand in the cookie.
    fn id_text(&self) -> Result<Box<dyn IdText>> {
        let Some(signer) = &self.signer else {
            return Ok(Box::new(PlainId(self.id)));
        };
        match signer.form {
            SignerForm::Native => {
                let mut signed = SignedId::new(self.id, self.need_keyring()?);
                signed.purpose = signer.salt.clone().into();
                Ok(Box::new(signed))
            }
            SignerForm::FlaskSession | SignerForm::Invenio => self.compat_id(signer),
        }
    }

    #[cfg(feature = "compat")]
    fn compat_id(&self, signer: &SignerSettings) -> Result<Box<dyn IdText>> {
        use crate::cookie::compat::flask_session;
        use crate::cookie::compat::invenio::InvenioId;

        const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
        let (secret, fallbacks) = self.need_secrets()?;
        if signer.form == SignerForm::Invenio {
            let lives = &self.lifetimes;
            let longest = lives.idle.max(lives.permanent).max(DAY);
            return Ok(Box::new(InvenioSessionId {
                format: self.id,
                signer: InvenioId::with_fallbacks(secret, fallbacks, &signer.salt)?,
                max_age: longest.max(lives.absolute.unwrap_or_default()),
            }));
        }
        if signer.salt != "flask-session" {
            return Err(Error::config(
                "build sessions: SESSION_SALT is set, and Flask-Session signs ids with the salt \
                 flask-session and no other; leave it out",
            ));
        }
        Ok(Box::new(FlaskSessionId {
            format: self.id,
            signer: flask_session::SignedId::with_fallbacks(secret, fallbacks)?,
        }))
    }

    #[cfg(not(feature = "compat"))]
    fn compat_id(&self, _: &SignerSettings) -> Result<Box<dyn IdText>> {
        Err(without_compat("ids signed as Python does"))
    }

    fn in_cookies(&self, form: CookieForm) -> Result<CookieSessionsBuilder> {
        let lives = &self.lifetimes;
        let builder = match form {
            CookieForm::Encrypted => CookieSessions::builder(self.need_keyring()?),
            CookieForm::Flask | CookieForm::Django => self.compat_cookies(form)?,
        };
        Ok(builder
            .idle(lives.idle)
            .absolute(lives.absolute)
            .sliding(lives.sliding)
            .permanent(lives.starts_permanent)
            .on_empty(self.saving.empty))
    }

    #[cfg(feature = "compat")]
    fn compat_cookies(&self, form: CookieForm) -> Result<CookieSessionsBuilder> {
        let (secret, fallbacks) = self.need_secrets()?;
        if self.lifetimes.absolute.is_some() {
            return Err(Error::config(
                "build sessions: SESSION_ABSOLUTE_TIMEOUT needs sessions that know when they began, and \
                 the cookies of Flask and Django do not; set it to none",
            ));
        }
        match form {
            CookieForm::Django => CookieSessions::django(secret, &fallbacks),
            _ => CookieSessions::flask(secret, &fallbacks),
        }
    }

    #[cfg(not(feature = "compat"))]
    fn compat_cookies(&self, _: CookieForm) -> Result<CookieSessionsBuilder> {
        Err(without_compat("the session cookies of Flask and Django"))
    }

    fn need_keyring(&self) -> Result<Keyring> {
        self.keyring()?.ok_or_else(without_key)
    }

    #[cfg(feature = "compat")]
    fn need_secrets(&self) -> Result<(&[u8], Vec<&[u8]>)> {
        let primary = self.secrets.primary.as_ref().ok_or_else(without_key)?;
        let fallbacks = self.secrets.fallbacks.iter();
        let fallbacks = fallbacks.map(|secret| secret.expose());
        Ok((primary.expose(), fallbacks.collect()))
    }
}

impl CacheSettings {
    /// Builds the cache.
    ///
    /// # Errors
    /// As [`Builder::build`](crate::Builder::build).
    pub fn build(&self) -> Result<Cache> {
        let entries = |count: std::num::NonZeroU64| {
            usize::try_from(count.get()).map_err(|_| {
                Error::config("build the cache: this machine cannot count so many sessions")
            })
        };
        let mut builder = match self.max_entries {
            Some(max) => Cache::builder().max_entries(entries(max)?),
            None => Cache::builder().unlimited_entries(),
        };
        if let Some(protected) = self.protected_entries {
            builder = builder.protected_entries(entries(protected)?);
        }
        if let Some(bytes) = self.max_bytes {
            builder = builder.max_bytes(bytes.get());
        }
        builder.build()
    }
}

/// Settings that were made by hand may lack it.
fn without_key() -> Error {
    Error::config("build sessions: SECRET_KEY is missing; these settings sign or encrypt")
}

#[cfg(not(feature = "compat"))]
fn without_compat(what: &str) -> Error {
    Error::config(format!("build sessions: {what} need the feature `compat`"))
}
