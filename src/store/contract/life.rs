//! Records live exactly as long as their terms say.

use std::time::Duration;

use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::error::ErrorKind;
use crate::store::{Created, Replaced, SessionStore, Terms};

pub(super) async fn lives_until_its_end_and_not_at_it<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    for ticks in [2, 7, 30] {
        store.put(b"k", "v".into(), bench.ttl(ticks)).await?;
        bench.pass(ticks - 1).await;
        expect(&store, b"k", b"v").await?;
        bench.pass(1).await;
        expect_none(&store, b"k").await?;
    }
    Ok(())
}

pub(super) async fn shortest_lifetime_is_served<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(1)).await?;
    expect(&store, b"k", b"v").await?;
    bench.pass(1).await;
    expect_none(&store, b"k").await
}

pub(super) async fn reads_do_not_move_time_to_live<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(6)).await?;
    for _ in 0..3 {
        expect(&store, b"k", b"v").await?;
        ensure!(store.exists(b"k").await?, "a live record does not exist");
        bench.pass(2).await;
    }
    expect_none(&store, b"k").await
}

pub(super) async fn expired_is_absent_to_every_verb<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    // One key for each verb: the first one to see an expired record may reclaim it.
    for key in ["load", "exists", "touch", "remove", "replace", "create"] {
        store.put(key.as_bytes(), "v".into(), bench.ttl(5)).await?;
    }
    bench.pass(5).await;
    expect_none(&store, b"load").await?;
    ensure!(
        !store.exists(b"exists").await?,
        "exists sees an expired record"
    );
    let touched = store.touch(b"touch", bench.ticks(5)).await?;
    ensure!(!touched, "touch sees an expired record");
    ensure!(
        !store.remove(b"remove").await?,
        "remove sees an expired record"
    );
    let replaced = store
        .replace(b"replace", "w".into(), bench.ttl(5), None)
        .await?;
    ensure!(replaced == Replaced::Gone, "replace sees an expired record");
    let created = store.create(b"create", "w".into(), bench.ttl(5)).await?;
    ensure!(
        matches!(created, Created::Done(_)),
        "create sees an expired record"
    );
    Ok(())
}

pub(super) async fn forever_stays<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), Terms::forever()).await?;
    bench.pass(50).await;
    store.purge_expired(1000).await?;
    expect(&store, b"k", b"v").await
}

pub(super) async fn longest_lifetime_does_not_wrap<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    for (number, ttl) in [Duration::MAX, Duration::from_secs(u64::MAX / 1000)]
        .into_iter()
        .enumerate()
    {
        let key = [b'a', number.to_le_bytes()[0]];
        store.put(&key, "v".into(), Terms::ttl(ttl)).await?;
        store.put(b"touched", "v".into(), bench.ttl(5)).await?;
        ensure!(store.touch(b"touched", ttl).await?, "touch missed");
        bench.pass(10).await;
        expect(&store, &key, b"v").await?;
        expect(&store, b"touched", b"v").await?;
    }
    Ok(())
}

pub(super) async fn unused_record_ends_by_idle<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_idle()?;
    let store = bench.fresh().await;
    let terms = Terms::forever().idle(bench.ticks(5));
    store.put(b"k", "v".into(), terms).await?;
    bench.pass(5).await;
    expect_none(&store, b"k").await
}

pub(super) async fn load_restarts_idle<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_idle()?;
    let store = bench.fresh().await;
    let terms = Terms::forever().idle(bench.ticks(5));
    store.put(b"k", "v".into(), terms).await?;
    for _ in 0..4 {
        bench.pass(4).await;
        expect(&store, b"k", b"v").await?;
    }
    bench.pass(5).await;
    expect_none(&store, b"k").await
}

pub(super) async fn exists_does_not_restart_idle<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_idle()?;
    let store = bench.fresh().await;
    let terms = Terms::forever().idle(bench.ticks(5));
    store.put(b"k", "v".into(), terms).await?;
    bench.pass(4).await;
    ensure!(store.exists(b"k").await?, "a live record does not exist");
    bench.pass(1).await;
    ensure!(
        !store.exists(b"k").await?,
        "exists restarted the idle timeout"
    );
    expect_none(&store, b"k").await
}

pub(super) async fn maximum_age_holds_against_use<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_max_age()?;
    let store = bench.fresh().await;
    let mut terms = Terms::forever().max_age(bench.ticks(9));
    if bench.level.idle {
        terms = terms.idle(bench.ticks(5));
    }
    store.put(b"k", "v".into(), terms).await?;
    for _ in 0..2 {
        bench.pass(4).await;
        expect(&store, b"k", b"v").await?;
    }
    bench.pass(1).await;
    expect_none(&store, b"k").await
}

pub(super) async fn earliest_end_wins<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_idle()?;
    bench.needs_max_age()?;
    for (ttl, idle, age) in [(3, 6, 9), (6, 3, 9), (9, 6, 3)] {
        let store = bench.fresh().await;
        let terms = bench
            .ttl(ttl)
            .idle(bench.ticks(idle))
            .max_age(bench.ticks(age));
        store.put(b"k", "v".into(), terms).await?;
        bench.pass(2).await;
        ensure!(store.exists(b"k").await?, "ended before its earliest end");
        bench.pass(1).await;
        expect_none(&store, b"k").await?;
    }
    Ok(())
}

pub(super) async fn lifetimes_it_lacks_are_refused<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let mut lacking = Vec::new();
    if !bench.level.idle {
        lacking.push(Terms::forever().idle(bench.ticks(5)));
    }
    if !bench.level.max_age {
        lacking.push(Terms::forever().max_age(bench.ticks(5)));
    }
    if lacking.is_empty() {
        return Err(super::Stop::NotApplicable("the store keeps every lifetime"));
    }
    let store = bench.fresh().await;
    for terms in lacking {
        let kind = store
            .put(b"k", "v".into(), terms)
            .await
            .err()
            .map(|error| error.kind());
        let refused = kind == Some(ErrorKind::InvalidInput);
        ensure!(
            refused,
            "terms the store cannot keep: {kind:?} instead of InvalidInput"
        );
        expect_none(&store, b"k").await?;
    }
    Ok(())
}
