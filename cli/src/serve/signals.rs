//! What ends the program: Ctrl-C, and SIGTERM where there is one.

#[cfg(not(unix))]
use std::io;

#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::future::poll_fn;
    use std::io;
    use std::task::Poll;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Heard from the moment this is made, so that none is missed before the first wait.
    pub(in super::super) struct Signals([Signal; 2]);

    impl Signals {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self([
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            ]))
        }

        /// Waits for the first of them.
        pub(in super::super) async fn wait(&mut self) {
            poll_fn(|context| {
                let mut poll = |at: usize| self.0[at].poll_recv(context).is_ready();
                // Both, so that both wake this task.
                let (interrupted, terminated) = (poll(0), poll(1));
                if interrupted || terminated {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn wait(&mut self) {
        // Without a signal to wait for, the program runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
