//! The store contract on each engine and each form of table.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sessile::store::contract::{self, Level, Subject};
use sessile::store::{Python, SessionStore, SqlStore, Survey};

use crate::servers::MariaDb;
use crate::servers::Postgres;
use crate::servers::row;
use crate::verbs;

/// Tables of one database, a new one for each check.
struct Tables {
    url: String,
    python: Option<Python>,
    tick: Duration,
    made: AtomicU32,
}

impl Tables {
    fn new(url: String, python: Option<Python>) -> Self {
        Self {
            url,
            python,
            // Other tests keep the machine busy meanwhile, and a late wake-up must stay within a tick.
            tick: Duration::from_millis(250),
            made: AtomicU32::new(0),
        }
    }

    async fn keep_the_contract(&self, place: u8, store: &str, tested: &str, weakened: &str) {
        let report = contract::run(self).await;
        println!("{report}");
        row(place, store, tested, weakened, &report);
    }
}

impl Subject for Tables {
    type Store = SqlStore;

    async fn fresh(&self) -> SqlStore {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut builder = SqlStore::builder()
            .table(format!("sessions_{number}"))
            .create_table(true);
        if let Some(python) = self.python {
            builder = builder.bare(python);
        }
        builder.connect(&self.url).await.unwrap()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn level(&self) -> Level {
        let level = Level::new()
            .tick(self.tick)
            .real_clock()
            .without_idle()
            .without_max_age();
        match self.python {
            None => level,
            Some(Python::Django) => level.versions_by_content().values_are_text(),
            Some(_) => level.versions_by_content(),
        }
    }
}

const LATE: &str = "a frozen server may carry out an unconditional write late";

/// All forms at once: the checks mostly wait.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| format!("sqlite:{}", folder.path().join(name).display());
    let native = Tables::new(file("native.db"), None);
    let memory = Tables::new("sqlite::memory:".to_owned(), None);
    let flask = Tables::new(file("flask.db"), Some(Python::FlaskSession));
    let django = Tables::new(file("django.db"), Some(Python::Django));
    let names = [
        "",
        " in memory",
        " in Flask-Session's table",
        " in Django's table",
    ]
    .map(|form| format!("`SqlStore` on SQLite{form}"));
    let tested = "SQLite 3.46, compiled in";
    tokio::join!(
        native.keep_the_contract(30, &names[0], tested, ""),
        memory.keep_the_contract(31, &names[1], tested, ""),
        flask.keep_the_contract(32, &names[2], tested, ""),
        django.keep_the_contract(33, &names[3], tested, ""),
    );
}

async fn server_keeps_the_contract(url: &str, place: u8, server: &str, tested: &str) {
    let of = |python, offset: u32| Tables {
        made: AtomicU32::new(offset),
        ..Tables::new(url.to_owned(), python)
    };
    let (native, flask, django) = (
        of(None, 0),
        of(Some(Python::FlaskSession), 1000),
        of(Some(Python::Django), 2000),
    );
    let names = ["", " in Flask-Session's table", " in Django's table"]
        .map(|table| format!("`SqlStore` on {server}{table}"));
    tokio::join!(
        native.keep_the_contract(place, &names[0], tested, LATE),
        flask.keep_the_contract(place + 1, &names[1], tested, LATE),
        django.keep_the_contract(place + 2, &names[2], tested, LATE),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    let Some(server) = Postgres::start() else {
        return;
    };
    server_keeps_the_contract(&server.url(), 34, "PostgreSQL", "PostgreSQL 15").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_keeps_the_contract() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    server_keeps_the_contract(&server.url(), 37, "MariaDB", "MariaDB 10.11").await;
}

async fn tells_no_secret(url: &str) {
    let builder = SqlStore::builder().create_table(true);
    let store = builder.connect(url).await.unwrap();
    let also = async {
        let _ = store.page(None, 10).await.unwrap();
        store.close().await.unwrap();
    };
    verbs::check("sql", &store, &["create_many", "page", "close"], also).await;
}

#[tokio::test]
async fn each_verb_runs_in_a_span_that_tells_no_secret() {
    tells_no_secret("sqlite::memory:").await;
    if let Some(server) = Postgres::start() {
        tells_no_secret(
            &server
                .url()
                .replace("postgres@", "postgres:canary-password@"),
        )
        .await;
    }
    if let Some(server) = MariaDb::start(&[]) {
        tells_no_secret(&server.url()).await;
    }
}
