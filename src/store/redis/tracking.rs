//! Follows what other clients change, by the server's own tracking of a prefix.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::{Cmd, PushInfo, PushKind, Value};

use super::fault::Fault;
use super::form::Form;
use super::link::Link;
use super::listing::together;
use super::target::{Target, cluster_slots};
use crate::store::InvalidationSender;
use crate::store::remote::Patience;
use crate::sync::Lock;

/// How often a connection that only listens is asked whether it still lives.
const BEAT: Duration = Duration::from_secs(2);

/// Whom to tell of changes.
pub(super) struct Hub {
    form: Form,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    listeners: Vec<InvalidationSender>,
    is_watched: bool,
}

impl Hub {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            state: Lock::new(State::default()),
        }
    }

    /// Adds a listener; says whether a [`Watcher`] has to be started for it.
    pub(super) fn add(&self, listener: InvalidationSender) -> bool {
        let mut state = self.state.lock();
        state.listeners.push(listener);
        !std::mem::replace(&mut state.is_watched, true)
    }

    /// Ends all subscriptions.
    pub(super) fn end(&self) {
        drop(std::mem::take(&mut self.state.lock().listeners));
    }

    pub(super) fn is_wanted(&self) -> bool {
        let state = self.state.lock();
        state.listeners.iter().any(|listener| !listener.is_closed())
    }

    /// Forgets who has left. False if nobody is there: then the watcher has to end.
    fn keeps_watching(&self) -> bool {
        let mut state = self.state.lock();
        state.listeners.retain(|listener| !listener.is_closed());
        state.is_watched = !state.listeners.is_empty();
        state.is_watched
    }

    fn unwatched(&self) {
        self.state.lock().is_watched = false;
    }

    /// The command that starts it, for all keys of the prefix but those that the same connection writes.
    pub(super) fn tracking(&self) -> Cmd {
        let mut command = redis::cmd("CLIENT");
        command.arg("TRACKING").arg("ON").arg("BCAST").arg("NOLOOP");
        command.arg("PREFIX").arg(self.form.prefix());
        command
    }

    pub(super) fn all(&self) {
        for listener in &self.state.lock().listeners {
            listener.all();
        }
    }

    /// Takes what a connection was told without having asked.
    pub(super) fn hear(&self, push: PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.all(),
            PushKind::Invalidate => match push.data.into_iter().next() {
                Some(Value::Array(keys)) => {
                    let listeners = &self.state.lock().listeners;
                    for key in keys {
                        let Value::BulkString(key) = key else {
                            continue;
                        };
                        let Some(key) = self.form.own_key(key) else {
                            continue;
                        };
                        for listener in listeners {
                            listener.key(key.clone());
                        }
                    }
                }
                // No keys at all: the database was emptied.
                _ => self.all(),
            },
            _ => {}
        }
    }
}

/// Keeps the connections alive that listen.
///
/// One server, and the sentinels' master, is listened to on the connection that all calls go through,
/// so that a change and the answers around it come in the order in which they happened and our own
/// writes are left out. In a cluster each master has a listening connection of its own.
pub(super) struct Watcher {
    patience: Patience,
    masters: BTreeMap<(String, u16), Link>,
}

impl Watcher {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            masters: BTreeMap::new(),
        }
    }

    /// Watches until nobody listens any more or the store is gone.
    pub(super) async fn run(mut self, link: Weak<Link>, hub: Weak<Hub>) {
        let mut was_well = true;
        loop {
            tokio::time::sleep(BEAT).await;
            let Some(hub) = hub.upgrade() else { return };
            let Some(link) = link.upgrade() else { return };
            if !hub.keeps_watching() {
                // The next connection does without tracking.
                link.give_up();
                return;
            }
            let is_well = self.beat(&link, &hub).await.is_ok();
            if was_well && !is_well {
                hub.all();
            }
            was_well = is_well;
        }
    }

    /// Makes sure that all that is to be heard is heard.
    pub(super) async fn beat(&mut self, link: &Link, hub: &Arc<Hub>) -> Result<(), Fault> {
        let Target::Cluster(cluster) = link.target() else {
            return self.exchange(link, &redis::cmd("PING")).await.map(drop);
        };
        let slots = self.exchange(link, &cluster_slots()).await?;
        let masters = cluster.masters(&slots);
        self.masters.retain(|name, _| masters.contains(name));
        for (host, port) in masters {
            let name = (host, port);
            if !self.masters.contains_key(&name) {
                let target = cluster
                    .node(&name.0, name.1)
                    .map_err(|error| Fault::of(&error))?;
                let listening = Link::new(target, self.patience, Arc::clone(hub));
                self.masters.insert(name, listening);
            }
        }
        // All of them: a master that is down must not keep the others from being listened to.
        let ping = redis::cmd("PING");
        let pings = self.masters.values().map(|it| self.exchange(it, &ping));
        let answers = together(pings).await;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    async fn exchange(&self, link: &Link, command: &Cmd) -> Result<Value, Fault> {
        let exchange = link.through(|mut wire| async move { wire.send(command).await });
        match tokio::time::timeout(self.patience.attempt_max(), exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::of(&redis::RedisError::from(std::io::Error::from(
                std::io::ErrorKind::TimedOut,
            )))),
        }
    }

    /// Gives the watch up before it began.
    pub(super) fn abandon(self, hub: &Hub) {
        hub.unwatched();
    }
}
