//! Random scripts for three threads, run on the real cache and written down.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessile::{Cache, Clock, Key, ManualClock, Namespace, Replaced, Terms, TimeToLive, Version};
use shuttle::rand::{Rng, thread_rng};

use super::model::{Act, Answer, Life, What};

/// Keys of a script.
pub(crate) const KEYS: u8 = 2;
const THREADS: usize = 3;
const ACTS: usize = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) shards: usize,
    pub(crate) limit: Option<usize>,
}

/// A bug put in on purpose, outside the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    Sound,
    SwapsInTwoSteps,
    TakesInTwoSteps,
    TouchesInTwoSteps,
    /// Entries end later than was asked for.
    EndsLate,
    /// Entries end earlier than was asked for.
    EndsEarly,
    /// What is about to end is chosen, time passes, and then the chosen are removed.
    SweepsInTwoSteps,
    /// Whoever is evicted by a write comes back after it.
    BringsBackTheEvicted,
    /// An overwrite leaves the old value where it is, for fear of the limit.
    LosesOverwrites,
}

impl Plant {
    /// What a cache with this bug makes of a lifetime, in milliseconds.
    fn bend(self, ttl: u64) -> u64 {
        match self {
            Self::EndsLate => ttl + 10,
            Self::EndsEarly => ttl.div_ceil(2),
            _ => ttl,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) call: i64,
    pub(crate) end: i64,
    pub(crate) act: Act,
}

struct Scene {
    cache: Cache,
    namespace: Namespace,
    clock: ManualClock,
    /// Whether some entries are protected: where nobody can be refused for it.
    protects: bool,
    plant: Plant,
    /// Counts calls and returns: the order in which they happened. The model checker does not
    /// interleave it, and need not: it lies outside what is tested.
    stamps: AtomicI64,
    history: Mutex<Vec<Recorded>>,
}

/// Runs one random script under the schedule that shuttle chose.
pub(crate) fn record(setting: Setting, plant: Plant) -> Vec<Recorded> {
    let clock = ManualClock::new();
    clock.set_ms(1000);
    let builder = Cache::builder().shards(setting.shards).clock(clock.clone());
    let builder = match setting.limit {
        Some(limit) => builder.max_entries(limit),
        None => builder.unlimited_entries(),
    };
    let cache = builder.build().expect("a valid configuration");
    let scene = Arc::new(Scene {
        namespace: cache.namespace("").expect("the default one"),
        cache,
        protects: setting.limit.is_none(),
        clock,
        plant,
        stamps: AtomicI64::new(0),
        history: Mutex::new(Vec::new()),
    });
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let scene = Arc::clone(&scene);
            shuttle::thread::spawn(move || {
                let mut seen = None;
                for number in 0..ACTS {
                    let value = u32::try_from(thread * ACTS + number).expect("few");
                    scene.act(value, &mut seen);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no assertion fails");
    }
    scene.cache.check_invariants();
    scene.history.lock().expect("no panics in here").clone()
}

fn number(value: &[u8]) -> u32 {
    u32::from_le_bytes(value.try_into().expect("four bytes"))
}

fn millis(left: TimeToLive) -> u64 {
    match left {
        TimeToLive::Left(left) => u64::try_from(left.as_millis()).expect("some milliseconds"),
        TimeToLive::Forever => unreachable!("every write has a time to live"),
    }
}

impl Scene {
    fn act(&self, value: u32, seen: &mut Option<u64>) {
        let mut random = thread_rng();
        let name = random.gen_range(0..KEYS);
        let verb = random.gen_range(0..20);
        if verb == 0 {
            self.pass(Duration::from_millis(random.gen_range(1..20)));
            return;
        }
        let from = self.clock.now_ms();
        let call = self.stamps.fetch_add(1, Ordering::SeqCst);
        let done = match verb {
            1 | 2 => self.on_all_keys(),
            3 => self.retain_others(name),
            _ => vec![(name, self.on_one_key(verb, name, value, seen))],
        };
        let end = self.stamps.fetch_add(1, Ordering::SeqCst);
        let to = self.clock.now_ms();
        let mut history = self.history.lock().expect("no panics in here");
        for (key, what) in done {
            let act = Act {
                key,
                from,
                to,
                what,
            };
            history.push(Recorded { call, end, act });
        }
    }

    /// What is done to all keys is linearizable key by key, not as one.
    fn on_all_keys(&self) -> Vec<(u8, What)> {
        // An entry that comes back while the walk goes on may be met again.
        let cleared = || {
            let passes = [What::Clear, What::MayClear, What::MayClear];
            let of_key = |key| passes.clone().map(move |what| (key, what));
            (0..KEYS).flat_map(of_key).collect()
        };
        match thread_rng().gen_range(0..3) {
            0 => {
                let names: Vec<[u8; 1]> = (0..KEYS).map(|name| [name]).collect();
                let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
                let found = self.cache.get_many(&keys).into_iter();
                let found = found.map(|value| What::Get(value.map(|value| number(&value))));
                (0..KEYS).zip(found).collect()
            }
            1 => {
                self.cache.clear();
                cleared()
            }
            _ => {
                self.cache.clear_namespace(self.namespace);
                cleared()
            }
        }
    }

    /// Removes one key by a walk, which meets it as often as it comes back meanwhile.
    fn retain_others(&self, name: u8) -> Vec<(u8, What)> {
        match self.cache.retain(|other, _| other.bytes() != [name]) {
            0 => vec![(name, What::Remove(false))],
            met => (0..met).map(|_| (name, What::Remove(true))).collect(),
        }
    }

    fn on_one_key(&self, verb: u32, name: u8, value: u32, seen: &mut Option<u64>) -> What {
        let mut random = thread_rng();
        let key: &[u8] = &[name];
        let ttl = random.gen_range(1..30_u64);
        // Most writes have a time to live alone.
        let mut rarely = |most| random.gen_bool(0.25).then(|| random.gen_range(1..most));
        let (idle, max_age) = (rarely(20_u64), rarely(30_u64));
        let life = Life { ttl, idle, max_age };
        let terms = self.terms(life, self.protects && random.gen_bool(0.25));
        let slide = self.bent(ttl);
        let bytes = value.to_le_bytes().to_vec();
        let cache = &self.cache;
        match verb {
            4..=6 => What::Insert {
                value,
                version: self.insert(name, bytes, terms),
                life,
            },
            7 => {
                let version = cache.insert_if_absent(key, bytes, terms).expect("room");
                let version = version.map(Version::to_u64);
                What::InsertIfAbsent {
                    value,
                    version,
                    life,
                }
            }
            8 | 9 => {
                let expected = *seen;
                let answer = self.replace(key, bytes, terms, expected);
                What::Replace {
                    expected,
                    value,
                    life,
                    answer,
                }
            }
            10 => What::Get(cache.get(key).map(|value| number(&value))),
            11 => What::Get(cache.get_with(key, number)),
            12 | 13 => {
                let found = cache.get_versioned(key);
                let found = found.map(|(value, version)| (number(&value), version.to_u64()));
                *seen = found.map(|(_, version)| version);
                What::GetVersioned(found)
            }
            14 => What::Contains(cache.contains(key)),
            15 => What::TimeToLive(cache.time_to_live(key).map(millis)),
            16 => What::Touch {
                ttl,
                found: cache.touch(key, slide),
            },
            17 => {
                let found = self.get_and_touch(key, slide).map(|value| number(&value));
                What::GetAndTouch { ttl, found }
            }
            18 => What::Remove(cache.remove(key)),
            _ => What::Take(self.take(key).map(|value| number(&value))),
        }
    }

    fn bent(&self, millis: u64) -> Duration {
        Duration::from_millis(self.plant.bend(millis))
    }

    fn terms(&self, life: Life, is_protected: bool) -> Terms {
        let mut terms = Terms::ttl(self.bent(life.ttl));
        if let Some(idle) = life.idle {
            terms = terms.idle(self.bent(idle));
        }
        if let Some(max_age) = life.max_age {
            terms = terms.max_age(self.bent(max_age));
        }
        if is_protected {
            terms = terms.protected();
        }
        terms
    }

    fn insert(&self, name: u8, value: Vec<u8>, terms: Terms) -> u64 {
        let put = |name: u8, value| {
            let version = self.cache.insert(&[name], value, terms).expect("room");
            version.to_u64()
        };
        match self.plant {
            Plant::BringsBackTheEvicted => {
                let other = (name + 1) % KEYS;
                let before = self.cache.get(&[other]);
                let version = put(name, value.into());
                if let Some(value) = before
                    && !self.cache.contains(&[other])
                {
                    put(other, value);
                }
                version
            }
            Plant::LosesOverwrites if self.cache.contains(&[name]) => self
                .cache
                .get_versioned(&[name])
                .map_or(0, |seen| seen.1.to_u64()),
            _ => put(name, value.into()),
        }
    }

    /// Lets time pass and sweeps.
    fn pass(&self, by: Duration) {
        if self.plant != Plant::SweepsInTwoSteps {
            self.clock.advance(by);
            self.cache.maintain(2);
            return;
        }
        let ends = |name: &u8| {
            let left = self.cache.time_to_live(&[*name]);
            matches!(left, Some(TimeToLive::Left(left)) if left <= by)
        };
        let chosen: Vec<u8> = (0..KEYS).filter(ends).collect();
        self.clock.advance(by);
        for name in chosen {
            self.cache.remove(&[name]);
        }
    }

    fn replace(&self, key: &[u8], value: Vec<u8>, terms: Terms, expected: Option<u64>) -> Answer {
        let expected = expected.map(Version::from_u64);
        if self.plant == Plant::SwapsInTwoSteps
            && let Some(expected) = expected
        {
            return match self.cache.get_versioned(key) {
                None => Answer::Gone,
                Some((_, current)) if current != expected => Answer::Conflict(current.to_u64()),
                Some(_) => {
                    let version = self.cache.insert(key, value, terms).expect("no limits");
                    Answer::Done(version.to_u64())
                }
            };
        }
        match self
            .cache
            .replace(key, value, terms, expected)
            .expect("room")
        {
            Replaced::Done(version) => Answer::Done(version.to_u64()),
            Replaced::Gone => Answer::Gone,
            Replaced::Conflict(version) => Answer::Conflict(version.to_u64()),
        }
    }

    fn take(&self, key: &[u8]) -> Option<bytes::Bytes> {
        if self.plant == Plant::TakesInTwoSteps {
            let value = self.cache.get(key);
            self.cache.remove(key);
            return value;
        }
        self.cache.take(key)
    }

    fn get_and_touch(&self, key: &[u8], life: Duration) -> Option<bytes::Bytes> {
        if self.plant == Plant::TouchesInTwoSteps {
            let value = self.cache.get(key)?;
            // The entry may be gone or another one by now.
            self.cache
                .insert(key, value.clone(), life)
                .expect("no limits");
            return Some(value);
        }
        self.cache.get_and_touch(key, life)
    }
}
