//! A snapshot brings back what was written; a damaged one brings back nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use sessile::{Cache, ErrorKind, Restored, Terms, TimeToLive};

use crate::model::Model;
use crate::ops::{Name, Op, op};
use crate::subject::{Plant, Subject};

type Content = BTreeMap<Name, (Vec<u8>, TimeToLive, bool)>;

fn content(subject: &Subject) -> Content {
    let entry = |entry: sessile::Entry| {
        let name = subject.name(entry.namespace, &entry.key);
        let protected = entry.class == sessile::Class::Protected;
        (name, (entry.value.to_vec(), entry.time_to_live, protected))
    };
    subject.cache.iter().map(entry).collect()
}

fn fresh(shards: usize) -> Subject {
    Subject::new(
        Cache::builder().unlimited_entries().shards(shards),
        Plant::Sound,
    )
}

fn filled(ops: &[Op], shards: usize) -> (Subject, Vec<u8>) {
    let subject = fresh(shards);
    let mut model = Model::default();
    for (at, op) in ops.iter().enumerate() {
        crate::exact::step(at, op, &subject, &mut model);
    }
    // A clock that was set back a little must catch up, or two caches would disagree on "now".
    crate::exact::step(ops.len(), &Op::Advance(2000), &subject, &mut model);
    let mut bytes = Vec::new();
    let done = subject
        .cache
        .snapshot(&mut bytes)
        .expect("a vector takes everything");
    assert_eq!(done.entries, model.items.len() as u64);
    assert_eq!(done.bytes, bytes.len() as u64);
    (subject, bytes)
}

fn cases() -> impl Strategy<Value = (Vec<Op>, usize, usize)> {
    let shards = || prop::sample::select(vec![1, 2, 16]);
    (prop::collection::vec(op(), 1..80), shards(), shards())
}

/// What goes wrong when a snapshot is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    None,
    /// One entry is left out.
    DropsOne,
    /// Everything ends one millisecond early.
    ShiftsDeadlines,
    /// Idle timeouts become plain lifetimes of the same length.
    ForgetsIdleTimeouts,
    /// Protected entries come back as anybody's.
    ForgetsClasses,
    /// Values lose their first byte.
    CutsValues,
}

/// Restores `bytes`, a snapshot of `from`, into a fresh cache.
fn restored(from: &Subject, bytes: &[u8], shards: usize, loss: Loss) -> Subject {
    let now = sessile::Clock::now_ms(&from.clock);
    let builder = Cache::builder().unlimited_entries().shards(shards);
    let other = Subject::at(builder, Plant::Sound, now);
    let done = other.cache.restore(bytes).expect("nobody touched it");
    assert_eq!(done.entries, content(from).len() as u64);
    for (name, (value, left, protected)) in content(&other) {
        let key = name.bytes();
        let key = other.namespace(name).key(&key);
        let terms = |left: TimeToLive, protected| {
            let terms = match left {
                TimeToLive::Forever => Terms::forever(),
                TimeToLive::Left(left) => Terms::ttl(left),
            };
            if protected { terms.protected() } else { terms }
        };
        let put = |value: &[u8], left, protected| {
            let terms = terms(left, protected);
            other.cache.insert(key, value.to_vec(), terms).map(drop)
        };
        let done = match loss {
            Loss::None | Loss::ShiftsDeadlines => break,
            Loss::DropsOne => {
                other.cache.remove(key);
                break;
            }
            Loss::ForgetsIdleTimeouts => put(&value, left, protected),
            Loss::ForgetsClasses if protected => put(&value, left, false),
            Loss::CutsValues if !value.is_empty() => put(&value[1..], left, protected),
            Loss::ForgetsClasses | Loss::CutsValues => continue,
        };
        done.expect("no limits");
    }
    if loss == Loss::ShiftsDeadlines {
        other.clock.advance(Duration::from_millis(1));
    }
    other
}

/// Compares two caches now and for as long as anything in them lives.
fn compare(subject: &Subject, other: &Subject) {
    let expected = content(subject);
    assert_eq!(content(other), expected, "other content");
    other.cache.check_invariants();
    // Lifetimes go on as before, idle timeouts included.
    for name in expected.keys() {
        let key = name.bytes();
        let read = |from: &Subject| {
            let key = from.namespace(*name).key(&key);
            from.cache.get(key).map(|_| from.cache.time_to_live(key))
        };
        assert_eq!(read(other), read(subject), "another life after a read");
    }
    for by in [50, 5_000, 500_000, 30_000_000_000] {
        for clock in [&subject.clock, &other.clock] {
            clock.advance(Duration::from_millis(by));
        }
        assert_eq!(content(other), content(subject), "other content later");
    }
}

