//! How fast it is on SQLite. Not run by default: `taskset -c 0 cargo test --release --features
//! sqlite,postgres,mysql,contract --test store_sql -- --ignored --nocapture pace`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sessile::store::{NewRecord, SessionStore, SqlStore, Terms};

const RECORDS: usize = 50_000;
const VALUE_BYTES: usize = 300;

fn key(number: usize) -> Bytes {
    // Digests, as sessions have: in no order.
    let number = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Bytes::from([number.to_be_bytes(); 4].concat())
}

/// Seconds of processor time of all threads so far.
fn busy() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: Vec<u32> = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse().unwrap())
        .collect();
    f64::from(ticks[0] + ticks[1]) / 100.0
}

/// What is measured: the time on the wall, and the processor's, which a busy machine does not stretch.
struct Measure(Instant, f64);

impl Measure {
    fn begin() -> Self {
        Self(Instant::now(), busy())
    }

    fn end(self, what: &str, count: usize) {
        let per_second = |seconds: f64| count as f64 / seconds;
        println!(
            "{what}: {:.0} per second, {:.0} per second of one core",
            per_second(self.0.elapsed().as_secs_f64()),
            per_second(busy() - self.1)
        );
    }
}

#[test]
#[ignore = "measures; see the module's text"]
fn pace_on_sqlite() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("pace.db").display());
        let store = SqlStore::builder()
            .create_table(true)
            .connect(&url)
            .await
            .unwrap();
        let terms = Terms::ttl(Duration::from_secs(3600));
        let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
        let record = |number| NewRecord {
            key: key(number),
            value: value.clone(),
            terms,
        };
        let records: Vec<_> = (0..RECORDS).map(record).collect();

        let began = Measure::begin();
        for some in records.chunks(2048) {
            assert_eq!(store.create_many(some.to_vec()).await.unwrap(), some.len());
        }
        began.end("create_many", RECORDS);

        for tasks in [1, 4, 16] {
            let began = Measure::begin();
            let each = RECORDS / tasks;
            let running: Vec<_> = (0..tasks)
                .map(|task| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        for number in 0..each {
                            let found =
                                store.load(&key((task * each + number) * 7 % RECORDS)).await;
                            assert!(found.unwrap().is_some());
                        }
                    })
                })
                .collect();
            for task in running {
                task.await.unwrap();
            }
            began.end(&format!("load, {tasks} at once"), RECORDS);
        }

        let began = Measure::begin();
        for number in 0..RECORDS / 5 {
            store.put(&key(number), value.clone(), terms).await.unwrap();
        }
        began.end("put", RECORDS / 5);
        let began = Measure::begin();
        for number in 0..RECORDS / 5 {
            assert!(
                store
                    .touch(&key(number), Duration::from_secs(60))
                    .await
                    .unwrap()
            );
        }
        began.end("touch", RECORDS / 5);
        store.close().await.unwrap();
    });
}
