//! One key, sequentially: absent, or a value with a version and a deadline known up to the time
//! that passed during its write.
//!
//! The clock is read somewhere between an operation's call and its return, so the model keeps the
//! earliest and the latest deadline that this allows. An entry may be found missing as soon as the
//! earliest has come, and found until the latest has. Where entries are evicted, one may be missing at any
//! time; whatever is missing once stays so until it is written again.

use porcupine_rs::{CheckResult, Model, Operation};

/// What an operation did, with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Insert {
        value: u32,
        version: u64,
        life: Life,
    },
    InsertIfAbsent {
        value: u32,
        version: Option<u64>,
        life: Life,
    },
    Replace {
        expected: Option<u64>,
        value: u32,
        life: Life,
        answer: Answer,
    },
    Get(Option<u32>),
    GetVersioned(Option<(u32, u64)>),
    Contains(bool),
    /// Milliseconds left, if it is there.
    TimeToLive(Option<u64>),
    Touch {
        ttl: u64,
        found: bool,
    },
    GetAndTouch {
        ttl: u64,
        found: Option<u32>,
    },
    Remove(bool),
    Take(Option<u32>),
    Clear,
    /// A walk that may pass by a key again, where it has come back elsewhere.
    MayClear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Done(u64),
    Gone,
    Conflict(u64),
}

/// The lifetimes of a write, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) ttl: u64,
    pub(crate) idle: Option<u64>,
    pub(crate) max_age: Option<u64>,
}

/// A moment between these two, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Span {
    earliest: u64,
    latest: u64,
}

impl Span {
    const NEVER: Self = Self {
        earliest: u64::MAX,
        latest: u64::MAX,
    };

    /// So many milliseconds after the moment of an operation; never, if it does not say how many.
    fn after(act: &Act, millis: Option<u64>) -> Self {
        millis.map_or(Self::NEVER, |millis| Self {
            earliest: act.from + millis,
            latest: act.to + millis,
        })
    }

    fn min(self, other: Self) -> Self {
        Self {
            earliest: self.earliest.min(other.earliest),
            latest: self.latest.min(other.latest),
        }
    }
}

/// An operation on one key, with what the clock showed before and after.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) key: u8,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    value: u32,
    version: u64,
    /// The end by time to live, which a touch moves.
    ttl: Span,
    /// The end by idle timeout, which every use moves.
    idle: Span,
    idle_ms: Option<u64>,
    /// The end that nothing moves.
    age: Span,
}

impl Entry {
    fn end(&self) -> Span {
        self.ttl.min(self.idle).min(self.age)
    }

    fn used(self, act: &Act) -> Self {
        let idle = Span::after(act, self.idle_ms);
        Self { idle, ..self }
    }

    fn touched(self, act: &Act, ttl: u64) -> Self {
        let ttl = Span::after(act, Some(ttl));
        Self { ttl, ..self }.used(act)
    }
}

/// The model of one key; `EVICTS` says whether entries may go at any time.
#[derive(Debug, Clone)]
pub(crate) struct OneKey<const EVICTS: bool>;

pub(crate) type History<const EVICTS: bool> = Vec<Operation<OneKey<EVICTS>>>;

impl<const EVICTS: bool> Model for OneKey<EVICTS> {
    /// All that may be the case.
    type State = Vec<Option<Entry>>;
    type Op = Act;
    type Metadata = ();

    fn partition_operations(history: &[Operation<Self>]) -> Vec<Vec<Operation<Self>>> {
        let of = |key| {
            history
                .iter()
                .filter(move |act| act.op.key == key)
                .cloned()
                .collect()
        };
        (0..super::script::KEYS).map(of).collect()
    }

    fn init() -> Self::State {
        vec![None]
    }

    fn step(states: &Self::State, act: &Act) -> (bool, Self::State) {
        let mut after = Vec::with_capacity(1);
        for state in states {
            let (is_possible, next) = Self::from_one(state, act);
            let stays = (act.what == What::MayClear).then_some(*state);
            for next in is_possible.then_some(next).into_iter().chain(stays) {
                if !after.contains(&next) {
                    after.push(next);
                }
            }
        }
        (!after.is_empty(), after)
    }
}

