//! Records come back as they were stored, whatever they hold.

use bytes::Bytes;

use super::report::{Outcome, Stop, ensure};
use super::{Bench, Subject};
use crate::error::ErrorKind;
use crate::store::{Created, Loaded, Replaced, SessionStore, Terms};

/// Loads `key` and compares.
pub(super) async fn expect(store: &impl SessionStore, key: &[u8], value: &[u8]) -> Outcome {
    match store.load(key).await? {
        Some(found) if found.value == value => Ok(()),
        found => {
            ensure!(false, "expected {} bytes, found {found:?}", value.len());
            Ok(())
        }
    }
}

/// Loads `key` and expects nothing.
pub(super) async fn expect_none(store: &impl SessionStore, key: &[u8]) -> Outcome {
    let found = store.load(key).await?;
    ensure!(found.is_none(), "expected no record, found {found:?}");
    Ok(())
}

pub(super) async fn load_of_nothing_is_none<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    expect_none(&store, b"nobody").await
}

pub(super) async fn created_record_loads<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let created = store.create(b"k", "value".into(), bench.ttl(50)).await?;
    ensure!(matches!(created, Created::Done(_)), "got {created:?}");
    expect(&store, b"k", b"value").await
}

pub(super) async fn put_record_loads<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "value".into(), bench.ttl(50)).await?;
    expect(&store, b"k", b"value").await
}

pub(super) async fn replaced_record_loads<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "old".into(), bench.ttl(50)).await?;
    let terms = bench.ttl(50);
    let replaced = store.replace(b"k", "newer".into(), terms, None).await?;
    ensure!(matches!(replaced, Replaced::Done(_)), "got {replaced:?}");
    expect(&store, b"k", b"newer").await
}

pub(super) async fn empty_value_is_a_value<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let created = store.create(b"k", Bytes::new(), bench.ttl(50)).await?;
    ensure!(matches!(created, Created::Done(_)), "got {created:?}");
    expect(&store, b"k", b"").await?;
    ensure!(store.exists(b"k").await?, "an empty record does not exist");
    let again = store.create(b"k", Bytes::new(), bench.ttl(50)).await?;
    ensure!(
        again == Created::Taken,
        "an empty record can be overwritten"
    );
    Ok(())
}

pub(super) async fn every_byte_value_survives<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    if !bench.level.any_bytes {
        return text_only(&store, bench.ttl(50)).await;
    }
    let value: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    let stored = Bytes::copy_from_slice(&value);
    store.put(b"k", stored, bench.ttl(50)).await?;
    expect(&store, b"k", &value).await
}

/// Other values than text are refused, and leave nothing behind.
async fn text_only(store: &impl SessionStore, terms: Terms) -> Outcome {
    for value in [&b"a\xff"[..], b"a\0b"] {
        let stored = store.put(b"k", Bytes::from_static(value), terms).await;
        let kind = stored.err().map(|error| error.kind());
        ensure!(
            kind == Some(ErrorKind::InvalidInput),
            "a value that is no text: {kind:?} instead of InvalidInput"
        );
        expect_none(store, b"k").await?;
    }
    Err(Stop::NotApplicable("the store holds text only"))
}

pub(super) async fn large_value_is_whole<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    // A period that is no power of two: no block of it repeats another.
    let bytes = match bench.level.any_bytes {
        true => 0..=250,
        false => 1..=127,
    };
    let value: Vec<u8> = bytes.cycle().take(bench.level.value_max).collect();
    let stored = Bytes::copy_from_slice(&value);
    store.put(b"k", stored, bench.ttl(50)).await?;
    expect(&store, b"k", &value).await
}

pub(super) async fn loaded_value_outlives_its_record<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "first".into(), bench.ttl(50)).await?;
    let first = store.load(b"k").await?;
    store.put(b"k", "other".into(), bench.ttl(50)).await?;
    store.remove(b"k").await?;
    let value = first.map(|Loaded { value, .. }| value);
    ensure!(value.as_deref() == Some(b"first"), "a loaded value changed");
    Ok(())
}

pub(super) async fn many_records_keep_apart<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let named = |number: u32| (format!("key {number}"), format!("value {number}"));
    for (key, value) in (0..500).map(named) {
        store
            .put(key.as_bytes(), value.into(), bench.ttl(5000))
            .await?;
    }
    for (key, value) in (0..500).map(named) {
        expect(&store, key.as_bytes(), value.as_bytes()).await?;
    }
    Ok(())
}

pub(super) async fn exists_agrees_with_load<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    ensure!(!store.exists(b"k").await?, "exists before any write");
    store.put(b"k", "v".into(), bench.ttl(50)).await?;
    ensure!(store.exists(b"k").await?, "does not exist after a write");
    store.remove(b"k").await?;
    ensure!(!store.exists(b"k").await?, "exists after its removal");
    Ok(())
}