#[test]
fn what_was_written_comes_back() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&cases(), |(ops, shards, others)| {
        let (subject, bytes) = filled(&ops, shards);
        compare(&subject, &restored(&subject, &bytes, others, Loss::None));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn planted_losses_are_found() {
    for (loss, words) in [
        (Loss::DropsOne, "other content"),
        (Loss::ShiftsDeadlines, "other content"),
        (Loss::ForgetsIdleTimeouts, "another life after a read"),
        (Loss::ForgetsClasses, "other content"),
        (Loss::CutsValues, "other content"),
    ] {
        let mut runner = TestRunner::new(crate::config_of_plants());
        let result = runner.run(&cases(), |(ops, shards, others)| {
            let (subject, bytes) = filled(&ops, shards);
            compare(&subject, &restored(&subject, &bytes, others, loss));
            Ok(())
        });

        crate::found(loss, &[words], result);
    }
}

/// Where and how a snapshot is damaged.
type Damage = (prop::sample::Index, u32, u8);

fn damage() -> impl Strategy<Value = Damage> {
    (any::<prop::sample::Index>(), 0..8_u32, 0..4_u8)
}

fn damaged(mut bytes: Vec<u8>, (at, bit, how): Damage) -> Vec<u8> {
    let at = at.index(bytes.len());
    match how {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, 0),
        2 => drop(bytes.remove(at)),
        _ => bytes[at] ^= 1 << bit,
    }
    bytes
}

/// Demands that `restore` refuses `bytes` and leaves the cache as it was.
fn refuse(bytes: &[u8], restore: impl Fn(&Cache, &[u8]) -> sessile::Result<Restored>) {
    let other = fresh(1);
    other
        .cache
        .insert("kept", "v", Terms::forever())
        .expect("no limits");
    let error = restore(&other.cache, bytes).expect_err("damage is noticed");
    let kinds = [ErrorKind::Corrupt, ErrorKind::UnsupportedVersion];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    assert_eq!(other.cache.len(), 1, "something was loaded");
    other.cache.check_invariants();
}

#[test]
fn damage_anywhere_is_noticed_and_nothing_is_loaded() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&(cases(), damage()), |((ops, shards, _), damage)| {
        let (_, bytes) = filled(&ops, shards);
        refuse(&damaged(bytes, damage), |cache, bytes| cache.restore(bytes));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_restore_that_trusts_or_loads_too_early_is_found() {
    // Looks at nothing: some other, whole snapshot stands for what was damaged.
    let trusting = |cache: &Cache, _: &[u8]| cache.restore(&filled(&[], 1).1[..]);
    // Puts in what it has read before it knows the end.
    let early = |cache: &Cache, bytes: &[u8]| {
        cache.insert("read so far", "v", Terms::forever())?;
        cache.restore(bytes)
    };
    type Restore = fn(&Cache, &[u8]) -> sessile::Result<Restored>;
    for (bug, words, restore) in [
        ("trusting", "damage is noticed", trusting as Restore),
        ("early", "something was loaded", early),
    ] {
        let mut runner = TestRunner::new(crate::config_of_plants());
        let result = runner.run(&(cases(), damage()), |((ops, shards, _), damage)| {
            let (_, bytes) = filled(&ops, shards);
            refuse(&damaged(bytes, damage), restore);
            Ok(())
        });
        crate::found(bug, &[words], result);
    }
}

/// Demands that `decode` accepts no random bytes.
fn refuse_any_bytes(config: Config, decode: fn(&[u8]) -> bool) -> Result<(), TestError<Vec<u8>>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    TestRunner::new(config).run(&bytes, |bytes| {
        assert!(!decode(&bytes), "accepted");
        Ok(())
    })
}

#[test]
fn any_bytes_are_refused_without_a_panic() {
    let decode = |bytes: &[u8]| sessile::internals::decode_snapshot(bytes).is_ok();
    refuse_any_bytes(crate::config(), decode).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_decoder_that_trusts_a_length_is_found() {
    let trusting = |bytes: &[u8]| {
        let length = bytes.first().map_or(0, |&length| usize::from(length));
        bytes[..length].len() > bytes.len()
    };
    let result = refuse_any_bytes(crate::config_of_plants(), trusting);
    crate::found("a trusted length", &["out of range"], result);
}
