//! One key, sequentially: absent, or a value with a version and a deadline known up to the time
//! that passed during its write.
//!
//! The clock is read somewhere between an operation's call and its return, so the model keeps the
//! earliest and the latest deadline that this allows. An entry may be found missing as soon as the
//! earliest has come, and found until the latest has. With a limit, an entry may be missing at any
//! time; whatever is missing once stays so until it is written again.

use porcupine_rs::{CheckResult, Model, Operation};

/// What an operation did, with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Insert {
        value: u32,
        version: u64,
        ttl: u64,
    },
    InsertIfAbsent {
        value: u32,
        version: Option<u64>,
        ttl: u64,
    },
    Replace {
        expected: Option<u64>,
        value: u32,
        ttl: u64,
        answer: Answer,
    },
    Get(Option<u32>),
    GetVersioned(Option<(u32, u64)>),
    Contains(bool),
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Done(u64),
    Gone,
    Conflict(u64),
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
    earliest: u64,
    latest: u64,
}

/// The model of one key; `EVICTS` says whether entries may go at any time.
#[derive(Debug, Clone)]
pub(crate) struct OneKey<const EVICTS: bool>;

pub(crate) type History<const EVICTS: bool> = Vec<Operation<OneKey<EVICTS>>>;

impl<const EVICTS: bool> Model for OneKey<EVICTS> {
    type State = Option<Entry>;
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
        None
    }

    fn step(state: &Self::State, act: &Act) -> (bool, Self::State) {
        let found = state.filter(|entry| entry.latest > act.from);
        let may_miss = state.is_none_or(|entry| EVICTS || entry.earliest <= act.to);
        let missing = (may_miss, None);
        let written = |value, version, ttl| {
            Some(Entry {
                value,
                version,
                earliest: act.from + ttl,
                latest: act.to + ttl,
            })
        };
        let touched = |entry: Entry, ttl| {
            Some(Entry {
                earliest: act.from + ttl,
                latest: act.to + ttl,
                ..entry
            })
        };
        let refused = (false, *state);
        match (act.what.clone(), found) {
            (
                What::Insert {
                    value,
                    version,
                    ttl,
                },
                _,
            ) => (true, written(value, version, ttl)),
            (
                What::InsertIfAbsent {
                    value,
                    version: Some(version),
                    ttl,
                },
                _,
            ) => (may_miss, written(value, version, ttl)),
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
                    ttl,
                    answer: Answer::Done(version),
                },
                Some(entry),
            ) => {
                let agrees = expected.is_none_or(|expected| expected == entry.version);
                (agrees, written(value, version, ttl))
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
                | What::Touch { found: false, .. }
                | What::GetAndTouch { found: None, .. }
                | What::Remove(false)
                | What::Take(None),
                _,
            ) => missing,
            (What::Get(Some(value)), Some(entry)) => (value == entry.value, *state),
            (What::GetVersioned(Some(seen)), Some(entry)) => {
                (seen == (entry.value, entry.version), *state)
            }
            (What::Contains(true), Some(_)) => (true, *state),
            (What::Touch { ttl, found: true }, Some(entry)) => (true, touched(entry, ttl)),
            (
                What::GetAndTouch {
                    ttl,
                    found: Some(value),
                },
                Some(entry),
            ) => (value == entry.value, touched(entry, ttl)),
            (What::Remove(true), Some(_)) => (true, None),
            (What::Take(Some(value)), Some(entry)) => (value == entry.value, None),
            (What::Clear, _) => (true, None),
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
