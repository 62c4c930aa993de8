//! The session as a request sees it: a map from names to values of any type.

use std::any::type_name;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::commit::Committed;
use super::data::{Replay, is_reserved};
use super::rules::Rules;
use super::state::State;
use super::turn::Turn;
use crate::codec::{Fields, FieldsBuilder, Format, Layout, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionId;
use crate::sync::Lock;

/// The session of a client: typed values under names, kept between its requests.
///
/// Clones are handles of the same session. Nothing here waits: the record was loaded before, and
/// nothing is written before [`Session::save`] or the manager's
/// [`commit`](super::Sessions::commit). Values are decoded when they are asked for; reading one costs
/// a look through the names and the decoding of that value.
///
/// Other requests may work on the same session at the same time. A commit finds out, and repeats what
/// this request did on top of what the others wrote, name by name: changes of different names all
/// survive; of changes of one name the last one does, unless they are [`Session::modify`], of which
/// none is lost.
///
/// Names that begin with `_sessile.` are this crate's own: they are never listed, read as absent, and
/// refused when written. `Debug` shows flags and no content.
///
/// ```
/// use sessile::session::Sessions;
/// use sessile::{Cache, CacheStore};
///
/// # async fn example() -> sessile::Result<()> {
/// let cache = Cache::builder().max_entries(100_000).build()?;
/// let sessions = Sessions::builder(CacheStore::new(cache.into())).build()?;
///
/// let session = sessions.open(None).session().await?; // No cookie: a new session.
/// session.insert("name", "Ada")?;
/// session.modify("visits", |visits: Option<u32>| Some(visits.unwrap_or(0) + 1))?;
/// sessions.commit(&session).await?;
///
/// let id = session.id().expect("it was stored");
/// let again = sessions.load(&id).await?.expect("it is there");
/// assert_eq!(again.get::<String>("name")?.as_deref(), Some("Ada"));
/// # Ok(())
/// # }
/// # let mut task = std::pin::pin!(example());
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(matches!(task.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(()))));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Session(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) state: Lock<State>,
    pub(super) turn: Turn,
    pub(super) driver: Arc<dyn Driver>,
}

pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The manager, as sessions know it: without the type of its store.
pub(super) trait Driver: Send + Sync {
    fn rules(&self) -> &Rules;
    fn now_ms(&self) -> u64;
    /// `renews` says that a response follows, which can tell the client an id that is renewed.
    fn commit<'a>(&'a self, session: &'a Session, renews: bool) -> Boxed<'a, Committed>;
    /// `driver` is this very one, for the session.
    fn load<'a>(&'a self, id: &'a SessionId, driver: Arc<dyn Driver>)
    -> Boxed<'a, Option<Session>>;
    /// Whether records lie under ids that clients know.
    fn has_ids(&self) -> bool {
        true
    }
    /// Why this session cannot be written, if it cannot.
    fn refusal(&self) -> Option<&str> {
        None
    }
}

impl Session {
    pub(super) fn new(state: State, driver: Arc<dyn Driver>) -> Self {
        Self(Arc::new(Inner {
            state: Lock::new(state),
            turn: Turn::new(),
            driver,
        }))
    }

    pub(super) fn rules(&self) -> &Rules {
        self.0.driver.rules()
    }

    fn format(&self) -> Format {
        self.rules().format
    }

