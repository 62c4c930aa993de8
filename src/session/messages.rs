//! What is shown once: messages and flash values, kept in the session until somebody takes them.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::{DEFAULT_CATEGORY, Level, Message};
use super::session::Session;
use crate::codec::{Layout, Value};
use crate::error::Result;

/// Where messages lie among the fields of a record, and where Flask keeps them.
const SLOT: &str = "_sessile.messages";
const FLASK_SLOT: &str = "_flashes";
/// Before the key of flash values.
const FLASH_SLOT: &str = "_sessile.flash.";
/// Messages or values that wait in one place; older ones make room.
const WAITING_MAX: usize = 100;

/// The messages of a session: for this request, and waiting for somebody to show them.
///
/// A message that is added waits, in the session, until a request takes it: this one or a later one.
/// Taking removes; what a request has taken it may look at again ([`shown`](Self::shown)) or put back
/// ([`keep`](Self::keep)). Empty texts and levels below the minimum are dropped. At most 100 wait;
/// beyond, the oldest are dropped. Messages that two requests add at once both survive.
///
/// They lie in the record under `_sessile.messages`, and in [`Layout::Bare`] under `_flashes` as Flask
/// writes them, where title, hints and levels without a name are lost.
///
/// ```
/// use sessile::session::{Level, Message, Sessions};
/// # use sessile::{Cache, CacheStore};
/// # let cache = Cache::builder().max_entries(1_000).build()?;
/// # let sessions = Sessions::builder(CacheStore::new(cache.into())).build()?;
/// let session = sessions.fresh();
/// session.messages().add(Level::SUCCESS, "Saved")?;
/// let texts: Vec<String> = session.messages().take()?.into_iter().map(|it| it.body).collect();
/// assert_eq!(texts, ["Saved"]);
/// assert!(session.messages().take()?.is_empty());
/// # Ok::<(), sessile::Error>(())
/// ```
pub struct Messages<'a>(&'a Session);

/// Values of any type that are shown once, under keys of their own.
///
/// They lie in the record under `_sessile.flash.` and the key; at most 100 wait per key.
pub struct Flashes<'a>(&'a Session);

impl Session {
    /// The session's messages.
    #[must_use]
    pub fn messages(&self) -> Messages<'_> {
        Messages(self)
    }

    /// The session's flash values.
    #[must_use]
    pub fn flashes(&self) -> Flashes<'_> {
        Flashes(self)
    }
}

impl Messages<'_> {
    /// Adds a message of the default category; says whether it was kept.
    ///
    /// # Errors
    /// As [`Session::insert`].
    pub fn add(&self, level: Level, body: impl Into<String>) -> Result<bool> {
        self.push(Message::new(level, body))
    }

    /// Adds a message; says whether it was kept.
    ///
    /// # Errors
    /// As [`Session::insert`].
    pub fn push(&self, message: Message) -> Result<bool> {
        self.0.writable("")?;
        if !self.is_wanted(&message) {
            return Ok(false);
        }
        let kept = Kept::of(message, self.0.rules().layout);
        append(self.0, self.slot(), vec![kept])?;
        Ok(true)
    }

    /// Adds a message for this request only; says whether it was kept.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the session cannot be written.
    pub fn now(&self, message: Message) -> Result<bool> {
        self.0.writable("")?;
        if !self.is_wanted(&message) {
            return Ok(false);
        }
        let mut state = self.0.0.state.lock();
        let now = &mut state.rare_mut().now;
        now.push(message);
        let excess = now.len().saturating_sub(WAITING_MAX);
        now.drain(..excess);
        Ok(true)
    }

    /// Returns what is to be shown, oldest first, those of this request last; takes nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if what waits is malformed.
    pub fn peek(&self) -> Result<Vec<Message>> {
        let mut messages: Vec<Message> = self.waiting()?.into_iter().map(Message::from).collect();
        if let Some(rare) = self.0.0.state.lock().rare() {
            messages.extend(rare.now.iter().cloned());
        }
        Ok(messages)
    }

    /// Takes all that is to be shown, in the order of [`peek`](Self::peek).
    ///
    /// # Errors
    /// As [`peek`](Self::peek).
    pub fn take(&self) -> Result<Vec<Message>> {
        self.take_if(|_| true)
    }

    /// Takes the messages of some categories; the others wait on.
    ///
    /// # Errors
    /// As [`peek`](Self::peek).
    pub fn take_in(&self, categories: &[&str]) -> Result<Vec<Message>> {
        self.take_if(|message| categories.contains(&&*message.category))
    }

    /// Takes the messages that `wanted` wants; the others wait on.
    ///
    /// # Errors
    /// As [`peek`](Self::peek).
    pub fn take_if(&self, wanted: impl Fn(&Message) -> bool) -> Result<Vec<Message>> {
        let waiting = self.waiting()?.into_iter();
        let gone: Vec<Kept> = waiting
            .filter(|kept| wanted(&Message::from(kept.clone())))
            .collect();
        let mut taken: Vec<Message> = gone.iter().cloned().map(Message::from).collect();
        if !gone.is_empty() {
            self.0.writable("")?;
            // By value: a message that another request added meanwhile stays.
            self.0
                .modify_any(self.slot(), move |list: Option<Vec<Kept>>| {
                    let mut list = list.unwrap_or_default();
                    for kept in &gone {
                        if let Some(at) = list.iter().position(|other| other == kept) {
                            list.remove(at);
                        }
                    }
                    Some(list).filter(|list| !list.is_empty())
                })?;
        }
        // Decided outside the lock: `wanted` is the application's.
        let now = std::mem::take(&mut self.0.0.state.lock().rare_mut().now);
        let (mine, others): (Vec<_>, Vec<_>) = now.into_iter().partition(|it| wanted(it));
        taken.extend(mine);
        let mut state = self.0.0.state.lock();
        let rare = state.rare_mut();
        rare.now.splice(..0, others);
        rare.shown.extend(taken.iter().cloned());
        let excess = rare.shown.len().saturating_sub(WAITING_MAX);
        rare.shown.drain(..excess);
        Ok(taken)
    }

    /// What this request has taken so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Message> {
        let state = self.0.0.state.lock();
        state
            .rare()
            .map_or_else(Vec::new, |rare| rare.shown.clone())
    }

    /// Puts back what this request has taken, for the next one; says how many these are.
    ///
    /// # Errors
    /// As [`Session::insert`].
    pub fn keep(&self) -> Result<usize> {
        self.0.writable("")?;
        let shown = std::mem::take(&mut self.0.0.state.lock().rare_mut().shown);
        let count = shown.len();
        if count > 0 {
            let layout = self.0.rules().layout;
            let kept = shown.into_iter().map(|it| Kept::of(it, layout)).collect();
            append(self.0, self.slot(), kept)?;
        }
        Ok(count)
    }

    /// How many are to be shown; takes nothing.
    ///
    /// # Errors
    /// As [`peek`](Self::peek).
    pub fn count(&self) -> Result<usize> {
        let waiting = self.waiting()?.len();
        let state = self.0.0.state.lock();
        Ok(waiting + state.rare().map_or(0, |rare| rare.now.len()))
    }

    /// Sets below which level this request's messages are dropped; `None` for the manager's setting.
    pub fn set_minimum(&self, level: Option<Level>) {
        self.0.0.state.lock().rare_mut().minimum = level;
    }

    fn is_wanted(&self, message: &Message) -> bool {
        let minimum = self.0.0.state.lock().rare().and_then(|rare| rare.minimum);
        !message.body.is_empty() && message.level >= minimum.unwrap_or(self.0.rules().minimum)
    }

    fn waiting(&self) -> Result<Vec<Kept>> {
        Ok(self.0.get(self.slot())?.unwrap_or_default())
    }

    fn slot(&self) -> &'static str {
        match self.0.rules().layout {
            Layout::Bare => FLASK_SLOT,
            Layout::Native => SLOT,
        }
    }
}

