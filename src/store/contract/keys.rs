//! Keys are any bytes; impossible ones are absent to reads and refused by writes.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;

use super::forms::{expect, expect_none};
use super::report::{Outcome, ensure};
use super::{Bench, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Created, Replaced, SessionStore, Terms};

/// Stands for an identifier that must not leak; no message has a reason to contain it.
const CANARY: &str = "sid-canary-7f3a";

pub(super) async fn keys_are_any_bytes<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let keys: [&[u8]; 10] = [
        b"\0",
        b"\0\0",
        b"a\0b",
        b"a\r\nb",
        b" ",
        b"../../etc/passwd",
        "schl\u{fc}ssel \u{1f511}".as_bytes(),
        b"\xff\xfe\x80",
        b"%s%00*?[a]{}",
        &[b'k'; 250],
    ];
    for (number, key) in keys.into_iter().enumerate() {
        let created = store
            .create(key, number.to_string().into(), bench.ttl(500))
            .await?;
        let done = matches!(created, Created::Done(_));
        ensure!(done, "key number {number} was taken by another");
    }
    for (number, key) in keys.into_iter().enumerate() {
        expect(&store, key, number.to_string().as_bytes()).await?;
        ensure!(
            store.remove(key).await?,
            "key number {number} cannot be removed"
        );
    }
    Ok(())
}

pub(super) async fn longest_key_works<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let mut key = vec![b'k'; bench.level.key_max];
    store.put(&key, "long".into(), bench.ttl(500)).await?;
    expect(&store, &key, b"long").await?;
    // Not cut: a key that differs in its last byte is another.
    if let Some(last) = key.last_mut() {
        *last = b'l';
    }
    expect_none(&store, &key).await
}

pub(super) async fn similar_keys_keep_apart<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"Key1", "v".into(), bench.ttl(500)).await?;
    for other in ["Key", "Key11", "key1", "Key2", "Key1 ", "Key1\0", "\0Key1"] {
        expect_none(&store, other.as_bytes()).await?;
        ensure!(
            !store.remove(other.as_bytes()).await?,
            "removed another key's record"
        );
    }
    expect(&store, b"Key1", b"v").await
}

fn impossible() -> [Vec<u8>; 2] {
    [Vec::new(), vec![b'k'; crate::cache::KEY_MAX + 1]]
}

pub(super) async fn impossible_keys_are_absent<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    for key in impossible() {
        let len = key.len();
        expect_none(&store, &key).await?;
        ensure!(!store.exists(&key).await?, "a key of {len} bytes exists");
        ensure!(
            !store.remove(&key).await?,
            "a key of {len} bytes was removed"
        );
        let touched = store.touch(&key, bench.ticks(5)).await?;
        ensure!(!touched, "a key of {len} bytes was touched");
    }
    Ok(())
}

/// Expects a refusal that blames the caller.
fn refused<T>(what: &str, answer: Result<T>) -> Outcome {
    match answer {
        Ok(_) => ensure!(false, "{what} was accepted"),
        Err(error) => ensure!(
            error.kind() == ErrorKind::InvalidInput,
            "{what} is {:?} instead of InvalidInput",
            error.kind()
        ),
    }
    Ok(())
}

pub(super) async fn impossible_keys_are_refused_on_write<S: Subject>(
    bench: &Bench<'_, S>,
) -> Outcome {
    let store = bench.fresh().await;
    let terms = bench.ttl(5);
    for key in impossible() {
        let what = |verb| format!("{verb} with a key of {} bytes", key.len());
        refused(&what("create"), store.create(&key, "v".into(), terms).await)?;
        refused(&what("put"), store.put(&key, "v".into(), terms).await)?;
        let replaced = store.replace(&key, "v".into(), terms, None).await;
        refused(&what("replace"), replaced)?;
    }
    Ok(())
}

pub(super) async fn zero_lifetimes_are_refused<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    for terms in [
        Terms::ttl(Duration::ZERO),
        Terms::forever().idle(Duration::ZERO),
        Terms::forever().max_age(Duration::ZERO),
    ] {
        refused(
            "create with a lifetime of zero",
            store.create(b"k", "v".into(), terms).await,
        )?;
        refused(
            "put with a lifetime of zero",
            store.put(b"k", "v".into(), terms).await,
        )?;
    }
    expect_none(&store, b"k").await
}

pub(super) async fn refused_write_changes_nothing<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    store.put(b"k", "old".into(), bench.ttl(10)).await?;
    let zero = Terms::ttl(Duration::ZERO);
    refused(
        "put with a lifetime of zero",
        store.put(b"k", "new".into(), zero).await,
    )?;
    let replaced = store.replace(b"k", "new".into(), zero, None).await;
    refused("replace with a lifetime of zero", replaced)?;
    expect(&store, b"k", b"old").await?;
    bench.pass(9).await;
    expect(&store, b"k", b"old").await?;
    bench.pass(1).await;
    expect_none(&store, b"k").await
}

/// Every text that an error can show.
fn texts(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!("{source} {source:?}"));
        cause = source.source();
    }
    text
}

pub(super) async fn errors_name_no_key_or_value<S: Subject>(bench: &Bench<'_, S>) -> Outcome {
    let store = bench.fresh().await;
    let zero = Terms::ttl(Duration::ZERO);
    let long = CANARY.repeat(crate::cache::KEY_MAX / CANARY.len() + 1);
    let value = || Bytes::from_static(CANARY.as_bytes());
    let mut errors = Vec::new();
    for (key, terms) in [(CANARY, zero), (&long, bench.ttl(5)), ("", bench.ttl(5))] {
        errors.extend(store.create(key.as_bytes(), value(), terms).await.err());
        errors.extend(store.put(key.as_bytes(), value(), terms).await.err());
        let replaced: Result<Replaced> = store.replace(key.as_bytes(), value(), terms, None).await;
        errors.extend(replaced.err());
    }
    ensure!(!errors.is_empty(), "no impossible write was refused");
    for error in &errors {
        let text = texts(error);
        let bytes = format!("{:?}", CANARY.as_bytes());
        let bytes = bytes.trim_matches(['[', ']']);
        let leaks = text.contains(CANARY) || text.contains(bytes);
        ensure!(
            !leaks,
            "an error of kind {:?} shows a key or a value",
            error.kind()
        );
    }
    store.put(CANARY.as_bytes(), value(), bench.ttl(5)).await?;
    let shown = format!("{:?}", store.load(CANARY.as_bytes()).await?);
    ensure!(
        !shown.contains(CANARY),
        "Debug of a loaded record shows its value"
    );
    Ok(())
}
