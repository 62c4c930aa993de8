//! How each store of this build is opened from its settings.

use std::sync::Arc;

use super::settings::Settings;
use super::store::StoreSettings;
use crate::error::{Error, Result};
use crate::store::{AnyStore, CacheStore};

/// Opens `store` under what `settings` say besides.
pub(super) async fn open(settings: &Settings, store: &StoreSettings) -> Result<AnyStore> {
    let _ = settings;
    match store {
        StoreSettings::Cache(cache) => {
            Ok(AnyStore::from(CacheStore::new(Arc::new(cache.build()?))))
        }
        StoreSettings::Null | StoreSettings::SecureCookie { .. } => Err(Error::config(format!(
            "open a store: SESSION_TYPE is {}, which keeps sessions in none",
            store.name()
        ))),
        other => Err(absent(other)),
    }
}

/// What is asked for is not part of this build, or not of this crate.
pub(super) fn absent(store: &StoreSettings) -> Error {
    Error::config(format!(
        "open a store: {} is not part of this program; build it with the feature of that name, or \
         register the store at config::Stores",
        store.name()
    ))
}
