//! Owners' lists that are full or damaged, and Django's records that nobody signed.

use std::sync::Arc;

use sessile::id::{IdFormat, KeyMaker, SessionId};
use sessile::session::{OWNER_LIST_PREFIX, OwnerEntry, OwnerIndex, StoreIndex};
use sessile::{Cache, CacheStore, SessionStore, Terms};

const OWNER: &str = "canary-owner-of-a-list";

pub(crate) async fn all(secrets: &mut Vec<String>, shown: &mut String) {
    let cache = Arc::new(Cache::builder().unlimited_entries().build().unwrap());
    let store = CacheStore::new(Arc::clone(&cache));
    let index = StoreIndex::new(store.clone());
    let keys = KeyMaker::digest("id", None);
    for number in 0..=1_000 {
        let id = SessionId::random(IdFormat::Base64).unwrap();
        let entry = OwnerEntry {
            key: keys.key(&id),
            created_ms: 1_800_000_000_000,
            seen_ms: 1_800_000_000_000,
            is_stored: true,
        };
        // Its record is there, so that nobody takes it off the list.
        let record = store.put(entry.key.as_ref(), "x".into(), Terms::forever());
        let _ = record.await.unwrap();
        index.seen(OWNER, entry).await.unwrap();
        if number == 0 {
            secrets.push(id.expose().to_owned());
        }
    }
    let keys = cache.iter().map(|entry| entry.key);
    let lists = keys.filter(|key| key.starts_with(OWNER_LIST_PREFIX.as_bytes()));
    let list = lists.last().expect("the owner's");
    let damaged = store.put(&list, "\u{1}canary-list".into(), Terms::forever());
    let _ = damaged.await.unwrap();
    assert!(index.list(OWNER).await.unwrap().is_empty());
    *shown += &format!("{index:?}\n");
    #[cfg(feature = "compat")]
    djangos(store, shown).await;
}

#[cfg(feature = "compat")]
async fn djangos(store: CacheStore, shown: &mut String) {
    use sessile::cookie::compat::django::{DjangoFiles, DjangoRecords, StoredSession};

    let texts = StoredSession::new(["canary-secret-key"]).unwrap();
    let _ = store
        .put(
            b"canary-key",
            "canary-value:1:forged".into(),
            Terms::forever(),
        )
        .await
        .unwrap();
    let records = DjangoRecords::new(store, texts.clone());
    assert!(records.load(b"canary-key").await.unwrap().is_none());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessionidcanarykey");
    std::fs::write(file, "canary-value:1:forged").unwrap();
    let files = DjangoFiles::new(folder.path(), texts);
    let read = files.read("canarykey", std::time::SystemTime::now());
    assert!(read.unwrap().is_none());
    *shown += &format!("{records:?}\n");
}