impl<const EVICTS: bool> OneKey<EVICTS> {
    fn from_one(state: &Option<Entry>, act: &Act) -> (bool, Option<Entry>) {
        let found = state.filter(|entry| entry.end().latest > act.from);
        let may_miss = state.is_none_or(|entry| EVICTS || entry.end().earliest <= act.to);
        let missing = (may_miss, None);
        let written = |value, version, life: Life| {
            Some(Entry {
                value,
                version,
                ttl: Span::after(act, Some(life.ttl)),
                idle: Span::after(act, life.idle),
                idle_ms: life.idle,
                age: Span::after(act, life.max_age),
            })
        };
        let refused = (false, *state);
        match (act.what.clone(), found) {
            (
                What::Insert {
                    value,
                    version,
                    life,
                },
                _,
            ) => (true, written(value, version, life)),
            (
                What::InsertIfAbsent {
                    value,
                    version: Some(version),
                    life,
                },
                _,
            ) => (may_miss, written(value, version, life)),
            (What::InsertIfAbsent { version: None, .. }, found) => (found.is_some(), *state),
            (
                What::Replace {
                    answer: Answer::Gone,
                    ..
                },
                _,
            ) => missing,
            (
                What::Replace {
                    expected,
                    value,
                    life,
                    answer: Answer::Done(version),
                },
                Some(entry),
            ) => {
                let agrees = expected.is_none_or(|expected| expected == entry.version);
                (agrees, written(value, version, life))
            }
            (
                What::Replace {
                    expected,
                    answer: Answer::Conflict(seen),
                    ..
                },
                Some(entry),
            ) => (seen == entry.version && expected != Some(seen), *state),
            (
                What::Get(None)
                | What::GetVersioned(None)
                | What::Contains(false)
                | What::TimeToLive(None)
                | What::Touch { found: false, .. }
                | What::GetAndTouch { found: None, .. }
                | What::Remove(false)
                | What::Take(None),
                _,
            ) => missing,
            (What::Get(Some(value)), Some(entry)) => (value == entry.value, Some(entry.used(act))),
            (What::GetVersioned(Some(seen)), Some(entry)) => {
                let agrees = seen == (entry.value, entry.version);
                (agrees, Some(entry.used(act)))
            }
            (What::Contains(true), Some(_)) => (true, *state),
            (What::TimeToLive(Some(left)), Some(entry)) => {
                let (seen, end) = (Span::after(act, Some(left)), entry.end());
                let agrees = seen.earliest <= end.latest && end.earliest <= seen.latest;
                (agrees, *state)
            }
            (What::Touch { ttl, found: true }, Some(entry)) => {
                (true, Some(entry.touched(act, ttl)))
            }
            (
                What::GetAndTouch {
                    ttl,
                    found: Some(value),
                },
                Some(entry),
            ) => (value == entry.value, Some(entry.touched(act, ttl))),
            (What::Remove(true), Some(_)) => (true, None),
            (What::Take(Some(value)), Some(entry)) => (value == entry.value, None),
            (What::Clear | What::MayClear, _) => (true, None),
            _ => refused,
        }
    }
}

/// Whether the operations on `key` hold one after the other as `moment` orders them: then that order is
/// the proof. Ordered by calls or by returns, none comes before one that had ended when it was called.
fn is_proved<const EVICTS: bool>(
    acts: &[super::script::Recorded],
    key: u8,
    moment: fn(&super::script::Recorded) -> i64,
) -> bool {
    let mut order: Vec<_> = acts.iter().filter(|it| it.act.key == key).collect();
    order.sort_by_key(|recorded| moment(recorded));
    let start = (true, OneKey::<EVICTS>::init());
    let end = order.iter().fold(start, |(holds, state), recorded| {
        let (step_holds, state) = OneKey::<EVICTS>::step(&state, &recorded.act);
        (holds && step_holds, state)
    });
    end.0
}

pub(crate) fn is_linearizable<const EVICTS: bool>(acts: &[super::script::Recorded]) -> bool {
    // Porcupine begins a thread for each key of each history, which is half of the time that all takes:
    // it is asked where the two plain orders are no answer.
    let is_plain = |key| {
        is_proved::<EVICTS>(acts, key, |it| it.end) || is_proved::<EVICTS>(acts, key, |it| it.call)
    };
    (0..super::script::KEYS).all(is_plain) || is_found_linearizable::<EVICTS>(acts)
}

fn is_found_linearizable<const EVICTS: bool>(acts: &[super::script::Recorded]) -> bool {
    let history: History<EVICTS> = acts
        .iter()
        .map(|recorded| Operation {
            client_id: None,
            call_time: recorded.call,
            return_time: recorded.end,
            op: recorded.act.clone(),
            metadata: None,
        })
        .collect();
    let limit = std::time::Duration::from_secs(10);
    porcupine_rs::check_operations_timeout(&history, limit) == CheckResult::Ok
}
