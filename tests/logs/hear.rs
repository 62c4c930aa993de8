//! Hears what is logged on this thread, whatever other threads do meanwhile.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses its own part"
)]

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing::{Dispatch, Subscriber};

/// Hands what this thread logs to `subscriber` until the guard is dropped.
///
/// While there is one subscriber alone, `tracing` asks whichever thread comes first to a statement
/// whether anybody wants it, and believes a thread that has none. So another one is kept.
pub(crate) fn hear(subscriber: impl Subscriber + Send + Sync) -> DefaultGuard {
    static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&OTHER);
    set_default(subscriber)
}

/// What was logged, as text.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Writes down what this thread logs down to `level` until the guard is dropped.
    pub(crate) fn hear(&self, level: impl Into<LevelFilter>) -> DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .with_ansi(false);
        hear(subscriber.finish())
    }

    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("logs are UTF-8")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What was logged while `work` ran on this thread, down to information.
pub(crate) fn logged(work: impl FnOnce()) -> String {
    let log = Log::default();
    let guard = log.hear(LevelFilter::INFO);
    work();
    drop(guard);
    log.text()
}
