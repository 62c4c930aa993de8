//! Create never overwrites.

use super::drive::join;
use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::{Created, NewRecord, SessionStore};

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

pub(super) async fn create_many_stores_what_is_absent_and_nothing_else<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let new = |key: String, ticks| NewRecord {
        key: key.into(),
        value: "new".into(),
        terms: bench.ttl(ticks),
    };
    let _ = store.create(b"taken", "old".into(), bench.ttl(500)).await?;
    let _ = store.create(b"over", "old".into(), bench.ttl(10)).await?;
    bench.pass(10).await;
    let mut records: Vec<NewRecord> = (0..300).map(|n| new(format!("k{n}"), 400)).collect();
    records.push(new("taken".to_owned(), 400));
    records.push(new("over".to_owned(), 400));
    records.push(new("brief".to_owned(), 20));
    let stored = store.create_many(records.clone()).await?;
    ensure!(stored == 302, "{stored} were stored and not 302");
    expect(&store, b"taken", b"old").await?;
    for key in ["k0", "k299", "over"] {
        expect(&store, key.as_bytes(), b"new").await?;
    }
    bench.pass(20).await;
    expect_none(&store, b"brief").await?;
    let again = store.create_many(records).await?;
    ensure!(
        again == 1,
        "the second time {again} were stored and not one"
    );
    let none = store.create_many(Vec::new()).await?;
    ensure!(none == 0, "of nothing, {none} were stored");
    Ok(())
}
