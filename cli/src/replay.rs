//! Replays a workload through the store of the embedded cache.
//!
//! Each record becomes one or two calls of [`SessionStore`]:
//!
//! | op | calls |
//! |---|---|
//! | `g` | `load`; on a miss `put` |
//! | `s` | `put` |
//! | `a` | `create` |
//! | `c` | `load`; on a hit `replace` with the version it gave |
//! | `t` | `touch`; if there is nothing to touch `create` |
//!
//! Time is that of the trace: a manual clock follows the records, so a day takes
//! milliseconds. Whenever it moves, the thread that moved it purges what has
//! expired, outside the measured calls, as a server does in the background.
//! Reading this clock costs a few nanoseconds more than reading the coarse clock
//! of production, and the measured calls include that.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sessile::store::{CacheStore, Created, SessionStore};
use sessile::{Cache, Error, ErrorKind, ManualClock, Replaced, Result, Stats, Terms};

use crate::measure::{Latencies, Verb, empty_timing};
use crate::pace::Pace;
use crate::trace::Op;
use crate::workload::{Step, Workload};

/// Entries visited by one purge call; it is repeated until none is pending.
const PURGE_BUDGET: usize = 1024;
/// Records between two calls of the progress function.
const PROGRESS_EVERY: u64 = 4096;
/// The limits of the cache, and who counts memory.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most entries held; `None`: no limit.
    pub max_entries: Option<usize>,
    /// The most bytes charged; `None`: no limit.
    pub max_bytes: Option<u64>,
    /// Reads the bytes allocated by the process, where somebody counts them.
    pub heap: Option<fn() -> usize>,
}

/// What a replay found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Records that asked for a session: `g`, `c` and `t`.
    pub reads: u64,
    /// Those which found it.
    pub hits: u64,
    /// Writes that a limit refused.
    pub refused: u64,
    /// What the first refusal of a thread said.
    pub refusal: Option<String>,
    /// The fullest moment after a creation.
    pub peak: Peak,
    /// Sessions alive after the last record.
    pub live_end: u64,
    /// Bytes charged after the last record.
    pub bytes_end: u64,
    /// The counters of the cache.
    pub stats: Stats,
    /// Wall time of all records, with measuring and purging.
    pub elapsed: Duration,
    /// Nanoseconds of the calls, by [`Verb`].
    pub latencies: Latencies,
    /// Median nanoseconds measured around nothing.
    pub clock_overhead_ns: u64,
}

/// The fullest moment of a cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    /// Entries held.
    pub live: u64,
    /// Bytes charged for them.
    pub bytes: u64,
    /// Bytes allocated since the cache was empty, where counted.
    pub heap: Option<u64>,
}

