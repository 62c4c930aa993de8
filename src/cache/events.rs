//! Tells a listener what left the cache, from a thread of its own.
//!
//! The cache puts removals into a bounded queue after it has unlocked, and never waits: when the
//! queue is full, the event is counted as lost. A slow listener therefore costs nobody anything
//! but itself, and a panicking one loses only the event it panicked over.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

use super::key::Namespace;
use super::shard::Dead;
use super::terms::Cause;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::atomic::{AtomicU64, Ordering};

/// An entry that left the cache.
///
/// `Debug` shows the cause and the sizes; key and value may be secrets.
#[derive(Clone)]
#[non_exhaustive]
pub struct Removal {
    /// The key, without its namespace.
    pub key: Bytes,
    /// The key's namespace.
    pub namespace: Namespace,
    /// The value the entry had.
    pub value: Bytes,
    /// Why it left.
    pub cause: Cause,
}

impl fmt::Debug for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Removal")
            .field("cause", &self.cause)
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .finish_non_exhaustive()
    }
}

impl From<Dead> for Removal {
    fn from(dead: Dead) -> Self {
        let cell = dead.block.cell();
        let (key, namespace) = (cell.copy_key(), cell.namespace());
        let value = cell.value().clone();
        Self {
            key,
            namespace,
            value,
            cause: dead.cause,
        }
    }
}

/// What a listener is: called with every removal, one at a time.
pub(crate) type Listen = Box<dyn Fn(Removal) + Send + Sync>;

enum Message {
    Left(Removal),
    Flush(Sender<()>),
}

/// The cache's end of the queue. Dropping it delivers what is queued and ends the thread.
pub(crate) struct Listener {
    queue: Option<Sender<Message>>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn start(listen: Listen, queue_max: usize) -> Result<Self> {
        let (queue, events) = bounded(queue_max);
        let thread = std::thread::Builder::new()
            .name("sessile-listener".into())
            .spawn(move || deliver(&events, &listen))
            .map_err(|error| {
                Error::new(
                    ErrorKind::Unavailable,
                    "build a cache: the system refused a thread for its listener",
                )
                .with_source(error)
            })?;
        Ok(Self {
            queue: Some(queue),
            lost: Arc::new(AtomicU64::new(0)),
            thread: Some(thread),
        })
    }

    /// Queues a removal or counts it as lost; never waits.
    pub(crate) fn tell(&self, dead: Dead) {
        let Some(queue) = &self.queue else { return };
        match queue.try_send(Message::Left(dead.into())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                // Relaxed: a count orders nothing.
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until all that was queued before has been delivered; the listener itself does not wait.
    pub(crate) fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let delivers = (self.thread.as_ref())
            .is_some_and(|thread| thread.thread().id() == std::thread::current().id());
        if delivers {
            return;
        }
        let (done, wait) = bounded(1);
        if queue.send(Message::Flush(done)).is_ok() {
            // An error means that the thread has ended, and so has its work.
            let _ = wait.recv();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.queue = None;
        // A listener that owns the last reference to its cache drops it on its own thread, which
        // cannot wait for itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

fn deliver(events: &Receiver<Message>, listen: &Listen) {
    for event in events {
        match event {
            Message::Left(removal) => {
                // The panic was reported by the panic hook; the next event must still arrive.
                let _ = catch_unwind(AssertUnwindSafe(|| listen(removal)));
            }
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}
