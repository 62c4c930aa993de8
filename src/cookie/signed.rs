//! A small map in one cookie: typed values that know whether they were changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

/// Values by name, written by a [`Jar`](super::Jar) into one signed or private cookie as JSON.
///
/// A value stays the text it came as until somebody asks for it, so numbers keep every digit and
/// values that nobody reads cost no decoding. Cookies are small: [`Jar::finish`](super::Jar::finish)
/// refuses one that a browser would drop. `Debug` shows no name and no value.
///
/// ```
/// use sessile::cookie::SignedCookie;
///
/// let mut cart = SignedCookie::new();
/// cart.insert("apples", &3)?;
/// assert_eq!(cart.get::<u32>("apples")?, Some(3));
/// assert!(cart.is_new() && cart.is_modified());
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct SignedCookie {
    values: BTreeMap<String, Box<RawValue>>,
    is_new: bool,
    is_modified: bool,
    is_forced: bool,
}

impl SignedCookie {
    /// Makes an empty map that no request carried.
    #[must_use]
    pub fn new() -> Self {
        Self {
            values: BTreeMap::new(),
            is_new: true,
            is_modified: false,
            is_forced: false,
        }
    }

    /// Makes a new map of a struct's fields or a map's entries; they do not count as modified.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if `fields` is neither, or cannot be written as JSON.
    pub fn of<T: Serialize + ?Sized>(fields: &T) -> Result<Self> {
        let made = serde_json::to_string(fields).and_then(|text| serde_json::from_str(&text));
        let values = made.map_err(|_| {
            Error::input(format!(
                "make a cookie of a `{}`: it is no struct and no map with text keys that JSON can \
                 hold",
                std::any::type_name::<T>()
            ))
        })?;
        Ok(Self {
            values,
            ..Self::new()
        })
    }

    /// What came with a request: `is_new` is false even if nothing of it was genuine.
    pub(super) fn received(payload: Option<&[u8]>) -> Option<Self> {
        let values = match payload {
            Some(payload) => serde_json::from_slice(payload).ok()?,
            None => BTreeMap::new(),
        };
        Some(Self {
            values,
            is_new: false,
            ..Self::new()
        })
    }

    pub(super) fn payload(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.values)
            .map_err(|_| Error::input("write a map cookie: a value of it is no JSON"))
    }

    /// Returns the value called `name` as a `T`, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        serde_json::from_str(value.get()).map(Some).map_err(|_| {
            // The decoder's own words can quote the value.
            Error::new(
                ErrorKind::Corrupt,
                format!(
                    "read a value of a map cookie: it is no `{}`",
                    std::any::type_name::<T>()
                ),
            )
        })
    }

    /// Sets the value called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if JSON cannot hold `value`; nothing was changed.
    pub fn insert<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        let value = serde_json::value::to_raw_value(value).map_err(|_| {
            Error::input(format!(
                "put a `{}` into a map cookie: JSON cannot hold it",
                std::any::type_name::<T>()
            ))
        })?;
        self.is_modified = true;
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// Removes the value called `name` and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let removed = self.values.remove(name).is_some();
        self.is_modified |= removed;
        removed
    }

    /// Removes the value called `name` and returns it as a `T`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the value is no `T`; it was not removed.
    pub fn pop<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let value = self.get(name)?;
        self.remove(name);
        Ok(value)
    }

    /// Replaces the value called `name` by what `change` makes of it; `None` stands for no value.
    ///
    /// This is the way to change a part of a nested value: a copy changed outside is not noticed.
    ///
    /// # Errors
    ///
    /// As [`SignedCookie::get`] and [`SignedCookie::insert`].
    pub fn modify<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        change: impl FnOnce(Option<T>) -> Option<T>,
    ) -> Result<()> {
        match change(self.get(name)?) {
            Some(value) => self.insert(name, &value),
            None => {
                self.remove(name);
                Ok(())
            }
        }
    }

    /// Sets the value called `name` unless there is one.
    ///
    /// # Errors
    ///
    /// As [`SignedCookie::insert`].
    pub fn set_default<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        match self.values.entry(name.to_owned()) {
            Entry::Occupied(_) => Ok(()),
            Entry::Vacant(_) => self.insert(name, value),
        }
    }

    /// Removes all values; the cookie goes with them when the jar is finished.
    pub fn clear(&mut self) {
        self.values.clear();
        self.is_modified = true;
    }

    /// Says whether there is a value called `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The names, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Says whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Says whether the request carried no cookie of this name, genuine or not.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Says whether a value was set or removed since the cookie was read.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        self.is_modified
    }

    /// Says by hand whether the cookie is to be written for a change.
    pub fn set_modified(&mut self, is_modified: bool) {
        self.is_modified = is_modified;
    }

    /// Says whether the cookie is written even if unchanged, so that its lifetime starts anew.
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.is_forced
    }

    /// Writes the cookie even if unchanged. Default: false. An empty map is never written.
    pub fn set_forced(&mut self, is_forced: bool) {
        self.is_forced = is_forced;
    }
}

impl Default for SignedCookie {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SignedCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedCookie")
            .field("values", &format_args!("… ({})", self.values.len()))
            .field("is_new", &self.is_new)
            .field("is_modified", &self.is_modified)
            .field("is_forced", &self.is_forced)
            .finish()
    }
}
