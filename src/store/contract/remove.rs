//! Remove ends one record, once.

use super::drive::join;
use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::SessionStore;

pub(super) async fn remove_says_whether_there_was_one<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    ensure!(
        !store.remove(b"k").await?,
        "removed a record that never was"
    );
    store.put(b"k", "v".into(), bench.ttl(50)).await?;
    ensure!(store.remove(b"k").await?, "denied removing a record");
    expect_none(&store, b"k").await?;
    ensure!(!store.remove(b"k").await?, "removed a record twice");
    Ok(())
}

pub(super) async fn remove_leaves_others<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    for key in ["a", "b", "c"] {
        store.put(key.as_bytes(), key.into(), bench.ttl(50)).await?;
    }
    store.remove(b"b").await?;
    expect(&store, b"a", b"a").await?;
    expect(&store, b"c", b"c").await
}

pub(super) async fn concurrent_removes_have_one_winner<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(500)).await?;
    let mut winners = 0;
    for removed in join((0..16).map(|_| store.remove(b"k"))).await {
        winners += usize::from(removed?);
    }
    ensure!(
        winners == 1,
        "{winners} of 16 removes of one record say true"
    );
    Ok(())
}
