//! A double of MongoDB: its wire protocol and the documented meaning of the few commands that the driver
//! and the store send, as the primary of a replica set of one.
//!
//! It is no MongoDB. What it does not know it refuses by name instead of guessing, so that a test that
//! passes has used only what is written here.

mod change;
mod data;
mod filter;
mod reply;
mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use data::Data;

/// What happens to the next commands that touch data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// The connection is cut before the command is carried out.
    CutBefore,
    /// The command is carried out, its answer is lost with the connection.
    CutAfter,
    /// The answer waits so long.
    Slow(Duration),
    /// The command fails with this code.
    Refuse(i32),
    /// Writes are carried out, but not by a majority.
    Unconfirmed,
    /// The command is acknowledged and not carried out, as `polodb` does with upserts.
    Ignore,
    /// The answer is no message.
    Garbage,
}

pub(crate) struct State {
    data: Mutex<Data>,
    faults: Mutex<Vec<Fault>>,
    /// The names of all commands, with what they were about.
    heard: Mutex<Vec<Document>>,
    asked: AtomicUsize,
    port: u16,
}

/// A server on a port of its own. Its data outlives [`Double::kill`], as a disk's would.
pub(crate) struct Double {
    state: Arc<State>,
    alive: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Double {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State {
            data: Mutex::default(),
            faults: Mutex::default(),
            heard: Mutex::default(),
            asked: AtomicUsize::new(0),
            port: listener.local_addr().unwrap().port(),
        });
        let (alive, task) = serve(listener, &state);
        Self { state, alive, task }
    }

    pub(crate) fn address(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.state.port)
    }

    /// Stops listening and cuts all connections, as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.alive.send_replace(false);
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Starts again on the same port, with what was acknowledged.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.state.port)).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        (self.alive, self.task) = serve(listener, &self.state);
    }

    /// Lets the next commands on data go wrong, one after the other.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        *lock(&self.state.faults) = faults.into_iter().collect();
    }

    /// Whether all faults have happened.
    pub(crate) fn is_calm(&self) -> bool {
        lock(&self.state.faults).is_empty()
    }

    /// Sets the server's clock, which only the removal of ended documents asks, ahead of ours.
    pub(crate) fn remove_ended(&self, ahead: Duration) -> usize {
        lock(&self.state.data).remove_ended(ahead)
    }

    /// The documents of a collection such as `flask_session.sessions`.
    pub(crate) fn documents(&self, namespace: &str) -> Vec<Document> {
        lock(&self.state.data).documents(namespace).clone()
    }

    /// Puts a document where it is, past all rules.
    pub(crate) fn plant(&self, namespace: &str, document: Document) {
        lock(&self.state.data).documents(namespace).push(document);
    }

    /// The commands on data since the last time.
    pub(crate) fn heard(&self) -> Vec<Document> {
        std::mem::take(&mut *lock(&self.state.heard))
    }

    /// How many messages there were since the last time, whatever they were about, but for the greetings
    /// by which the driver opens connections and watches the server. Each was answered by itself.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.alive.send_replace(false);
        self.task.abort();
    }
}

fn serve(listener: TcpListener, state: &Arc<State>) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (alive, is_alive) = watch::channel(true);
    let state = Arc::clone(state);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (state, mut is_alive) = (Arc::clone(&state), is_alive.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = converse(stream, &state) => {}
                    _ = is_alive.wait_for(|is_alive| !is_alive) => {}
                }
            });
        }
    });
    (alive, task)
}

async fn converse(mut stream: TcpStream, state: &State) {
    let _ = stream.set_nodelay(true);
    while let Some((id, command)) = wire::read(&mut stream).await {
        let name = command.keys().next().cloned().unwrap_or_default();
        if !name.eq_ignore_ascii_case("hello") && !name.eq_ignore_ascii_case("ismaster") {
            state.asked.fetch_add(1, Ordering::SeqCst);
        }
        let about_data = ["find", "insert", "update", "delete", "createIndexes"].contains(&&*name);
        let fault = match about_data {
            true => {
                lock(&state.heard).push(command.clone());
                let mut faults = lock(&state.faults);
                (!faults.is_empty()).then(|| faults.remove(0))
            }
            false => None,
        };
        let mut answer = match fault {
            Some(Fault::CutBefore) => return,
            Some(Fault::Refuse(code)) => reply::failure(code),
            Some(Fault::Ignore) => doc! { "n": 0, "nModified": 0, "ok": 1.0 },
            _ => reply::to(&name, &command, state),
        };
        match fault {
            Some(Fault::CutAfter) => return,
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::Unconfirmed) => {
                let concern =
                    doc! { "code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waited" };
                answer.insert("writeConcernError", concern);
            }
            _ => {}
        }
        let is_garbage = fault == Some(Fault::Garbage);
        if wire::write(&mut stream, id, &answer, is_garbage)
            .await
            .is_none()
        {
            return;
        }
    }
}
