//! The state of one session as a pure machine: no I/O, no clock, no randomness.
//!
//! A request changes the state; [`State::plan`] says what must happen in the store;
//! [`State::begin`], then [`State::done`] or [`State::undo`], account for what did happen.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::data::Data;
use super::message::{Level, Message};
use super::retired::{Left, Retired};
use super::rules::{EmptyPolicy, Rules, is_renewal_due};
use crate::cache::Version;
use crate::codec::{Expiry, Fields, Header, Layout, Record};
use crate::error::Result;
use crate::id::{SessionId, StoreKey};
use crate::time::millis;

/// Writes of unknown outcome that are remembered.
const UNSURE_MAX: usize = 8;

/// Where a session's record lies.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) id: SessionId,
    /// The id's key: a digest that costs as much as the rest of a lookup is made once.
    pub(super) key: StoreKey,
    pub(super) version: Version,
}

/// What a commit has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing.
    Nothing,
    /// Prolong the record's life.
    Touch,
    /// Store a first record under a new id.
    Create,
    /// Write the record anew, if nobody else has.
    Replace,
    /// Store the record under a new id, then remove the old one.
    Rotate,
    /// Store the record under a new id, to which the old one leads for a while.
    RenewId,
    /// Remove the record: its time is up.
    Remove,
    /// Remove the record if nobody else has written it: nothing is left in it.
    RemoveEmpty,
    /// Refuse: the record is gone.
    Gone,
}

/// Changes of the header, to be repeated on another record.
#[derive(Clone, Default)]
struct Edits {
    expiry: Option<Expiry>,
    permanent: Option<Option<bool>>,
    owner: Option<Option<Arc<str>>>,
}

/// The flags that a commit takes down, and puts up again if it fails.
#[derive(Clone, Copy, Default)]
struct Flags {
    modified: bool,
    rotate: bool,
}

/// Moved several times until a loaded session lies where it stays: what few requests need is apart.
#[derive(Default)]
pub(super) struct State {
    pub(super) header: Header,
    pub(super) data: Data,
    pub(super) stored: Option<Stored>,
    /// The owner that the record names.
    pub(super) bound: Option<Arc<str>>,
    pub(super) accessed: bool,
    pub(super) gone: bool,
    /// The id that the client sent is an old one, and another response tells it the new one.
    pub(super) superseded: bool,
    /// The record's life was prolonged when it was loaded, which no commit has told yet.
    pub(super) prolonged: bool,
    /// Counts changes: a computation that took place outside the lock sees whether it is current.
    pub(super) stamp: u64,
    flags: Flags,
    /// The flags of a commit that is under way.
    pending: Option<Flags>,
    /// Counts `destroy`s: a commit that was under way must not bring the session back.
    epoch: u64,
    rare: Option<Box<Rare>>,
}

/// The part of a state that most requests do without.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) retired: Vec<Retired>,
    /// Messages of this request only, and those it has shown.
    pub(super) now: Vec<Message>,
    pub(super) shown: Vec<Message>,
    /// Below which level this request drops messages, if it says so.
    pub(super) minimum: Option<Level>,
    edits: Edits,
    /// The edits of a commit that is under way.
    pending: Edits,
    /// Writes of which nobody knows whether they arrived: their nonces, and the stamps they had.
    unsure: Vec<(u64, u64)>,
}

/// A write that is under way.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) bytes: Bytes,
    pub(super) owner: Option<Arc<str>>,
    /// The owner that the record before names.
    pub(super) was: Option<Arc<str>>,
    pub(super) created_ms: u64,
    /// How long the record is to live.
    pub(super) life_ms: u64,
    epoch: u64,
    stamp: u64,
    nonce: u64,
    moves: bool,
    /// When the id was issued that the session had before.
    id_issued_ms: u64,
}

impl State {
    /// A session without a record.
    pub(super) fn fresh(rules: &Rules) -> Self {
        Self {
            data: Data::new(Fields::none(rules.format)),
            ..Self::default()
        }
    }

    /// The session of a record that was loaded.
    pub(super) fn of(record: Record, stored: Stored) -> Self {
        let mut state = Self {
            data: Data::new(record.fields),
            stored: Some(stored),
            ..Self::default()
        };
        state.bound.clone_from(&record.header.owner);
        state.header = record.header;
        state
    }

    pub(super) fn is_modified(&self) -> bool {
        self.flags.modified || self.flags.rotate
    }

    /// What most requests do without, made when first asked for.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// As [`State::rare_mut`], if there is one.
    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// Counts a change.
    pub(super) fn modified(&mut self) {
        self.accessed = true;
        self.flags.modified = true;
        self.stamp += 1;
    }

    /// Whether there is nothing worth a record: no value, no message, no owner.
    pub(super) fn is_bare(&self) -> bool {
        self.header.owner.is_none() && self.data.is_bare()
    }

    pub(super) fn set_expiry(&mut self, expiry: Expiry) {
        if self.header.expiry == expiry && self.header.permanent.is_none() {
            return;
        }
        self.header.expiry = expiry;
        self.header.permanent = None;
        let edits = &mut self.rare_mut().edits;
        edits.expiry = Some(expiry);
        edits.permanent = Some(None);
        self.modified();
    }

