//! With limits the model cannot know who is evicted, but the promises can be checked each time.
//!
//! After every operation: no limit is exceeded; a newcomer is readable; whoever is missing was
//! evicted, and only if the living left no room; protected entries go only for protected ones, and
//! only where that was chosen; whoever was refused could not have been let in.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sessile::internals::{Held, held};
use sessile::{Cache, Class, ErrorKind, WhenFull};

use crate::exact::assert_sums;
use crate::model::Model;
use crate::ops::{Kept, Name, Op, op};
use crate::subject::{Plant, Subject};

#[derive(Debug, Clone, Copy)]
struct Limits {
    entries: Option<usize>,
    bytes: Option<u64>,
    protected: usize,
    evict: bool,
    shards: usize,
}

impl Limits {
    fn subject(&self, plant: Plant) -> Subject {
        let mut builder = Cache::builder().shards(self.shards).unlimited_entries();
        let more = usize::from(plant == Plant::OneTooMany);
        if let Some(entries) = self.entries {
            // Between one and all but one.
            let protected = (entries * self.protected / 100).clamp(1, entries - 1);
            let less = usize::from(plant == Plant::OneTooFew);
            // A plant that leaves room for both classes, or it is the builder that finds it.
            let entries = (entries + more - less).max(2);
            builder = builder
                .max_entries(entries)
                .protected_entries(protected.min(entries - 1));
        }
        if let Some(bytes) = self.bytes {
            let bytes = bytes + more as u64;
            builder = builder.max_bytes(bytes).protected_bytes(bytes / 2);
        }
        if self.evict {
            builder = builder.when_protected_full(WhenFull::EvictColdest);
        }
        Subject::new(builder, plant)
    }

    fn protected_entries(&self) -> u64 {
        self.entries.map_or(u64::MAX, |all| {
            (all * self.protected / 100).clamp(1, all - 1) as u64
        })
    }

    /// What is held is counted past `stats`, whose sums are cut to the limits, and is what they say.
    fn check(&self, cache: &Cache) {
        let held = held(cache);
        let stats = cache.stats();
        let told = Held {
            entries: stats.entries,
            bytes: stats.bytes,
            protected_entries: stats.protected_entries,
            protected_bytes: stats.protected_bytes,
        };
        assert_eq!(told, held, "nobody else uses the cache");
        assert!(
            held.entries <= self.entries.unwrap_or(usize::MAX) as u64,
            "one too many: {held:?}"
        );
        assert!(
            held.bytes <= self.bytes.unwrap_or(u64::MAX),
            "a byte too many: {held:?}"
        );
        assert!(
            held.protected_entries <= self.protected_entries(),
            "one protected too many: {held:?}"
        );
        assert!(
            held.protected_bytes <= self.bytes.map_or(u64::MAX, |all| all / 2),
            "a protected byte too many: {held:?}"
        );
    }

    /// Whether the living and a new entry of this charge need more than there is: in the whole
    /// cache, and in the protected class.
    fn short(&self, model: &Model, name: Name, charge: u64, protected: bool) -> (bool, bool) {
        let (mut entries, mut bytes) = (1, charge);
        let (mut class_entries, mut class_bytes) = (u64::from(protected), charge);
        for (other, item) in &model.items {
            if *other == name {
                continue;
            }
            entries += 1;
            bytes += item.charge(*other);
            if item.protected {
                class_entries += 1;
                class_bytes += item.charge(*other);
            }
        }
        let total =
            entries > self.entries.unwrap_or(usize::MAX) || bytes > self.bytes.unwrap_or(u64::MAX);
        let class = class_entries > self.protected_entries()
            || class_bytes > self.bytes.map_or(u64::MAX, |all| all / 2);
        (total, protected && class)
    }
}

/// A write and what it may cost others.
fn write(
    limits: &Limits,
    subject: &Subject,
    model: &mut Model,
    name: Name,
    len: usize,
    kept: Kept,
) {
    let cache = &subject.cache;
    let key_bytes = name.bytes();
    let key = subject.namespace(name).key(&key_bytes);
    let value = vec![name.number; len];
    let charge = 80 + (key_bytes.len() + len) as u64;
    let (total, class) = limits.short(model, name, charge, kept.protected);
    let before = cache.stats();
    let result = cache.insert(key, value.clone(), kept.terms());
    sabotage(subject, name);
    let after = cache.stats();
    let evicted = after.evicted - before.evicted;
    let evicted_protected = after.evicted_protected - before.evicted_protected;
    match result {
        Ok(version) => {
            assert!(cache.contains(key), "a newcomer is readable");
            model.write(name, value, kept, version);
        }
        Err(error) if error.kind() == ErrorKind::Full => {
            assert!(class && !limits.evict, "refused without need: {error}");
            assert_eq!(evicted, 0, "whoever is refused evicts nobody");
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let share = |all: u64| {
                if kept.protected {
                    all / 2
                } else {
                    all - all / 2
                }
            };
            assert!(
                limits.bytes.is_some_and(|all| charge > share(all)),
                "{error}"
            );
            assert_eq!(evicted, 0);
        }
    }
    assert!(
        evicted == 0 || total || class,
        "a live entry went while there was room"
    );
    assert!(
        evicted_protected == 0 || (class && limits.evict),
        "by whose pressure?"
    );
    let missing = subtract_missing(subject, model);
    assert_eq!(
        missing,
        (evicted, evicted_protected),
        "missing and not evicted"
    );
}

