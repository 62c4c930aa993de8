//! Thousands of random interleavings, each judged: on one node no operation sees a record older than
//! what an operation before it saw or wrote.
//!
//! The back keeps the states of the key in the order in which it takes the writes, so a history needs
//! no search: what an operation tells must have been the state at some moment not before the latest
//! state that an operation before it told of.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use sessile::store::{Lived, TieredStore};
use sessile::{
    CacheStore, Created, Loaded, ManualClock, Purged, Replaced, Result, SessionStore, Terms,
    Version,
};

use crate::kit::{MINUTE, Task, block_on, embedded};

const TERMS: Terms = Terms::ttl(MINUTE);
const KEY: &[u8] = b"k";
const OPERATIONS: usize = 24;
const AT_ONCE: usize = 4;

/// A small generator, so that a run repeats by its seed.
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        )))
    }

    fn below(&self, limit: usize) -> usize {
        let mut state = self.0.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state >> 33).unwrap() % limit
    }
}

/// A back that takes its time before and after it acts, and remembers the states of the key.
struct Recorder {
    inner: CacheStore,
    dice: Dice,
    states: Arc<Mutex<Vec<Option<Version>>>>,
}

impl Recorder {
    async fn wait(&self) {
        for _ in 0..self.dice.below(4) {
            let mut waited = false;
            std::future::poll_fn(|context| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    async fn call<T>(&self, act: impl Future<Output = T>) -> T {
        self.wait().await;
        let answer = act.await;
        {
            let mut states = self.states.lock().unwrap();
            let state = self.inner.cache().get_versioned(KEY);
            let state = state.map(|(_, version)| version);
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
        self.wait().await;
        answer
    }
}

impl SessionStore for Recorder {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        self.call(self.inner.load(key)).await
    }

    async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        self.call(self.inner.load_left(key)).await
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.call(self.inner.create(key, value, terms)).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.call(self.inner.replace(key, value, terms, expected))
            .await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.call(self.inner.put(key, value, terms)).await
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.call(self.inner.touch(key, time_to_live)).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        self.call(self.inner.remove(key)).await
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.call(self.inner.exists(key)).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.inner.purge_expired(budget).await
    }
}

/// What an operation told of the key.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    Is(Version),
    Absent,
    Present,
}

impl Told {
    fn fits(self, state: Option<Version>) -> bool {
        match self {
            Self::Is(version) => state == Some(version),
            Self::Absent => state.is_none(),
            Self::Present => state.is_some(),
        }
    }