    /// Returns the value of `name`, or `None`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        // Decoded outside the lock, where the application's code may take its time.
        let value = self.peek(name).0;
        let value = value.map(|value| self.format().decode(&value));
        value.transpose()
    }

    /// Sets `name` to `value`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the format cannot hold the value, it exceeds the
    /// limits, or the name is reserved; [`Unavailable`](ErrorKind::Unavailable) if the session cannot
    /// be written at all. Nothing has changed then.
    pub fn insert<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        self.writable(name)?;
        let value = self.format().encode(value)?;
        self.set(name, value)
    }

    /// Removes `name`; says whether it was there. Of a session that cannot be written, nothing is.
    pub fn remove(&self, name: &str) -> bool {
        if self.writable(name).is_err() {
            return false;
        }
        let mut state = self.0.state.lock();
        state.accessed = true;
        let existed = state.data.remove(name);
        if existed {
            state.modified();
        }
        existed
    }

    /// Removes `name` and returns its value, or `None`.
    ///
    /// # Errors
    /// As [`insert`](Self::insert); a value that is no `T` stays.
    pub fn pop<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.writable(name)?;
        let value = self.get(name)?;
        self.remove(name);
        Ok(value)
    }

    /// Returns the value of `name`; if there is none, sets it to what `default` returns.
    ///
    /// # Errors
    /// As [`get`](Self::get) and [`insert`](Self::insert).
    pub fn setdefault<T>(&self, name: &str, default: impl FnOnce() -> T) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Some(value) = self.get(name)? {
            return Ok(value);
        }
        let value = default();
        self.insert(name, &value)?;
        Ok(value)
    }

    /// Replaces the value of `name` by what `change` makes of it; `None` removes it.
    ///
    /// Unlike reading and then writing, it loses nothing when other requests do the same: if another
    /// one committed first, `change` runs again on its value at the commit. It may therefore run
    /// several times and should compute, not act. It runs outside all locks.
    ///
    /// # Errors
    /// As [`get`](Self::get) and [`insert`](Self::insert); [`Full`](ErrorKind::Full) after 4096 of
    /// one name without a commit.
    pub fn modify<T, F>(&self, name: &str, change: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    {
        self.writable(name)?;
        self.modify_any(name, change)
    }

    /// As [`modify`](Self::modify), also for reserved names.
    pub(super) fn modify_any<T, F>(&self, name: &str, change: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    {
        let format = self.format();
        let replay: Replay = Arc::new(move |old: Option<&[u8]>| {
            let old = old.map(|old| format.decode(old)).transpose()?;
            let new = change(old).map(|new| format.encode(&new));
            new.transpose()
        });
        // Again only if another handle of this session wrote in between.
        loop {
            let (old, stamp) = self.peek(name);
            let new = replay(old.as_deref())?;
            let mut state = self.0.state.lock();
            if state.stamp != stamp {
                continue;
            }
            if let Some(value) = &new {
                state.data.check(name, value, &self.rules().limits)?;
            }
            state.data.modify(name, new, replay)?;
            state.modified();
            return Ok(());
        }
    }

    /// Whether there is a value `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let mut state = self.0.state.lock();
        state.accessed = true;
        !is_reserved(name) && state.data.contains(name)
    }

    /// All names, in no particular order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.collect(|name, _| name.to_owned())
    }

    /// All values, in the order of [`keys`](Self::keys).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if one is malformed.
    pub fn values(&self) -> Result<Vec<Value>> {
        let items = self.items()?.into_iter();
        Ok(items.map(|(_, value)| value).collect())
    }

    /// All names with their values, in the order of [`keys`](Self::keys).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if one is malformed.
    pub fn items(&self) -> Result<Vec<(String, Value)>> {
        let format = self.format();
        let encoded = self.collect(|name, value| (name.to_owned(), value.to_owned()));
        let decode = |(name, value): (String, Vec<u8>)| Ok((name, format.decode(&value)?));
        encoded.into_iter().map(decode).collect()
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut state = self.0.state.lock();
        state.accessed = true;
        state.data.iter().count()
    }

    /// Whether there is no value. Messages, owner and expiry are not values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all values and waiting messages; the session keeps its id, owner and expiry.
    ///
    /// What becomes of the record is the [`EmptyPolicy`](super::EmptyPolicy)'s matter. To end the
    /// session, [`destroy`](Self::destroy) it.
    pub fn clear(&self) {
        if self.0.driver.refusal().is_none() {
            let mut state = self.0.state.lock();
            state.data.clear();
            state.modified();
        }
    }

    /// Sets every name of `items` to its value.
    ///
    /// # Errors
    /// As [`insert`](Self::insert), for the first item that fails; those before it are set.
    pub fn update<N, T>(&self, items: impl IntoIterator<Item = (N, T)>) -> Result<()>
    where
        N: AsRef<str>,
        T: Serialize,
    {
        self.writable("")?;
        for (name, value) in items {
            self.insert(name.as_ref(), &value)?;
        }
        self.0.state.lock().modified();
        Ok(())
    }

    /// Returns the whole map as a `T`: a struct with a field per name, or a map.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the map is no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let body = {
            let mut state = self.0.state.lock();
            state.accessed = true;
            let count = state.data.iter().count();
            let mut builder = FieldsBuilder::new(Layout::Bare, self.format(), count, Vec::new());
            for (name, value) in state.data.iter() {
                builder.push(name, value);
            }
            builder.finish().0
        };
        self.format().decode(&body)
    }

    /// Makes `whole`, a struct or map, the whole map: names that it does not have are removed.
    ///
    /// Values that are what they were count as unchanged, so that two requests that changed
    /// different fields of one struct do not disturb each other.
    ///
    /// # Errors
    /// As [`insert`](Self::insert), and if `whole` is no map from text. Nothing has changed then.
    pub fn write<T: Serialize + ?Sized>(&self, whole: &T) -> Result<()> {
        self.writable("")?;
        let limits = &self.rules().limits;
        let encoded = Bytes::from(self.format().encode(whole)?);
        let fields = Fields::scan(encoded, self.format(), limits).map_err(|_| {
            Error::input(format!(
                "write a session as a {}: it is no map from text within the limits",
                type_name::<T>()
            ))
        })?;
        for (name, _) in fields.iter() {
            self.writable(name)?;
        }
        let mut state = self.0.state.lock();
        let gone: Vec<String> = state
            .data
            .iter()
            .filter(|(name, _)| !fields.contains(name))
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in gone {
            state.data.remove(&name);
        }
        for (name, _) in fields.iter() {
            let value = fields.get(name);
            if state.data.get(name) != value
                && let Some(value) = value
            {
                state.data.set(name, value.into());
            }
        }
        state.modified();
        Ok(())
    }

    /// The encoded value of `name` and the state's stamp.
    pub(super) fn peek(&self, name: &str) -> (Option<Bytes>, u64) {
        let mut state = self.0.state.lock();
        state.accessed = true;
        (state.data.get(name), state.stamp)
    }

    fn set(&self, name: &str, value: Vec<u8>) -> Result<()> {
        let mut state = self.0.state.lock();
        state.data.check(name, &value, &self.rules().limits)?;
        state.data.set(name, value);
        state.modified();
        Ok(())
    }

    /// Refuses names that are this crate's own, and every name of a session that takes no writes.
    pub(super) fn writable(&self, name: &str) -> Result<()> {
        if let Some(reason) = self.0.driver.refusal() {
            return Err(Error::new(ErrorKind::Unavailable, reason));
        }
        if is_reserved(name) {
            return Err(Error::input(
                "write a session value: names that begin with `_sessile.` are reserved",
            ));
        }
        Ok(())
    }

    fn collect<T>(&self, take: impl Fn(&str, &[u8]) -> T) -> Vec<T> {
        let mut state = self.0.state.lock();
        state.accessed = true;
        state
            .data
            .iter()
            .map(|(name, value)| take(name, value))
            .collect()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("Session")
            .field("is_new", &state.stored.is_none())
            .field("is_accessed", &state.accessed)
            .field("is_modified", &state.is_modified())
            .finish_non_exhaustive()
    }
}
