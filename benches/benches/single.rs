//! Single operations of the cache on one thread, at two sizes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sessile::{Cache, Key};
use sessile_benches::id::{Id, Random};
use sessile_benches::workloads::{VALUE, ends, value};

const TTL: Duration = Duration::from_secs(3_600);
const SIZES: [(&str, usize); 2] = [("10k", 10_000), ("1M", 1_000_000)];

/// A filled cache, and ids of its sessions in random order without end.
struct Subject {
    cache: Cache,
    script: Vec<Id>,
    turn: usize,
}

impl Subject {
    fn new(sessions: usize) -> Subject {
        let cache = Cache::builder()
            .unlimited_entries()
            .build()
            .expect("an unlimited cache is a valid one");
        for number in 0..sessions as u64 {
            put(&cache, &Id::nth(number));
        }
        let mut random = Random::new(0xc1);
        let script = (0..1 << 20)
            .map(|_| Id::nth(random.below(sessions as u64)))
            .collect();
        Subject {
            cache,
            script,
            turn: 0,
        }
    }

    #[inline]
    fn next(&mut self) -> (&Cache, &Id) {
        self.turn = (self.turn + 1) & (self.script.len() - 1);
        (&self.cache, &self.script[self.turn])
    }
}

fn put(cache: &Cache, id: &Id) {
    cache
        .insert(&id.0, value(VALUE), TTL)
        .expect("a 22-byte id and a small value are valid input");
}

fn reads(criterion: &mut Criterion) {
    for (name, sessions) in SIZES {
        let mut subject = Subject::new(sessions);
        let mut group = criterion.benchmark_group(name);
        macro_rules! op {
            ($op:literal, |$cache:ident, $id:ident| $body:expr) => {
                group.bench_function($op, |bencher| {
                    bencher.iter(|| {
                        let ($cache, $id) = subject.next();
                        $body
                    });
                });
            };
        }
        op!("get", |cache, id| cache.get(&id.0).map(|held| ends(&held)));
        op!("get_with", |cache, id| cache.get_with(&id.0, ends));
        op!("get_versioned", |cache, id| cache
            .get_versioned(&id.0)
            .map(|(held, _)| ends(&held)));
        op!("contains", |cache, id| cache.contains(&id.0));
        op!("time_to_live", |cache, id| cache.time_to_live(&id.0));
        op!("touch", |cache, id| cache.touch(&id.0, TTL));
        op!("get_and_touch", |cache, id| cache
            .get_and_touch(&id.0, TTL)
            .map(|held| ends(&held)));
        group.bench_function("get_many of 8", |bencher| {
            let mut turn = 0;
            bencher.iter(|| {
                turn = (turn + 8) & (subject.script.len() - 1);
                let ids = &subject.script[turn..][..8];
                let keys: [Key<'_>; 8] = std::array::from_fn(|place| Key::from(&ids[place].0));
                black_box(subject.cache.get_many(&keys))
            });
        });
        group.finish();
    }
}

fn writes(criterion: &mut Criterion) {
    for (name, sessions) in SIZES {
        let mut subject = Subject::new(sessions);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("overwrite", |bencher| {
            bencher.iter(|| {
                let (cache, id) = subject.next();
                put(cache, id);
            });
        });
        group.bench_function("insert_if_absent, taken", |bencher| {
            bencher.iter(|| {
                let (cache, id) = subject.next();
                black_box(cache.insert_if_absent(&id.0, value(VALUE), TTL).is_ok())
            });
        });
        group.bench_function("get_versioned and replace", |bencher| {
            bencher.iter(|| {
                let (cache, id) = subject.next();
                let version = cache.get_versioned(&id.0).map(|(_, version)| version);
                black_box(cache.replace(&id.0, value(VALUE), TTL, version).is_ok())
            });
        });
        group.bench_function("remove and insert", |bencher| {
            bencher.iter(|| {
                let (cache, id) = subject.next();
                cache.remove(&id.0);
                put(cache, id);
            });
        });
        // What a sample adds is taken away again, untimed.
        group.bench_function("insert new", |bencher| {
            bencher.iter_custom(|count| {
                let first = sessions as u64;
                let ids: Vec<Id> = (first..first + count).map(Id::nth).collect();
                let start = Instant::now();
                for id in &ids {
                    put(&subject.cache, id);
                }
                let elapsed = start.elapsed();
                for id in &ids {
                    subject.cache.remove(&id.0);
                }
                elapsed
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = single;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30);
    targets = reads, writes
}
criterion_main!(single);
