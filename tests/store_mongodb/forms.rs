//! What lies in the database, hostile keys, foreign documents, ends and the server's clock.

use std::time::Duration;

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use sessile::store::{Created, MongoBuilder, MongoStore, SessionStore, Terms};
use sessile::{ErrorKind, ManualClock};

use crate::double::Double;
use crate::kit::{self, SESSIONS};

fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    })
}

/// Keys that would be operators, fields or commands, if they were anything but values.
const KEYS: [&[u8]; 9] = [
    b"{\"$ne\":null}",
    b"$where",
    b"$gt",
    b"a.b",
    b"_id",
    b"\0",
    b"a\0b",
    b"\xff\xfe",
    // A whole BSON document: { "$ne": 1 }.
    b"\x0e\0\0\0\x10$ne\0\x01\0\0\0\0",
];

#[tokio::test]
async fn s36_keys_are_values_wherever_they_stand() {
    let double = Double::start().await;
    let store = kit::on(&double).connect().await.unwrap();
    store
        .put(b"witness", "w".into(), kit::terms())
        .await
        .unwrap();
    double.heard();
    for key in KEYS {
        assert!(store.load(key).await.unwrap().is_none());
        assert!(!store.exists(key).await.unwrap());
        assert!(!store.remove(key).await.unwrap());
        assert!(!store.touch(key, Duration::from_secs(9)).await.unwrap());
        store.put(key, "v".into(), kit::terms()).await.unwrap();
        assert_eq!(store.load(key).await.unwrap().unwrap().value, "v");
        assert!(store.remove(key).await.unwrap());
    }
    let is_plain = |filter: &Document| matches!(filter.get("_id"), Some(Bson::Binary(_)));
    for command in double.heard() {
        let mut filters = Vec::from_iter(command.get_document("filter").ok());
        for list in ["updates", "deletes"] {
            let items = command.get_array(list).into_iter().flatten();
            filters
                .extend(items.map(|item| item.as_document().unwrap().get_document("q").unwrap()));
        }
        assert!(
            !filters.is_empty() && filters.into_iter().all(is_plain),
            "{command}"
        );
    }
    assert_eq!(double.documents(SESSIONS).len(), 1, "the witness");
    let bare = kit::on(&double)
        .collection("bare")
        .bare()
        .connect()
        .await
        .unwrap();
    double.heard();
    bare.put(KEYS[0], "v".into(), kit::terms()).await.unwrap();
    bare.load(KEYS[0]).await.unwrap();
    let documents = double.documents("flask_session.bare");
    assert_eq!(documents[0].get_str("id").unwrap(), "{\"$ne\":null}");
    let command = double.heard().pop().unwrap();
    assert_eq!(
        command
            .get_document("filter")
            .unwrap()
            .get_str("id")
            .unwrap(),
        "{\"$ne\":null}"
    );
}

#[tokio::test]
async fn documents_have_the_form_that_is_documented() {
    let double = Double::start().await;
    let clock = ManualClock::new();
    let store = kit::on(&double)
        .clock(clock.clone())
        .connect()
        .await
        .unwrap();
    let version = store
        .put(b"k", "v".into(), Terms::ttl(Duration::from_secs(9)))
        .await
        .unwrap();
    // The manual clock begins on 2020-01-01.
    let expected = doc! {
        "_id": binary(b"k"),
        "version": i64::try_from(version.to_u64()).unwrap(),
        "value": binary(b"v"),
        "expires": DateTime::from_millis(1_577_836_809_000),
    };
    assert_eq!(double.documents(SESSIONS), [expected]);
    for endless in [Terms::forever(), Terms::ttl(Duration::MAX)] {
        store.put(b"k", "v".into(), endless).await.unwrap();
        assert!(!double.documents(SESSIONS)[0].contains_key("expires"));
    }
    assert!(store.touch(b"k", Duration::from_secs(1)).await.unwrap());
    assert!(double.documents(SESSIONS)[0].contains_key("expires"));
    assert!(store.touch(b"k", Duration::MAX).await.unwrap());
    assert!(!double.documents(SESSIONS)[0].contains_key("expires"));
}

