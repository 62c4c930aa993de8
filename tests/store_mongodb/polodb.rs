//! What MongoStore relies on, on a server that is none of ours: `polodb` 5.3, a database on RocksDB that
//! speaks MongoDB's wire protocol in part.
//!
//! It stands in for MongoDB as far as it goes: the official driver talks to it, values keep their types,
//! comparisons and simple updates hold, and so do Flask-Session's documents and their loads. It takes no
//! binary `_id`, which all our own documents have; knows no `$type`, `$exists`, `$nor` and
//! `$setOnInsert`; takes no whole document for an update; acknowledges an `upsert` without doing it and
//! always says that nothing matched. So every other verb has to fail on it, and none may say that it did
//! what it did not. The double is for those.
//!
//! `.ci/setup` installs it, on Debian's RocksDB; alone, `cargo install --locked polodb@5.3.0` builds one for
//! half an hour.

use std::time::{Duration, SystemTime};

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::{Client, Collection};
use sessile::store::{MongoBuilder, MongoStore, SessionStore, Survey, TimeToLive};

use crate::kit;
use crate::servers::{Program, free_port, need, wait_for_port};

const MINUTE: Duration = Duration::from_secs(60);

/// A running server, empty.
struct PoloDb {
    _program: Program,
    port: u16,
}

impl PoloDb {
    fn start() -> Option<Self> {
        let [program] = need("MongoDB's protocol on polodb", ["polodb"])?;
        let port = free_port();
        let mut program = Program::new(program);
        let data = program.folder().join("data").display().to_string();
        let number = port.to_string();
        program.start([
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            &number,
            "--path",
            &data,
        ]);
        wait_for_port("polodb", port);
        let _program = program;
        Some(Self { _program, port })
    }

    fn address(&self) -> String {
        format!("mongodb://127.0.0.1:{}/flask_session", self.port)
    }

    /// It has one space for the collections of all databases, so that each test of ours takes another.
    fn on(&self, collection: &str) -> MongoBuilder {
        MongoStore::builder()
            .address(self.address())
            .collection(collection)
            .patience(kit::patience().attempts(1))
    }

    async fn driver(&self, collection: &str) -> Collection<Document> {
        let client = Client::with_uri_str(self.address()).await.unwrap();
        client.database("flask_session").collection(collection)
    }
}

fn binary(bytes: &[u8]) -> Bson {
    let (subtype, bytes) = (BinarySubtype::Generic, bytes.to_vec());
    Bson::Binary(Binary { subtype, bytes })
}

fn from_now(time: Duration) -> DateTime {
    DateTime::from_system_time(SystemTime::now() + time)
}

fn long_ago() -> DateTime {
    DateTime::from_system_time(SystemTime::now() - MINUTE)
}

fn end(of: Document, end: impl Into<Bson>) -> Document {
    let mut document = of;
    document.insert("expiration", end);
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_are_right_and_what_it_cannot_do_is_an_error() {
    let Some(server) = PoloDb::start() else {
        return;
    };
    let sessions = server.driver("bare").await;
    let session = |id: &str| doc! { "id": id, "val": binary(b"v") };
    sessions
        .insert_many([
            end(session("live"), from_now(MINUTE)),
            session("endless"),
            end(session("ended"), long_ago()),
            end(session("end"), "tomorrow"),
            doc! { "id": "no value" },
            doc! { "id": "text", "val": "v" },
        ])
        .await
        .unwrap();
    let store = server.on("bare").bare().connect().await.unwrap();
    store.ping().await.unwrap();

    let live = store.load_left(b"live").await.unwrap().unwrap();
    assert_eq!(live.loaded.value, "v");
    assert!(
        matches!(live.left, Some(TimeToLive::Left(left)) if left <= MINUTE && left > MINUTE / 2)
    );
    let endless = store.load_left(b"endless").await.unwrap().unwrap();
    assert_eq!(endless.left, Some(TimeToLive::Forever));
    for absent in [
        "nobody",
        "ended",
        "end",
        "no value",
        "text",
        "{\"$ne\":null}",
    ] {
        let found = store.load(absent.as_bytes()).await.unwrap();
        assert!(found.is_none(), "{absent}: {found:?}");
    }

    // What it does not know it refuses, or acknowledges and leaves out: either is an error.
    let terms = kit::terms();
    let seen = Some(live.loaded.version);
    store.put(b"new", "w".into(), terms).await.unwrap_err();
    store.create(b"new", "w".into(), terms).await.unwrap_err();
    let replaced = store.replace(b"live", "w".into(), terms, seen).await;
    replaced.unwrap_err();
    store.touch(b"live", MINUTE).await.unwrap_err();
    store.remove(b"live").await.unwrap_err();
    store.exists(b"live").await.unwrap_err();
    store.page(None, 10).await.unwrap_err();
    store.prepare().await.unwrap_err();
    assert!(store.load(b"new").await.unwrap().is_none());
    let still = store.load(b"live").await.unwrap().unwrap();
    assert_eq!(still, live.loaded);
    store.close().await.unwrap();
}

/// Its `_id` may be no binary, so that it takes none of our own documents: nothing is there.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_documents_it_does_not_take() {
    let Some(server) = PoloDb::start() else {
        return;
    };
    let store = server.on("native").connect().await.unwrap();
    let terms = kit::terms();
    store.put(b"k", "v".into(), terms).await.unwrap_err();
    store.create(b"k", "v".into(), terms).await.unwrap_err();
    store.remove(b"k").await.unwrap_err();
    assert!(!matches!(store.load(b"k").await, Ok(Some(_))));
}

/// What the filters and updates are made of, piece by piece, by the driver alone.
#[tokio::test(flavor = "multi_thread")]
async fn comparisons_hold_for_values_of_their_own_type() {
    let Some(server) = PoloDb::start() else {
        return;
    };
    let some = server.driver("some").await;
    some.insert_many([
        doc! { "id": "a", "version": 1_i64, "expires": from_now(MINUTE) },
        doc! { "id": "b", "version": 2_i64, "expires": long_ago() },
        doc! { "id": "c", "version": 3_i64 },
    ])
    .await
    .unwrap();
    let count = async |filter: Document| {
        let mut found = some.find(filter).limit(-10).await.unwrap();
        let mut count = 0;
        while found.advance().await.unwrap() {
            count += 1;
        }
        count
    };
    let now = DateTime::now();
    assert_eq!(count(doc! { "expires": { "$gt": now } }).await, 1);
    assert_eq!(count(doc! { "id": "a", "version": 1_i64 }).await, 1);
    assert_eq!(count(doc! { "id": "a", "version": 2_i64 }).await, 0);
    let either = doc! { "$or": [{ "expires": { "$gt": now } }, { "version": 3_i64 }] };
    assert_eq!(count(either).await, 2);
    let moved = doc! { "$set": { "expires": from_now(MINUTE) } };
    let done = some.update_one(doc! { "id": "b" }, moved).await.unwrap();
    assert_eq!(done.modified_count, 1);
    assert_eq!(count(doc! { "expires": { "$gt": now } }).await, 2);
    let without = doc! { "$unset": { "expires": "" } };
    some.update_one(doc! { "id": "b" }, without).await.unwrap();
    assert_eq!(count(doc! { "expires": { "$gt": now } }).await, 1);
    let removed = some.delete_one(doc! { "id": "b" }).await.unwrap();
    assert_eq!(removed.deleted_count, 1);
    assert_eq!(count(doc! { "id": "b" }).await, 0);
}
