//! A server and the bounded number of connections to it.

use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::address::Address;
use super::connection::{Answer, Connection};
use super::request::Request;
use crate::error::{Error, ErrorKind};
use crate::store::remote::Failed;
use crate::sync::Lock;

pub(super) struct Server {
    name: String,
    address: Address,
    /// `user password`, as the protocol wants it.
    credentials: Option<Zeroizing<String>>,
    /// The longest value that is read.
    value_max: usize,
    /// One permit for each connection in use. A connection is made only by who holds a permit and
    /// finds none idle, so that there are never more connections than permits.
    places: Semaphore,
    /// The one used last is used next: those in excess stay unused and are noticed when closed.
    idle: Lock<Vec<Connection>>,
}

impl Server {
    pub(super) fn new(
        address: Address,
        credentials: Option<Zeroizing<String>>,
        value_max: usize,
        connections_max: usize,
    ) -> Self {
        Self {
            name: address.name(),
            address,
            credentials,
            value_max,
            places: Semaphore::new(connections_max),
            idle: Lock::new(Vec::new()),
        }
    }

    /// What the server is called where keys are distributed.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks on an idle connection or a new one, and waits for a place if all are in use.
    pub(super) async fn ask(&self, request: &Request<'_>) -> Result<Answer, Failed> {
        let _place = self.places.acquire().await.map_err(|_| closed())?;
        let connection = match self.idle_connection() {
            Some(connection) => connection,
            None => {
                let credentials = self.credentials.as_ref().map(|text| text.as_str());
                Connection::open(&self.address, credentials).await?
            }
        };
        match connection.exchange(request, self.value_max).await {
            Ok((connection, answer)) => {
                self.idle.lock().push(connection);
                // Closed in between: whoever closed the pool did not see this connection.
                if self.places.is_closed() {
                    drop(self.take_idle());
                }
                Ok(answer)
            }
            Err(failed) => {
                // A server that restarted has closed the others, too: the next attempt shall not
                // find them one by one.
                drop(self.take_idle());
                Err(failed)
            }
        }
    }

    fn idle_connection(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle.lock().pop()?;
            if connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Out of the lock before they are closed, which is a call to the operating system each.
    fn take_idle(&self) -> Vec<Connection> {
        std::mem::take(&mut *self.idle.lock())
    }

    /// Closes what is idle; what is in use closes when it is done. Later requests are refused.
    pub(super) fn close(&self) {
        self.places.close();
        drop(self.take_idle());
    }
}

fn closed() -> Failed {
    let text = "ask memcached: the store was closed";
    Failed::ForGood(Error::new(ErrorKind::Unavailable, text))
}