/// Replays `workload` on a new cache, with one thread per part of it.
///
/// `progress` is told how many records were done since it was last called, from
/// any thread.
///
/// # Errors
/// Limits the cache does not accept, an error of the store other than a refused
/// write, or a system that grants no more threads.
pub fn run(
    workload: &Workload,
    settings: &Settings,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome> {
    let clock = ManualClock::new();
    let cache = Arc::new(build(settings, clock.clone())?);
    let pace = Pace::new(clock, workload.threads());
    let pattern: Vec<u8> = (b'a'..=b'z')
        .cycle()
        .take(workload.value_size_max())
        .collect();
    let clock_overhead_ns = empty_timing();
    let mut tallies: Vec<Tally> = workload.lanes.iter().map(|_| Tally::new()).collect();
    let heap = settings.heap.map(|read| (read, read()));

    let lanes = tallies
        .iter_mut()
        .map(|tally| Replay {
            cache: &cache,
            store: CacheStore::new(Arc::clone(&cache)),
            workload,
            pattern: &pattern,
            heap,
            tally,
        })
        .collect();
    let elapsed = run_lanes(lanes, &pace, progress)?;
    Ok(Outcome::of(&cache, tallies, elapsed, clock_overhead_ns))
}

/// Runs each lane on a thread of its own and returns the wall time of all.
fn run_lanes(
    lanes: Vec<Replay<'_>>,
    pace: &Pace,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Duration> {
    // Threads start once all of them are there.
    let gate = RwLock::new(());
    std::thread::scope(|scope| {
        let closed = gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut threads = Vec::with_capacity(lanes.len());
        for (lane, mut replay) in lanes.into_iter().enumerate() {
            let gate = &gate;
            let run = move || {
                drop(gate.read().unwrap_or_else(PoisonError::into_inner));
                let done = replay.run_lane(lane, pace, progress);
                if done.is_err() {
                    pace.stop();
                }
                done
            };
            match std::thread::Builder::new().spawn_scoped(scope, run) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    // Dropping the gate's guard lets those which exist see the stop.
                    pace.stop();
                    let message = format!(
                        "start replay thread {}: {error}; give fewer --threads",
                        lane + 1
                    );
                    return Err(Error::new(ErrorKind::Io, message).with_source(error));
                }
            }
        }
        let started = Instant::now();
        drop(closed);
        for thread in threads {
            match thread.join() {
                Ok(done) => done?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(started.elapsed())
    })
}

impl Outcome {
    fn of(cache: &Cache, tallies: Vec<Tally>, elapsed: Duration, clock_overhead_ns: u64) -> Self {
        let mut sum = Tally::new();
        for tally in tallies {
            sum.add(tally);
        }
        Self {
            reads: sum.reads,
            hits: sum.hits,
            refused: sum.refused,
            refusal: sum.refusal,
            peak: sum.peak,
            live_end: cache.len() as u64,
            bytes_end: cache.bytes(),
            stats: cache.stats(),
            elapsed,
            latencies: sum.latencies,
            clock_overhead_ns,
        }
    }
}

fn build(settings: &Settings, clock: ManualClock) -> Result<Cache> {
    let builder = Cache::builder().clock(clock);
    let builder = match settings.max_entries {
        Some(limit) => builder.max_entries(limit),
        None => builder.unlimited_entries(),
    };
    match settings.max_bytes {
        Some(limit) => builder.max_bytes(limit),
        None => builder.unlimited_bytes(),
    }
    .build()
}

/// One thread's replay.
struct Replay<'a> {
    cache: &'a Cache,
    store: CacheStore,
    workload: &'a Workload,
    /// Values are copies of its beginning, allocated outside the measured calls.
    pattern: &'a [u8],
    heap: Option<(fn() -> usize, usize)>,
    tally: &'a mut Tally,
}

/// One thread's figures.
struct Tally {
    reads: u64,
    hits: u64,
    refused: u64,
    refusal: Option<String>,
    peak: Peak,
    latencies: Latencies,
}

impl Replay<'_> {
    fn run_lane(
        &mut self,
        lane: usize,
        pace: &Pace,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let mut runner = pace.runner(lane);
        let mut unreported = 0;
        for step in &self.workload.lanes[lane] {
            if !runner.wait_for(step.stretch) {
                break;
            }
            if pace.advance(step.time_ms) {
                self.purge()?;
            }
            self.step(step)?;
            unreported += 1;
            if unreported == PROGRESS_EVERY {
                progress(unreported);
                unreported = 0;
            }
        }
        progress(unreported);
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        let workload = self.workload;
        let key = workload.keys[step.key as usize].as_bytes();
        let time_to_live = Duration::from_secs(u64::from(step.ttl_seconds));
        match step.op() {
            Op::Get => {
                let found = self
                    .tally
                    .latencies
                    .time(Verb::Load, self.store.load(key))?
                    .is_some();
                self.tally.read(found);
                if !found {
                    self.put(key, step)?;
                }
            }
            Op::Set => self.put(key, step)?,
            Op::Add => {
                self.create(key, step)?;
            }
            Op::Swap => {
                let loaded = self
                    .tally
                    .latencies
                    .time(Verb::Load, self.store.load(key))?;
                self.tally.read(loaded.is_some());
                if let Some(loaded) = loaded {
                    let value = self.value(step);
                    let call = self
                        .store
                        .replace(key, value, terms(step), Some(loaded.version));
                    let replaced = self.tally.latencies.time(Verb::Replace, call);
                    // Gone: another thread's write evicted it in between.
                    let _: Option<Replaced> = self.tally.unless_refused(replaced)?;
                }
            }
            Op::Touch => {
                let call = self.store.touch(key, time_to_live);
                let found = self.tally.latencies.time(Verb::Touch, call)?;
                self.tally.read(found);
                if !found {
                    self.create(key, step)?;
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, key: &[u8], step: &Step) -> Result<()> {
        let value = self.value(step);
        let put = self
            .tally
            .latencies
            .time(Verb::Put, self.store.put(key, value, terms(step)));
        if self.tally.unless_refused(put)?.is_some() {
            self.sample_peak();
        }
        Ok(())
    }

    fn create(&mut self, key: &[u8], step: &Step) -> Result<()> {
        let value = self.value(step);
        let created = self
            .tally
            .latencies
            .time(Verb::Create, self.store.create(key, value, terms(step)));
        if let Some(Created::Done(_)) = self.tally.unless_refused(created)? {
            self.sample_peak();
        }
        Ok(())
    }

    fn purge(&mut self) -> Result<()> {
        loop {
            let purged = self
                .tally
                .latencies
                .time(Verb::Purge, self.store.purge_expired(PURGE_BUDGET))?;
            if !purged.more {
                return Ok(());
            }
        }
    }

    /// Keeps the fullest moment; what has expired was purged when the clock moved.
    fn sample_peak(&mut self) {
        let live = self.cache.len() as u64;
        if live > self.tally.peak.live {
            self.tally.peak = Peak {
                live,
                bytes: self.cache.bytes(),
                heap: self
                    .heap
                    .map(|(read, empty)| read().saturating_sub(empty) as u64),
            };
        }
    }

    fn value(&self, step: &Step) -> Bytes {
        Bytes::copy_from_slice(&self.pattern[..step.value_size() as usize])
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            reads: 0,
            hits: 0,
            refused: 0,
            refusal: None,
            peak: Peak::default(),
            latencies: Latencies::new(),
        }
    }

    fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.hits += other.hits;
        self.refused += other.refused;
        self.refusal = self.refusal.take().or(other.refusal);
        if other.peak.live > self.peak.live {
            self.peak = other.peak;
        }
        self.latencies.add(&other.latencies);
    }

    fn read(&mut self, found: bool) {
        self.reads += 1;
        self.hits += u64::from(found);
    }

    /// Counts a write refused for its size or for want of room; passes on other errors.
    fn unless_refused<T>(&mut self, written: Result<T>) -> Result<Option<T>> {
        match written {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(error.kind(), ErrorKind::Full | ErrorKind::InvalidInput) => {
                self.refused += 1;
                self.refusal.get_or_insert_with(|| error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn terms(step: &Step) -> Terms {
    Terms::ttl(Duration::from_secs(u64::from(step.ttl_seconds)))
}
