//! TLS to databases, with certificates of the tests' own: servers that take nothing else.

use std::time::Duration;

use sessile::store::{Created, Patience, Replaced, SessionStore, SqlStore, Terms};
use sessile::{Error, ErrorKind};

use crate::servers::{Certificates, MariaDb, Postgres};

const HOUR: Terms = Terms::ttl(Duration::from_secs(3600));

async fn works(url: &str) {
    let builder = SqlStore::builder().create_table(true);
    let store = builder.connect(url).await.unwrap();
    let Created::Done(first) = store.create(b"k", "v".into(), HOUR).await.unwrap() else {
        panic!("the table is new");
    };
    let replaced = store.replace(b"k", "w".into(), HOUR, Some(first)).await;
    assert!(matches!(replaced.unwrap(), Replaced::Done(_)));
    assert_eq!(store.load(b"k").await.unwrap().unwrap().value, "w");
    assert!(store.remove(b"k").await.unwrap());
    store.close().await.unwrap();
}

async fn refusal(url: &str) -> Error {
    let hasty = Patience::new().attempts(1);
    let error = SqlStore::builder().patience(hasty).connect(url).await;
    error.unwrap_err()
}

/// Nobody is connected whose certificate is not of the authority asked for, or names somebody else.
async fn proves_itself(url: impl Fn(&str, &str) -> String, made: &Certificates) {
    let (ca, other) = (made.path("ca.crt"), made.path("other.crt"));
    works(&url("127.0.0.1", &ca)).await;
    works(&url("localhost", &ca)).await;
    for (host, authority) in [
        ("127.0.0.1", &other),
        // Another name for the same machine, which is not in the certificate.
        ("127.0.0.2", &ca),
    ] {
        let error = refusal(&url(host, authority)).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("over TLS"), "{error:?}");
    }
    let error = refusal(&url("127.0.0.1", "/nowhere/ca.crt")).await;
    assert!(error.to_string().contains("a file"), "{error:?}");
}

#[tokio::test]
async fn postgres_proves_who_it_is_and_takes_nothing_in_clear() {
    let Some(made) = Certificates::make("TLS to PostgreSQL") else {
        return;
    };
    let Some(server) = Postgres::start_over_tls(&made) else {
        return;
    };
    let url = |host: &str, authority: &str| {
        let parameters = format!("sslmode=verify-full&sslrootcert={authority}");
        server.url_with(&parameters).replace("127.0.0.1", host)
    };
    proves_itself(url, &made).await;
    // Encrypted, to whoever answers; also without being told to.
    works(&server.url_with("sslmode=require")).await;
    works(&server.url_with("application_name=app")).await;
    let error = refusal(&server.url()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error:?}");

    let Some(plain) = Postgres::start() else {
        return;
    };
    let error = refusal(&plain.url_with("sslmode=require")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("offers TLS"), "{error:?}");
}

#[tokio::test]
async fn mariadb_proves_who_it_is_and_takes_nothing_in_clear() {
    let Some(made) = Certificates::make("TLS to MariaDB") else {
        return;
    };
    let Some(server) = MariaDb::start_over_tls(&made) else {
        return;
    };
    let url = |host: &str, authority: &str| {
        let parameters = format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={authority}");
        server.url_with(&parameters).replace("127.0.0.1", host)
    };
    proves_itself(url, &made).await;
    works(&server.url_with("ssl-mode=REQUIRED")).await;
    works(&server.url_with("charset=utf8mb4")).await;
    let error = refusal(&server.url()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error:?}");
}
