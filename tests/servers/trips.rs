//! How many round trips each verb of a store takes, in each situation that it can meet.

use std::time::Duration;

use sessile::store::{Created, Patience, Replaced, SessionStore, Terms};

const TERMS: Terms = Terms::ttl(Duration::from_secs(1800));

/// One attempt with all the time that a busy machine may need: what is asked again is no verb's own cost.
pub(crate) fn patience() -> Patience {
    Patience::new()
        .timeout(Duration::from_secs(600))
        .attempts(1)
}

/// Calls every verb twice, the first time to open connections and to prepare what is prepared once. The
/// second time each takes as many of `turns`, which counts since it was last asked, as `others` says of
/// it, or one.
///
/// # Panics
/// With all verbs that take another number, or if `others` names one that there is not.
pub(crate) async fn check(
    store: &impl SessionStore,
    turns: impl Fn() -> usize,
    others: &[(&str, usize)],
) {
    call_all(store, "warm", &turns).await;
    let found = call_all(store, "k", &turns).await;
    let is_known = |name: &str| found.iter().any(|(verb, _)| *verb == name);
    assert!(others.iter().all(|(name, _)| is_known(name)), "{found:?}");
    let wrong: Vec<_> = found
        .iter()
        .filter(|(verb, turns)| {
            let other = others.iter().find(|(name, _)| name == verb);
            *turns != other.map_or(1, |(_, turns)| *turns)
        })
        .collect();
    assert!(wrong.is_empty(), "turns that are not as told: {wrong:?}");
}

/// All verbs on one key, each checked to have met what its name says.
async fn call_all(
    store: &impl SessionStore,
    key: &str,
    turns: &impl Fn() -> usize,
) -> Vec<(&'static str, usize)> {
    let key = key.as_bytes();
    let mut found = Vec::new();
    let mut took = |verb| found.push((verb, turns()));
    turns();

    let created = store.create(key, "one".into(), TERMS).await;
    took("create");
    let Ok(Created::Done(first)) = created else {
        panic!("{created:?}")
    };
    let again = store.create(key, "two".into(), TERMS).await;
    took("create, taken");
    assert!(matches!(again, Ok(Created::Taken)), "{again:?}");
    let loaded = store.load(key).await.expect("it answers");
    took("load");
    assert_eq!(loaded.map(|it| it.version), Some(first));
    let lived = store.load_left(key).await.expect("it answers");
    took("load_left");
    assert!(lived.is_some());
    assert!(store.exists(key).await.expect("it answers"));
    took("exists");
    let touched = store.touch(key, Duration::from_secs(900)).await;
    took("touch");
    assert!(touched.expect("it answers"));
    let replaced = store.replace(key, "three".into(), TERMS, Some(first)).await;
    took("replace seen");
    assert!(matches!(replaced, Ok(Replaced::Done(_))), "{replaced:?}");
    let replaced = store.replace(key, "four".into(), TERMS, Some(first)).await;
    took("replace seen, conflict");
    assert!(
        matches!(replaced, Ok(Replaced::Conflict(_))),
        "{replaced:?}"
    );
    let replaced = store.replace(key, "five".into(), TERMS, None).await;
    took("replace any");
    assert!(matches!(replaced, Ok(Replaced::Done(_))), "{replaced:?}");
    store
        .put(key, "six".into(), TERMS)
        .await
        .expect("it answers");
    took("put");
    assert!(store.remove(key).await.expect("it answers"));
    took("remove");

    assert_eq!(store.load(key).await.expect("it answers"), None);
    took("load, absent");
    assert!(!store.exists(key).await.expect("it answers"));
    took("exists, absent");
    assert!(
        !store
            .touch(key, Duration::from_secs(9))
            .await
            .expect("it answers")
    );
    took("touch, absent");
    let replaced = store.replace(key, "seven".into(), TERMS, Some(first)).await;
    took("replace seen, gone");
    assert!(matches!(replaced, Ok(Replaced::Gone)), "{replaced:?}");
    let replaced = store.replace(key, "eight".into(), TERMS, None).await;
    took("replace any, gone");
    assert!(matches!(replaced, Ok(Replaced::Gone)), "{replaced:?}");
    assert!(!store.remove(key).await.expect("it answers"));
    took("remove, absent");
    store
        .put(key, "nine".into(), TERMS)
        .await
        .expect("it answers");
    took("put, new");
    assert!(store.touch(key, Duration::ZERO).await.expect("it answers"));
    took("touch, to nothing");
    // Where that leaves a record that has ended; elsewhere the key is free again.
    let created = store.create(key, "ten".into(), TERMS).await;
    took("create, ended");
    assert!(matches!(created, Ok(Created::Done(_))), "{created:?}");
    store.purge_expired(10).await.expect("it answers");
    took("purge_expired");
    found
}
