//! A version names one write.

use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::store::{Created, Replaced, SessionStore, Version};

fn all_differ(versions: &[Version]) -> Outcome {
    for (at, version) in versions.iter().enumerate() {
        let seen = versions[..at].iter().position(|earlier| earlier == version);
        ensure!(seen.is_none(), "writes {seen:?} and {at} have one version");
    }
    Ok(())
}

pub(super) async fn every_write_has_its_own_version<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    bench.needs_own_versions()?;
    let store = bench.fresh().await;
    let mut versions = Vec::new();
    for _ in 0..50 {
        // The same bytes each time: a version is not a digest of the value.
        versions.push(store.put(b"k", "same".into(), bench.ttl(500)).await?);
        let terms = bench.ttl(500);
        if let Replaced::Done(version) = store.replace(b"k", "same".into(), terms, None).await? {
            versions.push(version);
        }
    }
    ensure!(
        versions.len() == 100,
        "a replace of a live record was refused"
    );
    all_differ(&versions)
}

pub(super) async fn load_tells_the_version_of_the_write<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let terms = bench.ttl(500);
    let Created::Done(created) = store.create(b"k", "1".into(), terms).await? else {
        ensure!(false, "the first create is Taken");
        return Ok(());
    };
    for _ in 0..2 {
        let found = store.load(b"k").await?.map(|found| found.version);
        ensure!(found == Some(created), "load and create disagree");
    }
    let put = store.put(b"k", "2".into(), terms).await?;
    let found = store.load(b"k").await?.map(|found| found.version);
    ensure!(found == Some(put), "load and put disagree");
    let replaced = store.replace(b"k", "3".into(), terms, None).await?;
    let found = store.load(b"k").await?.map(|found| found.version);
    let agree = found.is_some_and(|version| replaced == Replaced::Done(version));
    ensure!(agree, "load and replace disagree");
    Ok(())
}

pub(super) async fn removed_and_created_again_has_a_new_version<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    bench.needs_own_versions()?;
    let store = bench.fresh().await;
    let mut versions = Vec::new();
    for _ in 0..20 {
        if let Created::Done(version) = store.create(b"k", "v".into(), bench.ttl(500)).await? {
            versions.push(version);
        }
        store.remove(b"k").await?;
    }
    ensure!(versions.len() == 20, "a create after a removal is Taken");
    all_differ(&versions)
}

pub(super) async fn expired_and_created_again_has_a_new_version<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    bench.needs_own_versions()?;
    let store = bench.fresh().await;
    let mut versions = Vec::new();
    for _ in 0..5 {
        if let Created::Done(version) = store.create(b"k", "v".into(), bench.ttl(3)).await? {
            versions.push(version);
        }
        bench.pass(3).await;
    }
    ensure!(versions.len() == 5, "a create after expiry is Taken");
    all_differ(&versions)
}
