//! What can be done to a cache, and how to choose it at random.

use std::time::Duration;

use proptest::prelude::*;
use sessile::Terms;

/// A key of the small universe: one of three namespaces and one of 24 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) namespace: u8,
    pub(crate) number: u8,
}

impl Name {
    /// The key's bytes: lengths around every boundary of the engine's layouts.
    pub(crate) fn bytes(self) -> Vec<u8> {
        const LENGTHS: [usize; 8] = [1, 7, 8, 22, 23, 24, 40, 2100];
        vec![b'a' + self.number; LENGTHS[usize::from(self.number) % LENGTHS.len()]]
    }
}

/// The lifetimes and class of a write, in milliseconds; 0 stands for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) ttl: u64,
    pub(crate) idle: u64,
    pub(crate) max_age: u64,
    pub(crate) protected: bool,
}

impl Kept {
    pub(crate) fn terms(self) -> Terms {
        let ms = Duration::from_millis;
        let mut terms = match self.ttl {
            0 => Terms::forever(),
            ttl => Terms::ttl(ms(ttl)),
        };
        if self.idle > 0 {
            terms = terms.idle(ms(self.idle));
        }
        if self.max_age > 0 {
            terms = terms.max_age(ms(self.max_age));
        }
        if self.protected {
            terms = terms.protected();
        }
        terms
    }
}

/// Which version a replace expects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    Any,
    Current,
    Stale,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Insert(Name, usize, Kept),
    InsertIfAbsent(Name, usize, Kept),
    Replace(Name, usize, Kept, Expect),
    Get(Name),
    GetVersioned(Name),
    GetWith(Name),
    GetMany(Vec<Name>),
    Contains(Name),
    TimeToLive(Name),
    Touch(Name, u64),
    GetAndTouch(Name, u64),
    Remove(Name),
    Take(Name),
    Clear,
    ClearNamespace(u8),
    Retain(u8),
    Maintain(usize),
    Advance(u64),
    Rewind(u64),
}

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 3600 * SECOND;

fn name() -> impl Strategy<Value = Name> {
    (0..3_u8, 0..24_u8).prop_map(|(namespace, number)| Name { namespace, number })
}

/// Short, around the wheel's level boundaries, and long.
pub(crate) fn life() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 1..200_u64,
        3 => prop::sample::select(vec![63, 64, 65, 4095, 4096, 4097, 262_144, 16_777_216]),
        2 => 1..100 * SECOND,
        1 => DAY..400 * DAY,
    ]
}

pub(crate) fn kept() -> impl Strategy<Value = Kept> {
    let some = || prop_oneof![2 => Just(0), 1 => life()];
    let ttl = prop_oneof![1 => Just(0), 4 => life()];
    (ttl, some(), some(), prop::bool::weighted(0.25)).prop_map(|(ttl, idle, max_age, protected)| {
        Kept {
            ttl,
            idle,
            max_age,
            protected,
        }
    })
}

/// Value lengths on both sides of the copying limit of the tests, which is 64.
pub(crate) fn len() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..70_usize, 1 => 70..600_usize]
}

fn expect() -> impl Strategy<Value = Expect> {
    prop_oneof![
        Just(Expect::Any),
        Just(Expect::Current),
        Just(Expect::Stale)
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let touch = || prop_oneof![1 => Just(0), 9 => life()];
    prop_oneof![
        12 => (name(), len(), kept()).prop_map(|(n, l, k)| Op::Insert(n, l, k)),
        3 => (name(), len(), kept()).prop_map(|(n, l, k)| Op::InsertIfAbsent(n, l, k)),
        3 => (name(), len(), kept(), expect()).prop_map(|(n, l, k, e)| Op::Replace(n, l, k, e)),
        6 => name().prop_map(Op::Get),
        2 => name().prop_map(Op::GetVersioned),
        2 => name().prop_map(Op::GetWith),
        1 => prop::collection::vec(name(), 0..6).prop_map(Op::GetMany),
        2 => name().prop_map(Op::Contains),
        2 => name().prop_map(Op::TimeToLive),
        4 => (name(), touch()).prop_map(|(n, t)| Op::Touch(n, t)),
        3 => (name(), touch()).prop_map(|(n, t)| Op::GetAndTouch(n, t)),
        3 => name().prop_map(Op::Remove),
        2 => name().prop_map(Op::Take),
        1 => prop_oneof![
            Just(Op::Clear),
            (0..3_u8).prop_map(Op::ClearNamespace),
            (2..5_u8).prop_map(Op::Retain),
        ],
        3 => (0..40_usize).prop_map(Op::Maintain),
        9 => prop_oneof![4 => life().boxed(), 1 => Just(1).boxed()].prop_map(Op::Advance),
        1 => prop_oneof![1..1500_u64, DAY..40 * DAY].prop_map(Op::Rewind),
    ]
}
