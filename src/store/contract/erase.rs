//! A store behind [`DynStore`](crate::store::DynStore) answers as it does by itself.

use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::error::Result;
use crate::store::{Created, Replaced, SessionStore, Terms, Version};

/// What each call of a fixed sequence answered, without what may differ between two stores.
async fn answers(store: &impl SessionStore, terms: Terms) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let mut say = |what: &dyn std::fmt::Debug| said.push(format!("{what:?}"));
    say(&store.load(b"k").await?.map(|found| found.value));
    let created = store.create(b"k", "1".into(), terms).await?;
    say(&matches!(created, Created::Done(_)));
    say(&(store.create(b"k", "2".into(), terms).await? == Created::Taken));
    say(&store.exists(b"k").await?);
    let replaced = store.replace(b"k", "3".into(), terms, None).await?;
    say(&matches!(replaced, Replaced::Done(_)));
    let current = store.put(b"k", "4".into(), terms).await?;
    let other = Version::from_u64(current.to_u64().wrapping_add(1));
    let replaced = store.replace(b"k", "5".into(), terms, Some(other)).await?;
    say(&(replaced == Replaced::Conflict(current)));
    say(&store.touch(b"k", std::time::Duration::from_secs(1)).await?);
    say(&store.load(b"k").await?.map(|found| found.value));
    let lived = store.load_left(b"k").await?;
    say(&lived.map(|lived| (lived.loaded.value, lived.left.is_some())));
    say(&store.remove(b"k").await?);
    say(&store.remove(b"k").await?);
    say(&store.touch(b"k", std::time::Duration::from_secs(1)).await?);
    say(&(store.replace(b"k", "6".into(), terms, None).await? == Replaced::Gone));
    say(&store.purge_expired(10).await?.removed);
    say(&store
        .put(b"", "7".into(), terms)
        .await
        .map_err(|error| error.kind()));
    Ok(said)
}

pub(super) async fn erased_form_answers_alike<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let plain = bench.fresh().await;
    let erased = bench.fresh().await.erase();
    let alone = answers(&plain, bench.ttl(500)).await?;
    let behind = answers(&erased, bench.ttl(500)).await?;
    let differs = alone.iter().zip(&behind).position(|(a, b)| a != b);
    ensure!(
        differs.is_none(),
        "call {differs:?} of the sequence answers otherwise when erased"
    );
    Ok(())
}
