//! Create never overwrites.

use super::drive::join;
use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::{Created, SessionStore};

pub(super) async fn create_never_overwrites<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let first = store.create(b"k", "first".into(), bench.ttl(50)).await?;
    let second = store.create(b"k", "second".into(), bench.ttl(50)).await?;
    ensure!(second == Created::Taken, "the second create is {second:?}");
    let found = store.load(b"k").await?;
    ensure!(
        found.as_ref().map(|found| Created::Done(found.version)) == Some(first),
        "a create of a taken key changed the version"
    );
    expect(&store, b"k", b"first").await
}

pub(super) async fn taken_create_moves_no_deadline<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let _ = store.create(b"k", "v".into(), bench.ttl(10)).await?;
    let again = store.create(b"k", "v".into(), bench.ttl(100)).await?;
    ensure!(again == Created::Taken, "the second create is {again:?}");
    bench.pass(10).await;
    expect_none(&store, b"k").await
}

pub(super) async fn create_after_remove<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let _ = store.create(b"k", "first".into(), bench.ttl(50)).await?;
    store.remove(b"k").await?;
    let again = store.create(b"k", "second".into(), bench.ttl(50)).await?;
    ensure!(matches!(again, Created::Done(_)), "the key is still taken");
    expect(&store, b"k", b"second").await
}

pub(super) async fn create_after_expiry<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let _ = store.create(b"k", "first".into(), bench.ttl(10)).await?;
    bench.pass(10).await;
    let again = store.create(b"k", "second".into(), bench.ttl(10)).await?;
    ensure!(matches!(again, Created::Done(_)), "the key is still taken");
    expect(&store, b"k", b"second").await?;
    bench.pass(9).await;
    expect(&store, b"k", b"second").await
}

pub(super) async fn concurrent_creates_have_one_winner<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let values: Vec<String> = (0..16).map(|number| format!("value {number}")).collect();
    let creates = values
        .iter()
        .map(|value| store.create(b"k", value.clone().into(), bench.ttl(500)));
    let mut winners = Vec::new();
    for (created, value) in join(creates).await.into_iter().zip(&values) {
        if let Created::Done(version) = created? {
            winners.push((version, value));
        }
    }
    let [(version, value)] = winners[..] else {
        ensure!(false, "{} of 16 creates of one key won", winners.len());
        return Ok(());
    };
    let found = store.load(b"k").await?;
    ensure!(
        found.is_some_and(|found| found.version == version && found.value == *value),
        "the record is not the winner's"
    );
    Ok(())
}
