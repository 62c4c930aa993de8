//! The one trait behind which every cache takes part. Hot loops are generic
//! over it, so each contender's calls are compiled and inlined on their own.

use crate::clock::Ttl;
use crate::id::Id;
use bytes::Bytes;

/// What a workload asks of a cache before it starts.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The entries it may hold; `None` where nothing may be evicted.
    pub limit: Option<usize>,
    /// How many entries the workload will hold at most.
    pub expected: usize,
    /// The lifetime that most entries get.
    pub ttl: Ttl,
    /// Whether reads slide the deadline.
    pub sliding: bool,
}

impl Plan {
    /// A plan without a limit and with a lifetime that outlasts the run.
    #[must_use]
    pub const fn roomy(expected: usize) -> Plan {
        Plan {
            limit: None,
            expected,
            ttl: Ttl::from_ms(3_600_000),
            sliding: false,
        }
    }

    /// A plan with a limit and a lifetime that outlasts the run.
    #[must_use]
    pub const fn bounded(limit: usize) -> Plan {
        Plan {
            limit: Some(limit),
            expected: limit,
            ttl: Ttl::from_ms(3_600_000),
            sliding: false,
        }
    }

    /// The same plan with sliding sessions.
    #[must_use]
    pub const fn sliding(self) -> Plan {
        Plan {
            sliding: true,
            ..self
        }
    }

    /// The capacity for a peer that cannot be unlimited: twice what is
    /// expected, so that it has no reason to evict.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.limit.unwrap_or(self.expected * 2).max(64)
    }
}

/// A cache that takes part.
pub trait Contender: Send + Sync + Sized + 'static {
    /// What a successful read hands out and the caller owns.
    type Held: AsRef<[u8]>;

    /// The name in every table.
    const NAME: &'static str;
    /// Whether it keeps to a limit of entries.
    const EVICTS: bool;
    /// Whether it ends entries by itself and gives back their memory.
    const RECLAIMS: bool;

    /// A new, empty cache for this plan.
    fn build(plan: &Plan) -> Self;

    /// A read that hands out an owned value; an ended entry is absent.
    fn get(&self, id: &Id) -> Option<Self::Held>;

    /// A read without ownership, where the peer has one.
    #[inline]
    fn get_with<R>(&self, id: &Id, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.get(id).map(|held| read(held.as_ref()))
    }

    /// A read that also sets the deadline to `ttl` from now.
    fn get_and_touch(&self, id: &Id, ttl: Ttl) -> Option<Self::Held>;

    /// Puts a value, over an older one if there is one.
    fn insert(&self, id: &Id, value: Bytes, ttl: Ttl);

    /// Removes an entry.
    fn remove(&self, id: &Id);

    /// The entries held, ended ones included where the cache still holds them.
    fn held(&self) -> usize;

    /// Brings deferred bookkeeping up to date, where the peer defers it.
    fn settle(&self) {}
}

/// A contender's name in front of the code that runs for it.
#[macro_export]
macro_rules! for_each_contender {
    ($each:ident) => {
        $each!($crate::contenders::Ours);
        $each!($crate::contenders::Dash<$crate::clock::Coarse>);
        $each!($crate::contenders::Dash<$crate::clock::Precise>);
        $each!($crate::contenders::Papaya);
        $each!($crate::contenders::Locked);
        $each!($crate::contenders::SccMap);
        $each!($crate::contenders::SccCache);
        $each!($crate::contenders::Quick<$crate::clock::Coarse>);
        $each!($crate::contenders::Quick<$crate::clock::Precise>);
        $each!($crate::contenders::QuickInline);
        $each!($crate::contenders::FoyerS3);
        $each!($crate::contenders::FoyerLru);
        $each!($crate::contenders::MokaExpiry);
        $each!($crate::contenders::MokaIdle);
        $each!($crate::contenders::Stretto);
    };
}
