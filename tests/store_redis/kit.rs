//! What the tests share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sessile::store::{Created, Patience, RedisBuilder, RedisStore, SessionStore, Terms, Version};
use sessile::{Error, Replaced};

pub(crate) const MINUTE: Terms = Terms::ttl(Duration::from_secs(60));

/// A prefix that no other store of this process has.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Patience that outlasts a moment's fault on a busy machine.
pub(crate) fn patient() -> Patience {
    Patience::new()
        .timeout(Duration::from_secs(5))
        .attempts(10)
        .pause(Duration::from_millis(50))
}

/// One attempt with all the time that a busy machine may need: the server's first word is the answer.
pub(crate) fn once() -> Patience {
    Patience::new().timeout(Duration::from_secs(60)).attempts(1)
}

/// One attempt, with little time: for calls that nobody answers.
pub(crate) fn hasty() -> Patience {
    Patience::new()
        .timeout(Duration::from_millis(300))
        .attempts(1)
}

pub(crate) fn on(url: &str) -> RedisBuilder {
    RedisStore::builder()
        .url(url)
        .prefix(prefix())
        .patience(patient())
}

pub(crate) async fn text(store: &RedisStore, key: &str) -> Option<String> {
    let found = store.load(key.as_bytes()).await.unwrap();
    found.map(|found| String::from_utf8(found.value.to_vec()).unwrap())
}

pub(crate) async fn created(store: &RedisStore, key: &str, value: &'static str) -> Version {
    match store
        .create(key.as_bytes(), value.into(), MINUTE)
        .await
        .unwrap()
    {
        Created::Done(version) => version,
        Created::Taken => panic!("the key is taken"),
    }
}

pub(crate) fn is_done(replaced: Replaced) -> bool {
    matches!(replaced, Replaced::Done(_))
}

/// Everything that an error can show.
pub(crate) fn shown(error: &Error) -> String {
    use std::error::Error as _;
    let source = error.source().map(|source| format!("{source} {source:?}"));
    format!("{error} {error:?} {source:?}")
}
