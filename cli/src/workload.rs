//! A whole trace in memory, split over threads and ready to run.

use std::collections::HashMap;
use std::io::BufRead;
use std::time::Duration;

use crate::ids::SessionId;
use crate::trace::{Op, Reader, TraceError};

/// One record, prepared: 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Milliseconds since the first record.
    pub(crate) time_ms: u64,
    /// The stretch of the trace it lies in; see [`Stretches`].
    pub(crate) stretch: u32,
    /// Index into [`Workload::keys`].
    pub(crate) key: u32,
    pub(crate) ttl_seconds: u32,
    /// The value's size above, three bits of the op below: a step stays at 24 bytes.
    size_and_op: u32,
}

const OPS: [Op; 5] = [Op::Get, Op::Set, Op::Add, Op::Swap, Op::Touch];
const OP_BITS: u32 = 3;

impl Step {
    pub(crate) fn op(&self) -> Op {
        OPS[(self.size_and_op & ((1 << OP_BITS) - 1)) as usize]
    }

    pub(crate) fn value_size(&self) -> u32 {
        self.size_and_op >> OP_BITS
    }
}

/// How far threads may be apart: about as long as this, and about so many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slack {
    /// In trace time.
    pub time: Duration,
    /// In records, which is what counts for a trace without times.
    pub records: u32,
}

/// Cuts a trace into stretches of half the slack, so that two neighbouring ones,
/// over which threads may be spread, are about as long as the slack.
struct Stretches {
    time_ms: u64,
    records: u32,
    current: u32,
    began_ms: u64,
    held: u32,
}

impl Stretches {
    fn new(slack: Slack) -> Self {
        Self {
            time_ms: u64::try_from(slack.time.as_millis() / 2).unwrap_or(u64::MAX),
            records: (slack.records / 2).max(1),
            current: 0,
            began_ms: 0,
            held: 0,
        }
    }

    /// Returns the stretch of the next record.
    fn of(&mut self, time_ms: u64) -> u32 {
        if self.held == self.records || time_ms - self.began_ms > self.time_ms {
            // At most one stretch per record, and the reader bounds the records.
            self.current += 1;
            self.began_ms = time_ms;
            self.held = 0;
        }
        self.held += 1;
        self.current
    }
}

/// What a record stands for where the trace does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Time to live in seconds, for records which carry 0.
    pub ttl_seconds: u32,
    /// Bytes of a value, for records which carry 0.
    pub value_size: u32,
}

/// The records of a trace, split by session over threads.
///
/// Memory: 24 bytes per record, up to twice that while the lists grow, and 22
/// bytes per session. Traces whose key numbers are not dense (by order of first
/// appearance) take some 20 bytes per session more while they are read.
#[derive(Debug)]
pub struct Workload {
    pub(crate) lanes: Vec<Vec<Step>>,
    pub(crate) keys: Vec<SessionId>,
    records: u64,
    span_ms: u64,
    value_size_max: u32,
    slack: Slack,
}

impl Workload {
    /// Reads all records of a trace, for `threads` threads.
    ///
    /// All records of one session go to one thread, in their order; `slack` says
    /// how far threads may be apart. `progress` is told the number of records now
    /// and then.
    ///
    /// # Errors
    /// The first fault in the trace.
    ///
    /// # Panics
    /// Panics if `threads` is 0.
    pub fn read<R: BufRead>(
        reader: Reader<R>,
        threads: usize,
        slack: Slack,
        defaults: Defaults,
        progress: &dyn Fn(u64),
    ) -> Result<Self, TraceError> {
        assert!(threads > 0, "a workload needs a thread");
        let mut lanes: Vec<Vec<Step>> = vec![Vec::new(); threads];
        let mut keys = Keys::default();
        let mut stretches = Stretches::new(slack);
        let mut records = 0_u64;
        let mut first_ms = None;
        let mut span_ms = 0;
        let mut value_size_max = 0;
        for record in reader {
            let record = record?;
            span_ms = record.time_ms - *first_ms.get_or_insert(record.time_ms);
            let key = keys.index(record.key_id);
            let or = |value: u32, default: u32| if value == 0 { default } else { value };
            let value_size = or(record.value_size, defaults.value_size);
            value_size_max = value_size_max.max(value_size);
            lanes[key as usize % threads].push(Step {
                time_ms: span_ms,
                stretch: stretches.of(span_ms),
                key,
                ttl_seconds: or(record.ttl_seconds, defaults.ttl_seconds),
                // The reader bounds sizes to 25 bits.
                size_and_op: value_size << OP_BITS | record.op as u32,
            });
            records += 1;
            if records.is_multiple_of(1 << 16) {
                progress(records);
            }
        }
        progress(records);
        Ok(Self {
            lanes,
            keys: keys.ids,
            records,
            span_ms,
            value_size_max,
            slack,
        })
    }

