//! A store that says how long a record has left says it truly.

use std::time::Duration;

use super::forms::expect_none;
use super::report::{Outcome, Stop, ensure};
use super::{Bench, Subject};
use crate::store::{SessionStore, Terms, TimeToLive};

/// What the record of `k` has left, of a store that says it.
async fn left(store: &impl SessionStore) -> Result<TimeToLive, Stop> {
    let Some(lived) = store.load_left(b"k").await? else {
        return Err(Stop::Failed("expected a record, found none".to_owned()));
    };
    let untold = Stop::NotApplicable("the store does not say how long records have left");
    lived.left.ok_or(untold)
}

/// Expects what is left to be `ticks`, or a little less: the store may round down, and time passes.
fn expect_about<S: Subject>(bench: &Bench<'_, S>, left: TimeToLive, ticks: u32) -> Outcome {
    let TimeToLive::Left(left) = left else {
        ensure!(false, "a record with an end has for ever left");
        return Ok(());
    };
    let most = bench.ticks(ticks);
    ensure!(left <= most, "{left:?} left where at most {most:?} can be");
    let least = bench.ticks(ticks - 2);
    ensure!(left >= least, "{left:?} left where it should be {most:?}");
    Ok(())
}

pub(super) async fn load_left_answers_as_load<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let long = vec![b'k'; crate::cache::KEY_MAX + 1];
    for key in [b"k", b"".as_slice(), &long] {
        let found = store.load_left(key).await?;
        ensure!(found.is_none(), "expected no record, found {found:?}");
    }
    let version = store.put(b"k", "value".into(), bench.ttl(5)).await?;
    let found = store.load_left(b"k").await?.map(|lived| lived.loaded);
    ensure!(
        found.is_some_and(|found| found.version == version && found.value == "value"),
        "load_left answers otherwise than load"
    );
    bench.pass(5).await;
    let found = store.load_left(b"k").await?;
    ensure!(found.is_none(), "load_left sees an expired record");
    Ok(())
}

pub(super) async fn left_is_what_the_record_has_left<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(9)).await?;
    expect_about(bench, left(&store).await?, 9)?;
    bench.pass(4).await;
    expect_about(bench, left(&store).await?, 5)?;
    let _ = store.replace(b"k", "w".into(), bench.ttl(20), None).await?;
    expect_about(bench, left(&store).await?, 20)?;
    store.put(b"k", "v".into(), Terms::forever()).await?;
    match left(&store).await? {
        TimeToLive::Forever => {}
        // A store without "for ever" has a very late end.
        TimeToLive::Left(left) => ensure!(
            left >= Duration::from_secs(365 * 24 * 60 * 60),
            "{left:?} left of a record without an end"
        ),
    }
    Ok(())
}

pub(super) async fn touch_moves_what_is_left<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "v".into(), bench.ttl(9)).await?;
    for ticks in [30, 5] {
        ensure!(store.touch(b"k", bench.ticks(ticks)).await?, "touch missed");
        expect_about(bench, left(&store).await?, ticks)?;
    }
    Ok(())
}

pub(super) async fn no_time_is_promised_that_use_would_move<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    bench.needs_idle()?;
    let store = bench.fresh().await;
    let terms = Terms::forever().idle(bench.ticks(5));
    store.put(b"k", "v".into(), terms).await?;
    for _ in 0..2 {
        bench.pass(4).await;
        // A use like any other load.
        let lived = store.load_left(b"k").await?;
        let told = lived.map(|lived| lived.left);
        ensure!(
            told == Some(None),
            "expected nothing promised of an idle timeout, got {told:?}"
        );
    }
    bench.pass(5).await;
    expect_none(&store, b"k").await
}
