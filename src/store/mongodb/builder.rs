//! What a MongoDB store is made from, checked once.

use std::fmt;

use ::mongodb::Client;
use ::mongodb::options::{Acknowledgment, ClientOptions, ReadPreference, WriteConcern};
use zeroize::Zeroizing;

use super::fault::{failed, refused};
use super::store::{Inner, MongoStore};
use crate::error::{Error, Result};
use crate::store::Patience;
use crate::time::{Clock, CoarseClock};

const DATABASE_MAX: usize = 63;
const COLLECTION_MAX: usize = 120;

/// Settings of a [`MongoStore`].
///
/// ```no_run
/// use sessile::store::MongoStore;
///
/// # async fn example() -> sessile::Result<()> {
/// let store = MongoStore::builder()
///     .address("mongodb://db1.internal,db2.internal/?replicaSet=rs0")
///     .database("shop")
///     .connect()
///     .await?;
/// store.prepare().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until `connect`"]
pub struct MongoBuilder {
    address: Zeroizing<String>,
    database: Option<String>,
    collection: String,
    is_bare: bool,
    patience: Patience,
    clock: Box<dyn Clock>,
}

impl MongoBuilder {
    pub(super) fn new() -> Self {
        Self {
            address: Zeroizing::new("mongodb://127.0.0.1:27017".to_owned()),
            database: None,
            collection: "sessions".to_owned(),
            is_bare: false,
            patience: Patience::new(),
            clock: Box::new(CoarseClock),
        }
    }

    /// The connection string, `mongodb://` or `mongodb+srv://`, with all of MongoDB's options (TLS,
    /// `replicaSet`, `maxPoolSize`, `w`, ...). Default: `mongodb://127.0.0.1:27017`.
    ///
    /// `readPreference` is overruled: sessions are read from the primary. `w=0` is refused.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Zeroizing::new(address.into());
        self
    }

    /// The database. Default: the one that the connection string names, else `flask_session`.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = Some(name.into());
        self
    }

    /// The collection. Default: `sessions`. Native and bare stores need collections of their own.
    pub fn collection(mut self, name: impl Into<String>) -> Self {
        self.collection = name.into();
        self
    }

    /// Stores each session as Flask-Session 0.8 does, `{ id: <text>, val: <binary>, expiration: <date> }`,
    /// so that both read and write the same ones. Default: no.
    ///
    /// This weakens promises. A version is a digest of the content, so equal contents have equal
    /// versions. A key must be UTF-8. `create` keeps concurrent creates of one key apart only if `id`
    /// has a unique index, which [`MongoStore::prepare`] makes and Flask-Session does not. The server
    /// removes documents at their end by its own clock. `replace` of a certain version takes two round
    /// trips. Flask-Session itself serves an ended session until the server has removed it.
    pub fn bare(mut self) -> Self {
        self.is_bare = true;
        self
    }

    /// How long and how often the server is asked. Default: [`Patience::new`].
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Whose Unix time decides when a record ends. Default: the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Connects and asks the primary for a sign of life. Must be called on a tokio runtime, which then
    /// also runs the driver's own tasks.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for an address that is none, names that MongoDB
    /// does not take and refused credentials; otherwise as [`MongoStore::ping`].
    pub async fn connect(self) -> Result<MongoStore> {
        let parse = async |_| ClientOptions::parse(&*self.address).await.map_err(failed);
        let options = self
            .patience
            .ask("read the address of MongoDB", parse)
            .await?;
        let named = self
            .database
            .as_deref()
            .or(options.default_database.as_deref());
        let database = named.unwrap_or("flask_session").to_owned();
        check_names(&database, &self.collection)?;
        let client = Client::with_options(self.adapted(options)?).map_err(refused)?;
        let store = MongoStore::of(Inner {
            sessions: client.database(&database).collection(&self.collection),
            client,
            is_bare: self.is_bare,
            patience: self.patience,
            clock: self.clock,
        });
        store.ping().await?;
        Ok(store)
    }

    fn adapted(&self, mut options: ClientOptions) -> Result<ClientOptions> {
        let concern = options
            .write_concern
            .get_or_insert_with(WriteConcern::majority);
        if concern.w == Some(Acknowledgment::Nodes(0)) {
            return Err(Error::config(
                "connect to MongoDB: w=0 does not wait for answers; leave it out",
            ));
        }
        options.selection_criteria = Some(ReadPreference::Primary.into());
        // Sooner than the attempt itself ends: then the answer says that there is no server.
        let limit = self.patience.attempt_max();
        let selection = options.server_selection_timeout.unwrap_or(limit);
        options.server_selection_timeout = Some(selection.min(limit * 3 / 4));
        options.connect_timeout = Some(options.connect_timeout.unwrap_or(limit).min(limit));
        options.app_name.get_or_insert_with(|| "sessile".to_owned());
        Ok(options)
    }
}

/// MongoDB's rules for names, which also keep them out of each other's way.
fn check_names(database: &str, collection: &str) -> Result<()> {
    let is_sound = |name: &str, most: usize, forbidden: &[char]| {
        (1..=most).contains(&name.len())
            && !name.contains(forbidden)
            && !name.contains(|c: char| c.is_control())
    };
    let forbidden = ['/', '\\', '.', ' ', '"', '$', '*', '<', '>', ':', '|', '?'];
    if !is_sound(database, DATABASE_MAX, &forbidden) {
        return Err(Error::config(format!(
            "connect to MongoDB: a database has a name of 1 to {DATABASE_MAX} bytes without any of \
             /\\. \"$*<>:|?"
        )));
    }
    if !is_sound(collection, COLLECTION_MAX, &['$']) || collection.starts_with("system.") {
        return Err(Error::config(format!(
            "connect to MongoDB: a collection has a name of 1 to {COLLECTION_MAX} bytes, without $ and not \
             beginning with system."
        )));
    }
    Ok(())
}

/// Shows nothing of the address.
impl fmt::Debug for MongoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoBuilder")
            .field("database", &self.database)
            .field("collection", &self.collection)
            .field("is_bare", &self.is_bare)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mongodb_does_not_take_are_refused() {
        assert!(check_names("flask_session", "sessions").is_ok());
        for database in ["", "a b", "a.b", "a$b", "a/b", "a\0", &"d".repeat(64)] {
            assert!(check_names(database, "sessions").is_err(), "{database}");
        }
        for collection in ["", "a$b", "system.users", "a\0b", &"c".repeat(121)] {
            assert!(check_names("d", collection).is_err(), "{collection}");
        }
    }
}
