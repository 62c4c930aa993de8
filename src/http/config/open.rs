//! How each store of this build is opened from its settings.

use std::sync::Arc;
#[cfg(feature = "tiered")]
use std::time::Duration;

#[cfg(feature = "__remote")]
use super::settings::Layout;
use super::settings::Settings;
use super::store::StoreSettings;
use crate::error::{Error, Result};
#[cfg(feature = "__remote")]
use crate::store::Patience;
use crate::store::{AnyStore, CacheStore};

/// Opens `store` under what `settings` say besides.
pub(super) async fn open(settings: &Settings, store: &StoreSettings) -> Result<AnyStore> {
    match store {
        StoreSettings::Cache(cache) => {
            Ok(AnyStore::from(CacheStore::new(Arc::new(cache.build()?))))
        }
        StoreSettings::Null | StoreSettings::SecureCookie { .. } => Err(Error::config(format!(
            "open a store: SESSION_TYPE is {}, which keeps sessions in none",
            store.name()
        ))),
        #[cfg(feature = "tiered")]
        StoreSettings::Tiered {
            front,
            back,
            fresh_for,
        } => tiered(settings, *front, back, *fresh_for).await,
        other => outside(settings, other).await,
    }
}

/// Whether records lie as they are, under keys as they are, so that Python reads them too.
#[cfg(feature = "__remote")]
fn is_bare(settings: &Settings) -> bool {
    settings.record.layout != Layout::Native
}

#[cfg(feature = "__remote")]
fn patience(settings: &Settings) -> Patience {
    Patience::new()
        .timeout(settings.remote.timeout)
        .attempts(settings.remote.attempts.get())
}

/// What comes before the keys of a store with one space for all keys; bare ones have it in the key.
#[cfg(any(feature = "redis", feature = "memcached"))]
const PREFIX: &str = "sessile:";

#[cfg_attr(
    not(feature = "__remote"),
    expect(clippy::unused_async, reason = "none of them is part of this build")
)]
async fn outside(settings: &Settings, store: &StoreSettings) -> Result<AnyStore> {
    let _ = settings;
    match store {
        #[cfg(all(unix, feature = "filesystem"))]
        StoreSettings::FileSystem {
            dir,
            threshold,
            mode,
        } => {
            use crate::store::FileStore;

            let builder = FileStore::builder(dir).mode(*mode);
            let builder = match threshold {
                Some(records) => {
                    builder.threshold(usize::try_from(records.get()).unwrap_or(usize::MAX))
                }
                None => builder.unlimited(),
            };
            // Once, when a program starts: it may block.
            Ok(AnyStore::listed(store.name(), builder.open()?))
        }
        #[cfg(feature = "redis")]
        StoreSettings::Redis { urls } => {
            let redis = redis(settings, urls).await?;
            Ok(AnyStore::listed(store.name(), redis))
        }
        #[cfg(feature = "memcached")]
        StoreSettings::Memcached { urls, credentials } => {
            use crate::store::MemcachedStore;

            let addresses: Vec<&str> = urls.iter().map(|url| url.expose_text()).collect();
            let builder = MemcachedStore::builder().servers(addresses.join(","));
            let builder = match is_bare(settings) {
                true => builder.bare(),
                false => builder.prefix(PREFIX),
            };
            let builder = match settings.remote.connections {
                Some(most) => builder.connections_max(usize::try_from(most.get()).unwrap_or(1)),
                None => builder,
            };
            let builder = match credentials {
                Some((user, password)) => builder.credentials(user, password.expose_text()),
                None => builder,
            };
            let memcached = builder.patience(patience(settings)).connect().await?;
            Ok(AnyStore::new(store.name(), memcached))
        }
        #[cfg(feature = "__sql")]
        StoreSettings::Sql { url, table, schema } => {
            use crate::store::{Python, SqlStore};

            let mut builder = SqlStore::builder()
                .table(table)
                .create_table(settings.remote.prepare)
                .patience(patience(settings));
            if let Some(schema) = schema {
                builder = builder.schema(schema);
            }
            if let Some(most) = settings.remote.connections {
                builder = builder.connections(most.get());
            }
            builder = match settings.record.layout {
                Layout::Native => builder,
                Layout::Bare => builder.bare(Python::FlaskSession),
                Layout::Django => builder.bare(Python::Django),
            };
            let sql = builder.connect(url.expose_text()).await?;
            Ok(AnyStore::listed(store.name(), sql))
        }
        #[cfg(feature = "mongodb")]
        StoreSettings::MongoDb {
            url,
            database,
            collection,
        } => {
            use crate::store::MongoStore;

            let mut builder = MongoStore::builder()
                .address(url.expose_text())
                .database(database)
                .collection(collection)
                .patience(patience(settings));
            if is_bare(settings) {
                builder = builder.bare();
            }
            let mongo = builder.connect().await?;
            if settings.remote.prepare {
                mongo.prepare().await?;
            }
            Ok(AnyStore::listed(store.name(), mongo))
        }
        other => Err(absent(other)),
    }
}

#[cfg(feature = "redis")]
async fn redis(settings: &Settings, urls: &[super::Secret]) -> Result<crate::store::RedisStore> {
    let mut builder = crate::store::RedisStore::builder().patience(patience(settings));
    for url in urls {
        builder = builder.url(url.expose_text());
    }
    builder = match is_bare(settings) {
        true => builder.bare().prefix(""),
        false => builder.prefix(PREFIX),
    };
    builder.connect().await
}

/// The embedded cache before another store.
#[cfg(feature = "tiered")]
async fn tiered(
    settings: &Settings,
    front: super::CacheSettings,
    back: &StoreSettings,
    fresh_for: Option<Duration>,
) -> Result<AnyStore> {
    use crate::store::TieredStore;

    let cache = Arc::new(front.build()?);
    let copies = CacheStore::new(Arc::clone(&cache));
    #[cfg(feature = "redis")]
    if let StoreSettings::Redis { urls } = back {
        let redis = redis(settings, urls).await?;
        let news = redis.invalidations().await?;
        let behind = AnyStore::listed(back.name(), redis);
        let tiered = TieredStore::builder(copies, behind.clone())
            .fresh_for(fresh_for.unwrap_or(TOLD))
            .build()?;
        // Ends when the store is closed; until then the task keeps the store, as a server wants it to.
        tokio::spawn(tiered.listen(news));
        return Ok(AnyStore::listed("tiered", tiered)
            .with_front(cache)
            .with_back(behind));
    }
    let behind = Box::pin(open(settings, back)).await?;
    let mut builder = TieredStore::builder(copies, behind.clone());
    if let Some(fresh_for) = fresh_for {
        builder = builder.fresh_for(fresh_for);
    }
    let tiered = builder.build()?;
    Ok(AnyStore::listed("tiered", tiered)
        .with_front(cache)
        .with_back(behind))
}

/// How long a copy is good where the back tells of changes; the limit where its news is late.
#[cfg(all(feature = "tiered", feature = "redis"))]
const TOLD: Duration = Duration::from_secs(60);

/// What is asked for is not part of this build, or not of this crate.
fn absent(store: &StoreSettings) -> Error {
    Error::config(format!(
        "open a store: {} is not part of this program; build it with the feature of that name, or \
         register the store at config::Stores",
        store.name()
    ))
}
