//! Without limits the model says everything: every answer, every lifetime, every byte.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sessile::{Cache, Class, Replaced, TimeToLive, Version};

use crate::model::{FOREVER, Model};
use crate::ops::{Expect, Op, op};
use crate::subject::{Plant, Subject};

fn left(model: &Model, deadline: u64) -> TimeToLive {
    match deadline {
        FOREVER => TimeToLive::Forever,
        _ => TimeToLive::Left(Duration::from_millis(deadline - model.now)),
    }
}

/// Values tell which write they came from.
fn value(step: usize, len: usize) -> Vec<u8> {
    step.to_le_bytes().into_iter().cycle().take(len).collect()
}

/// Applies one operation to both and compares what they answer.
pub(crate) fn step(at: usize, op: &Op, subject: &Subject, model: &mut Model) {
    let cache = &subject.cache;
    let ms = Duration::from_millis;
    macro_rules! key {
        ($name:expr) => {
            subject.namespace($name).key(&$name.bytes())
        };
    }
    match op.clone() {
        Op::Insert(name, len, kept) => {
            let value = value(at, len);
            let done = cache.insert(key!(name), value.clone(), kept.terms());
            model.write(name, value, kept, done.expect("no limits"));
        }
        Op::InsertIfAbsent(name, len, kept) => {
            let value = value(at, len);
            let done = cache.insert_if_absent(key!(name), value.clone(), kept.terms());
            let done = done.expect("no limits");
            assert_eq!(done.is_none(), model.items.contains_key(&name));
            if let Some(version) = done {
                model.write(name, value, kept, version);
            }
        }
        Op::Replace(name, len, kept, expect) => {
            let value = value(at, len);
            let current = model.items.get(&name).map(|item| item.version);
            let expected = match expect {
                Expect::Any => None,
                Expect::Current => Some(current.unwrap_or(Version::from_u64(7))),
                Expect::Stale => {
                    let number = current.map_or(7, Version::to_u64);
                    Some(Version::from_u64(number.wrapping_sub(1)))
                }
            };
            let done = cache.replace(key!(name), value.clone(), kept.terms(), expected);
            match (done.expect("no limits"), current) {
                (Replaced::Gone, None) => {}
                (Replaced::Conflict(seen), Some(current)) => {
                    assert!(matches!(expect, Expect::Stale) && seen == current);
                }
                (Replaced::Done(version), Some(_)) => {
                    assert!(!matches!(expect, Expect::Stale));
                    model.write(name, value, kept, version);
                }
                (answer, current) => panic!("{answer:?}, but the model has {current:?}"),
            }
        }
        Op::Get(name) => {
            let expected = model.read(name).map(|item| &item.value[..]);
            assert_eq!(cache.get(key!(name)).as_deref(), expected);
        }
        Op::GetVersioned(name) => {
            let expected = model
                .read(name)
                .map(|item| (item.value.clone(), item.version));
            let found = cache.get_versioned(key!(name));
            assert_eq!(
                found.map(|(value, version)| (value.to_vec(), version)),
                expected
            );
        }
        Op::GetWith(name) => {
            let expected = model.read(name).map(|item| item.value.clone());
            assert_eq!(cache.get_with(key!(name), <[u8]>::to_vec), expected);
        }
        Op::GetMany(names) => {
            let keys: Vec<Vec<u8>> = names.iter().map(|name| name.bytes()).collect();
            let keys: Vec<_> = names
                .iter()
                .zip(&keys)
                .map(|(&name, key)| subject.namespace(name).key(key))
                .collect();
            let found = cache.get_many(&keys);
            assert_eq!(found.len(), names.len());
            for (name, found) in names.into_iter().zip(found) {
                let expected = model.read(name).map(|item| item.value.clone());
                assert_eq!(found.map(|value| value.to_vec()), expected);
            }
        }
        Op::Contains(name) => {
            assert_eq!(cache.contains(key!(name)), model.items.contains_key(&name));
        }
        Op::TimeToLive(name) => {
            let expected = model
                .items
                .get(&name)
                .map(|item| left(model, item.deadline));
            assert_eq!(cache.time_to_live(key!(name)), expected);
        }
        Op::Touch(name, by) if subject.plant == Plant::ForgetsTouches => {
            let expected = model.touch(name, by).is_some();
            assert_eq!(cache.contains(key!(name)), expected);
        }
        Op::Touch(name, by) => {
            let expected = model.touch(name, by).is_some();
            assert_eq!(cache.touch(key!(name), ms(by)), expected);
        }
        Op::GetAndTouch(name, by) => {
            let expected = model.touch(name, by);
            let found = cache.get_and_touch(key!(name), ms(by));
            assert_eq!(found.map(|value| value.to_vec()), expected);
        }
        Op::Remove(name) if subject.plant == Plant::KeepsTheRemoved => {
            assert_eq!(
                cache.contains(key!(name)),
                model.items.remove(&name).is_some()
            );
        }
        Op::Remove(name) => {
            assert_eq!(
                cache.remove(key!(name)),
                model.items.remove(&name).is_some()
            );
        }
        Op::Take(name) => {
            let expected = model.items.remove(&name).map(|item| item.value);
            assert_eq!(cache.take(key!(name)).map(|value| value.to_vec()), expected);
        }
        Op::Clear => {
            assert_eq!(cache.clear(), model.items.len());
            model.items.clear();
        }
        Op::ClearNamespace(number) => {
            let before = model.items.len();
            model.items.retain(|name, _| name.namespace != number);
            let namespace = subject.namespaces[usize::from(number)];
            assert_eq!(cache.clear_namespace(namespace), before - model.items.len());
        }
        Op::Retain(divisor) => {
            let before = model.items.len();
            model
                .items
                .retain(|name, _| !name.number.is_multiple_of(divisor));
            let cleared = cache.retain(|key, _| !(key.bytes()[0] - b'a').is_multiple_of(divisor));
            assert_eq!(cleared, before - model.items.len());
        }
        Op::Maintain(budget) => {
            // The smallest step of a sweep may finish the entry that it began.
            assert!(cache.maintain(budget).reclaimed <= budget);
        }
        Op::Advance(by) => {
            subject.tick(op);
            model.advance(by);
        }
        Op::Rewind(by) => {
            subject.tick(op);
            model.rewind(by);
        }
    }
}

