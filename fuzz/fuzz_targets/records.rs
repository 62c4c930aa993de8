//! Any bytes as a record in a store: refused, or read; and what was read is written and read again as
//! the same, by the codec and by a session that changes one value of it.
#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
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
    assert_eq!(fields.iter().count(), fields.len());
    for (name, value) in fields.iter() {
        assert!(fields.contains(name) && fields.get(name).is_some());
        let Ok(decoded) = format.decode::<Value>(value) else {
            continue;
        };
        // Text, since NaN is not equal to itself.
        let once = format!("{decoded:?}");
        let written = format.encode(&decoded).expect("what was read");
        let again: Value = format.decode(&written).expect("what was written");
        assert_eq!(once, format!("{again:?}"));
    }
}

fn write(record: &Record, layout: Layout) -> Record {
    let Record { header, fields } = record;
    let begun = Record::begin(header, layout, fields.format());
    let mut builder = FieldsBuilder::new(layout, fields.format(), fields.len(), begun);
    for (name, value) in fields.iter() {
        builder.push(name, value);
    }
    let (bytes, built) = builder.finish();
    let again = decode(bytes.into()).expect("what was written");
    assert!(again.fields.iter().eq(built.iter()));
    again
}

/// What was read can be written, in its own layout and as a native record.
fn rewrite(record: &Record, layout: Layout) {
    let native = write(record, Layout::Native);
    assert!(native.header == record.header);
    assert!(native.fields.iter().eq(record.fields.iter()));
    if layout == Layout::Bare {
        let bare = write(record, layout);
        assert!(bare.fields.iter().eq(record.fields.iter()));
    }
    let other = match record.fields.format() {
        Format::Json => Format::MessagePack,
        _ => Format::Json,
    };
    if let Ok(transcoded) = record.fields.transcode(other) {
        assert_eq!(transcoded.len(), record.fields.len());
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
    if session.insert(NAME, &7).is_err() || now(sessions.commit(&session)).is_err() {
        return;
    }
    let session = now(sessions.load(&id)).expect("an embedded store");
    let session = session.expect("it was stored");
    assert_eq!(session.get::<u32>(NAME).expect("a number"), Some(7));
    let after = contents(&session);
    assert_eq!(before, after);
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
