//! What the verbs of a store say of themselves: each runs in a span, which tells no secret.

use std::collections::{HashMap, HashSet};
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use sessile::SessionStore;
use sessile::store::{NewRecord, Terms};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

#[path = "hear.rs"]
pub(crate) mod hear;

/// Begins every key and every value; the second is how base64 writes it.
const SECRETS: [&str; 2] = ["canary", "Y2FuYXJ5"];
const VERBS: [&str; 9] = [
    "create",
    "load",
    "load_left",
    "replace",
    "put",
    "touch",
    "exists",
    "remove",
    "purge_expired",
];

/// Hears everything, drivers too.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    /// What each span told, by its number.
    spans: HashMap<u64, String>,
    entered: HashSet<(u64, ThreadId)>,
    text: String,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl<S: Subscriber> Layer<S> for Ear {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let heard = &mut *self.0.lock().expect("not poisoned");
        let metadata = span.metadata();
        let mut told = metadata.name().to_owned();
        span.record(&mut Fields(&mut told));
        let _ = writeln!(heard.text, "{} {told}", metadata.target());
        assert!(metadata.name() != "session_store" || *metadata.level() == Level::DEBUG);
        heard.spans.insert(id.into_u64(), told);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Fields(&mut self.0.lock().expect("not poisoned").text));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let heard = &mut *self.0.lock().expect("not poisoned");
        heard.text.push_str(event.metadata().target());
        event.record(&mut Fields(&mut heard.text));
        heard.text.push('\n');
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        let heard = &mut *self.0.lock().expect("not poisoned");
        let by = std::thread::current().id();
        heard.entered.insert((id.into_u64(), by));
    }
}

/// Calls all verbs of a store that is called `name`, and then `also`, whose verbs are `more`; to be
/// polled on one thread, the only one whose spans are heard. Says on how many they were entered.
pub(crate) async fn check(
    name: &str,
    store: &impl SessionStore,
    more: &[&str],
    also: impl Future<Output = ()>,
) -> usize {
    let ear = Ear::default();
    let guard = hear::hear(Registry::default().with(ear.clone()));
    let terms = Terms::ttl(Duration::from_secs(60));
    let key: &[u8] = b"canary-key";
    for _ in 0..2 {
        let _ = store.create(key, "canary-value".into(), terms).await;
    }
    let found = store
        .load(key)
        .await
        .expect("it answers")
        .expect("a record");
    let left = store.load_left(key).await.expect("it answers");
    assert!(left.is_some());
    for expected in [Some(found.version); 2] {
        let new = store.replace(key, "canary-new".into(), terms, expected);
        let _ = new.await.expect("it answers");
    }
    let _ = store.put(key, "canary-other".into(), terms).await;
    assert!(
        store
            .touch(key, Duration::from_secs(90))
            .await
            .expect("it answers")
    );
    assert!(store.exists(key).await.expect("it answers"));
    let record = NewRecord {
        key: "canary-many".into(),
        value: "canary-value".into(),
        terms,
    };
    let many = store.create_many(vec![record]).await;
    assert_eq!(many.expect("it answers"), 1);
    // What is refused, and what cannot be there.
    let _ = store.put(b"", "canary-value".into(), terms).await;
    let idle = terms.idle(Duration::from_secs(5));
    let _ = store.put(b"canary-idle", "canary-value".into(), idle).await;
    let _ = store.load(&[b'c'; 70_000]).await;
    assert!(store.remove(key).await.expect("it answers"));
    let _ = store.purge_expired(10).await.expect("it answers");
    also.await;
    drop(guard);

    let heard = ear.0.lock().expect("not poisoned");
    for verb in VERBS.iter().chain(more) {
        let wanted = format!("session_store store={name:?} verb={verb:?}");
        let mut spans = heard.spans.iter().filter(|(_, told)| **told == wanted);
        let is_entered = spans.any(|(number, _)| heard.entered.iter().any(|it| it.0 == *number));
        assert!(is_entered, "no {wanted} in\n{}", heard.text);
    }
    for secret in SECRETS {
        assert!(!heard.text.contains(secret), "{secret} in\n{}", heard.text);
    }
    let threads: HashSet<_> = heard.entered.iter().map(|it| it.1).collect();
    threads.len()
}
