//! Flask's tagged JSON: one-entry objects that say which Python type they stand for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cookie::compat::payload::corrupt;
use crate::cookie::compat::{DateTime, Map, Uuid, Value};
use crate::error::{Error, Result};

/// The tags that Flask's `TaggedJSONSerializer` knows: its own and the application's.
///
/// Flask's own are ` t` (tuple), ` b` (bytes), ` m` (markup), ` u` (UUID), ` d` (datetime) and ` di`
/// (a dictionary of one entry whose name is a tag). What bears a tag of the application is a
/// [`Value::Tagged`] with the JSON form within. Python's order of tags decides which of several
/// fitting types a value is; a [`Value`] says what it is, so there is no order here.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    own: Vec<String>,
}

const TUPLE: &str = " t";
const BYTES: &str = " b";
const MARKUP: &str = " m";
const UUID: &str = " u";
const DATE_TIME: &str = " d";
const BUILTIN: [&str; 6] = [Tags::ESCAPE, TUPLE, BYTES, MARKUP, UUID, DATE_TIME];

impl Tags {
    pub(in super::super) const ESCAPE: &'static str = " di";

    /// Flask's tags and no others.
    #[must_use]
    pub const fn new() -> Self {
        Self { own: Vec::new() }
    }

    /// Adds a tag that the Python side registered.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if it is empty or already there.
    pub fn register(mut self, tag: &str) -> Result<Self> {
        if tag.is_empty() || self.is_known(tag) {
            return Err(Error::config(format!(
                "register tag {tag:?}: it is empty or already registered; replace it or choose another"
            )));
        }
        self.own.push(tag.to_owned());
        Ok(self)
    }

    /// Adds a tag, also in the place of one of Flask's own (`force=True`). Values of the type that
    /// Flask wrote under it are then read as [`Value::Tagged`], and only so written.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if it is empty, or ` di`, without which one-entry dictionaries are ambiguous.
    pub fn replace(mut self, tag: &str) -> Result<Self> {
        if tag.is_empty() || tag == Self::ESCAPE {
            return Err(Error::config(format!(
                "replace tag {tag:?}: it is empty or the one that escapes others; choose another"
            )));
        }
        if !self.is_own(tag) {
            self.own.push(tag.to_owned());
        }
        Ok(self)
    }

    fn is_own(&self, tag: &str) -> bool {
        self.own.iter().any(|own| own == tag)
    }

    pub(in super::super) fn is_known(&self, tag: &str) -> bool {
        BUILTIN.contains(&tag) || self.is_own(tag)
    }

    pub(in super::super) fn check_own(&self, tag: &str) -> Result<()> {
        if self.is_own(tag) {
            return Ok(());
        }
        Err(Error::input(format!(
            "write session: the tag {tag:?} is not registered; register it on both sides"
        )))
    }

    /// Flask's own tag for the kind of `value`.
    pub(in super::super) fn builtin(&self, value: &Value) -> Result<&'static str> {
        let tag = match value {
            Value::Tuple(_) => TUPLE,
            Value::Bytes(_) => BYTES,
            Value::Markup(_) => MARKUP,
            Value::Uuid(_) => UUID,
            Value::DateTime(_) => DATE_TIME,
            other => {
                return Err(Error::input(format!(
                    "write session: no tag for a {}",
                    other.kind()
                )));
            }
        };
        if self.is_own(tag) {
            return Err(Error::input(format!(
                "write session: the application replaced the tag {tag:?}; write a tagged value"
            )));
        }
        Ok(tag)
    }

    /// Turns plain JSON into what its tags say, innermost first.
    pub(in super::super) fn untag(&self, value: Value) -> Result<Value> {
        match value {
            Value::List(items) => {
                let items: Result<_> = items.into_iter().map(|item| self.untag(item)).collect();
                items.map(Value::List)
            }
            Value::Map(map) => {
                let entries = map.into_iter();
                let untagged: Result<Map> = entries
                    .map(|(name, value)| Ok((name, self.untag(value)?)))
                    .collect();
                self.untag_map(untagged?)
            }
            plain => Ok(plain),
        }
    }

    fn untag_map(&self, map: Map) -> Result<Value> {
        if map.len() != 1 {
            return Ok(Value::Map(map));
        }
        let Some((tag, value)) = map.into_iter().next() else {
            return Ok(Value::default());
        };
        if self.is_own(&tag) {
            return Ok(Value::Tagged(tag, Box::new(value)));
        }
        let made = match (&*tag, value) {
            (TUPLE, Value::List(items)) => Some(Value::Tuple(items)),
            (BYTES, Value::Text(text)) => STANDARD.decode(text).ok().map(Value::Bytes),
            (MARKUP, Value::Text(text)) => Some(Value::Markup(text)),
            (UUID, Value::Text(text)) => Uuid::parse(&text).map(Value::Uuid),
            (DATE_TIME, Value::Text(text)) => DateTime::parse_http(&text).map(Value::DateTime),
            (Self::ESCAPE, Value::Map(map)) => unescape(map),
            (TUPLE | BYTES | MARKUP | UUID | DATE_TIME | Self::ESCAPE, _) => None,
            (_, value) => Some(one(tag.clone(), value)),
        };
        made.ok_or_else(|| {
            corrupt(format!(
                "read session: what bears the tag {tag:?} is not of its type"
            ))
        })
    }
}

fn unescape(map: Map) -> Option<Value> {
    let [(name, value)] = <[_; 1]>::try_from(map.into_iter().collect::<Vec<_>>()).ok()?;
    let name = name.strip_suffix("__")?.to_owned();
    Some(one(name, value))
}

fn one(name: String, value: Value) -> Value {
    Value::Map([(name, value)].into_iter().collect())
}
