//! PostgreSQL behind PgBouncer in transaction mode, which gives each transaction another connection.

use std::time::Duration;

use sessile::store::{Created, NewRecord, Replaced, SessionStore, SqlStore, Terms};

use crate::servers::Postgres;
use crate::servers::{Program, free_port, need, wait_for_port};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn unprepared_statements_work_behind_a_pooler() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let Some([pooler]) = need("a store behind a pooler", ["pgbouncer"]) else {
        return;
    };
    let port = free_port();
    let mut program = Program::new(pooler).as_user("postgres");
    let settings = program.folder().join("settings.ini");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nauth_type = any\npool_mode = transaction\nunix_socket_dir =\n\
         default_pool_size = 3\nuser = postgres\n[users]\n",
        server.port()
    );
    // With `any` the user of the server's side is named with the database.
    let text = text.replace("port=", "user=postgres port=");
    std::fs::write(&settings, text).unwrap();
    program.start([settings.display().to_string()]);
    wait_for_port("PgBouncer", port);

    let store = SqlStore::builder()
        .create_table(true)
        .prepared_statements(false)
        .connect(&server.url_at(port))
        .await
        .unwrap_or_else(|error| panic!("{error:?} {}", program.output()));
    let callers: Vec<_> = (0..16_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..10_u32 {
                    let key = [number.to_be_bytes(), round.to_be_bytes()].concat();
                    let created = store.create(&key, "v".into(), HOUR.into()).await.unwrap();
                    let Created::Done(version) = created else {
                        panic!("somebody else's key");
                    };
                    let seen = Some(version);
                    let replaced = store.replace(&key, "w".into(), HOUR.into(), seen).await;
                    assert!(matches!(replaced.unwrap(), Replaced::Done(_)));
                    assert_eq!(store.load(&key).await.unwrap().unwrap().value, "w");
                    assert!(store.remove(&key).await.unwrap());
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let record = |number: u32| NewRecord {
        key: number.to_be_bytes().to_vec().into(),
        value: "v".into(),
        terms: Terms::ttl(HOUR),
    };
    let records = (0..300).map(record).collect();
    assert_eq!(store.create_many(records).await.unwrap(), 300);
    store.close().await.unwrap();
}
