//! How fast it is; run by hand: `cargo test --release --features filesystem,contract --test store_file
//! pace -- --ignored --nocapture`, with `TMPDIR` on the disk in question.

use std::time::Instant;

use sessile::store::{FileStore, SessionStore, Terms};

use super::Folder;

/// Calls per second, one after the other, then from 16 tasks at once.
async fn pace<F, Fut>(what: &str, count: u32, call: F)
where
    F: Fn(u32) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let began = Instant::now();
    for n in 0..count {
        call(n).await;
    }
    let alone = f64::from(count) / began.elapsed().as_secs_f64();
    let began = Instant::now();
    let tasks: Vec<_> = (0..16_u32)
        .map(|task| {
            let call = call.clone();
            tokio::spawn(async move {
                for n in 0..count / 16 {
                    call(count + task * count + n).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let together = f64::from(count / 16 * 16) / began.elapsed().as_secs_f64();
    println!("{what:<34} {alone:>10.0}/s alone {together:>10.0}/s from 16 tasks");
}

fn key(n: u32) -> [u8; 32] {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&n.to_le_bytes());
    key
}

async fn measure(name: &str, store: FileStore, count: u32) {
    let terms = Terms::ttl(std::time::Duration::from_secs(3600));
    let value = || vec![b'x'; 500].into();
    let at = store.clone();
    pace(&format!("{name} create"), count, move |n| {
        let store = at.clone();
        async move { assert!(store.create(&key(n), value(), terms).await.is_ok()) }
    })
    .await;
    for (verb, count) in [("load", 20_000), ("replace", count), ("touch", count)] {
        let at = store.clone();
        pace(&format!("{name} {verb}"), count, move |n| {
            let (store, key) = (at.clone(), key(n % 100));
            async move {
                match verb {
                    "load" => assert!(store.load(&key).await.is_ok()),
                    "replace" => assert!(store.replace(&key, value(), terms, None).await.is_ok()),
                    _ => assert!(
                        store
                            .touch(&key, std::time::Duration::from_secs(60))
                            .await
                            .is_ok()
                    ),
                }
            }
        })
        .await;
    }
    let at = store.clone();
    pace(&format!("{name} remove"), count, move |n| {
        let store = at.clone();
        async move { assert!(store.remove(&key(n)).await.is_ok()) }
    })
    .await;
}

#[test]
#[ignore = "a measurement"]
fn pace_of_the_verbs() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    for (name, durable, threshold, count) in [
        ("not durable, unlimited", false, None, 5_000),
        ("not durable, threshold 500", false, Some(500), 5_000),
        ("durable, unlimited", true, None, 500),
    ] {
        let folder = Folder::new();
        let builder = FileStore::builder(folder.path()).durable(durable);
        let store = match threshold {
            None => builder.unlimited(),
            Some(records) => builder.threshold(records),
        };
        runtime.block_on(measure(name, store.open().unwrap(), count));
    }
}
