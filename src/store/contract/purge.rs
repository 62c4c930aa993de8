//! Purge reclaims the expired and nothing else, a bounded number at a time.

use super::forms::expect;
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::SessionStore;

/// A purge must have come to its end after this many calls for forty records.
const CALLS_MAX: usize = 1000;

async fn fill<S: Subject>(bench: &Bench<'_, S>, store: &S::Store) -> Outcome {
    for number in 0..40 {
        let key = format!("short {number}");
        store.put(key.as_bytes(), "v".into(), bench.ttl(3)).await?;
        let key = format!("long {number}");
        store
            .put(key.as_bytes(), "v".into(), bench.ttl(500))
            .await?;
    }
    Ok(())
}

async fn living(store: &impl SessionStore) -> Outcome {
    for number in 0..40 {
        expect(store, format!("long {number}").as_bytes(), b"v").await?;
    }
    Ok(())
}

pub(super) async fn purge_of_nothing_is_nothing<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let purged = store.purge_expired(100).await?;
    ensure!(purged.removed == 0, "an empty store gave {purged:?}");
    Ok(())
}

pub(super) async fn purge_keeps_the_living<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    fill(bench, &store).await?;
    store.purge_expired(1000).await?;
    ensure!(store.exists(b"short 0").await?, "purged before its end");
    bench.pass(3).await;
    store.purge_expired(1000).await?;
    living(&store).await
}

pub(super) async fn purge_stays_in_its_budget<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    fill(bench, &store).await?;
    bench.pass(3).await;
    for budget in [0, 1, 7] {
        let removed = store.purge_expired(budget).await?.removed;
        ensure!(
            removed <= budget,
            "removed {removed} with a budget of {budget}"
        );
    }
    living(&store).await
}

pub(super) async fn purge_comes_to_an_end<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    fill(bench, &store).await?;
    bench.pass(3).await;
    let mut removed = 0;
    for _ in 0..CALLS_MAX {
        let purged = store.purge_expired(1).await?;
        removed += purged.removed;
        if !purged.more {
            ensure!(removed <= 40, "purged {removed} of 40 expired records");
            return living(&store).await;
        }
    }
    ensure!(
        false,
        "still more after {CALLS_MAX} purges with a budget of one"
    );
    Ok(())
}
