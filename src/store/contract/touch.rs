//! Touch moves the time to live, and only that.

use std::time::Duration;

use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::{SessionStore, Terms};

pub(super) async fn touch_extends<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(10)).await?;
    bench.pass(5).await;
    ensure!(store.touch(b"k", bench.ticks(10)).await?, "touch missed");
    bench.pass(9).await;
    expect(&store, b"k", b"v").await?;
    bench.pass(1).await;
    expect_none(&store, b"k").await
}

pub(super) async fn touch_shortens<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(50)).await?;
    ensure!(store.touch(b"k", bench.ticks(5)).await?, "touch missed");
    bench.pass(4).await;
    expect(&store, b"k", b"v").await?;
    bench.pass(1).await;
    expect_none(&store, b"k").await
}

pub(super) async fn touch_keeps_value_and_version<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let version = store.put(b"k", "v".into(), bench.ttl(50)).await?;
    ensure!(store.touch(b"k", bench.ticks(50)).await?, "touch missed");
    let found = store.load(b"k").await?;
    ensure!(
        found.is_some_and(|found| found.version == version && found.value == "v"),
        "touch changed the value or the version"
    );
    Ok(())
}

pub(super) async fn touch_never_creates<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let touched = store.touch(b"k", bench.ticks(50)).await?;
    ensure!(!touched, "touched a record that never was");
    expect_none(&store, b"k").await?;
    store.put(b"k", "v".into(), bench.ttl(50)).await?;
    store.remove(b"k").await?;
    let touched = store.touch(b"k", bench.ticks(50)).await?;
    ensure!(!touched, "touched a removed record");
    expect_none(&store, b"k").await
}

pub(super) async fn touch_of_an_expired_record_is_false<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(5)).await?;
    bench.pass(5).await;
    let touched = store.touch(b"k", bench.ticks(50)).await?;
    ensure!(!touched, "touched an expired record");
    expect_none(&store, b"k").await
}

pub(super) async fn touch_with_zero_ends_the_record<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(50)).await?;
    ensure!(store.touch(b"k", Duration::ZERO).await?, "touch missed");
    expect_none(&store, b"k").await
}

pub(super) async fn touch_does_not_pass_maximum_age<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_max_age()?;
    let store = bench.fresh().await;
    let terms = bench.ttl(5).max_age(bench.ticks(10));
    store.put(b"k", "v".into(), terms).await?;
    bench.pass(4).await;
    ensure!(store.touch(b"k", bench.ticks(50)).await?, "touch missed");
    bench.pass(5).await;
    expect(&store, b"k", b"v").await?;
    ensure!(store.touch(b"k", Duration::MAX).await?, "touch missed");
    bench.pass(1).await;
    expect_none(&store, b"k").await
}

pub(super) async fn touch_restarts_idle<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_idle()?;
    let store = bench.fresh().await;
    let terms = Terms::forever().idle(bench.ticks(5));
    store.put(b"k", "v".into(), terms).await?;
    bench.pass(4).await;
    ensure!(store.touch(b"k", bench.ticks(500)).await?, "touch missed");
    bench.pass(4).await;
    ensure!(
        store.exists(b"k").await?,
        "touch did not restart the idle timeout"
    );
    bench.pass(1).await;
    expect_none(&store, b"k").await
}
