//! The two global limits and the protected class's share of each, as exact meters.
//!
//! A write takes what it needs before it puts an entry in, and whoever takes an entry out gives
//! back afterwards, so what is held never exceeds a limit, whichever shard the keys fall on. Both while
//! the entry's shard is locked, so that nobody who sees the place free finds no room for it. An
//! unlimited meter is not counted at all. One meter is one shared atomic: counting in batches per
//! shard was left out, because an insert at capacity evicts one entry and takes its place without
//! touching a meter, and exactness would need the batches back at the worst moment.

use crossbeam::utils::CachePadded;

use super::terms::Class;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Says that a limit does not exist.
pub(crate) const UNLIMITED: u64 = u64::MAX;

struct Meter {
    limit: u64,
    used: CachePadded<AtomicU64>,
}

impl Meter {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            used: CachePadded::new(AtomicU64::new(0)),
        }
    }

    /// Takes `amount` if that keeps within the limit.
    ///
    /// Relaxed throughout: the meter orders nothing but itself; entries are ordered by their
    /// shard's lock.
    #[inline]
    fn take(&self, amount: u64) -> bool {
        self.limit == UNLIMITED
            || amount == 0
            || self
                .used
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                    used.checked_add(amount).filter(|&sum| sum <= self.limit)
                })
                .is_ok()
    }

    #[inline]
    fn give(&self, amount: u64) {
        if self.limit != UNLIMITED && amount != 0 {
            let before = self.used.fetch_sub(amount, Ordering::Relaxed);
            debug_assert!(before >= amount, "gave back more than was taken");
        }
    }
}

/// An amount of each thing that is metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) protected_entries: u64,
    pub(crate) protected_bytes: u64,
}

impl Amount {
    /// What one entry of this class and charge uses.
    pub(crate) fn of(class: Class, bytes: u64) -> Self {
        Self::some(class, 1, bytes)
    }

    pub(crate) fn some(class: Class, entries: u64, bytes: u64) -> Self {
        let mut amount = Self {
            entries,
            bytes,
            ..Self::default()
        };
        if class == Class::Protected {
            amount.protected_entries = entries;
            amount.protected_bytes = bytes;
        }
        amount
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.protected_entries += other.protected_entries;
        self.protected_bytes += other.protected_bytes;
    }

    /// What is missing here of `need`.
    pub(crate) fn missing(&self, need: &Self) -> Self {
        Self {
            entries: need.entries.saturating_sub(self.entries),
            bytes: need.bytes.saturating_sub(self.bytes),
            protected_entries: need
                .protected_entries
                .saturating_sub(self.protected_entries),
            protected_bytes: need.protected_bytes.saturating_sub(self.protected_bytes),
        }
    }

    /// Uses up `need`, of which nothing is missing.
    pub(crate) fn spend(&mut self, need: Self) {
        debug_assert_eq!(self.missing(&need), Self::default());
        self.entries -= need.entries;
        self.bytes -= need.bytes;
        self.protected_entries -= need.protected_entries;
        self.protected_bytes -= need.protected_bytes;
    }
}

/// Which budget a write ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// The protected class's own.
    Protected,
    /// The whole cache's.
    Total,
}

/// The meters of one cache.
pub(crate) struct Quota {
    entries: Meter,
    bytes: Meter,
    protected_entries: Meter,
    protected_bytes: Meter,
}

impl Quota {
    /// Limits in entries and bytes; [`UNLIMITED`] for none.
    pub(crate) fn new(limits: Amount) -> Self {
        Self {
            entries: Meter::new(limits.entries),
            bytes: Meter::new(limits.bytes),
            protected_entries: Meter::new(limits.protected_entries),
            protected_bytes: Meter::new(limits.protected_bytes),
        }
    }

    /// Fills `credit` up to `need` from the meters; what it could take stays in `credit` either way.
    ///
    /// The protected budget is asked first, so that a refused newcomer has taken nothing that
    /// somebody else might have to be evicted for.
    #[inline]
    pub(crate) fn fill(&self, credit: &mut Amount, need: Amount) -> Result<(), Short> {
        let missing = credit.missing(&need);
        if missing.protected_entries + missing.protected_bytes > 0 {
            if !self.protected_entries.take(missing.protected_entries) {
                return Err(Short::Protected);
            }
            credit.protected_entries += missing.protected_entries;
            if !self.protected_bytes.take(missing.protected_bytes) {
                return Err(Short::Protected);
            }
            credit.protected_bytes += missing.protected_bytes;
        }
        if !self.entries.take(missing.entries) {
            return Err(Short::Total);
        }
        credit.entries += missing.entries;
        if !self.bytes.take(missing.bytes) {
            return Err(Short::Total);
        }
        credit.bytes += missing.bytes;
        Ok(())
    }

