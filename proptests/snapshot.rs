//! A snapshot brings back what was written; a damaged one brings back nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sessile::{Cache, ErrorKind, TimeToLive};

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

#[test]
fn what_was_written_comes_back() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&cases(), |(ops, shards, others)| {
        let (subject, bytes) = filled(&ops, shards);
        let now = sessile::Clock::now_ms(&subject.clock);
        let builder = Cache::builder().unlimited_entries().shards(others);
        let other = Subject::at(builder, Plant::Sound, now);
        let restored = other.cache.restore(&bytes[..]).expect("nobody touched it");
        let expected = content(&subject);
        assert_eq!(restored.entries, expected.len() as u64);
        assert_eq!(content(&other), expected);
        other.cache.check_invariants();
        // Lifetimes go on as before, idle timeouts included.
        for (name, _) in expected {
            let key = name.bytes();
            let read = |from: &Subject| {
                let key = from.namespace(name).key(&key);
                from.cache.get(key).map(|_| from.cache.time_to_live(key))
            };
            assert_eq!(read(&other), read(&subject));
        }
        for by in [50, 5_000, 500_000, 30_000_000_000] {
            for clock in [&subject.clock, &other.clock] {
                clock.advance(Duration::from_millis(by));
            }
            assert_eq!(content(&other), content(&subject));
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn damage_anywhere_is_noticed_and_nothing_is_loaded() {
    let mut runner = TestRunner::new(crate::config());
    let damage = (any::<prop::sample::Index>(), 0..8_u32, 0..4_u8);
    let result = runner.run(&(cases(), damage), |((ops, shards, _), (at, bit, how))| {
        let (_, mut bytes) = filled(&ops, shards);
        let at = at.index(bytes.len());
        match how {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, 0),
            2 => drop(bytes.remove(at)),
            _ => bytes[at] ^= 1 << bit,
        }
        let other = fresh(1);
        other
            .cache
            .insert("kept", "v", sessile::Terms::forever())
            .expect("no limits");
        let error = other
            .cache
            .restore(&bytes[..])
            .expect_err("damage is noticed");
        let kinds = [ErrorKind::Corrupt, ErrorKind::UnsupportedVersion];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        assert_eq!(other.cache.len(), 1);
        other.cache.check_invariants();
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn any_bytes_are_refused_without_a_panic() {
    let mut runner = TestRunner::new(crate::config());
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let result = runner.run(&bytes, |bytes| {
        assert!(sessile::internals::decode_snapshot(&bytes).is_err());
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
