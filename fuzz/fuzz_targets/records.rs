//! Any bytes as a record in a store: refused, or read; and what was read is written and read again as
//! the same, by the codec and by a session that changes one value of it.
#![no_main]

mod planted;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile::codec::{Fields, FieldsBuilder, Format, Layout, Limits, Record, Value};
use sessile::id::{IdFormat, SessionId};
use sessile::session::{Session, Sessions};
use sessile::{Cache, CacheStore, SessionStore, Terms};

const NAME: &str = "fuzzed";

fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the embedded store waited"),
    }
}

fn decode(bytes: Vec<u8>) -> Option<Record> {
    let mut limits = Limits::default();
    // What is written may be longer than what was read.
    limits.bytes *= 8;
    Record::decode(bytes.into(), &limits).ok()
}

/// Values that can be read come back as they are written.
fn read(fields: &Fields) {
    let format = fields.format();
    let count = bent("as many fields as it says", fields.len(), |len| len + 1);
    assert_eq!(fields.iter().count(), count, "as many fields as it says");
    for (name, value) in fields.iter() {
        let contains = fields.contains(name);
        let contains = bent("it contains what it lists", contains, |_| false);
        assert!(contains, "it contains what it lists");
        let got = bent("it gives what it contains", fields.get(name), |_| None);
        assert!(got.is_some(), "it gives what it contains");
        let Ok(decoded) = format.decode::<Value>(value) else {
            continue;
        };
        // Text, since NaN is not equal to itself.
        let once = format!("{decoded:?}");
        let written = format.encode(&decoded).expect("what was read");
        let written = bent("a value comes back as it was", written, |_| {
            let other = Value::Text(once.clone());
            format.encode(&other).expect("text can be written")
        });
        let again: Value = format.decode(&written).expect("what was written");
        let again = format!("{again:?}");
        assert_eq!(once, again, "a value comes back as it was");
    }
}

fn write(record: &Record, layout: Layout) -> Record {
    let Record { header, fields } = record;
    let begun = || Record::begin(header, layout, fields.format());
    let mut builder = FieldsBuilder::new(layout, fields.format(), fields.len(), begun());
    for (name, value) in fields.iter() {
        builder.push(name, value);
    }
    let (bytes, built) = builder.finish();
    let bytes = bent("what was built is what was written", bytes, |_| {
        let empty = FieldsBuilder::new(layout, fields.format(), 0, begun());
        empty.finish().0
    });
    let again = decode(bytes.into()).expect("what was written");
    let is_same = again.fields.iter().eq(built.iter());
    assert!(is_same, "what was built is what was written");
    again
}

/// A record written anew, of other fields if that bug is planted.
fn written(words: &str, record: &Record, layout: Layout) -> Record {
    let other = bent(words, record.clone(), |mut record| {
        let (_, fields) = FieldsBuilder::new(layout, record.fields.format(), 0, vec![]).finish();
        record.fields = fields;
        record
    });
    write(&other, layout)
}

/// What was read can be written, in its own layout and as a native record.
fn rewrite(record: &Record, layout: Layout) {
    let native = written("a native record keeps its fields", record, Layout::Native);
    let header = bent("a record keeps its header", native.header, |mut header| {
        header.written_ms += 1;
        header
    });
    assert!(header == record.header, "a record keeps its header");
    let is_same = native.fields.iter().eq(record.fields.iter());
    assert!(is_same, "a native record keeps its fields");
    if layout == Layout::Bare {
        let bare = written("a bare record keeps its fields", record, layout);
        let is_same = bare.fields.iter().eq(record.fields.iter());
        assert!(is_same, "a bare record keeps its fields");
    }
    let other = match record.fields.format() {
        Format::Json => Format::MessagePack,
        _ => Format::Json,
    };
    if let Ok(transcoded) = record.fields.transcode(other) {
        let len = bent("no field is lost on the way", transcoded.len(), |len| {
            len + 1
        });
        assert_eq!(len, record.fields.len(), "no field is lost on the way");
        read(&transcoded);
    }
}

fn contents(session: &Session) -> Vec<(String, String)> {
    let values = session.keys().into_iter().filter(|name| name != NAME);
    values
        .map(|name| {
            let value = session.get::<Value>(&name);
            (name, format!("{value:?}"))
        })
        .collect()
}

/// A session of these bytes keeps all but what is changed.
fn serve(bytes: &[u8], format: Format) {
    let cache = Cache::builder().shards(1).max_entries(100).build();
    let store = CacheStore::new(cache.expect("valid").into());
    let sessions = Sessions::builder(store).format(format).build();
    let sessions = sessions.expect("valid");
    let id = SessionId::parse(IdFormat::Base64, "A".repeat(43)).expect("an id");
    let hour = Terms::ttl(Duration::from_secs(3600));
    let record = bytes.to_vec().into();
    let key = sessions.key(&id);
    if now(sessions.store().put(key.as_ref(), record, hour)).is_err() {
        return;
    }
    let Some(session) = now(sessions.load(&id)).expect("an embedded store") else {
        return;
    };
    let before = contents(&session);
    let number = bent("a change is stored", 7, |number| number + 1);
    bent("nothing else is changed", (), |()| {
        session.insert("planted", &true).expect("there is room");
    });
    if session.insert(NAME, &number).is_err() || now(sessions.commit(&session)).is_err() {
        return;
    }
    let session = now(sessions.load(&id)).expect("an embedded store");
    let session = session.expect("it was stored");
    let number = session.get::<u32>(NAME).expect("a number");
    assert_eq!(number, Some(7), "a change is stored");
    let after = contents(&session);
    assert_eq!(before, after, "nothing else is changed");
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = Record::decode(bytes.to_vec().into(), &Limits::default()) else {
        return;
    };
    // Which layout bytes begin is told by the first one.
    let layout = match bytes.first() {
        Some(0xC1) => Layout::Native,
        _ => Layout::Bare,
    };
    read(&record.fields);
    rewrite(&record, layout);
    for format in [Format::MessagePack, Format::Json] {
        serve(bytes, format);
    }
});