impl Flashes<'_> {
    /// Adds a value under `key`.
    ///
    /// # Errors
    /// As [`Session::insert`].
    pub fn push<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<()> {
        self.0.writable("")?;
        let format = self.0.rules().format;
        let value: Value = format.decode(&format.encode(value)?)?;
        append(self.0, &slot(key), vec![value])
    }

    /// Returns the values under `key`, oldest first; takes none.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if they are no `T`s.
    pub fn peek<T: DeserializeOwned>(&self, key: &str) -> Result<Vec<T>> {
        Ok(self.0.get(&slot(key))?.unwrap_or_default())
    }

    /// Takes all values under `key`, oldest first.
    ///
    /// # Errors
    /// As [`peek`](Self::peek); the values stay then.
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Vec<T>> {
        let taken = self.peek(key)?;
        let slot = slot(key);
        let gone: Vec<Value> = self.0.get(&slot)?.unwrap_or_default();
        if !gone.is_empty() {
            self.0.writable("")?;
            self.0.modify_any(&slot, move |list: Option<Vec<Value>>| {
                let mut list = list.unwrap_or_default();
                let known = list.iter().zip(&gone).take_while(|(a, b)| a == b).count();
                list.drain(..known);
                Some(list).filter(|list| !list.is_empty())
            })?;
        }
        Ok(taken)
    }
}

fn slot(key: &str) -> String {
    format!("{FLASH_SLOT}{key}")
}

fn append<T>(session: &Session, slot: &str, items: Vec<T>) -> Result<()>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    session.modify_any(slot, move |list: Option<Vec<T>>| {
        let mut list = list.unwrap_or_default();
        list.extend(items.iter().cloned());
        let excess = list.len().saturating_sub(WAITING_MAX);
        list.drain(..excess);
        Some(list)
    })
}

/// A message as it lies in a record: whole, or as Flask's pair of category and text.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Pair(String, String),
    Whole(Message),
}

impl Kept {
    fn of(message: Message, layout: Layout) -> Self {
        match layout {
            Layout::Native => Self::Whole(message),
            // Flask's programs write levels as categories.
            Layout::Bare if message.category == DEFAULT_CATEGORY => {
                let category = match message.level {
                    Level::INFO => DEFAULT_CATEGORY,
                    level if level.tag().is_empty() => DEFAULT_CATEGORY,
                    level => level.tag(),
                };
                Self::Pair(category.to_owned(), message.body)
            }
            Layout::Bare => Self::Pair(message.category, message.body),
        }
    }
}

impl From<Kept> for Message {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Whole(message) => message,
            Kept::Pair(category, body) => {
                let known = Level::ALL.iter().find(|(_, tag)| *tag == category);
                let level = known.map_or(Level::INFO, |(level, _)| *level);
                Self::new(level, body).in_category(category)
            }
        }
    }
}

impl fmt::Debug for Messages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}

impl fmt::Debug for Flashes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flashes").finish_non_exhaustive()
    }
}