    /// Returns the number of records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Returns the number of distinct keys.
    #[must_use]
    pub fn distinct_keys(&self) -> u64 {
        self.keys.len() as u64
    }

    /// Returns the milliseconds from the first record to the last.
    #[must_use]
    pub fn span_ms(&self) -> u64 {
        self.span_ms
    }

    /// Returns the bytes of the largest value.
    pub(crate) fn value_size_max(&self) -> usize {
        self.value_size_max as usize
    }

    /// Returns how far threads may be apart.
    #[must_use]
    pub fn slack(&self) -> Slack {
        self.slack
    }

    /// Returns the number of threads the workload is split over.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.lanes.len()
    }
}

/// Numbers the keys by first appearance.
#[derive(Default)]
struct Keys {
    ids: Vec<SessionId>,
    /// Filled from the first key number that is not dense on; most traces have none.
    sparse: Option<HashMap<u64, u32>>,
}

impl Keys {
    fn index(&mut self, key_id: u64) -> u32 {
        // The reader bounds the records, and with them the keys.
        let next = u32::try_from(self.ids.len()).expect("no more keys than RECORDS_MAX");
        let index = match &mut self.sparse {
            Some(map) => *map.entry(key_id).or_insert(next),
            None => match u32::try_from(key_id) {
                Ok(dense) if dense <= next => dense,
                _ => {
                    let mut map: HashMap<u64, u32> =
                        (0..next).map(|index| (u64::from(index), index)).collect();
                    map.insert(key_id, next);
                    self.sparse = Some(map);
                    next
                }
            },
        };
        if index == next {
            self.ids.push(SessionId::from_key_id(key_id));
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::HEADER;

    const DEFAULTS: Defaults = Defaults {
        ttl_seconds: 60,
        value_size: 200,
    };

    const SLACK: Slack = Slack {
        time: Duration::from_secs(10),
        records: 4,
    };

    fn workload(lines: &str, threads: usize) -> Workload {
        let text = format!("{HEADER}\n{lines}");
        let reader = Reader::new(text.as_bytes()).unwrap();
        Workload::read(reader, threads, SLACK, DEFAULTS, &|_| ()).unwrap()
    }

    #[test]
    fn a_step_stays_small() {
        assert_eq!(size_of::<Step>(), 24);
    }

    #[test]
    fn keys_are_numbered_by_first_appearance_dense_or_not() {
        let w = workload(
            "5,t,0,0,0\n5,t,1,0,0\n6,t,900,0,0\n7,t,1,0,0\n8,t,2,0,0\n9,t,900,0,0",
            1,
        );
        let keys: Vec<u32> = w.lanes[0].iter().map(|step| step.key).collect();
        assert_eq!(keys, [0, 1, 2, 1, 3, 2]);
        assert_eq!(w.keys[2], SessionId::from_key_id(900));
        assert_eq!((w.records(), w.distinct_keys(), w.span_ms()), (6, 4, 4000));
    }

    #[test]
    fn sessions_keep_to_one_thread_and_defaults_fill_zeros() {
        let w = workload("0,s,0,0,0\n0,s,1,7,9\n1,s,0,1,0\n2,s,1,0,1", 2);
        assert_eq!(w.threads(), 2);
        let seen = |lane: usize| -> Vec<(u64, u32, u32, u32)> {
            w.lanes[lane]
                .iter()
                .map(|s| (s.time_ms, s.key, s.value_size(), s.ttl_seconds))
                .collect()
        };
        assert_eq!(seen(0), [(0, 0, 200, 60), (1000, 0, 1, 60)]);
        assert_eq!(seen(1), [(0, 1, 7, 9), (2000, 1, 200, 1)]);
    }

    #[test]
    fn a_step_gives_back_op_and_size() {
        for (index, op) in OPS.into_iter().enumerate() {
            assert_eq!(op as usize, index);
        }
        let w = workload("0,c,0,16777216,0\n0,t,0,1,0", 1);
        let seen: Vec<(Op, u32)> = w.lanes[0]
            .iter()
            .map(|s| (s.op(), s.value_size()))
            .collect();
        assert_eq!(seen, [(Op::Swap, 16_777_216), (Op::Touch, 1)]);
    }

    #[test]
    fn stretches_end_by_time_and_by_number() {
        let mut stretches = Stretches::new(SLACK);
        let seen = [0, 0, 0, 5000, 6000, 11_000, 11_001, 90_000].map(|at| stretches.of(at));
        assert_eq!(seen, [0, 0, 1, 1, 2, 2, 3, 4]);
    }
}
