//! The double of MongoDB that the store's own tests use, on a thread of its own: there is no MongoDB to
//! be installed beside the other servers. What it proves is the way through configuration, server and
//! browser; what it cannot prove stands in the store's documentation.

#[path = "../../../tests/store_mongodb/double/mod.rs"]
#[allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "the store's own tests use the rest"
)]
mod double;

use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub(crate) struct MongoDb {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MongoDb {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let double = double::Double::start().await;
                tell.send(double.address()).expect("the test waits for it");
                let _ = stopped.await;
            });
        };
        let thread = std::thread::spawn(serve);
        Self {
            address: told.recv().expect("the double starts"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for MongoDb {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
