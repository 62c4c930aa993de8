//! Which store is meant, and opening it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sessile::http::config::{Config, Settings, StoreSettings, Stores};
use sessile::store::AnyStore;
use sessile::{Cache, CacheStore};

use super::told;

/// Where the sessions are.
#[derive(Args, Clone, Debug, Default)]
pub struct Where {
    /// The store's address, like redis://127.0.0.1:6379, sqlite:sessions.db, filesystem:DIR or
    /// snapshot:FILE [default: what SESSION_TYPE and its kind say in the environment]
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,

    /// A document of settings, TOML or JSON; the environment wins over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// An open store.
pub(super) struct Place {
    pub(super) store: AnyStore,
    /// Where it is written back to when it has changed.
    snapshot: Option<(PathBuf, Arc<Cache>)>,
}

impl Where {
    pub(super) async fn open(&self) -> Result<Place, String> {
        open(self.store.as_deref(), self.config.as_ref(), false).await
    }

    pub(super) async fn open_prepared(&self) -> Result<Place, String> {
        open(self.store.as_deref(), self.config.as_ref(), true).await
    }

    /// The place at another address, with the same document.
    pub(super) async fn open_at(&self, address: &str, prepare: bool) -> Result<Place, String> {
        open(Some(address), self.config.as_ref(), prepare).await
    }
}

async fn open(
    address: Option<&str>,
    document: Option<&PathBuf>,
    prepare: bool,
) -> Result<Place, String> {
    if let Some(file) = address.and_then(|address| address.strip_prefix("snapshot:")) {
        return snapshot(file.into());
    }
    let mut config = Config::new();
    if let Some(document) = document {
        config = config.file(document);
    }
    config = config.env(std::env::vars_os());
    if let Some(address) = address {
        let (kind, key, value) = meant(address)?;
        config = config.store(kind).set(key, value);
    }
    if prepare {
        config = config.set("SESSION_STORE_PREPARE", true);
    }
    let stores = Stores::new();
    let settings = stores.resolve(&config).map_err(|error| told(&error))?;
    let store = match &settings.store {
        StoreSettings::Cache(_) => return Err(inside(&settings)),
        _ => stores.open(&settings).await.map_err(|error| told(&error))?,
    };
    Ok(Place {
        store,
        snapshot: None,
    })
}

fn inside(settings: &Settings) -> String {
    format!(
        "the store {} lies inside the server's own process, out of this one's reach: name another by \
         --store or SESSION_TYPE, or a file that the server wrote, as snapshot:FILE",
        settings.store.name()
    )
}

/// The store's name, the key of its address, and the address as that key has it.
fn meant(address: &str) -> Result<(&'static str, &'static str, &str), String> {
    let scheme = address.split(':').next().unwrap_or_default();
    let rest = address.split_once(':').map_or("", |(_, rest)| rest);
    Ok(match scheme {
        "filesystem" | "file" => ("filesystem", "SESSION_FILE_DIR", rest),
        "redis" | "rediss" | "redis+unix" | "redis+sentinel" | "rediss+sentinel"
        | "redis+cluster" | "rediss+cluster" | "valkey" | "valkeys" => {
            ("redis", "SESSION_REDIS", address)
        }
        "memcached" => ("memcached", "SESSION_MEMCACHED", address),
        "sqlite" | "postgresql" | "postgres" | "mysql" | "mariadb" => {
            ("sql", "SESSION_SQLALCHEMY", address)
        }
        "mongodb" | "mongodb+srv" => ("mongodb", "SESSION_MONGODB", address),
        // The address may hold a password: it is not repeated.
        _ => {
            return Err(
                "no store has such an address: it begins with filesystem:, redis://, memcached://, \
                 sqlite:, postgresql://, mysql://, mongodb:// or snapshot:"
                    .to_owned(),
            );
        }
    })
}

fn snapshot(file: PathBuf) -> Result<Place, String> {
    let cache = Cache::builder().unlimited_entries().build();
    let cache = Arc::new(cache.map_err(|error| told(&error))?);
    if file.exists() {
        let restored = cache.restore_from_file(&file);
        restored.map_err(|error| format!("{}: {}", file.display(), told(&error)))?;
    }
    Ok(Place {
        store: AnyStore::from(CacheStore::new(Arc::clone(&cache))),
        snapshot: Some((file, cache)),
    })
}

impl Place {
    /// Whether it is a file that has to be there to be read.
    pub(super) fn is_missing(&self) -> Option<String> {
        let (file, _) = self.snapshot.as_ref()?;
        (!file.exists()).then(|| format!("{}: there is no such snapshot", file.display()))
    }

    /// Writes back what lies in a file, and ends what the store holds.
    pub(super) async fn close(self, has_changed: bool) -> Result<(), String> {
        if let Some((file, cache)) = self.snapshot.filter(|_| has_changed) {
            let written = cache.snapshot_to_file(&file);
            written.map_err(|error| format!("{}: {}", file.display(), told(&error)))?;
        }
        let closed = sessile::SessionStore::close(&self.store).await;
        closed.map_err(|error| told(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_stores_and_are_never_repeated() {
        let kind = |address| meant(address).map(|(kind, _, value)| (kind, value));
        assert_eq!(kind("filesystem:/var/s"), Ok(("filesystem", "/var/s")));
        assert_eq!(kind("sqlite:s.db"), Ok(("sql", "sqlite:s.db")));
        assert_eq!(kind("redis://h:1"), Ok(("redis", "redis://h:1")));
        let refusal = kind("reddis://:secret@h").expect_err("a mistake");
        assert!(!refusal.contains("secret") && refusal.contains("redis://"));
    }
}
