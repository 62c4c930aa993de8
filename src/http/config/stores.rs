//! From the name of a store to the store: those of this build, and those a program registers.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::open;
use super::settings::Settings;
use super::store::COMPILED_STORES;
use super::{Config, StoreSettings};
use crate::error::{Error, ErrorKind, Result};
use crate::http::configured::Configured;
use crate::http::{Core, CoreBuilder};
use crate::store::AnyStore;

type Opening<'a> = Pin<Box<dyn Future<Output = Result<AnyStore>> + Send + 'a>>;
type Opener = Arc<dyn Fn(&Settings) -> Opening<'_> + Send + Sync>;

/// Opens whichever store settings name: one of this build, or one that was registered here.
///
/// ```
/// use sessile::http::config::{Config, Stores};
/// use sessile::store::{AnyStore, CacheStore};
///
/// # async fn example() -> sessile::Result<()> {
/// let stores = Stores::new().register("attic", |_| {
///     Box::pin(async {
///         let cache = sessile::Cache::builder().max_entries(100).build()?;
///         Ok(AnyStore::new("attic", CacheStore::new(cache.into())))
///     })
/// })?;
/// let settings = stores.resolve(&Config::new().toml("SESSION_TYPE = 'attic'"))?;
/// assert_eq!(stores.open(&settings).await?.name(), "attic");
/// # Ok(())
/// # }
/// # let mut task = std::pin::pin!(example());
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(matches!(task.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(()))));
/// ```
#[derive(Clone, Default)]
pub struct Stores {
    registered: BTreeMap<String, Opener>,
}

impl Stores {
    /// Begins with the stores of this build, [`COMPILED_STORES`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a store of the program's own under a `SESSION_TYPE`; a name of this build's is taken over
    /// by it.
    ///
    /// `open` is told all settings; options of its own it has from wherever it likes.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that is not made of lower-case letters,
    /// digits, `_` and `-`.
    pub fn register(
        mut self,
        name: &str,
        open: impl Fn(&Settings) -> Opening<'_> + Send + Sync + 'static,
    ) -> Result<Self> {
        let is_plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "register a store: its name must be 1 to 63 lower-case letters, digits, `_` or `-`",
            ));
        }
        self.registered.insert(name.to_owned(), Arc::new(open));
        Ok(self)
    }

    /// The names that [`Stores::open`] knows.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let ours = COMPILED_STORES.iter().copied();
        let theirs = self.registered.keys().map(String::as_str);
        let theirs = theirs.filter(|name| !COMPILED_STORES.contains(name));
        ours.chain(theirs).collect()
    }

    /// As [`Config::resolve`], for these stores.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn resolve(&self, config: &Config) -> Result<Settings> {
        config.resolve_for(&self.names())
    }

    /// Opens the store: connects where it lies outside the process, and makes missing tables if
    /// [`Remote::prepare`](super::Remote::prepare) says so.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig) for a store that this build lacks, and where
    /// sessions live in their cookies or nowhere; faults of the store.
    pub async fn open(&self, settings: &Settings) -> Result<AnyStore> {
        let store = match self.registered.get(settings.store.name()) {
            Some(opener) => opener(settings).await?,
            None => open::open(settings, &settings.store).await?,
        };
        settings.in_their_form(store)
    }

    /// Opens the store and builds the sessions in it; where they need none, just these.
    ///
    /// # Errors
    /// As [`Stores::open`] and [`Settings::core`].
    pub async fn connect(&self, settings: &Settings) -> Result<Core<Configured>> {
        self.builder(settings).await?.build()
    }

    /// As [`Stores::connect`], for those who add rules of their own.
    ///
    /// # Errors
    /// As [`Stores::connect`].
    pub async fn builder(&self, settings: &Settings) -> Result<CoreBuilder<Configured>> {
        match &settings.store {
            StoreSettings::Null | StoreSettings::SecureCookie { .. } => settings.builder(),
            _ => settings.builder_on(self.open(settings).await?),
        }
    }
}

impl AnyStore {
    /// Opens the store that settings name, of those in this build; [`Stores`] opens others too.
    ///
    /// # Errors
    /// As [`Stores::open`].
    pub async fn from_config(settings: &Settings) -> Result<Self> {
        Stores::new().open(settings).await
    }
}

impl Settings {
    /// Opens the store and builds the sessions in it; [`Settings::core`] is for stores that need no
    /// waiting.
    ///
    /// ```
    /// use sessile::http::SessionLayer;
    /// use sessile::http::config::Config;
    ///
    /// # async fn example() -> sessile::Result<()> {
    /// // SESSION_TYPE=redis SESSION_REDIS=redis://10.0.0.7:6379, or nothing for the embedded cache.
    /// let settings = Config::from_env().resolve()?;
    /// let layer = SessionLayer::new(settings.connect().await?);
    /// # let _ = layer;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Stores::open`] and [`Settings::core`].
    pub async fn connect(&self) -> Result<Core<Configured>> {
        Stores::new().connect(self).await
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stores").field(&self.names()).finish()
    }
}