/// Removes what the planted bug takes after a write of `name`.
fn sabotage(subject: &Subject, name: Name) {
    let is_victim = |entry: &sessile::Entry| {
        let itself = subject.name(entry.namespace, &entry.key) == name;
        match subject.plant {
            Plant::EvictsTheProtected => !itself && entry.class == Class::Protected,
            Plant::EvictsTheNewcomer => itself,
            _ => false,
        }
    };
    let victim = subject.cache.iter().find(is_victim);
    if let Some(victim) = victim {
        subject.cache.remove(victim.namespace.key(&victim.key));
    }
}

/// Forgets what the cache no longer has, and counts it: all, and protected.
fn subtract_missing(subject: &Subject, model: &mut Model) -> (u64, u64) {
    let mut seen = std::collections::BTreeSet::new();
    for entry in &subject.cache {
        let name = subject.name(entry.namespace, &entry.key);
        let item = model.items.get(&name).expect("nobody comes from nowhere");
        assert_eq!(entry.value, item.value);
        assert_eq!(entry.class == Class::Protected, item.protected);
        seen.insert(name);
    }
    let (mut all, mut protected) = (0, 0);
    model.items.retain(|name, item| {
        let missing = !seen.contains(name);
        all += u64::from(missing);
        protected += u64::from(missing && item.protected);
        !missing
    });
    (all, protected)
}

fn run(limits: &Limits, ops: &[Op], plant: Plant) {
    let subject = limits.subject(plant);
    let mut model = Model::default();
    for (at, op) in ops.iter().enumerate() {
        match *op {
            Op::Insert(name, len, kept)
            | Op::InsertIfAbsent(name, len, kept)
            | Op::Replace(name, len, kept, _) => {
                write(limits, &subject, &mut model, name, len, kept);
            }
            _ => crate::exact::step(at, op, &subject, &mut model),
        }
        limits.check(&subject.cache);
        assert_eq!(subtract_missing(&subject, &mut model), (0, 0));
    }
    subject.cache.check_invariants();
    while subject.cache.maintain(1000).more {}
    assert_eq!(subject.cache.len(), model.items.len());
    assert_eq!(subject.cache.bytes(), model.bytes());
    assert_sums(&subject.cache);
    subject.cache.check_invariants();
}

fn cases() -> impl Strategy<Value = (Limits, Vec<Op>)> {
    let entries = prop::option::weighted(0.8, 2..40_usize);
    let bytes = prop::option::weighted(0.5, 1024..12_000_u64);
    let shards = prop::sample::select(vec![1, 2, 8]);
    let limits = (entries, bytes, 5..95_usize, any::<bool>(), shards).prop_map(
        |(entries, bytes, protected, evict, shards)| Limits {
            entries,
            bytes,
            protected,
            evict,
            shards,
        },
    );
    (limits, prop::collection::vec(op(), 1..200))
}

#[test]
fn every_promise_about_limits_is_kept() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&cases(), |(limits, ops)| {
        run(&limits, &ops, Plant::Sound);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn planted_bugs_are_found() {
    // What answers a verb wrongly is found by the model of the verbs as often as by the recount.
    let by_answer = "assertion `left == right` failed";
    for (plant, words) in [
        (
            Plant::KeepsTheRemoved,
            ["nobody comes from nowhere", by_answer],
        ),
        (
            Plant::ServesTheEnded,
            ["nobody comes from nowhere", by_answer],
        ),
        (Plant::OneTooMany, ["one too many", "byte too many"]),
        (
            Plant::OneTooFew,
            ["a live entry went while there was room"; 2],
        ),
        (Plant::EvictsTheProtected, ["missing and not evicted"; 2]),
        (Plant::EvictsTheNewcomer, ["a newcomer is readable"; 2]),
    ] {
        let mut runner = TestRunner::new(crate::config_of_plants());
        let result = runner.run(&cases(), |(limits, ops)| {
            run(&limits, &ops, plant);
            Ok(())
        });

        crate::found(plant, &words, result);
    }
}
