//! Replace changes what is there and never brings back what is not; put does not mind.

use super::drive::join;
use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::{Replaced, SessionStore, Version};

async fn expect_gone(store: &impl SessionStore, expected: Option<Version>) -> Outcome {
    let terms = super::Terms::forever();
    let replaced = store.replace(b"k", "late".into(), terms, expected).await?;
    ensure!(
        replaced == Replaced::Gone,
        "expected Gone, got {replaced:?}"
    );
    expect_none(store, b"k").await?;
    ensure!(!store.exists(b"k").await?, "the record exists again");
    Ok(())
}

pub(super) async fn replace_of_nothing_is_gone<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    expect_gone(&store, None).await?;
    expect_gone(&store, Some(Version::from_u64(0))).await?;
    expect_gone(&store, Some(Version::from_u64(1))).await
}

pub(super) async fn replace_after_remove_never_resurrects<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let version = store.put(b"k", "v".into(), bench.ttl(50)).await?;
    store.remove(b"k").await?;
    expect_gone(&store, None).await?;
    expect_gone(&store, Some(version)).await
}

pub(super) async fn replace_after_expiry_never_resurrects<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let version = store.put(b"k", "v".into(), bench.ttl(5)).await?;
    bench.pass(5).await;
    expect_gone(&store, Some(version)).await?;
    expect_gone(&store, None).await
}

pub(super) async fn replace_with_current_version_is_done<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let mut version = store.put(b"k", "0".into(), bench.ttl(50)).await?;
    for number in ["1", "2", "3"] {
        let terms = bench.ttl(50);
        let replaced = store
            .replace(b"k", number.into(), terms, Some(version))
            .await?;
        let Replaced::Done(next) = replaced else {
            ensure!(false, "expected Done, got {replaced:?}");
            return Ok(());
        };
        version = next;
    }
    expect(&store, b"k", b"3").await
}

pub(super) async fn replace_with_old_version_conflicts<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let old = store.put(b"k", "old".into(), bench.ttl(50)).await?;
    let current = store.put(b"k", "current".into(), bench.ttl(50)).await?;
    let replaced = store
        .replace(b"k", "late".into(), bench.ttl(50), Some(old))
        .await?;
    ensure!(
        replaced == Replaced::Conflict(current),
        "expected Conflict with the current version, got {replaced:?}"
    );
    expect(&store, b"k", b"current").await
}

pub(super) async fn version_of_a_removed_record_conflicts<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let old = store.put(b"k", "theirs".into(), bench.ttl(50)).await?;
    store.remove(b"k").await?;
    let current = store.put(b"k", "ours".into(), bench.ttl(50)).await?;
    let replaced = store
        .replace(b"k", "late".into(), bench.ttl(50), Some(old))
        .await?;
    ensure!(
        replaced == Replaced::Conflict(current),
        "expected Conflict with the current version, got {replaced:?}"
    );
    expect(&store, b"k", b"ours").await
}

pub(super) async fn replace_gives_new_terms<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    for (before, after) in [(5, 20), (20, 5)] {
        store.put(b"k", "old".into(), bench.ttl(before)).await?;
        let replaced = store
            .replace(b"k", "new".into(), bench.ttl(after), None)
            .await?;
        ensure!(matches!(replaced, Replaced::Done(_)), "got {replaced:?}");
        bench.pass(after - 1).await;
        expect(&store, b"k", b"new").await?;
        bench.pass(1).await;
        expect_none(&store, b"k").await?;
    }
    Ok(())
}

pub(super) async fn refused_replace_moves_no_deadline<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let old = store.put(b"k", "1".into(), bench.ttl(10)).await?;
    store.put(b"k", "2".into(), bench.ttl(10)).await?;
    let replaced = store
        .replace(b"k", "3".into(), bench.ttl(100), Some(old))
        .await?;
    ensure!(
        matches!(replaced, Replaced::Conflict(_)),
        "got {replaced:?}"
    );
    bench.pass(10).await;
    expect_none(&store, b"k").await
}

pub(super) async fn concurrent_replaces_have_one_winner<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let seen = store.put(b"k", "v".into(), bench.ttl(500)).await?;
    let values: Vec<String> = (0..16).map(|number| format!("value {number}")).collect();
    let replaces = values
        .iter()
        .map(|value| store.replace(b"k", value.clone().into(), bench.ttl(500), Some(seen)));
    let mut winners = Vec::new();
    for (replaced, value) in join(replaces).await.into_iter().zip(&values) {
        if let Replaced::Done(_) = replaced? {
            winners.push(value);
        }
    }
    let [winner] = winners[..] else {
        ensure!(false, "{} of 16 replaces of one version won", winners.len());
        return Ok(());
    };
    expect(&store, b"k", winner.as_bytes()).await
}

pub(super) async fn put_overwrites_and_gives_new_terms<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    for (before, after) in [(5, 20), (20, 5)] {
        store.put(b"k", "old".into(), bench.ttl(before)).await?;
        store.put(b"k", "new".into(), bench.ttl(after)).await?;
        bench.pass(after - 1).await;
        expect(&store, b"k", b"new").await?;
        bench.pass(1).await;
        expect_none(&store, b"k").await?;
    }
    Ok(())
}

pub(super) async fn put_after_remove<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "old".into(), bench.ttl(50)).await?;
    store.remove(b"k").await?;
    store.put(b"k", "new".into(), bench.ttl(50)).await?;
    expect(&store, b"k", b"new").await
}
