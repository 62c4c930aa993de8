//! A session's data: the record's fields and what was changed since, kept so that it can be repeated.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::{Field, Fields, FieldsBuilder, Header, Layout, Limits, Record};
use crate::error::{Error, ErrorKind, Result};

/// A change that depends on the value before it: from the old value to the new one, encoded.
pub(super) type Replay = Arc<dyn Fn(Option<&[u8]>) -> Result<Option<Vec<u8>>> + Send + Sync>;

/// Names that belong to this crate and are no data.
const RESERVED: &str = "_sessile.";
/// `modify`s of one name that one commit may repeat.
const REPLAYS_MAX: usize = 4096;

/// What became of one name.
struct Change {
    name: Arc<str>,
    /// The value now; `None` if it was removed. Read back less often than written: a shared handle
    /// would be one more allocation.
    value: Option<Vec<u8>>,
    /// How it came from the record's value; empty if it does not depend on that.
    replay: Vec<Replay>,
}

/// Changes since a record was read or written, at most one per name.
#[derive(Default)]
pub(super) struct Changes {
    list: Vec<Change>,
    /// Nothing of the record is left but what was written after.
    cleared: bool,
}

/// The record's fields under the changes made to them.
#[derive(Default)]
pub(super) struct Data {
    base: Fields,
    changes: Changes,
    /// Changes that are part of `base` already and of a commit that is under way.
    pending: Changes,
}

/// A change to be repeated on another record.
pub(super) struct Repeat {
    name: Arc<str>,
    replay: Vec<Replay>,
}

impl Data {
    pub(super) fn new(base: Fields) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Bytes> {
        match self.changes.of(name) {
            Some(change) => change.value.as_deref().map(Bytes::copy_from_slice),
            None if self.changes.cleared => None,
            None => self.base.get(name),
        }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        match self.changes.of(name) {
            Some(change) => change.value.is_some(),
            None => !self.changes.cleared && self.base.contains(name),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Vec<u8>) {
        self.put(name, Some(value), None);
    }

    /// Says whether there was such a value.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let existed = self.contains(name);
        if existed {
            self.put(name, None, None);
        }
        existed
    }

    /// Sets what `replay` made of the value before.
    ///
    /// # Errors
    /// `Full` after too many of them without a commit.
    pub(super) fn modify(
        &mut self,
        name: &str,
        value: Option<Vec<u8>>,
        replay: Replay,
    ) -> Result<()> {
        let depth = self.changes.of(name).map_or(0, |it| it.replay.len());
        if depth == REPLAYS_MAX {
            return Err(Error::new(
                ErrorKind::Full,
                format!("modify a session value: {REPLAYS_MAX} times without a commit; save first"),
            ));
        }
        self.put(name, value, Some(replay));
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.changes = Changes {
            list: Vec::new(),
            cleared: true,
        };
    }