    pub(super) fn set_permanent(&mut self, permanent: bool) {
        if permanent && self.header.expiry == Expiry::BrowserSession {
            self.header.expiry = Expiry::Default;
            self.rare_mut().edits.expiry = Some(Expiry::Default);
        } else if self.header.permanent == Some(permanent) {
            return;
        }
        self.header.permanent = Some(permanent);
        self.rare_mut().edits.permanent = Some(Some(permanent));
        self.modified();
    }

    pub(super) fn set_owner(&mut self, owner: Option<Arc<str>>) {
        if self.header.owner == owner {
            return;
        }
        self.header.owner.clone_from(&owner);
        self.rare_mut().edits.owner = Some(owner);
        self.modified();
    }

    /// Asks for a new id at the next commit.
    pub(super) fn rotate(&mut self) {
        self.flags.rotate = true;
        self.modified();
    }

    /// Ends the session; what is written afterwards belongs to a new one.
    pub(super) fn destroy(&mut self, rules: &Rules) {
        if let Some(stored) = self.stored.take() {
            let owner = self.bound.take();
            self.retire(stored.key, owner, Left::Record);
        }
        let retired = self.rare.take().map(|rare| rare.retired);
        *self = Self {
            rare: retired.map(|retired| Box::new(Rare::of(retired))),
            epoch: self.epoch + 1,
            stamp: self.stamp,
            ..Self::fresh(rules)
        };
        self.modified();
    }

    /// When the session ends if it is not used any more, in milliseconds of the wall clock.
    pub(super) fn end_ms(&self, rules: &Rules, used_ms: u64) -> u64 {
        let end = match self.header.expiry {
            Expiry::At(time) => unix_ms(time),
            Expiry::Idle(time) => used_ms.saturating_add(millis(time)),
            _ => used_ms.saturating_add(rules.idle_ms),
        };
        end.min(self.absolute_end_ms(rules))
    }

    /// How long the record is to live from `now_ms` on; 0 if its time is up.
    pub(super) fn life_ms(&self, rules: &Rules, now_ms: u64) -> u64 {
        let left = self.end_ms(rules, now_ms).saturating_sub(now_ms);
        // A wall clock that was set back must not lengthen what a session has in all.
        let whole = self.absolute_end_ms(rules);
        match self.header.created_ms {
            0 => left,
            created => left.min(whole.saturating_sub(created)),
        }
    }

    fn absolute_end_ms(&self, rules: &Rules) -> u64 {
        let recorded = self.header.end_ms.unwrap_or(u64::MAX);
        match (self.header.created_ms, rules.absolute_ms) {
            (0, _) | (_, None) => recorded,
            (created, Some(absolute)) => recorded.min(created.saturating_add(absolute)),
        }
    }

    /// Whether use prolongs the session.
    pub(super) fn slides(&self, rules: &Rules) -> bool {
        rules.sliding && !matches!(self.header.expiry, Expiry::At(_))
    }

    /// The idle timeout that holds for this session.
    pub(super) fn idle_ms(&self, rules: &Rules) -> u64 {
        match self.header.expiry {
            Expiry::Idle(time) => millis(time),
            _ => rules.idle_ms,
        }
    }

    /// Says what a commit has to do. `renewed_ms` is when the record's life was last prolonged.
    pub(super) fn plan(&self, rules: &Rules, now_ms: u64, renewed_ms: u64) -> Plan {
        if self.gone {
            return if self.is_modified() {
                Plan::Gone
            } else {
                Plan::Nothing
            };
        }
        let is_over = self.life_ms(rules, now_ms) == 0;
        if self.stored.is_none() {
            let is_due = self.flags.modified && !self.is_bare() && !is_over;
            return if is_due { Plan::Create } else { Plan::Nothing };
        }
        if is_over {
            return Plan::Remove;
        }
        if !self.is_modified() {
            let is_due = is_renewal_due(self.idle_ms(rules), now_ms, renewed_ms);
            return if self.slides(rules) && is_due {
                Plan::Touch
            } else {
                Plan::Nothing
            };
        }
        if self.is_bare() && rules.on_empty == EmptyPolicy::Delete {
            return Plan::RemoveEmpty;
        }
        if self.flags.rotate {
            Plan::Rotate
        } else {
            Plan::Replace
        }
    }