#[tokio::test]
async fn foreign_documents_are_absent_and_may_be_overwritten() {
    let double = Double::start().await;
    let store = kit::on(&double).connect().await.unwrap();
    let whole = doc! { "_id": binary(b"k"), "version": 7_i64, "value": binary(b"v") };
    for (field, wrong) in [
        ("version", Bson::Null),
        ("version", Bson::Int32(7)),
        ("version", Bson::String("7".into())),
        ("value", Bson::String("v".into())),
        ("value", Bson::Document(doc! { "$ne": 1 })),
        ("expires", Bson::String("2999-01-01".into())),
        ("expires", Bson::Int64(i64::MAX)),
        ("expires", Bson::Null),
    ] {
        let mut document = whole.clone();
        document.insert(field, wrong);
        double.plant(SESSIONS, document);
        assert!(store.load(b"k").await.unwrap().is_none(), "{field}");
        assert!(!store.exists(b"k").await.unwrap());
        assert!(!store.touch(b"k", Duration::from_secs(9)).await.unwrap());
        assert!(!store.remove(b"k").await.unwrap());
        let replaced = store
            .replace(b"k", "w".into(), kit::terms(), None)
            .await
            .unwrap();
        assert_eq!(replaced, sessile::Replaced::Gone);
        let created = store
            .create(b"k", "new".into(), kit::terms())
            .await
            .unwrap();
        assert!(matches!(created, Created::Done(_)));
        assert!(store.remove(b"k").await.unwrap());
    }
}

#[tokio::test]
async fn the_server_removes_what_ended_an_hour_ago_whatever_its_clock_says_till_then() {
    let double = Double::start().await;
    let clock = ManualClock::new();
    clock.set_ms(u64::try_from(since_2020().as_millis()).unwrap());
    let store = kit::on(&double)
        .clock(clock.clone())
        .connect()
        .await
        .unwrap();
    store.prepare().await.unwrap();
    store.prepare().await.unwrap();
    let half_an_hour = Duration::from_secs(1800);
    store
        .put(b"short", "v".into(), Terms::ttl(half_an_hour))
        .await
        .unwrap();
    store
        .put(b"endless", "v".into(), Terms::forever())
        .await
        .unwrap();
    // The server's clock is an hour ahead: the session lives on.
    assert_eq!(double.remove_ended(Duration::from_secs(3600)), 0);
    assert!(store.exists(b"short").await.unwrap());
    clock.advance(half_an_hour);
    assert!(!store.exists(b"short").await.unwrap(), "our clock decides");
    assert_eq!(double.documents(SESSIONS).len(), 2);
    assert_eq!(double.remove_ended(Duration::from_secs(3600 + 1860)), 1);
    assert!(store.exists(b"endless").await.unwrap());
}

fn since_2020() -> Duration {
    let epoch = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    std::time::SystemTime::now().duration_since(epoch).unwrap()
}

#[tokio::test]
async fn another_index_of_that_name_is_a_fault_of_the_configuration() {
    let double = Double::start().await;
    let bare = kit::on(&double).bare().connect().await.unwrap();
    bare.prepare().await.unwrap();
    // As an administrator might have made it.
    let client = mongodb::Client::with_uri_str(double.address())
        .await
        .unwrap();
    let options = mongodb::options::IndexOptions::builder()
        .expire_after(Duration::from_secs(5))
        .build();
    let index = mongodb::IndexModel::builder()
        .keys(doc! { "expires": 1 })
        .options(options)
        .build();
    let sessions = client
        .database("flask_session")
        .collection::<Document>("sessions");
    sessions.create_index(index).await.unwrap();
    let store = kit::on(&double).connect().await.unwrap();
    assert_eq!(
        store.prepare().await.unwrap_err().kind(),
        ErrorKind::InvalidConfig
    );
}

#[tokio::test]
async fn impossible_settings_are_refused_and_secrets_are_not_shown() {
    let double = Double::start().await;
    let refused = async |settings: MongoBuilder| {
        let error = settings
            .patience(kit::patience())
            .connect()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    };
    let new = || MongoStore::builder().address(double.address());
    refused(new().address("")).await;
    refused(new().address("redis://127.0.0.1")).await;
    refused(new().address("mongodb://me:hunter2@")).await;
    refused(new().address(format!("{}/?nonsense", double.address()))).await;
    refused(new().address(format!("{}/?w=0", double.address()))).await;
    refused(new().database("a b")).await;
    refused(new().collection("")).await;
    refused(new().collection("system.users")).await;
    let settings = new().address(double.address().replace("//", "//me:hunter2@"));
    assert!(!format!("{settings:?}").contains("hunter2"));
    // The double refuses every password.
    refused(settings).await;
    let store = new()
        .address(double.address() + "/shop")
        .connect()
        .await
        .unwrap();
    let shown = format!("{store:?}");
    assert!(
        shown.contains("shop.sessions") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}

#[tokio::test]
async fn values_are_whole_or_refused() {
    let double = Double::start().await;
    let patience = kit::patience().timeout(Duration::from_secs(30));
    let store = kit::on(&double).patience(patience).connect().await.unwrap();
    let value: bytes::Bytes = vec![7; 15 << 20].into();
    store
        .put(&[b'k'; 65_536], value.clone(), kit::terms())
        .await
        .unwrap();
    assert_eq!(
        store.load(&[b'k'; 65_536]).await.unwrap().unwrap().value,
        value
    );
    let error = store
        .put(b"k", vec![7; (15 << 20) + 1].into(), kit::terms())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}