    fn presence(there: bool) -> Self {
        if there { Self::Present } else { Self::Absent }
    }
}

async fn operation(store: &impl SessionStore, verb: usize, seen: Option<Version>) -> Told {
    match verb {
        0 => Told::Is(store.put(KEY, "put".into(), TERMS).await.unwrap()),
        1 => match store.create(KEY, "created".into(), TERMS).await.unwrap() {
            Created::Done(version) => Told::Is(version),
            Created::Taken => Told::Present,
        },
        2 | 3 => {
            let replace = store.replace(KEY, "replaced".into(), TERMS, seen);
            match replace.await.unwrap() {
                Replaced::Done(version) | Replaced::Conflict(version) => Told::Is(version),
                Replaced::Gone => Told::Absent,
            }
        }
        4 | 5 => {
            store.remove(KEY).await.unwrap();
            Told::Absent
        }
        6 => Told::presence(store.touch(KEY, MINUTE).await.unwrap()),
        7 => Told::presence(store.exists(KEY).await.unwrap()),
        _ => match store.load(KEY).await.unwrap() {
            Some(loaded) => Told::Is(loaded.version),
            None => Told::Absent,
        },
    }
}

/// Runs one random history; returns what is wrong with it.
fn run<S: SessionStore>(seed: u64, make: impl Fn(&ManualClock, Recorder) -> S) -> Option<String> {
    let (clock, dice) = (ManualClock::new(), Dice::new(seed));
    let states = Arc::new(Mutex::new(vec![None]));
    let store = make(
        &clock,
        Recorder {
            inner: embedded(&clock),
            dice: dice.clone(),
            states: Arc::clone(&states),
        },
    );
    let mut running: Vec<(usize, usize, Task<'_, Told>)> = Vec::new();
    let (mut begun, mut latest, mut seen) = (0, 0, None);
    while begun < OPERATIONS || !running.is_empty() {
        let roll = dice.below(20);
        if begun < OPERATIONS && running.len() < AT_ONCE && roll < 6 {
            let verb = dice.below(16);
            let mut task = Task::new(operation(&store, verb, seen));
            begun += 1;
            if let Some(told) = task.poll() {
                if let Err(wrong) = judge(&states, latest, told).map(|at| latest = at) {
                    return Some(format!("seed {seed}, at once: {wrong}"));
                }
            } else {
                running.push((verb, latest, task));
            }
            continue;
        }
        if running.is_empty() {
            continue;
        }
        let at = dice.below(running.len());
        if roll == 19 {
            drop(running.swap_remove(at));
            continue;
        }
        if !running.iter().any(|(_, _, task)| task.is_woken()) {
            return Some(format!("seed {seed}: all wait and nobody was woken"));
        }
        let (verb, floor, task) = &mut running[at];
        if !task.is_woken() {
            continue;
        }
        if let Some(told) = task.poll() {
            match judge(&states, *floor, told) {
                Ok(at) => latest = latest.max(at),
                Err(wrong) => return Some(format!("seed {seed}, verb {verb}: {wrong}")),
            }
            if let Told::Is(version) = told {
                seen = Some(version);
            }
            running.swap_remove(at);
        }
    }
    let last = states.lock().unwrap().last().copied().flatten();
    let told = block_on(store.load(KEY)).unwrap();
    let told = told.map(|loaded| loaded.version);
    (told != last).then(|| format!("seed {seed}: at the end {told:?} instead of {last:?}"))
}

/// The first state that fits, not before `floor`.
fn judge(
    states: &Mutex<Vec<Option<Version>>>,
    floor: usize,
    told: Told,
) -> std::result::Result<usize, String> {
    let states = states.lock().unwrap();
    let fits = |at: &usize| told.fits(states[*at]);
    let wrong = || format!("{told:?} at or after state {floor} of {states:?}");
    (floor..states.len()).find(fits).ok_or_else(wrong)
}

fn histories() -> u64 {
    let stated = std::env::var("SESSILE_HISTORIES").ok();
    stated.map_or(3_000, |text| text.parse().unwrap())
}

#[test]
fn no_operation_sees_less_than_one_before_it() {
    for fresh_for in [MINUTE, Duration::ZERO] {
        for seed in 0..histories() {
            let wrong = run(seed, |clock, back| {
                let builder = TieredStore::builder(embedded(clock), back);
                builder.fresh_for(fresh_for).build().unwrap()
            });
            assert_eq!(wrong, None);
        }
    }
    println!("{} histories, none wrong", 2 * histories());
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bug {
    /// A load leaves its copy whatever happened since it asked.
    FillsLate,
    /// A write leaves its copy whatever other writes did.
    MirrorsCrossed,
    /// A removal takes the copy out when the back has answered.
    RemovesAfter,
}

/// A tiered store as one writes it first.
struct Naive(CacheStore, Recorder, Bug);

impl Naive {
    /// Versions lie before the values.
    fn keep(&self, key: &[u8], version: Version) {
        let bytes = version.to_u64().to_le_bytes().to_vec();
        self.0.cache().insert(key, bytes, MINUTE).unwrap();
    }

    fn forget(&self, key: &[u8]) {
        self.0.cache().remove(key);
    }
}

impl SessionStore for Naive {
    async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        if let Some(value) = self.0.cache().get(key) {
            let version = u64::from_le_bytes(value[..8].try_into().unwrap());
            let version = Version::from_u64(version);
            return Ok(Some(Loaded { value, version }));
        }
        let found = self.1.load(key).await?;
        if let (Some(found), Bug::FillsLate) = (&found, self.2) {
            self.keep(key, found.version);
        }
        Ok(found)
    }

    async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        self.1.create(key, value, terms).await
    }

    async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        self.forget(key);
        self.1.replace(key, value, terms, expected).await
    }

    async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        self.forget(key);
        let version = self.1.put(key, value, terms).await?;
        if self.2 != Bug::FillsLate {
            self.keep(key, version);
        }
        Ok(version)
    }

    async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        self.1.touch(key, time_to_live).await
    }

    async fn remove(&self, key: &[u8]) -> Result<bool> {
        if self.2 != Bug::RemovesAfter {
            self.forget(key);
        }
        let removed = self.1.remove(key).await?;
        self.forget(key);
        Ok(removed)
    }

    async fn exists(&self, key: &[u8]) -> Result<bool> {
        self.1.exists(key).await
    }

    async fn purge_expired(&self, budget: usize) -> Result<Purged> {
        self.1.purge_expired(budget).await
    }
}

#[test]
fn planted_bugs_are_found() {
    for bug in [Bug::FillsLate, Bug::MirrorsCrossed, Bug::RemovesAfter] {
        let make = |clock: &ManualClock, back| Naive(embedded(clock), back, bug);
        let found = (0..20_000).find_map(|seed| run(seed, make));
        println!("{bug:?}: {}", found.expect("it is found"));
    }
}
