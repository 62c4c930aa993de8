//! A future that is given up leaves the old record or the new one.

use super::drive::poll_once;
use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::{Created, SessionStore};

/// Long enough to be torn, if anything can be.
fn long(byte: char) -> String {
    String::from(byte).repeat(10_000)
}

async fn either(store: &impl SessionStore, old: &str, new: &str) -> Outcome {
    let found = store.load(b"k").await?;
    ensure!(
        found
            .as_ref()
            .is_some_and(|found| found.value == old || found.value == new),
        "expected the old record or the new one, found {found:?}"
    );
    Ok(())
}

/// The store still works: a call that was given up left nothing locked.
///
/// What it had sent to a remote store may arrive there after what is sent later, on another
/// connection. It does so once at most, and then all is as it should be the second time.
async fn usable<S: Subject>(bench: &Bench<'_, S>, store: &S::Store) -> Outcome {
    let first = is_usable(bench, store).await;
    match store.is_immediate() || first.is_ok() {
        true => first,
        false => is_usable(bench, store).await,
    }
}

async fn is_usable<S: Subject>(bench: &Bench<'_, S>, store: &S::Store) -> Outcome {
    store.put(b"k", "after".into(), bench.ttl(500)).await?;
    expect(store, b"k", b"after").await?;
    ensure!(store.remove(b"k").await?, "the record cannot be removed");
    Ok(())
}

pub(super) async fn unpolled_future_does_nothing<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let terms = bench.ttl(500);
    drop(store.create(b"new", "v".into(), terms));
    drop(store.put(b"new", "v".into(), terms));
    expect_none(&store, b"new").await?;
    let version = store.put(b"k", "old".into(), bench.ttl(10)).await?;
    drop(store.put(b"k", "new".into(), terms));
    drop(store.replace(b"k", "new".into(), terms, None));
    drop(store.remove(b"k"));
    drop(store.touch(b"k", bench.ticks(500)));
    let found = store.load(b"k").await?.map(|found| found.version);
    ensure!(
        found == Some(version),
        "a future that was never polled did something"
    );
    bench.pass(10).await;
    expect_none(&store, b"k").await
}

pub(super) async fn dropped_create_is_whole_or_not_at_all<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let value = long('n');
    let done = poll_once(store.create(b"k", value.clone().into(), bench.ttl(500)));
    let found = store.load(b"k").await?;
    match (done, &found) {
        (Some(Ok(Created::Done(_))), None) => ensure!(false, "a finished create left nothing"),
        (_, Some(found)) => ensure!(found.value == value, "the record is not whole"),
        (_, None) => {}
    }
    usable(bench, &store).await
}

pub(super) async fn dropped_replace_leaves_old_or_new<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let (old, new) = (long('o'), long('n'));
    store.put(b"k", old.clone().into(), bench.ttl(500)).await?;
    let _ = poll_once(store.replace(b"k", new.clone().into(), bench.ttl(500), None));
    either(&store, &old, &new).await?;
    usable(bench, &store).await
}

pub(super) async fn dropped_put_leaves_old_or_new<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let (old, new) = (long('o'), long('n'));
    store.put(b"k", old.clone().into(), bench.ttl(500)).await?;
    let _ = poll_once(store.put(b"k", new.clone().into(), bench.ttl(500)));
    either(&store, &old, &new).await?;
    usable(bench, &store).await
}

pub(super) async fn dropped_remove_leaves_all_or_nothing<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let old = long('o');
    store.put(b"k", old.clone().into(), bench.ttl(500)).await?;
    let _ = poll_once(store.remove(b"k"));
    let found = store.load(b"k").await?;
    let whole = found.is_none_or(|found| found.value == old);
    ensure!(whole, "the record is not whole");
    usable(bench, &store).await
}

pub(super) async fn dropped_touch_keeps_the_record<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let old = long('o');
    let version = store.put(b"k", old.clone().into(), bench.ttl(500)).await?;
    let _ = poll_once(store.touch(b"k", bench.ticks(1000)));
    let found = store.load(b"k").await?;
    let is_kept = found
        .as_ref()
        .is_some_and(|found| found.value == old && found.version == version);
    ensure!(is_kept, "expected the record as it was, found {found:?}");
    usable(bench, &store).await
}