    /// All names and values, this crate's own included.
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let kept = (!self.changes.cleared).then(|| self.base.iter());
        let kept = kept.into_iter().flatten();
        let changed = self.changes.list.iter();
        kept.filter(|(name, _)| self.changes.of(name).is_none())
            .chain(changed.filter_map(|change| Some((&*change.name, change.value.as_deref()?))))
    }

    /// Whether a field of the base is still what it was.
    fn is_kept(&self, name: &[u8]) -> bool {
        let mut changes = self.changes.list.iter();
        !changes.any(|change| change.name.as_bytes() == name)
    }

    /// The fields of the base that are still what they were.
    fn kept(&self) -> impl Iterator<Item = Field<'_>> {
        let fields = (!self.changes.cleared).then(|| self.base.fields());
        let fields = fields.into_iter().flatten();
        fields.filter(|field| self.is_kept(field.name))
    }

    /// The session's names and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.all().filter(|(name, _)| !is_reserved(name))
    }

    /// Whether nothing is stored: no value and no message.
    pub(super) fn is_bare(&self) -> bool {
        let has_set = self
            .changes
            .list
            .iter()
            .any(|change| change.value.is_some());
        !has_set && self.kept().next().is_none()
    }

    /// Checks that a value fits under `name` beside the others.
    pub(super) fn check(&self, name: &str, value: &[u8], limits: &Limits) -> Result<()> {
        // Counting asks each field whether it was changed; only a session that is nearly full does.
        let may_be_full = self.base.len() + self.changes.list.len() >= limits.entries;
        if may_be_full && !self.contains(name) && self.all().count() >= limits.entries {
            return Err(Error::input(format!(
                "add a session value: {} are in it already; no more fit",
                limits.entries
            )));
        }
        self.base.format().check_value(value, limits)
    }

    /// Encodes the session; the result becomes the base, and the changes wait for [`Data::done`] or
    /// [`Data::undo`].
    pub(super) fn encode(
        &mut self,
        header: &Header,
        layout: Layout,
        limits: &Limits,
    ) -> Result<Bytes> {
        let format = self.base.format();
        let permanent = match layout {
            Layout::Bare => Record::bare_permanent(header, format),
            _ => None,
        };
        let too_long = |len: usize| {
            Error::input(format!(
                "encode a session of {len} bytes: at most {} fit; keep large things elsewhere",
                limits.bytes
            ))
        };
        let mut bytes = self.base.bytes() + 256;
        let mut count = usize::from(permanent.is_some());
        for change in &self.changes.list {
            let value = change.value.as_ref();
            count += usize::from(value.is_some());
            bytes += change.name.len() + value.map_or(0, Vec::len) + 6;
        }
        // More than the limit is found out below; this keeps the work within bounds.
        if bytes > limits.bytes.saturating_mul(4).saturating_add(4096) {
            return Err(too_long(bytes));
        }
        count += match layout {
            // An upper bound will do: counting is as much work as copying.
            Layout::Native => self.base.len(),
            Layout::Bare => self.kept().count(),
        };
        let begun = Record::begin_with(header, layout, format, bytes);
        let mut builder = FieldsBuilder::new(layout, format, count, begun);
        if !self.changes.cleared {
            builder.push_stored(&self.base, |name| self.is_kept(name));
        }
        let changed = self.changes.list.iter();
        let changed = changed.filter_map(|change| Some((&*change.name, change.value.as_deref()?)));
        for (name, value) in permanent.into_iter().chain(changed) {
            builder.push(name, value);
        }
        let (whole, fields) = builder.finish();
        if whole.len() > limits.bytes {
            return Err(too_long(whole.len()));
        }
        self.base = match permanent {
            Some((name, _)) => fields.without(name),
            None => fields,
        };
        let changes = std::mem::take(&mut self.changes);
        self.pending = Changes::both(std::mem::take(&mut self.pending), changes);
        Ok(whole)
    }

    /// What was encoded is stored: nothing of it needs to be repeated.
    pub(super) fn done(&mut self) {
        self.pending = Changes::default();
    }

    /// What was encoded is not stored: its changes are still to be made.
    pub(super) fn undo(&mut self) {
        let newer = std::mem::take(&mut self.changes);
        self.changes = Changes::both(std::mem::take(&mut self.pending), newer);
    }

    /// The changes that depend on a record's value.
    pub(super) fn repeats(&self) -> Vec<Repeat> {
        let list = self.changes.list.iter();
        list.filter(|change| !change.replay.is_empty())
            .map(|change| Repeat {
                name: Arc::clone(&change.name),
                replay: change.replay.clone(),
            })
            .collect()
    }

    /// Puts the changes on another base; `values` are what [`Repeat::run`] made of it.
    pub(super) fn rebase(&mut self, base: Fields, values: Vec<(Arc<str>, Option<Vec<u8>>)>) {
        self.base = base;
        for (name, value) in values {
            let list = &mut self.changes.list;
            if let Some(change) = list.iter_mut().find(|change| change.name == name) {
                change.value = value;
            }
        }
    }

    fn put(&mut self, name: &str, value: Option<Vec<u8>>, replay: Option<Replay>) {
        let list = &mut self.changes.list;
        let Some(change) = list.iter_mut().find(|change| &*change.name == name) else {
            // After `clear` there is no record's value that it could depend on.
            let replay = replay.filter(|_| !self.changes.cleared);
            self.changes.list.push(Change {
                name: name.into(),
                value,
                replay: replay.into_iter().collect(),
            });
            return;
        };
        change.value = value;
        match replay {
            None => change.replay.clear(),
            Some(replay) if !change.replay.is_empty() => change.replay.push(replay),
            // On top of a value that was set, the result depends on no record.
            Some(_) => {}
        }
    }
}

impl Repeat {
    /// Repeats the changes on the value that `fields` has. Runs the application's closures.
    pub(super) fn run(self, fields: &Fields) -> Result<(Arc<str>, Option<Vec<u8>>)> {
        let mut value = fields.get(&self.name).map(Vec::from);
        for replay in &self.replay {
            value = replay(value.as_deref())?;
        }
        Ok((self.name, value))
    }
}

impl Changes {
    fn of(&self, name: &str) -> Option<&Change> {
        self.list.iter().find(|change| &*change.name == name)
    }

    /// `older` and then `newer`.
    fn both(older: Self, newer: Self) -> Self {
        if newer.cleared || older.list.is_empty() && !older.cleared {
            return newer;
        }
        let mut both = older;
        for change in newer.list {
            let known = both.list.iter_mut().find(|old| old.name == change.name);
            match known {
                None => {
                    let replay = if both.cleared {
                        Vec::new()
                    } else {
                        change.replay
                    };
                    both.list.push(Change { replay, ..change });
                }
                Some(old) => {
                    old.value = change.value;
                    if change.replay.is_empty() {
                        old.replay.clear();
                    } else if !old.replay.is_empty() {
                        old.replay.extend(change.replay);
                    }
                }
            }
        }
        both
    }
}

/// Whether `name` is this crate's own.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}