    /// Gives an amount back.
    #[inline]
    pub(crate) fn give(&self, amount: Amount) {
        self.entries.give(amount.entries);
        self.bytes.give(amount.bytes);
        self.protected_entries.give(amount.protected_entries);
        self.protected_bytes.give(amount.protected_bytes);
    }

    /// Whether this class can hold no entry at all.
    pub(crate) fn holds_none(&self, class: Class) -> bool {
        class == Class::Protected && self.protected_entries.limit == 0
    }

    /// An amount that was summed while others changed it, cut to the limits it never exceeds.
    pub(crate) fn clamp(&self, summed: Amount) -> Amount {
        Amount {
            entries: summed.entries.min(self.entries.limit),
            bytes: summed.bytes.min(self.bytes.limit),
            protected_entries: summed.protected_entries.min(self.protected_entries.limit),
            protected_bytes: summed.protected_bytes.min(self.protected_bytes.limit),
        }
    }

    /// The largest charge an entry of this class can ever have.
    pub(crate) fn largest(&self, class: Class) -> u64 {
        if self.bytes.limit == UNLIMITED {
            return UNLIMITED;
        }
        match class {
            Class::Protected => self.protected_bytes.limit.min(self.bytes.limit),
            // What the protected class may hold is never taken from it.
            Class::Anonymous => {
                self.bytes
                    .limit
                    .saturating_sub(if self.protected_bytes.limit == UNLIMITED {
                        0
                    } else {
                        self.protected_bytes.limit
                    })
            }
        }
    }

    /// Compares the meters with a recount, when nothing else is going on.
    #[cfg(any(test, feature = "__internals"))]
    pub(crate) fn check(&self, counted: Amount) {
        for (meter, counted) in [
            (&self.entries, counted.entries),
            (&self.bytes, counted.bytes),
            (&self.protected_entries, counted.protected_entries),
            (&self.protected_bytes, counted.protected_bytes),
        ] {
            if meter.limit != UNLIMITED {
                let used = meter.used.load(Ordering::Relaxed);
                assert_eq!(used, counted, "a meter tells what is held");
                assert!(counted <= meter.limit, "what is held is within its limit");
            }
        }
    }
}

#[cfg(all(test, not(any(sessile_loom, sessile_shuttle))))]
mod tests {
    use super::*;
    use crate::cache::check::refused;

    fn quota() -> Quota {
        Quota::new(Amount {
            entries: 3,
            bytes: 100,
            protected_entries: 1,
            protected_bytes: 60,
        })
    }

    #[test]
    fn a_partial_take_stays_in_the_credit_and_can_be_given_back() {
        let quota = quota();
        let mut credit = Amount::default();
        let big = Amount::of(Class::Anonymous, 101);
        assert_eq!(quota.fill(&mut credit, big), Err(Short::Total));
        assert_eq!(
            credit,
            Amount {
                entries: 1,
                ..Amount::default()
            }
        );
        quota.check(credit);
        quota.give(credit);
        quota.check(Amount::default());
    }

    #[test]
    fn evicted_credit_is_used_before_the_meters_are_asked() {
        let quota = quota();
        let mut credit = Amount::of(Class::Anonymous, 40);
        let need = Amount::of(Class::Anonymous, 70);
        quota
            .fill(&mut Amount::default(), Amount::of(Class::Anonymous, 40))
            .expect("within limits");
        quota.fill(&mut credit, need).expect("40 are in hand");
        credit.spend(need);
        assert_eq!(credit, Amount::default());
        quota.check(Amount {
            entries: 1,
            bytes: 70,
            ..Amount::default()
        });
    }

    #[test]
    fn the_protected_budget_is_asked_first() {
        let quota = quota();
        let need = Amount::of(Class::Protected, 10);
        let mut first = Amount::default();
        quota.fill(&mut first, need).expect("within limits");
        let mut second = Amount::default();
        assert_eq!(quota.fill(&mut second, need), Err(Short::Protected));
        assert_eq!(second, Amount::default());
    }

    #[test]
    fn the_recount_finds_each_meter_that_is_wrong_or_beyond_its_limit() {
        type Measure = fn(&mut Amount) -> &mut u64;
        type Metered = fn(&Quota) -> &Meter;
        let measures: [(Measure, Metered); 4] = [
            (|amount| &mut amount.entries, |quota| &quota.entries),
            (|amount| &mut amount.bytes, |quota| &quota.bytes),
            (
                |amount| &mut amount.protected_entries,
                |quota| &quota.protected_entries,
            ),
            (
                |amount| &mut amount.protected_bytes,
                |quota| &quota.protected_bytes,
            ),
        ];
        for (measure, meter) in measures {
            let quota = quota();
            let beyond = meter(&quota).limit + 1;
            let mut counted = Amount::default();
            quota.check(counted);
            *measure(&mut counted) = beyond;
            refused("a meter tells what is held", || quota.check(counted));
            meter(&quota).used.store(beyond, Ordering::Relaxed);
            refused("what is held is within its limit", || quota.check(counted));
        }
    }
}
