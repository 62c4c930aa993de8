//! Records: arbitrary sessions survive every format and layout, arbitrary bytes panic nothing, and a
//! session under random operations equals a plain map.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;
use sessile::codec::{FieldsBuilder, Format, Header, Layout, Limits, Record, Value};
use sessile::session::{EmptyPolicy, Sessions};
use sessile::{Cache, CacheStore};

use super::config;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::Unsigned),
        (i64::MIN..0).prop_map(Value::Signed),
        prop::num::f64::NORMAL.prop_map(Value::Float),
        ".{0,20}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec((".{0,8}".prop_map(Value::Text), inner), 0..6)
                .prop_map(Value::Map),
        ]
    })
}

fn session() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop::collection::btree_map(".{0,12}", value(), 0..12)
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::MessagePack), Just(Format::Json)]
}

fn encode(session: &BTreeMap<String, Value>, layout: Layout, format: Format) -> Bytes {
    let bytes = Record::begin(&Header::default(), layout, format);
    let mut builder = FieldsBuilder::new(layout, format, session.len(), bytes);
    for (name, value) in session {
        builder.push(
            name,
            &format.encode(value).expect("values are representable"),
        );
    }
    builder.finish().0
}

fn decode(record: &Record) -> BTreeMap<String, Value> {
    let format = record.fields.format();
    let fields = record.fields.iter();
    fields
        .map(|(name, value)| (name.to_owned(), format.decode(value).expect("was encoded")))
        .collect()
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the embedded store waited"),
    }
}

/// What two requests at once do to one session, step by step.
#[derive(Debug, Clone)]
enum Step {
    Set(usize, u8, u32),
    Remove(usize, u8),
    Add(usize, u8),
    Clear(usize),
    Commit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_usize, 0..5_u8, any::<u32>()).prop_map(|(who, k, v)| Step::Set(who, k, v)),
        2 => (0..2_usize, 0..5_u8).prop_map(|(who, k)| Step::Remove(who, k)),
        4 => (0..2_usize, 0..5_u8).prop_map(|(who, k)| Step::Add(who, k)),
        1 => (0..2_usize).prop_map(Step::Clear),
        3 => (0..2_usize).prop_map(Step::Commit),
    ]
}

fn apply(step: &Step, map: &mut BTreeMap<String, u32>) {
    let name = |key: &u8| format!("k{key}");
    match step {
        Step::Set(_, key, value) => drop(map.insert(name(key), *value)),
        Step::Remove(_, key) => drop(map.remove(&name(key))),
        Step::Add(_, key) => {
            let value = map.entry(name(key)).or_default();
            *value = value.wrapping_add(1);
        }
        Step::Clear(_) => map.clear(),
        Step::Commit(_) => {}
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sessions_survive_every_format_and_layout(
        session in session(),
        format in format(),
        other in format(),
        native in any::<bool>(),
    ) {
        let layout = if native { Layout::Native } else { Layout::Bare };
        prop_assume!(native || !session.contains_key("_permanent"));
        let record = Record::decode(encode(&session, layout, format), &Limits::default());
        let mut record = record.expect("just encoded");
        prop_assert_eq!(&decode(&record), &session);
        record.fields = record.fields.transcode(other).expect("values have counterparts");
        prop_assert_eq!(&decode(&record), &session);
    }

    #[test]
    fn arbitrary_and_altered_bytes_panic_nothing(
        session in session(),
        format in format(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut altered = encode(&session, Layout::Native, format).to_vec();
        for (at, byte) in edits {
            let at = at.index(altered.len());
            altered[at] = byte;
        }
        for bytes in [noise, altered] {
            if let Ok(record) = Record::decode(bytes.into(), &Limits::default()) {
                for (_, value) in record.fields.iter() {
                    let _ = record.fields.format().decode::<Value>(value);
                }
                let _ = record.fields.transcode(Format::Json);
            }
        }
    }

    /// Each commit is as if its request had done all its steps at that moment: additions on whatever
    /// the other one wrote, everything else name by name.
    #[test]
    fn two_requests_are_merged_name_by_name(
        steps in prop::collection::vec(step(), 0..40),
        format in format(),
    ) {
        let cache = Cache::builder().unlimited_entries().build().expect("plain settings");
        let sessions = Sessions::builder(CacheStore::new(cache.into()))
            .format(format)
            .on_empty(EmptyPolicy::Keep)
            .build()
            .expect("plain settings");
        let first = sessions.fresh();
        first.insert("k0", &0_u32).expect("fits");
        now(sessions.commit(&first)).expect("an empty store");
        let id = first.id().expect("stored");
        let load = || now(sessions.load(&id)).expect("no faults").expect("there");
        let handles = [load(), load()];
        let mut stored = BTreeMap::from([("k0".to_owned(), 0_u32)]);
        let mut logs: [Vec<Step>; 2] = [Vec::new(), Vec::new()];
        for step in &steps {
            let (who, handle) = match step {
                Step::Set(who, ..) | Step::Remove(who, _) | Step::Add(who, _)
                | Step::Clear(who) | Step::Commit(who) => (*who, &handles[*who]),
            };
            let name = |key: &u8| format!("k{key}");
            match step {
                Step::Set(_, key, value) => handle.insert(&name(key), value).expect("fits"),
                Step::Remove(_, key) => {
                    // What this request does not see it does not remove.
                    if !handle.remove(&name(key)) {
                        continue;
                    }
                }
                Step::Add(_, key) => handle
                    .modify(&name(key), |value: Option<u32>| {
                        Some(value.unwrap_or(0).wrapping_add(1))
                    })
                    .expect("fits"),
                Step::Clear(_) => handle.clear(),
                Step::Commit(_) => {
                    now(sessions.commit(handle)).expect("conflicts are merged");
                    for step in logs[who].drain(..) {
                        apply(&step, &mut stored);
                    }
                    let found: BTreeMap<String, u32> = load().read().expect("a flat map");
                    prop_assert_eq!(&found, &stored);
                    continue;
                }
            }
            logs[who].push(step.clone());
        }
    }
}
