//! One connection that all calls share, opened when needed and replaced when broken.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::time::Instant;

use super::fault::Fault;
use super::scripts::Call;
use super::target::Target;
use super::tracking::Hub;
use crate::error::Result;
use crate::store::remote::{Failed, Patience};
use crate::sync::Lock;
use crate::sync::atomic::{AtomicU32, Ordering};

/// A connection to one server or to all of a cluster. Clones share it.
#[derive(Clone)]
pub(super) enum Wire {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Wire {
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(node) => command.query_async(node).await,
            Self::Cluster(cluster) => command.query_async(cluster).await,
        }
    }
}

#[derive(Clone)]
struct Live {
    wire: Wire,
    /// Counts the connections of a link, so that none is given up for another's fault.
    number: u64,
}

/// The way to the server.
///
/// All calls go through one connection, whose driver sends what is waiting in one packet and takes the
/// answers as they come. It is opened by the first call that needs it, one at a time, and given up when
/// it breaks, when the server turns out to be a replica, and when an attempt through it ran out of time.
pub(super) struct Link {
    target: Target,
    patience: Patience,
    hub: Arc<Hub>,
    live: Lock<Option<Live>>,
    /// The number of the newest connection; whoever holds this opens one.
    opening: tokio::sync::Mutex<u64>,
}

/// What a call was answered.
pub(super) enum Answer {
    Value(Value),
    /// The key holds another type than a string, which is left alone.
    OtherType(Fault),
}

/// How many attempts of a call were sent and never answered: each may have been carried out.
#[derive(Default)]
pub(super) struct Doubt(AtomicU32);

impl Doubt {
    /// Whether an earlier attempt may have been carried out.
    pub(super) fn is_left(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn sent(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn answered(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Link {
    pub(super) fn new(target: Target, patience: Patience, hub: Arc<Hub>) -> Self {
        Self {
            target,
            patience,
            hub,
            live: Lock::new(None),
            opening: tokio::sync::Mutex::new(0),
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends a call until it is answered; `what` says for the error what was attempted, `again` is
    /// what to send when an earlier attempt may have been carried out.
    pub(super) async fn ask(
        &self,
        what: &'static str,
        doubt: &Doubt,
        call: &Call<'_>,
        again: &Call<'_>,
    ) -> Result<Answer> {
        let attempt = |_| {
            let call = if doubt.is_left() { again } else { call };
            self.once(what, doubt, call)
        };
        self.patience.ask(what, attempt).await
    }

    async fn once(
        &self,
        what: &'static str,
        doubt: &Doubt,
        call: &Call<'_>,
    ) -> Result<Answer, Failed> {
        let outcome = self
            .through(|mut wire| async move {
                doubt.sent();
                let mut outcome = wire.send(&call.command).await;
                if let Err(error) = &outcome
                    && Fault::is_unknown_script(error)
                    && let Some(whole) = call.in_full()
                {
                    outcome = wire.send(&whole).await;
                }
                if outcome.as_ref().map_or_else(Fault::is_answer, |_| true) {
                    doubt.answered();
                }
                outcome
            })
            .await;
        judge(what, outcome)
    }

    /// Asks a certain node of a cluster, until it answers.
    pub(super) async fn ask_node(
        &self,
        what: &'static str,
        command: &Cmd,
        host: &str,
        port: u16,
    ) -> Result<Answer> {
        let attempt = |_| async {
            let sent = |mut wire: Wire| async move { wire.send_to(command, host, port).await };
            judge(what, self.through(sent).await)
        };
        self.patience.ask(what, attempt).await
    }

    /// Runs one exchange with the server; gives the connection up if it proves useless.
    pub(super) async fn through<T, F>(&self, exchange: impl FnOnce(Wire) -> F) -> Result<T, Fault>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let began = Instant::now();
        let live = self.live().await.map_err(|error| Fault::of(&error))?;
        let mut call = Underway {
            link: self,
            number: live.number,
            began,
            is_over: false,
        };
        let outcome = exchange(live.wire).await.map_err(|error| Fault::of(&error));
        call.is_over = true;
        if outcome.as_ref().is_err_and(|fault| fault.broken) {
            self.give_up_number(live.number);
        }
        outcome
    }

    async fn live(&self) -> Result<Live, RedisError> {
        if let Some(live) = &*self.live.lock() {
            return Ok(live.clone());
        }
        let mut opening = self.opening.lock().await;
        if let Some(live) = &*self.live.lock() {
            return Ok(live.clone());
        }
        let wire = self.target.open(&self.patience, &self.hub).await?;
        *opening += 1;
        let number = *opening;
        let live = Live { wire, number };
        *self.live.lock() = Some(live.clone());
        tracing::debug!(number, "connected to redis");
        Ok(live)
    }

    /// Gives the connection up, whichever it is. What is under way through it comes to its end.
    pub(super) fn give_up(&self) {
        drop(self.live.lock().take());
    }

    fn give_up_number(&self, number: u64) {
        let mut live = self.live.lock();
        if live.as_ref().is_some_and(|live| live.number == number) {
            drop(live.take());
            tracing::debug!(number, "gave a connection to redis up");
        }
    }
}

fn judge(what: &str, outcome: Result<Value, Fault>) -> Result<Answer, Failed> {
    match outcome {
        Ok(value) => Ok(Answer::Value(value)),
        Err(fault) if fault.is_other_type() => Ok(Answer::OtherType(fault)),
        Err(fault) => Err(fault.failed(what)),
    }
}

/// Gives the connection up when dropped because time ran out: a server, or a network, that has fallen
/// silent would keep all later calls waiting too. Dropped earlier, by a caller that lost interest, it
/// says nothing about the connection.
struct Underway<'a> {
    link: &'a Link,
    number: u64,
    began: Instant,
    is_over: bool,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        // The clock of timers counts whole milliseconds.
        let waited = self.began.elapsed() + Duration::from_millis(1);
        if !self.is_over && waited >= self.link.patience.attempt_max() {
            self.link.give_up_number(self.number);
        }
    }
}