/// Compares everything that is held.
pub(crate) fn compare(subject: &Subject, model: &Model) {
    let mut seen = 0;
    for entry in &subject.cache {
        let name = subject.name(entry.namespace, &entry.key);
        let item = model.items.get(&name).expect("the model has it too");
        assert_eq!(entry.value, item.value);
        assert_eq!(entry.version, item.version);
        assert_eq!(entry.class == Class::Protected, item.protected);
        assert_eq!(entry.time_to_live, left(model, item.deadline));
        seen += 1;
    }
    assert_eq!(seen, model.items.len());
}

pub(crate) fn assert_sums(cache: &Cache) {
    let stats = cache.stats();
    let left = stats.removed + stats.expired + stats.evicted + stats.cleared;
    assert_eq!(stats.inserts, stats.entries + left, "{stats:?}");
}

fn run(ops: &[Op], shards: usize, plant: Plant) {
    let builder = Cache::builder().unlimited_entries().shards(shards);
    let subject = Subject::new(builder, plant);
    let mut model = Model::default();
    for (at, op) in ops.iter().enumerate() {
        step(at, op, &subject, &mut model);
        if at % 16 == 0 {
            subject.cache.check_invariants();
            compare(&subject, &model);
        }
    }
    compare(&subject, &model);
    subject.cache.check_invariants();
    while subject.cache.maintain(1000).more {}
    assert_eq!(subject.cache.len(), model.items.len());
    assert_eq!(subject.cache.bytes(), model.bytes());
    assert_sums(&subject.cache);
    compare(&subject, &model);
    subject.cache.check_invariants();
    // Time that needs no limits: everything that ends has ended.
    subject
        .clock
        .advance(Duration::from_millis(500 * 24 * 3_600_000));
    while subject.cache.maintain(1000).more {}
    let forever = model
        .items
        .values()
        .filter(|item| item.deadline == FOREVER)
        .count();
    assert_eq!(subject.cache.len(), forever);
    subject.cache.check_invariants();
}

fn cases() -> impl Strategy<Value = (Vec<Op>, usize)> {
    let ops = prop::collection::vec(op(), 1..200);
    (ops, prop::sample::select(vec![1, 2, 16]))
}

#[test]
fn an_unlimited_cache_does_what_the_model_does() {
    let mut runner = TestRunner::new(crate::config());
    let result = runner.run(&cases(), |(ops, shards)| {
        run(&ops, shards, Plant::Sound);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn planted_bugs_are_found() {
    for plant in [
        Plant::KeepsTheRemoved,
        Plant::ServesTheEnded,
        Plant::ForgetsTouches,
    ] {
        let mut runner = TestRunner::new(crate::config_of_plants());
        let result = runner.run(&cases(), |(ops, shards)| {
            run(&ops, shards, plant);
            Ok(())
        });

        // The first that differs may be what is held, an answer or a lifetime.
        let words = ["the model has it too", "left == right", "but the model has"];
        crate::found(plant, &words, result);
    }
}