    /// Encodes what is to be written, and takes the changes down until they are done or undone.
    /// `moves` says that it goes under a new id.
    ///
    /// # Errors
    /// `InvalidInput` if the session is larger than allowed; nothing has changed then.
    pub(super) fn begin(
        &mut self,
        rules: &Rules,
        now_ms: u64,
        nonce: u64,
        moves: bool,
    ) -> Result<Attempt> {
        if self.header.created_ms == 0 && rules.layout == Layout::Native {
            self.header.created_ms = now_ms;
        }
        if let (None, Some(absolute)) = (self.header.end_ms, rules.absolute_ms) {
            let created = self.header.created_ms;
            self.header.end_ms = (created != 0).then(|| created.saturating_add(absolute));
        }
        let id_issued_ms = self.header.id_issued_ms;
        let header = Header {
            id_issued_ms: match (moves, rules.id_renewal) {
                (false, _) => id_issued_ms,
                (true, Some(_)) => now_ms,
                // Nobody asks; should it be asked for later, the id counts as older than it is.
                (true, None) => 0,
            },
            written_ms: now_ms,
            nonce,
            moved: false,
            ..self.header.clone()
        };
        let bytes = self.data.encode(&header, rules.layout, &rules.limits)?;
        self.header = header;
        self.pending = Some(std::mem::take(&mut self.flags));
        if let Some(rare) = &mut self.rare {
            rare.pending = std::mem::take(&mut rare.edits);
        }
        Ok(Attempt {
            bytes,
            owner: self.header.owner.clone(),
            was: self.bound.clone(),
            created_ms: self.header.created_ms,
            life_ms: self.life_ms(rules, now_ms),
            epoch: self.epoch,
            stamp: self.stamp,
            nonce,
            moves,
            id_issued_ms,
        })
    }

    /// The attempt is stored as `stored`.
    pub(super) fn done(&mut self, attempt: &Attempt, stored: Stored) {
        if attempt.epoch != self.epoch {
            // Destroyed in the meantime: the record goes as well.
            self.retire(stored.key, attempt.owner.clone(), Left::Record);
            return;
        }
        // A new id is this session's own to tell.
        self.superseded &= !attempt.moves;
        self.stored = Some(stored);
        self.bound.clone_from(&attempt.owner);
        self.pending = None;
        if let Some(rare) = &mut self.rare {
            rare.unsure.clear();
            rare.pending = Edits::default();
        }
        self.data.done();
    }

    /// The attempt is not stored: its changes are still to be made. Unless the store said so
    /// (`is_refused`), nobody knows, and the record may turn out to be this very attempt.
    pub(super) fn undo(&mut self, attempt: &Attempt, is_refused: bool) {
        if attempt.epoch != self.epoch {
            return;
        }
        self.header.id_issued_ms = attempt.id_issued_ms;
        if !is_refused {
            let unsure = &mut self.rare_mut().unsure;
            if unsure.len() < UNSURE_MAX {
                unsure.push((attempt.nonce, attempt.stamp));
            }
        }
        if let Some(flags) = self.pending.take() {
            self.flags.modified |= flags.modified;
            self.flags.rotate |= flags.rotate;
            if let Some(rare) = &mut self.rare {
                let older = std::mem::take(&mut rare.pending);
                let newer = std::mem::take(&mut rare.edits);
                rare.edits = Edits {
                    expiry: newer.expiry.or(older.expiry),
                    permanent: newer.permanent.or(older.permanent),
                    owner: newer.owner.or(older.owner),
                };
            }
            self.data.undo();
        }
    }

    /// Whether `record` is this state's own write, of which nobody knew whether it had arrived, and
    /// nothing changed since.
    pub(super) fn is_own(&self, record: &Record) -> bool {
        let own = (record.header.nonce, self.stamp);
        self.rare().is_some_and(|rare| rare.unsure.contains(&own))
    }

    /// Forgets changes: they are in `record` already.
    pub(super) fn arrived(&mut self, record: Record) {
        self.flags = Flags::default();
        if let Some(rare) = &mut self.rare {
            rare.edits = Edits::default();
            rare.unsure.clear();
        }
        self.header = record.header;
        self.data = Data::new(record.fields);
    }

    /// The record that was looked for under `key` is this version of the one under `now`.
    pub(super) fn lies_at(&mut self, key: &StoreKey, now: StoreKey, version: Version) {
        self.superseded |= *key != now;
        if let Some(stored) = &mut self.stored {
            (stored.key, stored.version) = (now, version);
        }
    }

    /// Takes over the header of another write of the record, under this state's edits.
    pub(super) fn adopt(&mut self, header: Header) {
        self.header = header;
        let Some(rare) = &self.rare else { return };
        let edits = rare.edits.clone();
        if let Some(expiry) = edits.expiry {
            self.header.expiry = expiry;
        }
        if let Some(permanent) = edits.permanent {
            self.header.permanent = permanent;
        }
        if let Some(owner) = edits.owner {
            self.header.owner = owner;
        }
    }

    /// The record is no more, and with it what was in it.
    pub(super) fn lost(&mut self, rules: &Rules) {
        let mut rare = self.rare.take();
        if let Some(rare) = &mut rare {
            rare.edits = Edits::default();
            rare.pending = Edits::default();
            rare.unsure.clear();
        }
        *self = Self {
            rare,
            accessed: self.accessed,
            epoch: self.epoch + 1,
            stamp: self.stamp + 1,
            ..Self::fresh(rules)
        };
    }
}

impl Rare {
    fn of(retired: Vec<Retired>) -> Self {
        Self {
            retired,
            ..Self::default()
        }
    }
}

pub(super) fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, millis)
}
